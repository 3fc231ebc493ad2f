"""The modules of a network of one's own beside the player: a figure over them, at its moment."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import streamlit as st

from app.charts import modules as charts
from app.engine import recorded
from app.recorded import angles
from app.recorded.seen import Seen
from ncengine.catalogue.literature import Measured, told
from ncengine.runs.run import Layers

# Of each module, the first that was recorded is shown at first.
_OFFERED = ("nc1", "nc1_pinv", "nc2", "ncc_error", "effective_rank", "effective_rank_features")
LAST = "head input"


def draw(seen: Seen) -> None:
    """A figure over the modules, to be picked, at the player's moment."""
    layers = seen.recording.layers
    if layers is None:
        return
    offered = measured(layers)
    st.session_state["view:of"] = of(seen)
    st.selectbox(
        "Of each module",
        offered,
        format_func=lambda name: told(name).title,
        key="view:of",
        help=told(of(seen)).help,
    )
    charts.draw(*drawn(seen))


def of(seen: Seen) -> str:
    """Which figure is shown: the one that is looked at, where it was recorded."""
    layers = seen.recording.layers
    there = [] if layers is None else measured(layers)
    return seen.looked_at.of if seen.looked_at.of in there else (there or ["nc1"])[0]


def measured(layers: Layers) -> list[str]:
    """The figures that any module has."""
    return [n for n in _OFFERED if n in layers.measured and np.isfinite(layers.measured[n]).any()]


def drawn(seen: Seen) -> tuple[pa.Table, tuple[str, ...], Measured]:
    """The table of the chart, the modules' names, and what is shown of them."""
    layers, name = seen.recording.layers, of(seen)
    assert layers is not None
    g = moment(seen, layers)
    values = layers.measured[name][:, 0]
    table = recorded.once(
        seen.recording,
        ("modules", name, g),
        lambda: charts.table(values, layers.epoch, names(seen), g),
    )
    return table, names(seen), told(name)


def names(seen: Seen) -> tuple[str, ...]:
    """What the modules are called, in their order."""
    return (*seen.recording.about.layers, LAST)


def moment(seen: Seen, layers: Layers) -> int:
    """The snapshot of the layers at the player's moment."""
    geometry, shown = seen.recording.geometry, angles.snapshot(seen)
    if geometry is None or shown is None:
        return len(layers.epoch) - 1
    return int(abs(layers.epoch - geometry.epoch[shown]).argmin())
