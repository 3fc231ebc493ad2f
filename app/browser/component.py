"""What every page does in the browser, where Streamlit and Vega leave something undone.

`keys.js`: after a click the keys are the player's again. `gradients.js`: colour bars stay.
`travels.js`: how often Back and Forward were pressed. `stage.js`: keys and clicks of who presents.
`watch.js`: names, and what is said aloud.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from app.browser.bundle import bundle

_HERE = Path(__file__).parent
_KEY = "browser:component"
_component = st.components.v2.component(
    "page_in_browser",
    js=bundle(_HERE / "page.js"),
)


def draw(*, player: bool, stage: Mapping[str, Any], on_asked: Callable[[], None]) -> None:
    """Have it so on this page, of which nothing is to be seen.

    Args:
        player: whether the page has one.
        stage: how it is shown, see `stage.js`.
        on_asked: called when who presents has asked for something; `asked` tells for what.
    """
    with st.container(key="browser"):
        _component(
            key=_KEY,
            data={"player": player, "stage": dict(stage)},
            on_travels_change=rerun_only,
            on_asked_change=on_asked,
        )


def travels() -> int:
    """How often Back and Forward were pressed when last they stayed on a page; 0 before that."""
    state = st.session_state.get(_KEY)
    return int((state.get("travels") if state else None) or 0)


def asked() -> str:
    """What was asked for last: "present", "leave", or the number of a story's step."""
    state = st.session_state.get(_KEY)
    return str((state.get("asked") if state else None) or "").partition(":")[2]


def rerun_only() -> None:
    """The callback that a component's state needs. The script runs again by itself."""
