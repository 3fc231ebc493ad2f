"""Several runs over each other: one metric over passes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import streamlit as st

from app.charts import base
from app.charts.depth import COLORS
from ncengine.analysis import over_seeds
from ncengine.runs.run import Run

METRICS = {"nc1": "NC1", "nc2": "NC2", "nc3": "NC3", "gap": "gap to the floor", "loss": "objective"}
# As many as can be told apart.
MOST = len(COLORS)


def table(runs: Mapping[str, Run], metric: str) -> pa.Table:
    """One row a point and run: passes, run (its label), and the geometric mean over its seeds."""
    columns: dict[str, list] = {"passes": [], "run": [], "value": []}
    for label, run in runs.items():
        name = run.config.nc2_name if metric == "nc2" else metric
        mean, _ = over_seeds.log_mean_and_deviation(run, name)
        shown = np.isfinite(mean)
        columns["passes"] += over_seeds.passes(run)[shown].tolist()
        columns["value"] += (10 ** mean[shown]).tolist()
        columns["run"] += [label] * int(shown.sum())
    return pa.table(
        {
            "passes": pa.array(columns["passes"], pa.float32()),
            "run": pa.array(columns["run"], pa.string()),
            "value": pa.array(columns["value"], pa.float32()),
        }
    )


def spec(labels: Sequence[str], title: str) -> dict[str, Any]:
    """Lines of these runs, both axes logarithmic."""
    alt = base.altair()
    colors = dict(zip(labels, COLORS, strict=False))
    lines = (
        alt.Chart()
        .mark_line(interpolate="monotone", strokeWidth=3, clip=True)
        .encode(
            x=base.passes_axis(alt),
            y=base.value_axis(alt, "value", title),
            color=alt.Color(
                "run:N",
                scale=alt.Scale(domain=list(colors), range=list(colors.values())),
                legend=None,
            ),
            tooltip=["run:N", "passes:Q", alt.Tooltip("value:Q", format=".3g")],
        )
        .add_params(base.zoom(alt))
    )
    return base.finish(alt, lines)


def draw(runs: Mapping[str, Run], metric: str) -> None:
    """The chart."""
    st.vega_lite_chart(table(runs, metric), spec(list(runs), METRICS[metric]), width="stretch")
