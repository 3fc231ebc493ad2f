"""A pulse from the browser: how a page looks again and again whether something has moved.

Streamlit's own timer fires whether or not the last refresh has arrived, and what is not sent yet
is then dropped. This one waits for the answer to its last beat before the next, and its callback
can leave what is on the page as it is, or have single fragments drawn again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st
from streamlit.errors import StreamlitAPIException
from streamlit.runtime.scriptrunner import get_script_run_ctx

# A beat whose answer got lost is followed by another after so many seconds.
PATIENCE = 10

# Nothing is cleaned up but by the timer itself, once its element is gone: Streamlit also cleans up
# after calls that a newer one overtook, and then whoever looks on would wait for ever.
MODULE = """
const timers = new WeakMap();
export default ({ data, parentElement, setTriggerValue }) => {
  const after = (seconds) => {
    clearTimeout(timers.get(parentElement));
    timers.set(parentElement, setTimeout(beat, 1000 * seconds));
  };
  const beat = () => {
    if (!parentElement.isConnected) return;
    after(data.patience);
    setTriggerValue("beat", data.beat);
  };
  after(data.seconds);
};
"""
_component = st.components.v2.component("pulse", js=MODULE)


def draw(seconds: float, on_beat: Callable[[], None]) -> None:
    """Call `on_beat` in `seconds` seconds, once. Nothing of it is to be seen."""
    beat = st.session_state["pulse:beats"] = st.session_state.get("pulse:beats", 0) + 1
    data = {"beat": beat, "seconds": seconds, "patience": PATIENCE}
    with st.container(key="pulse"):
        _component(key="pulse:component", data=data, on_beat_change=on_beat)


def refresh(fragments: Sequence[str]) -> None:
    """Have the fragments of these keys drawn again. For `on_beat`.

    A beat may come together with a click, where the server had no time for either. Streamlit (1.67)
    would then draw these fragments in place of what the click asks for, which would be lost. So
    the click goes first, and with it a new pulse is drawn that looks again. Where it has led to
    another page, these fragments are gone, and what is drawn is that page.
    """
    if _with_other_requests():
        return
    try:
        st.rerun(list(fragments))
    except StreamlitAPIException:
        return


def _with_other_requests() -> bool:
    """Whether this run draws more than the fragment that the beat came from."""
    context = get_script_run_ctx()
    drawn = None if context is None else context.fragment_ids_this_run
    return drawn is None or len(drawn) != 1
