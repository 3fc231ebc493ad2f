"""Lines over numbers of any kind: one Vega-Lite spec for all of them, and the table for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import streamlit as st

from app.charts import base, in_words
from ncengine.analysis.words import number

HEIGHT = 310
# Below this a logarithmic axis shows nothing: it is rounding.
LEAST = 1e-16
# Letters of a name, of which two fit beside each other.
LONG = 20
# How an axis runs. Over the moments of the player beside it, all places are equally far apart; a
# power scale is what the player knows such a chart by, see `player/moment.js`.
LOG, LINEAR, STEPS, MOMENTS = "log", "linear", "symlog", "moments"
COUNTED = "counted"  # from 1, linear
_COLUMNS = {"x": pa.float64(), "y": pa.float64(), "what": pa.string(), "kind": pa.string()}


@dataclass(frozen=True)
class Line:
    """What is drawn in one colour.

    Attributes:
        what: its name in the legend.
        color: of it.
        x, y: of its points.
        dashed: whether it is a bound, or what is compared with.
        points: whether its points are seen, and no line.
        chosen: the place on it that sliders stand at; None without one.
    """

    what: str
    color: str
    x: Any
    y: Any
    dashed: bool = False
    points: bool = False
    chosen: float | None = None


@dataclass(frozen=True)
class Axes:
    """What is on the axes, and how they run: `LOG`, `LINEAR`, `COUNTED`, `STEPS` or `MOMENTS`."""

    x: str
    y: str
    x_runs: str = LOG
    y_runs: str = LOG


@dataclass(frozen=True)
class Chart:
    """Lines on their axes.

    Attributes:
        name: tells the chart apart from all others on a page.
        caption: below it.
    """

    name: str
    axes: Axes
    lines: Sequence[Line]
    caption: str = ""

    @property
    def named(self) -> tuple[tuple[str, str, bool], ...]:
        """Of each line its name, its colour, and whether it is dashed; of those that are seen."""
        seen = [line for line in self.lines if len(visible(line, self.axes)[0])] or self.lines
        return tuple((line.what, line.color, line.dashed) for line in seen)


def draw(chart: Chart, *, fills: bool = False) -> None:
    """A chart of lines, below a legend; as high as there is room where it `fills`."""
    drawn, key = (table(chart), spec(chart.axes, chart.named)), f"lines_{chart.name}"
    if fills:
        in_words.draw(*drawn, key=key, fills=True, beside=True)
        return
    with st.container(key=key):
        in_words.draw(*drawn, key=f"{key}_chart")
        if chart.caption:
            st.caption(chart.caption)


def table(chart: Chart) -> pa.Table:
    """One row a point: where, of which line, and what it is: "line", "point" or "chosen"."""
    axes = chart.axes
    rows, told = [], []
    for line in chart.lines:
        x, y = visible(line, axes)
        kind = "point" if line.points else "line"
        rows += [(a, b, line.what, kind) for a, b in zip(x, y, strict=True)]
        if line.chosen is not None and len(x):
            n = int(np.abs(x - line.chosen).argmin())
            rows.append((x[n], y[n], line.what, "chosen"))
        told.append((line.what, x, y))
    rows += _room(rows, axes)
    words = in_words.curves(told, lambda x: f"at {axes.x} = {number(float(x))}")
    columns = zip(*rows, strict=True) if rows else [()] * 4
    made = {
        name: pa.array(list(values), kind)
        for (name, kind), values in zip(_COLUMNS.items(), columns, strict=True)
    }
    return in_words.telling(pa.table(made), words)


def _room(rows: Sequence[tuple], axes: Axes) -> list[tuple]:
    """Points that are not seen: where all is at one height, a logarithmic axis has no ends."""
    heights = {y for _, y, *_ in rows}
    if axes.y_runs != LOG or len(heights) != 1:
        return []
    (height,) = heights
    return [(rows[0][0], height * by, rows[0][2], "room") for by in (1 / base.ROOM, base.ROOM)]


def visible(line: Line, axes: Axes) -> tuple[np.ndarray, np.ndarray]:
    """Its points that these axes can show."""
    x, y = np.asarray(line.x, float), np.asarray(line.y, float)
    seen = np.isfinite(x) & np.isfinite(y)
    seen &= (y >= LEAST) | (axes.y_runs != LOG)
    return x[seen], y[seen]


@lru_cache
def spec(axes: Axes, named: tuple[tuple[str, str, bool], ...]) -> dict[str, Any]:
    """The chart of lines of these names, colours, and whether they are dashed."""
    alt = base.altair()
    names = [name for name, _, _ in named]
    dashes = [base.DASHED if dashed else base.SOLID for _, _, dashed in named]
    most = 2 if max(map(len, names), default=0) <= LONG else 1
    columns = base.columns(alt, names, most)
    legend = base.legend_layout(alt, names, columns=columns, **base.MIDDLE_SYMBOLS)
    chart = alt.Chart().encode(
        x=_axis(alt, "x", axes.x, axes.x_runs),
        y=_axis(alt, "y", axes.y, axes.y_runs),
        color=alt.Color(
            "what:N",
            sort=None,
            scale=alt.Scale(domain=names, range=[color for _, color, _ in named]),
            legend=legend,
        ),
        tooltip=[
            alt.Tooltip("what:N", title=" "),
            alt.Tooltip("x:Q", title=axes.x, format=".4~g"),
            alt.Tooltip("y:Q", title=axes.y, format=".4~g"),
        ],
    )
    lines = chart.transform_filter("datum.kind == 'line'")
    drawn = lines.mark_line(strokeWidth=3, clip=True).encode(
        strokeDash=alt.StrokeDash(
            "what:N", sort=None, scale=alt.Scale(domain=names, range=dashes), legend=legend
        )
    )
    # What the pointer meets: a line itself has no place of its own.
    met = lines.mark_point(size=160, filled=True, opacity=0, clip=True)
    alone = base.alone(lines, "what")
    points = chart.transform_filter("datum.kind == 'point'").mark_point(
        size=110, filled=True, opacity=0.95, clip=True
    )
    chosen = chart.transform_filter("datum.kind == 'chosen'").mark_point(
        size=170, filled=True, opacity=1, clip=True
    )
    room = chart.transform_filter("datum.kind == 'room'").mark_point(opacity=0)
    return base.finish(alt, alt.layer(room, drawn, alone, points, chosen, met), height=HEIGHT)


def _axis(alt: Any, channel: str, title: str, runs: str) -> Any:
    make = alt.X if channel == "x" else alt.Y
    if runs == STEPS:
        return base.passes_axis(alt, "x").title(title)
    if runs == LOG:
        scale = alt.Scale(type="log", nice=False, padding=10)
        axis = alt.Axis(
            values=_ticks(alt, channel),
            labelExpr=base.TICK_WORDS,
            labelOverlap="greedy",
            grid=channel == "y",
            # Ticks come with the data. A title beside labels wider than at first would be cut.
            **({"minExtent": base.EXTENT} if channel == "y" else {}),
        )
    elif runs == MOMENTS:
        scale = alt.Scale(type="pow", exponent=1, nice=False, zero=False)
        whole = base.whole_ticks(alt, channel)
        axis = alt.Axis(values=whole, format="~s", labelOverlap="greedy", grid=False)
    elif runs == COUNTED:
        scale = alt.Scale(type="linear", nice=False, zero=False, padding=10)
        whole = base.whole_ticks(alt, channel)
        axis = alt.Axis(values=whole, format=",d", labelOverlap="greedy", grid=channel == "y")
    else:
        scale = alt.Scale(type="linear", nice=False, zero=False, padding=10)
        # By steps of 0.5 between -1 and 1, so that 0 has a tick.
        axis = alt.Axis(format="~g", tickCount=5, labelOverlap="greedy", grid=channel == "y")
    return make(f"{channel}:Q", title=title, scale=scale, axis=axis)


_POWERS = tuple(float(f"1e{e}") for e in range(-16, 13))


def _ticks(alt: Any, channel: str) -> Any:
    """Powers of ten alone where there are many of them, and of these no more than have room."""
    usual = base.ticks(alt, channel, base.VALUE_TICKS).expr
    decades = f"log(domain('{channel}')[1] / domain('{channel}')[0]) / LN10"
    every = {n: [power for e, power in enumerate(_POWERS, -16) if e % n == 0] for n in (1, 2, 3)}
    some = f"{decades} < 6 ? {every[1]} : {decades} < 10 ? {every[2]} : {every[3]}"
    return alt.ExprRef(f"{decades} < 2.3 ? ({usual}) : ({some})")
