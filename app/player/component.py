"""The player: a network's last layer over training, on a canvas in the browser.

All motion happens in the browser. Python sends one message per change of data; `epoch`, `view` and
`camera` reach the page's URL from the browser. When the viewer comes to rest at another pass, the
script (or the fragment that holds the player) runs again, and finds it in the component's state as
`epoch`, text that is empty at the newest: what is drawn beside can follow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from app.charts.palette import CLASS_COLORS
from app.player.assets import SCRIPTS, text
from app.player.wire import pack

if TYPE_CHECKING:
    from ncengine.analysis.projection import Projection

_component = st.components.v2.component(
    "neural_collapse_player",
    html=text("player.html"),
    css=text("player.css"),
    js=text(*(f"{name}.js" for name in SCRIPTS)),
    isolate_styles=True,
)


def player(
    projection: Projection,
    *,
    run: str,
    class_names: Sequence[str],
    key: str,
    colors: Sequence[str] | None = None,
    thumbnails: np.ndarray | None = None,
    captions: Sequence[str] | None = None,
    test: bool = False,
    live: bool = False,
    height: int = 560,
    start: Mapping[str, Any] | None = None,
) -> None:
    """Draw features, class means, classifier rows and the ideal simplex ETF over training.

    Call it with the same `key` as snapshots arrive: camera, speed and toggles stay, and a viewer
    who follows the end glides to the new one. Another `run` resets the time line alone.

    Args:
        projection: G snapshots of S samples and K classes; see `ncengine.analysis.projection`.
        run: names what is shown, for example the run's key and its seed.
        class_names: K names.
        key: the component's name on the page.
        colors: CSS colours, one a class; the app's class palette if None.
        thumbnails: uint8 (S, h, w) or (S, h, w, 3), shown on hovering a sample.
        captions: S texts, shown on hovering a sample.
        test: whether test samples are drawn too, as rings; S then counts them, after the others.
        live: whether more snapshots are to come; if so, the player opens at the end.
        height: pixels, controls included.
        start: "epoch", "view" ("3d" or "2d") and "camera" to open at, each optional, as found in
            the page's URL.

    Raises:
        ValueError: see `wire.pack`.
    """
    if colors is None:
        colors = CLASS_COLORS
    message = pack(
        projection,
        run=run,
        class_names=class_names,
        colors=colors,
        thumbnails=thumbnails,
        captions=captions,
        test=test,
        live=live,
        start=start,
    )
    _component(key=key, data=message, height=height, on_epoch_change=_rerun_only)


def _rerun_only() -> None:
    """The callback that a component's state needs. The script runs again by itself."""
