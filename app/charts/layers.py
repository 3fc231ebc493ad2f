"""Metrics over the layers of a network: Vega-Lite specs, and tables for them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa

from app.charts import base, in_words
from ncengine.analysis.over_seeds import log_moments, moments
from ncengine.catalogue import metrics as catalogue
from ncengine.catalogue.metrics import Metric, Of, Scale, names_of
from ncengine.runs.run import Layers

HEIGHT = 300
MAP_HEIGHT = 300
BAR_HEIGHT = 190
# How many earlier moments are drawn beside the one that is looked at.
EARLIER = 5
# As far up goes the axis of shares at least.
LEAST_SHARE = 0.1
LAYER_TITLE = "layer (1 is the embedding)"


# What can be drawn over the layers.
METRICS = {name: catalogue.METRICS[name] for name in names_of(Of.LAYER, Of.STREAM)}


def lines_table(layers: Layers, name: str, g: int) -> pa.Table:
    """One row a layer and moment: those of snapshot `g`, and of some before it.

    Mean over seeds, with the deviation at `g`. Rows of kind "range" keep the axis where it is,
    whatever the moment.
    """
    values, log = getattr(layers, name), METRICS[name].scale is Scale.LOG
    earlier = np.unique(np.linspace(0, g, EARLIER + 1).round().astype(int))[:-1]
    rows: list[dict[str, Any]] = []
    for n, moment in enumerate((*earlier, g)):
        mean, low, high = _moments(values[moment], name)
        fade = 1.0 if moment == g else 0.15 + 0.45 * n / max(len(earlier), 1)
        rows += [
            {
                "kind": "now" if moment == g else "earlier",
                "layer": layer + 1,
                "passes": float(layers.epoch[moment]),
                "mean": mean[layer],
                "low": low[layer],
                "high": high[layer],
                "fade": fade,
            }
            for layer in range(len(mean))
        ]
    every = np.concatenate([_moments(snapshot, name)[0] for snapshot in values])
    every = every[np.isfinite(every)]
    if len(every):
        apart = base.ROOM if log and every.min() == every.max() else 1.0
        ends = every.min() / apart, every.max() * apart
        if METRICS[name].scale is Scale.SHARE:
            ends = 0.0, max(ends[1], LEAST_SHARE)
        rows += [{"kind": "range", "layer": 1, "mean": end} for end in ends]
    table = _table(rows)
    return in_words.telling(table, in_words.layers(table, METRICS[name].title))


_COLUMNS = {
    "kind": pa.string(), "layer": pa.int32(), "passes": pa.float64(), "mean": pa.float64(),
    "low": pa.float64(), "high": pa.float64(), "fade": pa.float32(),
}  # fmt: skip


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    def finite(value: Any) -> Any:
        return None if isinstance(value, float) and not np.isfinite(value) else value

    columns = {name: [finite(row.get(name)) for row in rows] for name in _COLUMNS}
    return pa.table({n: pa.array(values, _COLUMNS[n]) for n, values in columns.items()})


def _moments(values: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(L,) mean over seeds of a metric's values (R, L), and a deviation below and above it."""
    if METRICS[name].scale is Scale.LOG:
        mean, deviation = log_moments(values.T)
        return 10**mean, 10 ** (mean - deviation), 10 ** (mean + deviation)
    mean, deviation = moments(values.T)
    low, high = mean - deviation, mean + deviation
    if METRICS[name].scale is Scale.SHARE:
        low, high = low.clip(0, 1), high.clip(0, 1)
    return mean, low, high


@lru_cache
def lines_spec(name: str) -> dict[str, Any]:
    """Lines of a metric over the layers: the moment's bold, earlier ones fading."""
    alt, metric = base.altair(), METRICS[name]
    chart = alt.Chart().encode(x=_layer_axis(alt), y=_value_axis(alt, metric, "mean"))
    ranges = chart.transform_filter("datum.kind == 'range'").mark_point(opacity=0, size=1)
    earlier = (
        chart.transform_filter("datum.kind == 'earlier'")
        .mark_line(strokeWidth=2, clip=True)
        .encode(
            detail="passes:N",
            color=alt.value(metric.color),
            opacity=alt.Opacity("fade:Q", scale=None, legend=None),
        )
    )
    now = chart.transform_filter("datum.kind == 'now'")
    band = now.mark_area(opacity=0.2, clip=True).encode(
        y=_value_axis(alt, metric, "low"), y2="high:Q", color=alt.value(metric.color)
    )
    points = now.mark_line(
        strokeWidth=3.5, clip=True, color=metric.color, point={"size": 70, "color": metric.color}
    ).encode(
        tooltip=[
            alt.Tooltip("layer:Q"),
            alt.Tooltip("mean:Q", title=metric.title, format=".4~g"),
            alt.Tooltip("passes:Q", title="pass", format=",d"),
        ]
    )
    return base.finish(alt, alt.layer(ranges, earlier, band, points), height=HEIGHT)


def _layer_axis(alt: Any) -> Any:
    return alt.X(
        "layer:Q",
        title=LAYER_TITLE,
        scale=alt.Scale(nice=False, zero=False, padding=14),
        axis=alt.Axis(
            values=base.whole_ticks(alt, "x"), format="d", labelOverlap="greedy", grid=False
        ),
    )


def _value_axis(alt: Any, metric: Metric, name: str) -> Any:
    if metric.scale is Scale.LOG:
        return base.value_axis(alt, name, metric.title)
    # Room below, for a line at 0 to show whole.
    scale = alt.Scale(nice=False, zero=True, padding=8)
    return alt.Y(f"{name}:Q", title=metric.title, scale=scale, axis=alt.Axis(tickCount=6))


def map_table(layers: Layers, name: str) -> pa.Table:
    """One row a layer and snapshot: the mean over seeds, from a pass on until another.

    The next one begins earlier and is drawn over it: else the background would shine through.
    """
    values, log = getattr(layers, name), METRICS[name].scale is Scale.LOG
    epochs = layers.epoch.astype(float)
    # A snapshot stands for the time around it; the axis is logarithmic.
    middles = np.sqrt(epochs[1:] * epochs[:-1])
    begin = np.concatenate([epochs[:1], middles])
    end = np.concatenate([middles[1:], epochs[-1:], epochs[-1:]])[: len(epochs)]
    if len(epochs) == 1:  # which has nothing to either side
        begin, end = np.zeros(1), base.ROOM * np.maximum(epochs, 1)
    means = np.stack([_moments(snapshot, name)[0] for snapshot in values])
    snapshots, count = means.shape
    shown = np.log10(np.where(means > 0, means, np.nan)) if log else means
    table = pa.table(
        {
            "layer": np.tile(np.arange(1, count + 1), snapshots),
            "passes": np.repeat(begin, count),
            "until": np.repeat(end, count),
            "at": np.repeat(epochs, count),
            "mean": _nullable(means),
            "value": _nullable(shown),
        }
    )
    told = in_words.layers_and_passes(means, epochs, METRICS[name].title)
    return in_words.telling(table, told)


def _nullable(values: np.ndarray) -> pa.Array:
    return pa.array([v if np.isfinite(v) else None for v in values.ravel()], pa.float64())


@lru_cache
def map_spec(name: str, count: int) -> dict[str, Any]:
    """The heat map of a metric over passes and `count` layers."""
    alt, metric = base.altair(), METRICS[name]
    chart = (
        alt.Chart()
        .mark_rect(stroke=None, clip=True)
        .encode(
            x=base.passes_axis(alt),
            x2="until:Q",
            y=alt.Y(
                "layer:O",
                title="layer",
                scale=alt.Scale(domain=list(range(count, 0, -1)), paddingInner=0),
                axis=alt.Axis(domain=False, ticks=False, labelOverlap="greedy"),
            ),
            color=alt.Color(
                "value:Q",
                scale=alt.Scale(scheme="viridis", reverse=True),
                legend=alt.Legend(
                    title=("log₁₀ " if metric.scale is Scale.LOG else "") + metric.title,
                    orient="top",
                    titleLimit=300,
                    gradientLength=240,
                    gradientThickness=14,
                ),
            ),
            tooltip=[
                alt.Tooltip("layer:O"),
                alt.Tooltip("at:Q", title="pass", format=",d"),
                alt.Tooltip("mean:Q", title=metric.title, format=".4~g"),
            ],
        )
    )
    return base.finish(alt, chart, height=MAP_HEIGHT)


def blocks_table(layers: Layers, g: int) -> pa.Table:
    """One row a block at snapshot `g`: decay, and degrees by which it turns a sample, as means."""
    decay = moments(layers.decay[g].T)[0]
    movement = np.degrees(moments(layers.movement[g].T)[0])
    return pa.table(
        {
            "block": np.arange(1, len(decay) + 1),
            "decay": _nullable(decay),
            "movement": _nullable(movement),
        }
    )


@lru_cache
def blocks_spec(name: str) -> dict[str, Any]:
    """Bars of "decay" or "movement" over blocks."""
    alt = base.altair()
    title, color = catalogue.METRICS[name].title, catalogue.METRICS[name].color
    expression = {"decay": "format(datum.value, '~g')", "movement": "datum.value + '°'"}[name]
    chart = (
        alt.Chart()
        .mark_bar(color=color)
        .encode(
            x=alt.X(
                "block:O",
                title="block",
                axis=alt.Axis(labelAngle=0, labelOverlap="greedy", labelSeparation=3, ticks=False),
            ),
            y=alt.Y(f"{name}:Q", title=title, axis=alt.Axis(tickCount=4, labelExpr=expression)),
            tooltip=[
                alt.Tooltip("block:O"),
                alt.Tooltip("decay:Q", format=".3~g"),
                alt.Tooltip("movement:Q", title="turns a sample by (degrees)", format=".1f"),
            ],
        )
    )
    return base.finish(alt, chart, height=BAR_HEIGHT)


def draw_lines(table: pa.Table, name: str, key: str, *, fills: bool = False) -> None:
    """A metric over the layers. As high as there is room where it `fills`."""
    in_words.draw(table, lines_spec(name), key=key, fills=fills)


def draw_map(table: pa.Table, name: str, count: int) -> None:
    """A metric over passes and layers."""
    called = f"Map of {METRICS[name].title} over passes and layers"
    in_words.draw(table, map_spec(name, count), name=called, key="chart_layer_map")


def draw_blocks(table: pa.Table, name: str) -> None:
    """What each block pays, or how far it moves a sample."""
    unit = "°" if name == "movement" else ""
    told = in_words.blocks(table, name, catalogue.METRICS[name].title, unit)
    in_words.draw(table, blocks_spec(name), told=told, key=f"chart_{name}")
