"""The pulse's own module in a browser, called as Streamlit calls it."""

from app.components.pulse import MODULE

# Calls the module on an element each, and counts its beats.
SET_UP = """async (code) => {
  const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  const { default: call } = await import(url);
  window.beats = {};
  window.call = (name, seconds) => {
    const parentElement = (window[name] ??= document.createElement("div"));
    const setTriggerValue = () => { beats[name] = (beats[name] ?? 0) + 1; };
    return call({ data: { beat: 1, seconds, patience: 1000 }, parentElement, setTriggerValue });
  };
}"""


def test_a_call_that_was_overtaken_takes_no_beat_away_from_the_newer(page):
    page.evaluate(SET_UP, MODULE)
    page.evaluate(
        """() => {
          const older = call("kept", 1000);
          call("kept", 0.01);
          older();
          call("gone", 0.01)();
          call("later", 0.1);
        }"""
    )
    page.wait_for_function("() => beats.later")
    assert page.evaluate("() => beats") == {"kept": 1, "later": 1}
