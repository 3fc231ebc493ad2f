"""What every page does in the browser, where Streamlit and Vega leave something undone.

`keys.js`: after a click the keys are the player's again. `gradients.js`: colour bars stay.
`travels.js`: how often Back and Forward were pressed. `watch.js`: names, and what is said aloud.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app.browser.bundle import bundle

_HERE = Path(__file__).parent
_KEY = "browser:component"
_component = st.components.v2.component(
    "page_in_browser",
    js=bundle(_HERE / "page.js"),
)


def draw(*, player: bool) -> None:
    """Have it so on this page, of which nothing is to be seen. `player`: whether it has one."""
    with st.container(key="browser"):
        _component(key=_KEY, data={"player": player}, on_travels_change=rerun_only)


def travels() -> int:
    """How often Back and Forward were pressed when last they stayed on a page; 0 before that."""
    state = st.session_state.get(_KEY)
    return int((state.get("travels") if state else None) or 0)


def rerun_only() -> None:
    """The callback that a component's state needs. The script runs again by itself."""
