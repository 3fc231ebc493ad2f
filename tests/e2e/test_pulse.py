"""The pulse's own module in a browser, called as Streamlit calls it."""

from app.components.pulse import MODULE

# Calls the module on an element each, and counts its beats.
SET_UP = """async (code) => {
  const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  const { default: call } = await import(url);
  window.beats = {};
  window.elements = {};
  window.call = (name, seconds, patience = 1000) => {
    const parentElement = (elements[name] ??= document.body.appendChild(
      document.createElement("div")));
    const setTriggerValue = () => { beats[name] = (beats[name] ?? 0) + 1; };
    return call({ data: { beat: 1, seconds, patience }, parentElement, setTriggerValue });
  };
}"""


def test_it_beats_whatever_is_overtaken_and_until_its_element_is_gone(page):
    page.evaluate(SET_UP, MODULE)
    page.evaluate(
        """() => {
          const overtaken = call("kept", 1000);
          call("kept", 0.01);
          overtaken?.();
          call("unanswered", 0.01, 0.01);
          call("gone", 0.01);
          elements.gone.remove();
          call("later", 0.1);
        }"""
    )
    page.wait_for_function("() => beats.later && beats.unanswered > 2")
    beats = page.evaluate("() => beats")
    assert beats["kept"] == 1 and beats["later"] == 1 and "gone" not in beats
