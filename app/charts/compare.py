"""Several runs over each other: one metric over passes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import streamlit as st

from app.charts import base, in_words
from app.charts.depth import COLORS
from ncengine.analysis import over_seeds
from ncengine.catalogue.metrics import Place, asked_for
from ncengine.runs.run import Run

METRICS = asked_for(Place.COMPARE)
# As many as can be told apart.
MOST = len(COLORS)


def table(runs: Mapping[str, Run], metric: str) -> pa.Table:
    """One row a point and run: passes, run (its label), and the geometric mean over its seeds.

    "low" and "high" are one deviation of the logarithm below and above it.
    """
    columns: dict[str, list] = {name: [] for name in ("passes", "run", "value", "low", "high")}
    for label, run in runs.items():
        name = run.config.curve(metric)
        mean, deviation = over_seeds.log_mean_and_deviation(run, name)
        shown = np.isfinite(mean)
        columns["passes"] += over_seeds.passes(run)[shown].tolist()
        columns["value"] += (10 ** mean[shown]).tolist()
        columns["low"] += (10 ** (mean - deviation)[shown]).tolist()
        columns["high"] += (10 ** (mean + deviation)[shown]).tolist()
        columns["run"] += [label] * int(shown.sum())
    types = {name: pa.string() if name == "run" else pa.float32() for name in columns}
    table = pa.table({name: pa.array(columns[name], types[name]) for name in columns})
    lines = in_words.grouped(table, "run", "passes", "value")
    return in_words.telling(table, in_words.curves(lines, in_words.at_pass))


def spec(labels: Sequence[str], title: str) -> dict[str, Any]:
    """Lines of these runs in bands of one deviation over their seeds, both axes logarithmic."""
    alt = base.altair()
    colors = dict(zip(labels, COLORS, strict=False))
    chart = alt.Chart().encode(
        x=base.passes_axis(alt),
        color=alt.Color(
            "run:N",
            scale=alt.Scale(domain=list(colors), range=list(colors.values())),
            legend=None,
        ),
    )
    bands = chart.mark_area(interpolate="monotone", opacity=0.18, clip=True).encode(
        y=base.value_axis(alt, "low", title), y2="high:Q"
    )
    lines = (
        chart.mark_line(interpolate="monotone", strokeWidth=3, clip=True)
        .encode(
            y=base.value_axis(alt, "value", title),
            tooltip=["run:N", "passes:Q", alt.Tooltip("value:Q", format=".3g")],
        )
        .add_params(base.zoom(alt))
    )
    spreads = base.alone(chart, "run", rule=True).encode(
        y=base.value_axis(alt, "low", title), y2="high:Q"
    )
    points = base.alone(chart, "run").encode(y=base.value_axis(alt, "value", title))
    room = base.room(alt, alt.Chart(), "value", title)
    return base.finish(alt, alt.layer(*room, bands, spreads, lines, points))


def draw(runs: Mapping[str, Run], metric: str) -> None:
    """The chart."""
    in_words.draw(table(runs, metric), spec(list(runs), METRICS[metric]), width="stretch")
    if any(len(run.config.seeds) > 1 for run in runs.values()):
        st.caption("Lines: geometric means over the seeds. Bands: one deviation of the logarithm.")
