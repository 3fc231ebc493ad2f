"""The runs that are picked in the Library over each other: in what they differ, and one metric."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from app.charts import compare
from app.components import code, told_apart
from app.engine import runs
from app.export import print_button
from app.export.shown import shows_several
from ncengine.runs.identity import Identity


def draw(picked: Sequence[tuple[Identity, str]]) -> None:
    """The chart; `picked` are up to `compare.MOST` runs, and where each comes from."""
    labels = told_apart.labels([(identity.config, where) for identity, where in picked])
    opened = {
        label: runs.look(identity) for label, (identity, _) in zip(labels, picked, strict=True)
    }
    swatches = "".join(
        f'<span class="series"><i style="background:{color}"></i>{escape(label)}</span> '
        for label, color in zip(labels, compare.COLORS, strict=False)
    )
    st.html(swatches)
    with st.container(horizontal=True, vertical_alignment="bottom", key="library_overlaid"):
        metric = st.segmented_control(
            "Metric",
            list(compare.METRICS),
            default="nc1",
            format_func=compare.METRICS.__getitem__,
            required=True,
            key="library:metric",
        )
        share = st.popover("Share", key="library_share")
    if any(run.points for run in opened.values()):
        compare.draw(opened, metric)
    else:
        st.info("The results of these runs are gone: there is nothing to draw.")
    shows_several(opened, metric)
    with share:
        print_button.draw(print_button.LIBRARY)
        code.draw_several([(run.config, run.key) for run in opened.values()], metric)
