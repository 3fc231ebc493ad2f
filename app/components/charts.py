"""Charts over epochs and the class means' cosines: Vega-Lite specs, and tables for them.

A chart whose data change is updated in place; one whose spec changes is embedded anew, and
loses zoom. So a spec is built once, without data, and nothing computed from data goes in.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import streamlit as st

from app.components import palette
from ncengine.runs import Run

CURVE_HEIGHT = 292
HEATMAP_WIDTH, HEATMAP_HEIGHT = 520, 400
PASSES = "passes over the data"
OBJECTIVE_PARTS = tuple(palette.OBJECTIVE_COLORS)
# Below this share of the objective a part counts as nothing: on a log axis an exact
# optimum's 1e-15 would squeeze all else to the top.
NEGLIGIBLE = 1e-6
# The heat map's colours reach this far to either side of the ideal cosine.
COSINE_REACH = 0.3

_PASS_TICKS = (0, *(m * 10**e for e in range(6) for m in (1, 3)))
_VALUE_TICKS = tuple(float(f"{m}e{e}") for e in range(-15, 5) for m in (1, 2, 5))
_TICK_LABEL = (
    "domain('y')[1] / domain('y')[0] > 200 && "
    "abs(log(datum.value) / LN10 - round(log(datum.value) / LN10)) > 0.01 "
    "? '' : format(datum.value, '~g')"
)


def draw_objective(run: Run) -> None:
    """The objective over epochs, split into fit and decays, above the floor."""
    st.vega_lite_chart(objective_table(run), objective_spec(), key="chart_objective")


def draw_collapse(run: Run) -> None:
    """NC1, NC2 and NC3 over epochs."""
    name = nc2_label(run)
    st.vega_lite_chart(collapse_table(run, name), collapse_spec(name), key="chart_collapse")


def draw_cosines(cosines: np.ndarray, class_names: tuple[str, ...]) -> None:
    """The K x K `cosines` of the class means; colours are centred on the ideal -1/(K-1)."""
    table, spec = cosine_table(cosines, class_names), cosine_spec(tuple(class_names))
    st.vega_lite_chart(table, spec, key="chart_cosines", width=HEATMAP_WIDTH)


def nc2_label(run: Run) -> str:
    """NC2A or NC2B, whichever the loss makes meaningful."""
    return run.config.nc2_name.upper()


def objective_table(run: Run) -> pa.Table:
    """One row a point: passes, and `OBJECTIVE_PARTS` as means over seeds that did not diverge."""
    epoch = _epoch(run)
    columns = {
        "passes": epoch,
        "objective": mean_over_seeds(run, "loss"),
        "fit": mean_over_seeds(run, "fit"),
        "floor": np.full(len(epoch), np.nan if run.floor is None else run.floor),
        "hidden decay": mean_over_seeds(run, "decay_hidden"),
        "last-layer decay": mean_over_seeds(run, "decay_last"),
    }
    return pa.table({name: np.asarray(values, np.float32) for name, values in columns.items()})


def collapse_table(run: Run, nc2: str) -> pa.Table:
    """One row a point and metric: passes, metric, geometric mean, one deviation down and up."""
    epoch = _epoch(run)
    metrics = ("NC1", nc2, "NC3")
    parts = [log_mean_and_deviation(run, metric.lower()) for metric in metrics]
    mean = np.concatenate([mean for mean, _ in parts])
    deviation = np.concatenate([deviation for _, deviation in parts])
    return pa.table(
        {
            "passes": np.tile(epoch, 3).astype(np.float32),
            "metric": np.repeat(metrics, len(epoch)).tolist(),
            "mean": (10**mean).astype(np.float32),
            "low": (10 ** (mean - deviation)).astype(np.float32),
            "high": (10 ** (mean + deviation)).astype(np.float32),
        }
    )


def cosine_table(cosines: np.ndarray, class_names: tuple[str, ...]) -> pa.Table:
    """One row a pair of classes. A class with itself has no cosine to show."""
    classes = len(cosines)
    shown = np.where(np.eye(classes, dtype=bool), np.nan, cosines)
    return pa.table(
        {
            "class": np.repeat(class_names, classes).tolist(),
            "other class": np.tile(class_names, classes).tolist(),
            "cosine": shown.ravel().astype(np.float32),
        }
    )


def mean_over_seeds(run: Run, name: str) -> np.ndarray:
    """(T,) arithmetic mean over the seeds that did not diverge; NaN where none has a value."""
    values = _kept(run, name)
    counted = np.isfinite(values)
    total = np.where(counted, values, 0.0).sum(axis=1)
    return _divide(total, counted.sum(axis=1))


def log_mean_and_deviation(run: Run, name: str) -> tuple[np.ndarray, np.ndarray]:
    """(T,) mean and standard deviation of log10 over the seeds that did not diverge."""
    values = _kept(run, name)
    counted = np.isfinite(values) & (values > 0)
    logs = np.log10(np.where(counted, values, 1.0))
    count = counted.sum(axis=1)
    mean = _divide(logs.sum(axis=1), count)
    spread = np.where(counted, logs - mean[:, None], 0.0)
    return mean, np.sqrt(_divide((spread**2).sum(axis=1), count))


def _divide(total: np.ndarray, count: np.ndarray) -> np.ndarray:
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _epoch(run: Run) -> np.ndarray:
    return np.asarray(run.curves.get("epoch", ()), float)


def _kept(run: Run, name: str) -> np.ndarray:
    """(T, seeds that did not diverge) values of the curve."""
    seeds = len(run.config.seeds)
    values = run.curves.get(name, np.empty((0, seeds)))
    return values[:, ~run.diverged] if len(run.diverged) == seeds else values


@lru_cache
def objective_spec() -> dict[str, Any]:
    """Lines of `OBJECTIVE_PARTS` over passes, both axes logarithmic."""
    alt = _altair()

    shown = _legend_toggle(alt, "part")
    lines = (
        alt.Chart()
        .transform_fold(list(OBJECTIVE_PARTS), as_=["part", "value"])
        .transform_filter(f"isValid(datum.value) && datum.value > {NEGLIGIBLE} * datum.objective")
        .mark_line(interpolate="monotone", clip=True)
        .encode(
            x=_passes_axis(alt),
            y=_value_axis(alt, "value", "objective, mean over seeds"),
            color=_legend(alt, "part", palette.OBJECTIVE_COLORS),
            strokeDash=alt.StrokeDash(
                "part:N",
                sort=None,
                scale=alt.Scale(
                    domain=list(OBJECTIVE_PARTS),
                    range=[[7, 5] if part == "floor" else [1, 0] for part in OBJECTIVE_PARTS],
                ),
                legend=None,
            ),
            strokeWidth=alt.condition("datum.part == 'objective'", alt.value(4), alt.value(2.5)),
            opacity=alt.condition(shown, alt.value(1), alt.value(0.08)),
        )
        .add_params(shown, _zoom(alt))
    )
    tooltip = [alt.Tooltip("passes:Q", title="passes", format=",.0f")]
    tooltip += [alt.Tooltip(f"{part}:Q", format=".4~g") for part in OBJECTIVE_PARTS]
    return _finish(alt, alt.layer(lines, _rule(alt, tooltip)))


@lru_cache
def collapse_spec(nc2: str) -> dict[str, Any]:
    """Lines and bands of the metrics over passes; `nc2` is "NC2A" or "NC2B"."""
    alt = _altair()

    metrics = ("NC1", nc2, "NC3")
    shown = _legend_toggle(alt, "metric")
    base = alt.Chart().encode(
        x=_passes_axis(alt), color=_legend(alt, "metric", dict(zip(metrics, palette.NC_COLORS)))
    )
    bands = base.mark_area(interpolate="monotone", clip=True).encode(
        y=_value_axis(alt, "low", "collapse, mean ± deviation"),
        y2="high:Q",
        opacity=alt.condition(shown, alt.value(0.22), alt.value(0.02)),
    )
    lines = (
        base.mark_line(interpolate="monotone", clip=True, strokeWidth=3)
        .encode(
            y=_value_axis(alt, "mean", "collapse, mean ± deviation"),
            opacity=alt.condition(shown, alt.value(1), alt.value(0.08)),
        )
        .add_params(shown, _zoom(alt))
    )
    tooltip = [alt.Tooltip("passes:Q", title="passes", format=",.0f")]
    tooltip += [alt.Tooltip(f"{metric}:Q", format=".3~g") for metric in metrics]
    rule = _rule(alt, tooltip).transform_pivot("metric", value="mean", groupby=["passes"])
    return _finish(alt, alt.layer(bands, lines, rule))


@lru_cache
def cosine_spec(class_names: tuple[str, ...]) -> dict[str, Any]:
    """The heat map for these classes. Its colours, and the mark on its bar, show the ideal."""
    alt = _altair()

    ideal = -1 / (len(class_names) - 1)
    bar = [ideal - COSINE_REACH, ideal, ideal + COSINE_REACH]
    long_names = max(map(len, class_names)) > 2
    cells = alt.Chart().mark_rect(cornerRadius=2, stroke=None)
    chart = cells.encode(
        x=_class_axis(alt, "class", class_names, labelAngle=-40 if long_names else 0),
        y=_class_axis(alt, "other class", class_names),
        color=alt.Color(
            "cosine:Q",
            scale=alt.Scale(
                domain=bar, range=list(palette.DIVERGING), clamp=True, interpolate="rgb"
            ),
            legend=alt.Legend(
                title="cosine",
                values=bar,
                gradientLength=240,
                gradientThickness=16,
                labelExpr=f"(abs(datum.value - {ideal}) < 1e-6 ? 'ideal ' : "
                f"datum.value < {ideal} ? '≤ ' : '≥ ') + format(datum.value, '.2f')",
            ),
        ),
        tooltip=[
            alt.Tooltip("class:N"),
            alt.Tooltip("other class:N", title="and class"),
            alt.Tooltip("cosine:Q", format=".4f"),
        ],
    )
    return _finish(alt, chart, height=HEATMAP_HEIGHT)


def _altair() -> Any:
    # Altair asks whatever pandas it finds, even one that another thread is only half through
    # importing. To import it here is to wait for that thread.
    import pandas  # noqa: F401, I001
    import altair

    return altair


def _class_axis(alt: Any, name: str, class_names: tuple[str, ...], **axis: Any) -> Any:
    channel = alt.X if name == "class" else alt.Y
    return channel(
        f"{name}:N",
        sort=None,
        title=None,
        scale=alt.Scale(domain=list(class_names), paddingInner=0.06),
        axis=alt.Axis(domain=False, ticks=False, labelLimit=120, **axis),
    )


def _passes_axis(alt: Any) -> Any:
    return alt.X(
        "passes:Q",
        title=PASSES,
        scale=alt.Scale(type="symlog", constant=1, nice=False),
        axis=alt.Axis(values=list(_PASS_TICKS), format=",d", labelOverlap="greedy", grid=False),
    )


def _value_axis(alt: Any, name: str, title: str) -> Any:
    return alt.Y(
        f"{name}:Q",
        title=title,
        scale=alt.Scale(type="log", nice=False, padding=8),
        axis=alt.Axis(values=list(_VALUE_TICKS), labelExpr=_TICK_LABEL, labelOverlap="greedy"),
    )


def _legend(alt: Any, name: str, colors: dict[str, str]) -> Any:
    return alt.Color(
        f"{name}:N",
        sort=None,
        scale=alt.Scale(domain=list(colors), range=list(colors.values())),
        legend=alt.Legend(
            title=None,
            orient="top",
            direction="horizontal",
            columns=3,
            columnPadding=4,
            symbolType="stroke",
            symbolOpacity=1,
        ),
    )


def _legend_toggle(alt: Any, name: str) -> Any:
    return alt.selection_point(name="shown", fields=[name], bind="legend", toggle="true")


def _zoom(alt: Any) -> Any:
    return alt.selection_interval(name="zoom", bind="scales")


def _rule(alt: Any, tooltip: list[Any]) -> Any:
    """A vertical line at the point nearest to the pointer, with all values in its tooltip."""
    near = alt.selection_point(
        name="near",
        nearest=True,
        on="pointermove",
        clear="pointerout",
        encodings=["x"],
        empty=False,
    )
    return (
        alt.Chart()
        .mark_rule(color=palette.NEUTRAL, strokeWidth=1.5)
        .encode(
            x="passes:Q",
            opacity=alt.condition(near, alt.value(0.9), alt.value(0)),
            tooltip=tooltip,
        )
        .add_params(near)
    )


def _finish(alt: Any, chart: Any, height: int = CURVE_HEIGHT) -> dict[str, Any]:
    chart = (
        chart.properties(height=height)
        .configure_axis(
            labelFontSize=14, titleFontSize=14, titleFontWeight="normal", titlePadding=10
        )
        .configure_legend(labelFontSize=14, titleFontSize=14, symbolStrokeWidth=4, symbolSize=100)
        .configure_view(stroke=None)
    )
    spec = chart.to_dict()
    # Altair names an empty table where a chart has no data yet. Streamlit would send it along with
    # the real one, by way of pandas, each time.
    del spec["datasets"]
    for part in (spec, *spec.get("layer", ())):
        part.pop("data", None)
    return spec
