"""Charts over epochs: Vega-Lite specs, and tables for them.

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
from ncengine.runs import OF_TEST, Run

CURVE_HEIGHT = 292
PASSES = "passes over the data"
OBJECTIVE_PARTS = tuple(palette.OBJECTIVE_COLORS)
ACCURACIES = {"training": "accuracy", "test": "test_accuracy"}
SOLID, DASHED = [1, 0], [7, 5]
# A legend's symbols that show whether a line is dashed.
LONG_SYMBOLS = {"symbolSize": 500, "symbolStrokeWidth": 3}
# The longest that leave room for the names of all parts in a narrow window.
MIDDLE_SYMBOLS = {"symbolSize": 300, "symbolStrokeWidth": 3, "labelFontSize": 13}
# Below this share of the objective a part counts as nothing: on a log axis an exact
# optimum's 1e-15 would squeeze all else to the top.
NEGLIGIBLE = 1e-6

_PASS_TICKS = (0, *(m * 10**e for e in range(6) for m in (1, 3)))
_VALUE_TICKS = tuple(float(f"{m}e{e}") for e in range(-15, 5) for m in (1, 2, 5))
_TICK_LABEL = (
    "domain('y')[1] / domain('y')[0] > 200 && "
    "abs(log(datum.value) / LN10 - round(log(datum.value) / LN10)) > 0.01 "
    "? '' : format(datum.value, datum.value < 0.0009 ? '~e' : '~g')"
)


def draw_objective(run: Run) -> None:
    """The objective over epochs, split into fit and decays, above the floor."""
    spec = objective_spec(run.config.architecture != "UFM")
    st.vega_lite_chart(objective_table(run), spec, key="chart_objective")


def draw_collapse(run: Run, test: bool) -> None:
    """NC1, NC2 and NC3 over epochs; with `test`, NC1 and NC3 of test samples too."""
    name = nc2_label(run)
    table, spec = collapse_table(run, name, test), collapse_spec(name, test)
    st.vega_lite_chart(table, spec, key="chart_collapse")


def draw_accuracy(run: Run, test: bool) -> None:
    """Training accuracy over epochs; with `test`, test accuracy too."""
    st.vega_lite_chart(accuracy_table(run, test), accuracy_spec(test), key="chart_accuracy")


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


def collapse_table(run: Run, nc2: str, test: bool) -> pa.Table:
    """One row a point and metric: passes, metric, geometric mean, one deviation down and up.

    With `test`, two more metrics, "test NC1" and "test NC3", where they were taken.
    """
    metrics = _collapse_metrics(nc2, test)
    parts = []
    for name in metrics:
        curve = name.lower().replace(" ", "_")
        columns = _epoch(run), *log_mean_and_deviation(run, curve)
        shown = _shown(columns[1], curve)
        parts.append([column[shown] for column in columns])
    epoch, mean, deviation = (np.concatenate(column) for column in zip(*parts, strict=True))
    return pa.table(
        {
            "passes": epoch.astype(np.float32),
            "metric": np.repeat(metrics, [len(part[0]) for part in parts]).tolist(),
            "mean": (10**mean).astype(np.float32),
            "low": (10 ** (mean - deviation)).astype(np.float32),
            "high": (10 ** (mean + deviation)).astype(np.float32),
        }
    )


def accuracy_table(run: Run, test: bool) -> pa.Table:
    """One row a point and kind ("training", "test"): passes, kind, mean share that is right."""
    columns: dict[str, list] = {"passes": [], "samples": [], "accuracy": []}
    for kind, curve in ACCURACIES.items():
        if kind == "test" and not test:
            continue
        mean = mean_over_seeds(run, curve)
        shown = _shown(mean, curve)
        columns["passes"] += _epoch(run)[shown].tolist()
        columns["samples"] += [kind] * int(shown.sum())
        columns["accuracy"] += mean[shown].tolist()
    numbers = {n: pa.array(columns[n], pa.float32()) for n in ("passes", "accuracy")}
    return pa.table({**numbers, "samples": pa.array(columns["samples"], pa.string())})


def _collapse_metrics(nc2: str, test: bool) -> tuple[str, ...]:
    return ("NC1", nc2, "NC3", *(("test NC1", "test NC3") if test else ()))


def _shown(values: np.ndarray, curve: str) -> np.ndarray:
    """Which points are drawn: a line over test samples joins those at which it was taken."""
    return np.isfinite(values) | (curve not in OF_TEST)


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
def objective_spec(layers: bool) -> dict[str, Any]:
    """Lines of `OBJECTIVE_PARTS` over passes, both axes logarithmic.

    Without hidden `layers` there is no hidden decay to name.
    """
    alt = altair()

    parts = tuple(part for part in OBJECTIVE_PARTS if layers or part != "hidden decay")
    colors = {part: palette.OBJECTIVE_COLORS[part] for part in parts}
    shown = _legend_toggle(alt, "part")
    lines = (
        alt.Chart()
        .transform_fold(list(parts), as_=["part", "value"])
        .transform_filter(f"isValid(datum.value) && datum.value > {NEGLIGIBLE} * datum.objective")
        .mark_line(interpolate="monotone", clip=True)
        .encode(
            x=_passes_axis(alt),
            y=_value_axis(alt, "value", "objective, mean over seeds"),
            color=_legend(alt, "part", colors, **MIDDLE_SYMBOLS),
            strokeDash=_dashes(alt, "part", parts, **MIDDLE_SYMBOLS),
            strokeWidth=alt.condition("datum.part == 'objective'", alt.value(4), alt.value(2.5)),
            opacity=alt.condition(shown, alt.value(1), alt.value(0.08)),
        )
        .add_params(shown, _zoom(alt))
    )
    tooltip = [alt.Tooltip("passes:Q", title="passes", format=",.0f")]
    tooltip += [alt.Tooltip(f"{part}:Q", format=".4~g") for part in parts]
    return finish(alt, alt.layer(lines, _rule(alt, tooltip)))


@lru_cache
def collapse_spec(nc2: str, test: bool) -> dict[str, Any]:
    """Lines and bands of the metrics over passes; `nc2` is "NC2A" or "NC2B".

    With `test`, those of test samples are dashed and in the colour of their metric.
    """
    alt = altair()

    metrics = _collapse_metrics(nc2, test)
    nc1, _, nc3 = palette.NC_COLORS
    shown = _legend_toggle(alt, "metric")
    base = alt.Chart().encode(
        x=_passes_axis(alt),
        color=_legend(
            alt, "metric", dict(zip(metrics, (*palette.NC_COLORS, nc1, nc3))), **LONG_SYMBOLS
        ),
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
            strokeDash=_dashes(alt, "metric", metrics, **LONG_SYMBOLS),
            opacity=alt.condition(shown, alt.value(1), alt.value(0.08)),
        )
        .add_params(shown, _zoom(alt))
    )
    tooltip = [alt.Tooltip("passes:Q", title="passes", format=",.0f")]
    tooltip += [alt.Tooltip(f"{metric}:Q", format=".3~g") for metric in metrics]
    rule = _rule(alt, tooltip).transform_pivot("metric", value="mean", groupby=["passes"])
    return finish(alt, alt.layer(bands, lines, rule))


@lru_cache
def accuracy_spec(test: bool) -> dict[str, Any]:
    """Lines of training accuracy, and with `test` of test accuracy, over passes."""
    alt = altair()

    kinds = tuple(ACCURACIES) if test else ("training",)
    color = palette.OBJECTIVE_COLORS["fit"]
    shown = _legend_toggle(alt, "samples")
    lines = (
        alt.Chart()
        .mark_line(clip=True, strokeWidth=3)
        .encode(
            x=_passes_axis(alt),
            y=alt.Y(
                "accuracy:Q",
                title="accuracy, mean over seeds",
                # A little room above, for a line at 100 % to show whole.
                scale=alt.Scale(domain=[0, 1.02], nice=False),
                axis=alt.Axis(values=[0, 0.25, 0.5, 0.75, 1], format=".0%"),
            ),
            color=_legend(alt, "samples", dict.fromkeys(kinds, color), **LONG_SYMBOLS),
            strokeDash=_dashes(alt, "samples", kinds, **LONG_SYMBOLS),
            opacity=alt.condition(shown, alt.value(1), alt.value(0.08)),
        )
        .add_params(shown, _zoom(alt))
    )
    tooltip = [alt.Tooltip("passes:Q", title="passes", format=",.0f")]
    tooltip += [alt.Tooltip(f"{kind}:Q", format=".1%") for kind in kinds]
    rule = _rule(alt, tooltip).transform_pivot("samples", value="accuracy", groupby=["passes"])
    return finish(alt, alt.layer(lines, rule))


def altair() -> Any:
    """The module, slow to import, once it is safe to."""
    # Altair asks whatever pandas it finds, even one that another thread is only half through
    # importing. To import it here is to wait for that thread.
    import pandas  # noqa: F401, I001
    import altair

    return altair


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


def _legend_layout(alt: Any, **layout: Any) -> Any:
    return alt.Legend(
        title=None,
        orient="top",
        direction="horizontal",
        columns=3,
        columnPadding=4,
        symbolType="stroke",
        symbolOpacity=1,
        **layout,
    )


def _dashes(alt: Any, name: str, domain: tuple[str, ...], **layout: Any) -> Any:
    """Dashed: the floor, and what is of test samples. In the one legend of colours and dashes."""
    dashes = [DASHED if one == "floor" or "test" in one else SOLID for one in domain]
    return alt.StrokeDash(
        f"{name}:N",
        sort=None,
        scale=alt.Scale(domain=list(domain), range=dashes),
        legend=_legend_layout(alt, **layout),
    )


def _legend(alt: Any, name: str, colors: dict[str, str], **layout: Any) -> Any:
    return alt.Color(
        f"{name}:N",
        sort=None,
        scale=alt.Scale(domain=list(colors), range=list(colors.values())),
        legend=_legend_layout(alt, **layout),
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


def finish(alt: Any, chart: Any, height: int = CURVE_HEIGHT) -> dict[str, Any]:
    """The chart's spec in the app's sizes, without any data."""
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
