"""What every page does in the browser, where Streamlit and Vega leave something undone.

`keys.js`: after a click the keys are the player's again. `gradients.js`: colour bars stay.
`travels.js`: how often Back and Forward were pressed. `stage.js`: keys and clicks of who presents.
`watch.js`: names, and what is said aloud.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import streamlit as st

from app.browser.bundle import bundle

_HERE = Path(__file__).parent
_KEY = "browser:component"
_component = st.components.v2.component(
    "page_in_browser",
    js=bundle(_HERE / "page.js"),
)


def draw(
    *, page: str, player: bool, stage: Mapping[str, Any], on_asked: Callable[[], None]
) -> None:
    """Have it so on this page, of which nothing is to be seen.

    Args:
        page: which; as pages change, the browser has to be told where it is.
        player: whether the page has one.
        stage: how it is shown, see `stage.js`.
        on_asked: called when who presents has asked for something; `asked` tells for what.
    """
    with st.container(key="browser"):
        _component(
            key=_KEY,
            data={"page": page, "player": player, "stage": dict(stage)},
            on_travels_change=rerun_only,
            on_asked_change=on_asked,
            on_address_change=rerun_only,
        )


def travels() -> int:
    """How often Back and Forward were pressed when last they stayed on a page; 0 before that."""
    state = st.session_state.get(_KEY)
    return int((state.get("travels") if state else None) or 0)


def asked() -> tuple[str, dict[str, str]]:
    """What was asked for last: "present", "leave", or the number of a story's step.

    And the address's parameters as they were in the browser then.
    """
    what, _, search = _told("asked").partition(":")[2].partition("?")
    return what, dict(parse_qsl(search, keep_blank_values=True))


def address() -> dict[str, str] | None:
    """The parameters in the browser when a control that takes them up was pressed; None before."""
    search = _told("address")
    return dict(parse_qsl(search.removeprefix("?"), keep_blank_values=True)) if search else None


def _told(name: str) -> str:
    state = st.session_state.get(_KEY)
    return str((state.get(name) if state else None) or "")


def rerun_only() -> None:
    """The callback that a component's state needs. The script runs again by itself."""
