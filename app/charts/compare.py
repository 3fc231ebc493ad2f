"""Several runs over each other: one metric over passes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import streamlit as st

from app.charts import base, in_words
from app.charts.depth import COLORS
from ncengine.analysis import over_seeds
from ncengine.catalogue.metrics import METRICS as CATALOGUE
from ncengine.catalogue.metrics import Metric, Of, Place, asked_for, shown_in
from ncengine.runs.run import Run

METRICS = asked_for(Place.COMPARE)
# As many as can be told apart.
MOST = len(COLORS)
# What is drawn of collapse: colours by title, and the names by which metrics are asked for.
COLLAPSE = {m.title: m for m in shown_in(Place.COMPARE) if Of.FEATURES in m.of}


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


def draw_pair(pair: Mapping[str, Run]) -> None:
    """Two runs over each other, the first solid and the second dashed.

    Two charts: the gap to the floor, or of both to the best known, else the objective; and
    collapse.
    """
    asked = asked_of_pair(pair)
    columns = st.columns(2, gap="medium")
    for column, (name, (metrics, title)) in zip(columns, asked.items(), strict=True):
        with column:
            drawn = pair_table(pair, {m.title: m.asked_as or m.name for m in metrics})
            colors = tuple((metric.title, metric.color) for metric in metrics)
            spec = pair_spec(tuple(pair), colors, title)
            st.vega_lite_chart(drawn, spec, key=f"compare_{name}", width="stretch")


def asked_of_pair(pair: Mapping[str, Run]) -> dict[str, tuple[tuple[Metric, ...], str]]:
    """The metrics of the two charts of a pair, and what stands on their axis."""
    gaps = {None if run.least is None else over_seeds.gap_name(run) for run in pair.values()}
    named = CATALOGUE[(gaps.pop() if len(gaps) == 1 else None) or "loss"]
    return {
        "objective": ((named,), f"{named.title}, mean over seeds"),
        "collapse": (tuple(COLLAPSE.values()), "collapse, mean over seeds"),
    }


def pair_table(pair: Mapping[str, Run], asked: Mapping[str, str]) -> pa.Table:
    """What `table` gives of each metric, under its title: one more column, "metric"."""
    parts = [_titled(table(pair, name), title) for title, name in asked.items()]
    return pa.concat_tables(parts).combine_chunks()


def _titled(rows: pa.Table, title: str) -> pa.Table:
    return rows.append_column("metric", pa.array([title] * len(rows), pa.string()))


@lru_cache
def pair_spec(
    labels: tuple[str, str], colors: tuple[tuple[str, str], ...], title: str
) -> dict[str, Any]:
    """Lines of two runs, told apart by their strokes, and of metrics by title and colour."""
    alt = base.altair()
    titles, shown = zip(*colors, strict=True)
    chart = alt.Chart().encode(
        x=base.passes_axis(alt),
        y=base.value_axis(alt, "value", title),
        color=alt.Color(
            "metric:N",
            sort=None,
            scale=alt.Scale(domain=list(titles), range=list(shown)),
            legend=base.legend_layout(alt, titles, **base.LONG_SYMBOLS),
        ),
        strokeDash=alt.StrokeDash(
            "run:N",
            sort=None,
            scale=alt.Scale(domain=list(labels), range=[base.SOLID, base.DASHED]),
            # One for all charts stands above them, whose names may be long.
            legend=None,
        ),
        tooltip=[
            "run:N",
            "metric:N",
            alt.Tooltip("passes:Q", format=",.0f"),
            alt.Tooltip("value:Q", format=".3~g"),
        ],
    )
    lines = chart.mark_line(interpolate="monotone", strokeWidth=2.5, clip=True)
    lines = lines.add_params(base.zoom(alt))
    by_line = chart.transform_calculate(line="datum.metric + datum.run")
    points = base.alone(by_line, "line")
    room = base.room(alt, alt.Chart(), "value", title)
    return base.finish(alt, alt.layer(*room, lines, points))
