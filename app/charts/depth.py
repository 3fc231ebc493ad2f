"""Metrics over depth or weight decay: Vega-Lite specs, and tables for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import streamlit as st

from app.charts import base, in_words, palette
from ncengine.analysis.bounds import Bound
from ncengine.analysis.fits import PowerLaw
from ncengine.analysis.outcome import objective_of
from ncengine.analysis.over_seeds import log_moments
from ncengine.config import RunConfig
from ncengine.config.fields import PAPER_DEPTHS
from ncengine.config.param import as_text

HEIGHT = 260
MAP_HEIGHT = 380
# Those that differ most first, without those that mean NC1 to NC3.
COLORS = ("#1e87f0", "#e0640a", "#0f8787", "#a03bd8", "#c3267f", "#7a7a2a")
X_TITLES = {"depth": "depth L", "weight_decay": "weight decay λ"}
# Where an axis has ticks, and the least step of those that it has where these are too far apart.
X_TICKS = {"depth": ((1, *PAPER_DEPTHS, 55, 89, 144), 1), "weight_decay": (base.VALUE_TICKS, 0)}
# What is counted has no ticks between whole numbers.
COUNTED = "collapsed layers"
# Slopes to compare with, drawn from where the first series begins.
REFERENCES = {-0.5: "−1/2", -1.0: "−1"}
# The selection of a click, by which a chart's state names it.
PICK = "pick"

# The figures of one run: its configuration, its key, and its entry in the index.
Finished = tuple[RunConfig, str, Mapping[str, Any]]


def values(runs: Sequence[Finished], metric: str) -> np.ndarray:
    """(runs, seeds) plain values of a metric; NaN where a seed diverged or has none.

    `metric` is a name of the index, or one that is asked for (see `RunConfig.curve`), or "rest",
    the gap without the hidden decay, or "seconds", of which a run has one for all its seeds.
    """
    if metric == "seconds":
        return np.array([[entry["seconds"]] for _, _, entry in runs], float).reshape(-1, 1)
    seeds = max((len(entry["seeds"]) for _, _, entry in runs), default=0)
    numbers = np.full((len(runs), seeds), np.nan)
    for row, (config, _, entry) in zip(numbers, runs, strict=True):
        for r, seed in enumerate(entry["seeds"]):
            if not seed["diverged"]:
                row[r] = _value(config, seed, metric)
    return numbers


def _value(config: RunConfig, seed: Mapping[str, Any], metric: str) -> float:
    if metric == "rest":
        gap, hidden = _value(config, seed, "gap"), seed["decay_hidden"]
        return np.nan if hidden is None else gap - hidden
    value = seed.get(config.curve(metric))  # which an earlier engine may not have recorded
    if value is None and metric == "gap":
        value = seed.get("gap_known")
    return np.nan if value is None else value


def at(runs: Sequence[Finished], over: str) -> np.ndarray:
    """(runs,) depth or weight decay of each."""
    return np.array([getattr(config, over) for config, _, _ in runs], float)


def table(
    series: Sequence[Sequence[Finished]],
    over: str,
    metric: str,
    fits: Sequence[PowerLaw | None],
    *,
    references: bool = True,
    parts: Sequence[str] = (),
    floors: Sequence[float | None] = (),
    bounds: Mapping[str, Bound] = MappingProxyType({}),
) -> pa.Table:
    """One row a point of each series and of what is drawn beside: see `spec`.

    Args:
        series: the finished runs of each.
        over: "depth" or "weight_decay".
        metric: see `values`.
        fits: the power law of each series, drawn where it is claimed; None where there is none.
        references: whether lines of known slopes are drawn.
        parts: metrics drawn as thin lines.
        floors: of each series, drawn as a line; of one without, the best known in its place.
        bounds: what others prove of the optimum, by a run's key: runs above are drawn hollow, and
            in the objective's panel the bounds as steps.
    """
    rows: list[dict[str, Any]] = []
    for n, (runs, fit) in enumerate(zip(series, fits, strict=True)):
        x = at(runs, over)
        rows += _points(n, runs, x, metric, bounds)
        if metric == "loss":
            known = ((at_x, bounds.get(key)) for at_x, (_, key, _) in zip(x, runs, strict=True))
            rows += [_row("bound", n, at_x, least.objective) for at_x, least in known if least]
        for part in parts:
            means = log_moments(values(runs, part))[0]
            rows += [_row(part, n, at_x, 10**m) for at_x, m in zip(x, means) if np.isfinite(m)]
        if fit is not None and fit.claimed:
            rows += [_row("law", n, end, float(fit(end))) for end in (x.min(), x.max())]
    for n, floor in enumerate(floors):
        if floor is not None and len(series[n]):
            x = at(series[n], over)
            rows += [_row("floor", n, end, floor) for end in (x.min(), x.max())]
    if references:
        rows += _references(series, over, metric)
    return _as_table(rows)


def with_room(data: pa.Table) -> pa.Table:
    """The table with what gives an axis a beginning and an end on which all is at one place."""
    x, y = (set(data[name].to_pylist()) for name in ("x", "mean"))
    if not len(data) or (len(x) > 1 and len(y) > 1):
        return data
    about_x, about_y = (base.ROOM if len(places) == 1 else 1.0 for places in (x, y))
    ends = (
        _row("room", 0, min(x) / about_x, min(y) / about_y),
        _row("room", 0, max(x) * about_x, max(y) * about_y),
    )
    return pa.concat_tables([data, _as_table(ends)]).replace_schema_metadata(data.schema.metadata)


def _as_table(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    columns = {name: [row.get(name) for row in rows] for name in _COLUMNS}
    return pa.table({n: pa.array(values, _COLUMNS[n]) for n, values in columns.items()})


_COLUMNS = {
    "kind": pa.string(), "series": pa.string(), "x": pa.float64(), "mean": pa.float64(),
    "low": pa.float64(), "high": pa.float64(), "run": pa.string(), "what": pa.string(),
    "each": pa.string(), "open": pa.bool_(),
}  # fmt: skip


def _row(kind: str, series: int, x: float, mean: float, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "series": str(series), "x": float(x), "mean": float(mean), **more}


def _points(
    n: int, runs: Sequence[Finished], x: np.ndarray, metric: str, bounds: Mapping[str, Bound]
) -> list[dict[str, Any]]:
    numbers = values(runs, metric)
    means, deviations = log_moments(numbers)
    rows = []
    for i, (config, key, entry) in enumerate(runs):
        if np.isfinite(means[i]):
            ends = {
                "low": 10 ** (means[i] - deviations[i]),
                "high": 10 ** (means[i] + deviations[i]),
            }
            told = {
                "run": key,
                "what": config.title(),
                "each": _each(entry, numbers[i]),
                "open": is_convicted(key, entry, bounds),
            }
            rows.append(_row("mean", n, x[i], 10 ** means[i], **ends, **told))
    return rows


def is_convicted(key: str, entry: Mapping[str, Any], bounds: Mapping[str, Bound]) -> bool:
    """Whether a run is proved to be at no optimum."""
    return key in bounds and bounds[key].convicts(objective_of(entry))


def _each(entry: Mapping[str, Any], numbers: np.ndarray) -> str:
    if len(numbers) == 1 < len(entry["seeds"]):
        return "all together"
    texts = (
        f"{seed['seed']}: {value:.3g}" if np.isfinite(value) else f"{seed['seed']}: –"
        for seed, value in zip(entry["seeds"], numbers, strict=False)
    )
    return " · ".join(texts)


def _references(
    series: Sequence[Sequence[Finished]], over: str, metric: str
) -> list[dict[str, Any]]:
    first = next((runs for runs in series if len(runs) > 1), None)
    if first is None:
        return []
    x, means = at(first, over), log_moments(values(first, metric))[0]
    if not np.isfinite(means).any():
        return []
    begin = int(np.flatnonzero(np.isfinite(means))[0])
    rows = []
    for slope, text in REFERENCES.items():
        for end in (x[begin], x.max()):
            mean = 10 ** means[begin] * (end / x[begin]) ** slope
            label = text if end == x.max() else ""
            rows.append({**_row("slope", 0, end, mean), "series": text, "what": label})
    return rows


@lru_cache
def spec(over: str, title: str, parts: tuple[str, ...] = ()) -> dict[str, Any]:
    """Points with bars of one deviation, lines of the fits, and what is drawn beside.

    By the column "kind": "mean" a point, hollow where "open"; "bound" steps; "law" the fit;
    "slope" a thin line of known slope; "floor"; `parts`, thin lines of the series; and "room",
    which is not seen, for the axes.
    """
    alt = base.altair()
    chart = alt.Chart().encode(x=_x_axis(alt, over), y=_value_axis(alt, title), detail="series:N")
    color = alt.Color(
        "series:N",
        scale=alt.Scale(domain=[str(n) for n in range(len(COLORS))], range=list(COLORS)),
        legend=None,
    )

    def only(kind: str) -> Any:
        return chart.transform_filter(f"datum.kind == '{kind}'")

    grey = {"color": palette.NEUTRAL, "clip": True}
    slopes = only("slope").mark_line(strokeWidth=1, **grey)
    floors = only("floor").mark_line(strokeWidth=2, strokeDash=base.DASHED, **grey)
    thin = [
        only(part).mark_line(strokeWidth=1.5, strokeDash=dash, clip=True).encode(color=color)
        for part, dash in zip(parts, ([2, 4], [9, 3, 2, 3]), strict=False)
    ]
    laws = only("law").mark_line(strokeWidth=2, opacity=0.55, clip=True).encode(color=color)
    bars = only("mean").mark_rule(strokeWidth=2).encode(y="low:Q", y2="high:Q", color=color)
    steps = (
        only("bound")
        .mark_line(interpolate="step-after", strokeWidth=1.5, strokeDash=[1, 3], clip=True)
        .encode(color=color)
    )
    points = _to_be_picked(alt, only("mean"), title).encode(
        fill=color,
        stroke=color,
        fillOpacity=alt.condition("datum.open", alt.value(0.0), alt.value(1.0)),
    )
    room = only("room").mark_point(opacity=0)
    layers = [room, slopes, _names(only("slope")), floors, *thin, laws, steps, bars, points]
    return base.finish(alt, alt.layer(*layers), height=HEIGHT)


def _x_axis(alt: Any, over: str) -> Any:
    return alt.X(
        "x:Q",
        title=X_TITLES[over],
        scale=alt.Scale(type="log", nice=False, padding=16),
        axis=alt.Axis(
            values=base.ticks(alt, "x", *X_TICKS[over]),
            format="~g",
            labelOverlap="greedy",
            grid=False,
        ),
    )


def _names(slopes: Any) -> Any:
    """What the thin lines are called: below their ends, and beside the points that lie there."""
    small = slopes.mark_text(
        color=palette.NEUTRAL,
        align="right",
        baseline="top",
        dx=-14,
        dy=1,
        fontSize=base.SMALL_TEXT,
    )
    return small.encode(text="what:N")


def _to_be_picked(alt: Any, means: Any, title: str) -> Any:
    """A point a run, which can be picked."""
    picked = alt.selection_point(name=PICK, fields=["run"], on="click", empty=False)
    tooltip = [
        alt.Tooltip("what:N", title="run"),
        alt.Tooltip("mean:Q", title=title, format=".4~g"),
        alt.Tooltip("each:N", title="seeds"),
    ]
    points = means.mark_point(filled=True, size=150, opacity=1, strokeWidth=2.5, cursor="pointer")
    return points.encode(tooltip=tooltip).add_params(picked)


def _value_axis(alt: Any, title: str) -> Any:
    if title != "objective":
        axis = base.value_axis(alt, "mean", title, 1 if title == COUNTED else 0)
        # Below the lowest of the lines is room for its name.
        return axis.scale(type="log", nice=False, padding=18)
    # It lies so near to its floor that a logarithm has hardly a tick for it.
    scale = alt.Scale(type="linear", nice=False, zero=False, padding=8)
    return alt.Y("mean:Q", title=title, scale=scale, axis=alt.Axis(format="~g", tickCount=6))


def draw(
    data: pa.Table, spec: dict[str, Any], key: str, on_pick: Callable[[], None], name: str = ""
) -> None:
    """One panel, which calls `on_pick` after a click on a point; `picked` tells which.

    `name` is what it is called where its axes do not say it.
    """
    in_words.draw(data, spec, name=name, key=key, on_select=on_pick, selection_mode=PICK)


def draw_filling(data: pa.Table, spec: dict[str, Any], key: str) -> None:
    """One panel as high as there is room, of which nothing is picked."""
    in_words.draw(data, spec, key=key, fills=True)


def picked(key: str) -> str | None:
    """The key of the run that was clicked last in the chart of that key."""
    state = st.session_state.get(key)
    chosen = state.selection.get(PICK) if state is not None else None
    return chosen[0].get("run") if chosen else None


def map_table(runs: Sequence[Finished], metric: str) -> pa.Table:
    """One row a run of a grid over depth and weight decay: log10 of the metric's mean."""
    means = log_moments(values(runs, metric))[0]
    return pa.table(
        {
            "depth": [str(config.depth) for config, _, _ in runs],
            "decay": [as_text(config.weight_decay) for config, _, _ in runs],
            "value": pa.array([m if np.isfinite(m) else None for m in means], pa.float64()),
            "mean": pa.array([10**m if np.isfinite(m) else None for m in means], pa.float64()),
            "run": [key for _, key, _ in runs],
            "what": [config.title() for config, _, _ in runs],
            "each": [
                _each(entry, numbers)
                for (_, _, entry), numbers in zip(runs, values(runs, metric), strict=True)
            ],
        }
    )


@lru_cache
def map_spec(depths: tuple[int, ...], decays: tuple[float, ...], title: str) -> dict[str, Any]:
    """The heat map of a metric over depth and weight decay; a cell can be clicked."""
    alt = base.altair()

    picked = alt.selection_point(name=PICK, fields=["run"], on="click", empty=False)
    chart = alt.Chart().encode(
        x=_cells(alt.X, alt, "depth", [str(depth) for depth in depths], X_TITLES["depth"]),
        y=_cells(
            alt.Y,
            alt,
            "decay",
            [as_text(decay) for decay in decays[::-1]],
            X_TITLES["weight_decay"],
        ),
        tooltip=[
            alt.Tooltip("what:N", title="run"),
            alt.Tooltip("mean:Q", title=title, format=".4~g"),
            alt.Tooltip("each:N", title="seeds"),
        ],
    )
    cells = chart.mark_rect(cornerRadius=2, stroke=None, cursor="pointer").encode(
        color=alt.Color(
            "value:Q",
            scale=alt.Scale(scheme="viridis", reverse=True),
            legend=alt.Legend(title=f"log₁₀ {title}", gradientLength=240, gradientThickness=16),
        )
    )
    # As large as there is room in a cell.
    size = alt.ExprRef(f"min(height > {base.HIGH} ? 22 : 14, bandwidth('x') / 3.2)")
    numbers = chart.mark_text(
        fontSize=size, fontWeight=600, color="white", stroke="#10151f", strokeWidth=3,
        strokeJoin="round", strokeOpacity=0.8,
    )  # fmt: skip
    under = numbers.encode(text=alt.Text("value:Q", format=".2f"))
    over = chart.mark_text(fontSize=size, fontWeight=600, color="white").encode(
        text=alt.Text("value:Q", format=".2f")
    )
    return base.finish(alt, alt.layer(cells.add_params(picked), under, over), height=MAP_HEIGHT)


def _cells(channel: Any, alt: Any, name: str, domain: list[str], title: str) -> Any:
    return channel(
        f"{name}:N",
        sort=None,
        title=title,
        scale=alt.Scale(domain=domain, paddingInner=0.05),
        axis=alt.Axis(domain=False, ticks=False, labelAngle=0),
    )
