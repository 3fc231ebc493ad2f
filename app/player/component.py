"""The player: a network's last layer over training, on a canvas in the browser.

All motion happens in the browser. Python sends one message per change of data; `epoch`, `view` and
`camera` reach the page's URL from the browser. When the viewer comes to rest at another pass, the
script (or the fragment that holds the player) runs again, and finds it in the component's state as
`epoch`, text that is empty at the newest: what is drawn beside can follow.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app.browser.bundle import bundle
from app.browser.component import rerun_only

_HERE = Path(__file__).parent
_component = st.components.v2.component(
    "neural_collapse_player",
    html=(_HERE / "player.html").read_text(encoding="utf-8"),
    css=(_HERE / "player.css").read_text(encoding="utf-8"),
    js=bundle(_HERE / "player.js"),
    isolate_styles=True,
)


def player(message: bytes, *, key: str, height: int = 560) -> None:
    """Draw features, class means, classifier rows and the ideal figure over training.

    Call it with the same `key` as snapshots arrive: camera, speed and toggles stay, and a viewer
    who follows the end glides to the new one. A message of another `run` resets the time line
    alone.

    Args:
        message: what `wire.pack` gives.
        key: the component's name on the page.
        height: pixels, controls included.
    """
    _component(key=key, data=message, height=height, on_epoch_change=rerun_only)
