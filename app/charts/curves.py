"""Curves over passes: Vega-Lite specs, and tables for them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa

from app.charts import base, in_words, palette
from ncengine.analysis import over_seeds, words
from ncengine.catalogue.metrics import Metric, Of, Place, Scale, metric_of, of_test, shown_in
from ncengine.config import RunConfig
from ncengine.runs.run import Run
from ncengine.snapshots.names import OF_TEST
from ncengine.theory.optimum import BEST_KNOWN, FLOOR, least_name

# What is drawn of collapse, by what it is called, and of shares.
_DRAWN = [metric for metric in shown_in(Place.CURVES) if Of.FEATURES in metric.of]
COLLAPSE = {metric.title: metric for metric in _DRAWN if metric.scale is Scale.LOG}
SHARES = [metric for metric in _DRAWN if metric.scale is Scale.SHARE]
# Below this share of the objective a part counts as nothing: on a log axis an exact
# optimum's 1e-15 would squeeze all else to the top.
NEGLIGIBLE = 1e-6


def draw_objective(table: pa.Table, layers: bool, least: str, several: bool) -> None:
    """The objective over passes, split into fit and decays, above the floor or the best known."""
    in_words.draw(table, objective_spec(layers, least, several), key="chart_objective")


def objective_parts(least: str = FLOOR) -> dict[str, str]:
    """The colours of the objective and its parts, with what it is above under that name."""
    colors = dict(palette.OBJECTIVE_COLORS)
    # Where a legend has room for a longer name than "fit": the second of three columns.
    return {"objective": colors.pop("objective"), least: colors.pop(FLOOR), **colors}


def draw_collapse(table: pa.Table, test: bool, several: bool, *, fills: bool = False) -> None:
    """NC1, NC2 and NC3 over passes; with `test`, NC1 and NC3 of test samples too.

    As high as there is room where it `fills`.
    """
    key = "presented_collapse" if fills else "chart_collapse"
    in_words.draw(table, collapse_spec(test, several), key=key, fills=fills)


def draw_accuracy(table: pa.Table, test: bool, several: bool) -> None:
    """Training accuracy over passes; with `test`, test accuracy too."""
    in_words.draw(table, accuracy_spec(test, several), key="chart_accuracy")


def objective_table(run: Run) -> pa.Table:
    """One row a point: passes, and the objective's parts as means over seeds that did not diverge.

    Where there is no floor, "best known" is in its place.
    """
    passes, least = over_seeds.passes(run), least_name(run.config)
    height = np.nan if run.least is None else run.least.value
    columns = {
        "passes": passes,
        "objective": over_seeds.mean_over_seeds(run, "loss"),
        "fit": over_seeds.mean_over_seeds(run, "fit"),
        least: np.full(len(passes), height),
        "hidden decay": over_seeds.mean_over_seeds(run, "decay_hidden"),
        "last-layer decay": over_seeds.mean_over_seeds(run, "decay_last"),
    }
    table = pa.table({name: base.single(values) for name, values in columns.items()})
    return in_words.telling(table, in_words.parts(table, tuple(objective_parts(least)), NEGLIGIBLE))


def collapse_table(run: Run, test: bool) -> pa.Table:
    """One row a point and metric: passes, metric, geometric mean, one deviation down and up.

    With `test`, two more metrics, "test NC1" and "test NC3", where they were taken.
    """
    parts, metrics = [], tuple(collapse_colors(test))
    for curve in _collapse_curves(run.config, test):
        columns = over_seeds.passes(run), *over_seeds.log_mean_and_deviation(run, curve)
        shown = _shown(columns[1], curve)
        parts.append([column[shown] for column in columns])
    passes, mean, deviation = (np.concatenate(column) for column in zip(*parts, strict=True))
    with np.errstate(over="ignore"):
        low, high = 10 ** (mean - deviation), 10 ** (mean + deviation)
    table = pa.table(
        {
            "passes": passes.astype(np.float32),
            "metric": np.repeat(metrics, [len(part[0]) for part in parts]).tolist(),
            "mean": base.single(10**mean),
            "low": base.single(low),
            "high": base.single(high),
        }
    )
    lines = in_words.grouped(table, "metric", "passes", "mean")
    return in_words.telling(table, in_words.curves(lines, in_words.at_pass))


def accuracy_table(run: Run, test: bool) -> pa.Table:
    """One row a point and kind ("training", "test"): passes, kind, mean share that is right."""
    columns: dict[str, list] = {"passes": [], "samples": [], "accuracy": []}
    for kind, curve in _share_curves(test).items():
        mean = over_seeds.mean_over_seeds(run, curve)
        shown = _shown(mean, curve)
        columns["passes"] += over_seeds.passes(run)[shown].tolist()
        columns["samples"] += [kind] * int(shown.sum())
        columns["accuracy"] += mean[shown].tolist()
    numbers = {n: pa.array(columns[n], pa.float32()) for n in ("passes", "accuracy")}
    table = pa.table({**numbers, "samples": pa.array(columns["samples"], pa.string())})
    lines = in_words.grouped(table, "samples", "passes", "accuracy")
    return in_words.telling(table, in_words.curves(lines, in_words.at_pass, words.accuracy))


def collapse_colors(test: bool) -> dict[str, str]:
    """The colours of the lines of collapse, by what they are called; those of `test` data last."""
    colors = {title: metric.color for title, metric in COLLAPSE.items()}
    of_tests = _tested(COLLAPSE.values(), test)
    return colors | {f"test {metric.title}": metric.color for metric in of_tests}


def _collapse_curves(config: RunConfig, test: bool) -> list[str]:
    """Which curves these lines are of."""
    curves = [config.curve(metric.asked_as or metric.name) for metric in COLLAPSE.values()]
    return curves + [of_test(metric.name) for metric in _tested(COLLAPSE.values(), test)]


def _share_curves(test: bool) -> dict[str, str]:
    """The curves of shares, by what they are called: of training samples, and of `test` ones."""
    several = len(SHARES) > 1
    curves = {
        f"training {metric.title}" if several else "training": metric.name for metric in SHARES
    }
    for metric in _tested(SHARES, test):
        curves[f"test {metric.title}" if several else "test"] = of_test(metric.name)
    return curves


def _tested(metrics: Iterable[Metric], test: bool) -> list[Metric]:
    """Those of the metrics that are drawn of test samples too; none without `test`."""
    return [metric for metric in metrics if test and Place.CURVES in metric.shown_of_test]


def _shown(values: np.ndarray, curve: str) -> np.ndarray:
    """Which points are drawn: a line over test samples joins those at which it was taken."""
    return np.isfinite(values) | (curve not in OF_TEST)


@lru_cache
def objective_spec(layers: bool, least: str = FLOOR, several: bool = True) -> dict[str, Any]:
    """Lines of the objective's parts over passes, both axes logarithmic.

    Without hidden `layers` there is no hidden decay to name; `least` is what the objective is
    above, see `theory.optimum.least_name`. Of `several` seeds it is the mean.
    """
    alt = base.altair()

    colors = objective_parts(least)
    if not layers:
        del colors["hidden decay"]
    parts = tuple(colors)
    shown = base.legend_toggle(alt, "part")
    title = f"objective{', mean over seeds' * several}"
    data = (
        alt.Chart()
        .transform_fold(list(parts), as_=["part", "value"])
        .transform_filter(f"isValid(datum.value) && datum.value > {NEGLIGIBLE} * datum.objective")
    )
    each = {
        "x": base.passes_axis(alt),
        "y": base.value_axis(alt, "value", title),
        "color": base.legend(alt, "part", colors, **base.MIDDLE_SYMBOLS),
        "opacity": alt.condition(shown, alt.value(1), alt.value(0.08)),
    }
    lines = (
        data.mark_line(interpolate="monotone", clip=True)
        .encode(
            **each,
            strokeDash=base.dashes(alt, "part", parts, **base.MIDDLE_SYMBOLS),
            strokeWidth=alt.condition("datum.part == 'objective'", alt.value(4), alt.value(2.5)),
        )
        .add_params(shown, base.zoom(alt))
    )
    points = base.alone(data, "part").encode(**each)
    room = base.room(alt, data, "value", title)
    tooltip = [alt.Tooltip("passes:Q", title="passes", format=",.0f")]
    told = {BEST_KNOWN: f"{BEST_KNOWN}, not proved"}
    tooltip += [
        alt.Tooltip(f"{part}:Q", title=told.get(part, part), format=".4~g") for part in parts
    ]
    return base.finish(alt, alt.layer(*room, lines, points, base.rule(alt, tooltip)))


@lru_cache
def collapse_spec(test: bool, several: bool = True) -> dict[str, Any]:
    """Lines and bands of the metrics over passes.

    With `test`, those of test samples are dashed and in the colour of their metric. Of one seed
    there is no mean and no deviation.
    """
    alt = base.altair()

    title = f"collapse{', mean ± deviation' * several}"

    colors = collapse_colors(test)
    metrics = tuple(colors)
    shown = base.legend_toggle(alt, "metric")
    lines_and_bands = alt.Chart().encode(
        x=base.passes_axis(alt),
        color=base.legend(alt, "metric", colors, **base.LONG_SYMBOLS),
    )
    mean = {"y": base.value_axis(alt, "mean", title)}
    bands = lines_and_bands.mark_area(interpolate="monotone", clip=True).encode(
        y=base.value_axis(alt, "low", title),
        y2="high:Q",
        opacity=alt.condition(shown, alt.value(0.22), alt.value(0.02)),
    )
    lines = (
        lines_and_bands.mark_line(interpolate="monotone", clip=True, strokeWidth=3)
        .encode(
            **mean,
            strokeDash=base.dashes(alt, "metric", metrics, **base.LONG_SYMBOLS),
            opacity=alt.condition(shown, alt.value(1), alt.value(0.08)),
        )
        .add_params(shown, base.zoom(alt))
    )
    spreads = base.alone(lines_and_bands, "metric", rule=True).encode(
        y=base.value_axis(alt, "low", title), y2="high:Q"
    )
    points = base.alone(lines_and_bands, "metric").encode(
        **mean, opacity=alt.condition(shown, alt.value(1), alt.value(0.08))
    )
    room = base.room(alt, alt.Chart(), "mean", title)
    tooltip = [alt.Tooltip("passes:Q", title="passes", format=",.0f")]
    tooltip += [alt.Tooltip(f"{metric}:Q", format=".3~g") for metric in metrics]
    rule = base.rule(alt, tooltip).transform_pivot("metric", value="mean", groupby=["passes"])
    return base.finish(alt, alt.layer(*room, bands, spreads, lines, points, rule))


@lru_cache
def accuracy_spec(test: bool, several: bool = True) -> dict[str, Any]:
    """Lines of training accuracy, and with `test` of test accuracy, over passes.

    Of `several` seeds they are means.
    """
    alt = base.altair()

    colors = {kind: metric_of(curve).color for kind, curve in _share_curves(test).items()}
    kinds = tuple(colors)
    shown = base.legend_toggle(alt, "samples")
    chart = alt.Chart().encode(
        x=base.passes_axis(alt),
        y=alt.Y(
            "accuracy:Q",
            title=f"accuracy{', mean over seeds' * several}",
            # A little room above and below, for lines at 100 % and at 0 to show whole.
            scale=alt.Scale(domain=[-0.02, 1.02], nice=False),
            axis=alt.Axis(values=[0, 0.25, 0.5, 0.75, 1], format=".0%"),
        ),
        color=base.legend(alt, "samples", colors, **base.LONG_SYMBOLS),
        opacity=alt.condition(shown, alt.value(1), alt.value(0.08)),
    )
    lines = (
        chart.mark_line(clip=True, strokeWidth=3)
        .encode(strokeDash=base.dashes(alt, "samples", kinds, **base.LONG_SYMBOLS))
        .add_params(shown, base.zoom(alt))
    )
    points = base.alone(chart, "samples")
    room = base.room(alt, alt.Chart(), "accuracy")
    tooltip = [alt.Tooltip("passes:Q", title="passes", format=",.0f")]
    tooltip += [alt.Tooltip(f"{kind}:Q", format=".1%") for kind in kinds]
    rule = base.rule(alt, tooltip).transform_pivot("samples", value="accuracy", groupby=["passes"])
    return base.finish(alt, alt.layer(*room, lines, points, rule))
