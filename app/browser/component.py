"""What every page does in the browser, where Streamlit and Vega leave something undone.

`keys.js`: after a click the keys are the player's again. `gradients.js`: colour bars stay.
`travels.js`: how often Back and Forward were pressed.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

_HERE = Path(__file__).parent
# One ES module, made of files of one concept each: the last one holds the default export.
SCRIPTS = ("keys", "gradients", "travels", "page")
_KEY = "browser:component"
_component = st.components.v2.component(
    "page_in_browser",
    js="\n".join((_HERE / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS),
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
