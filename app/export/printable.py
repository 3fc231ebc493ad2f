"""What of a page can be printed, by name: each chart, and the player's view."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import pyarrow as pa

from app.charts import compare, cosines, curves, in_words, lines
from app.charts import depth as of_depth
from app.charts import layers as of_layers
from app.charts.cosines import INK
from app.components import laws, pair, pictured, series
from app.components.series import Picture, Series
from app.engine import best_known, derived, sweep
from app.export.column import Chart, wrapped
from app.export.still import still
from app.player.view import View, shown_layers, shown_snapshot
from ncengine.analysis import over_seeds
from ncengine.analysis.words import signed
from ncengine.catalogue.architectures import architecture_info
from ncengine.catalogue.datasets import dataset_info
from ncengine.catalogue.metrics import METRICS
from ncengine.config import PARAMS
from ncengine.runs.run import Run
from ncengine.theory.optimum import least_name, why_no_figure

# Points of height that a line of a legend takes which the page has elsewhere.
_LINE_OF_LEGEND = 11
# In one column names stand one below the other, and longer ones in two lines.
_MOST_SIGNS = 46
_BROKEN = (
    f"width < 300 && length(datum.label) > {_MOST_SIGNS} ? split(datum.label, ' · ') : datum.label"
)
_COLUMNS = {"expr": "width < 300 ? 1 : 2"}

PLAYER = "player"
CURVES = ("collapse", "objective", "accuracy")
LAYERS = ("layers", "map", "decay", "movement", "stream")
COSINES = "cosines"
PAIR = ("collapse", "objective")


class Printable(Protocol):
    """What makes a drawing of itself, with a title, and can say what is to be seen."""

    @property
    def title(self) -> str:
        """What stands above it."""

    @property
    def told(self) -> str:
        """What is to be seen, in words."""

    def svg(self, width: str, titled: bool = True) -> str:
        """The drawing, see `press.pressed`."""


Make = Callable[[], Printable]


def titles(run: Run) -> dict[str, str]:
    """What of a run can be printed, by name, in words; nothing of one that has no points yet."""
    if not run.points:
        return {}
    found = {PLAYER: "The player’s view"} if run.geometry is not None else {}
    found |= {"collapse": "Collapse", "objective": "Objective", "accuracy": "Accuracy"}
    if run.geometry is not None:
        found[COSINES] = "Cosines between class means"
    if run.layers is not None and architecture_info(run.config.architecture).has_network:
        found |= {
            "layers": "A metric over layers",
            "map": "A metric over layers and passes",
            "decay": METRICS["decay"].title.capitalize(),
            "movement": METRICS["movement"].title.capitalize(),
        }
        if run.config.norm == "pre":
            found["stream"] = METRICS["stream_norm"].title.capitalize()
    return found


def of_run(run: Run, name: str, looked_at: View) -> Printable:
    """What of a run goes by that name, at the moment and from the side that is looked at.

    Raises:
        ValueError: there is nothing of it to be seen.
    """
    if name not in titles(run):
        raise ValueError(f"{run.config.full_title()}: it has nothing to show of {name}")
    if name == PLAYER:
        return still(run, looked_at)
    if name in CURVES:
        return _curves(run, name, looked_at.test)
    if name == COSINES:
        return _cosines(run, looked_at)
    return _layers(run, name, looked_at)


def _chart(title: str, spec: dict[str, Any], table: pa.Table, **more: Any) -> Chart:
    return Chart(title, spec, table.to_pylist(), in_words.told_of(table), **more)


# Of one run.


def _curves(run: Run, name: str, test: bool) -> Chart:
    several = over_seeds.seeds_counted(run) > 1
    if name == "objective":
        layers = architecture_info(run.config.architecture).has_network
        spec = curves.objective_spec(layers, least_name(run.config), several)
        return _chart(run.config.title(), spec, curves.objective_table(run))
    if name == "accuracy":
        spec = curves.accuracy_spec(test, several)
        return _chart(run.config.title(), spec, curves.accuracy_table(run, test))
    spec = curves.collapse_spec(test, several)
    return _chart(run.config.title(), spec, curves.collapse_table(run, test))


def _cosines(run: Run, looked_at: View) -> Chart:
    config, geometry = run.config, run.geometry
    r = config.seeds.index(looked_at.seed)
    g = None if geometry is None else shown_snapshot(geometry, r, looked_at.moment)
    if geometry is None or g is None:
        raise ValueError(f"{config.full_title()}: seed {looked_at.seed} has no cosines to show")
    names = dataset_info(config.dataset).class_names[: config.classes]
    table = cosines.table(derived.cosines(geometry.class_means[g, r]), names)
    title = f"{config.title()} · seed {looked_at.seed}, pass {geometry.epoch[g]:,.0f}"
    return _chart(title, cosines.spec(tuple(names), not why_no_figure(config)), table)


def _layers(run: Run, name: str, looked_at: View) -> Chart:
    g, layers = shown_layers(run, looked_at), run.layers
    if layers is None or g is None:
        raise ValueError(f"{run.config.full_title()}: seed {looked_at.seed} has no layers to show")
    title = f"{run.config.title()} · pass {layers.epoch[g]:,}"
    if name in ("decay", "movement"):
        return _chart(title, of_layers.blocks_spec(name), of_layers.blocks_table(layers, g))
    metric = "stream_norm" if name == "stream" else looked_at.of
    if name == "map":
        spec = of_layers.map_spec(metric, layers.nc1.shape[-1])
        return _chart(run.config.title(), spec, of_layers.map_table(layers, metric))
    return _chart(title, of_layers.lines_spec(metric), of_layers.lines_table(layers, metric, g))


# Of lines over numbers of any kind, as of a part of Theory.


def of_chart(title: str, spec: dict[str, Any], table: pa.Table) -> Chart:
    """Any chart that a page draws, below what it is of."""
    return _chart(title, spec, table)


def of_lines(chart: lines.Chart, title: str) -> Chart:
    """A chart of such lines, below what it is of."""
    spec = lines.spec(chart.axes, chart.named)
    more = {"single": _LINE_OF_LEGEND * max(0.0, len(chart.lines) / 2 - 1), "double": 0.0}
    return _chart(title, spec, lines.table(chart), more=more)


# Of two.


def of_pair(left: Run, right: Run, name: str) -> Chart:
    """The curves of two runs over each other: one of `PAIR`.

    Raises:
        ValueError: there is nothing of either to be seen.
    """
    if not left.points or not right.points:
        absent = right if left.points else left
        raise ValueError(f"{absent.config.full_title()}: nobody has trained it yet")
    called = pair.names(left, right)
    both = dict(zip(called, (left, right), strict=True))
    metrics, title = compare.asked_of_pair(both)[name]
    asked = {metric.title: metric.asked_as or metric.name for metric in metrics}
    colors = tuple((metric.title, metric.color) for metric in metrics)
    spec = _named_strokes(compare.pair_spec(called, colors, title), called)
    table = compare.pair_table(both, asked)
    return _chart(" · ".join(called), spec, table, more=_lines_of_legend(called))


def _named_strokes(spec: dict[str, Any], called: tuple[str, str]) -> dict[str, Any]:
    """The chart with the legend that the page has above both of its charts."""
    legend = {
        "title": None, "orient": "top", "columns": _COLUMNS, "symbolType": "stroke",
        "symbolSize": 500, "values": list(called), "labelExpr": _BROKEN,
    }  # fmt: skip
    return _with(spec, "strokeDash", legend)


def _lines_of_legend(called: Sequence[str]) -> dict[str, float]:
    """By width, points of height that a legend of these names takes."""
    single = sum(2 if len(name) > _MOST_SIGNS else 1 for name in called)
    double = -(-len(called) // 2)
    return {"single": _LINE_OF_LEGEND * single, "double": _LINE_OF_LEGEND * double}


def _with(part: Any, channel: str, legend: dict[str, Any]) -> Any:
    """The spec with that legend, wherever the channel has none."""
    if isinstance(part, list):
        return [_with(one, channel, legend) for one in part]
    if not isinstance(part, dict):
        return part
    told = {name: _with(value, channel, legend) for name, value in part.items()}
    if isinstance(told.get(channel), dict) and "field" in told[channel]:
        told[channel] = {**told[channel], "legend": legend}
    return told


# Of several, and of many.


def of_several(named: Mapping[str, Run], metric: str) -> Chart:
    """A metric of several runs over each other, by what each is called: one of `compare.METRICS`.

    Raises:
        ValueError: none of them has anything to show of it.
    """
    words = compare.METRICS[metric]
    called = {"\n".join(wrapped(name, _MOST_SIGNS)): run for name, run in named.items()}
    table = compare.table({name: run for name, run in called.items() if run.points}, metric)
    if not len(table):
        raise ValueError(f"none of these runs has anything to show of {words}")
    legend = {
        "title": None, "orient": "top", "columns": _COLUMNS, "symbolType": "stroke",
        "symbolSize": 300, "symbolStrokeWidth": 6, "symbolOpacity": 1,
        "values": list(called), "labelExpr": r"split(datum.label, '\n')",
    }  # fmt: skip
    spec = _with(compare.spec(list(called), words), "color", legend)
    lines = [name.count("\n") + 1 for name in called]
    more = {"single": sum(lines), "double": sum(map(max, lines[::2], [*lines[1::2], 1]))}
    heights = {width: float(_LINE_OF_LEGEND * count) for width, count in more.items()}
    return _chart(f"{_begun(words)} over passes", spec, table, more=heights)


def of_picture(shown: Sequence[Series], picture: Picture, metric: str = "") -> Chart:
    """A panel of Depth, or the map where depth and weight decay vary.

    Args:
        shown: the series.
        picture: what is shown how.
        metric: of `panels`; "" for that of the picture.

    Raises:
        ValueError: none of the networks is trained.
    """
    metric = metric or picture.metric
    configs = [config for family in shown for config in family.grid]
    best_known.wait(configs)
    points = {point.key: point for point in sweep.look(configs)}
    finished, bounds, fitted = pictured.finished(shown, points, picture)
    if not any(finished):
        raise ValueError("none of these networks is trained yet; `ncengine sweep` trains them")
    over, words = shown[0].over, panels(shown)[metric]
    if shown[0].is_grid:
        return _map(shown[0], finished[0], metric, words)
    fits = [laws.law(runs, over, metric) for runs in fitted]
    leasts = pictured.leasts(shown)
    parts = ("decay_hidden", "rest") if metric == "gap" and any(leasts) else ()
    drawn = leasts if metric == "loss" and over == "depth" else []
    floors = [least.value if least else None for least in drawn]
    references = metric not in laws.NO_LAW_OF
    table = of_depth.with_room(
        of_depth.table(
            finished, over, metric, fits, references=references, parts=parts, floors=floors,
            bounds=bounds,
        )
    )  # fmt: skip
    labels = series.labels(shown)
    told = in_words.depths(
        table, labels, PARAMS[over].letter, [laws.said(fit, over) for fit in fits]
    )
    called = [
        label + (f" · slope {signed(fit.slope)}" if fit is not None and fit.claimed else "")
        for label, fit in zip(labels, fits, strict=True)
    ]
    rows = _renamed(table.to_pylist(), called)
    spec = _with_names(of_depth.spec(over, words, parts), called)
    beside = f": {labels[0]}" if len(labels) == 1 else ""
    words_of = {"depth": "depth", "weight_decay": "weight decay"}
    title = f"{_begun(words)} over {words_of[over]}{beside}"
    if any(least and not least.proved for least in drawn):
        title += " · dashed: best known, not proved"
    return Chart(title, spec, rows, told, _lines_of_legend(called))


def _begun(words: str) -> str:
    """Words at the beginning of a title."""
    return words[:1].upper() + words[1:]


def panels(shown: Sequence[Series]) -> dict[str, str]:
    """The metrics of which Depth has a panel, in words."""
    named = {metric: pictured.called(metric, shown) for metric in series.METRICS}
    if shown[0].is_grid:
        return named
    others = {"loss": "objective", "seconds": "seconds of training"}
    if shown[0].over == "depth":
        others["collapsed_layers"] = of_depth.COUNTED
    return {**named, **others}


def _map(family: Series, runs: list[of_depth.Finished], metric: str, words: str) -> Chart:
    table = of_depth.map_table(runs, metric)
    spec = _readable(of_depth.map_spec(family.depths, family.decays, words), table)
    told = in_words.grid(table, words)
    title = f"{_begun(words)} over depth and weight decay: {series.labels([family])[0]}"
    return Chart(title, spec, table.to_pylist(), told)


def _readable(spec: dict[str, Any], table: pa.Table) -> dict[str, Any]:
    """The map with its bar above the cells, and each number once, in a colour that stands out.

    On a page numbers have a dark rim, which is another number below: who takes the words out of a
    PDF would read them twice.
    """
    values = [value for value in table["value"].to_pylist() if value is not None] or [0.0]
    # From there on cells are dark.
    dark = min(values) + 0.45 * (max(values) - min(values))
    white = {"condition": {"test": f"datum.value > {dark}", "value": "white"}, "value": INK}
    cells, _, numbers = spec["layer"]
    color = {**cells["encoding"]["color"]}
    color["legend"] = {**color["legend"], "orient": "top"}
    cells = {**cells, "encoding": {**cells["encoding"], "color": color}}
    numbers = {**numbers, "encoding": {**numbers["encoding"], "color": white}}
    return {**spec, "layer": [cells, numbers]}


def _renamed(rows: list[dict[str, Any]], called: Sequence[str]) -> list[dict[str, Any]]:
    """Rows whose series are called by their names, by which a legend can show them."""
    by_number = {str(n): name for n, name in enumerate(called)}
    return [{**row, "series": by_number.get(row["series"], row["series"])} for row in rows]


def _with_names(spec: dict[str, Any], called: Sequence[str]) -> dict[str, Any]:
    """The spec with the series' names in its colours, and the legend that the page has above."""
    legend = {
        "title": None, "orient": "top", "columns": _COLUMNS, "symbolType": "circle",
        "symbolSize": 120, "symbolOpacity": 1, "values": list(called), "labelExpr": _BROKEN,
    }  # fmt: skip
    named = _with_scale(spec, [str(n) for n in range(len(of_depth.COLORS))], called)
    # In the legend of one colour all that is coloured by the same joins, or none is drawn.
    for channel in ("color", "fill", "stroke"):
        named = _with(named, channel, legend)
    return named


def _with_scale(part: Any, numbers: list[str], called: Sequence[str]) -> Any:
    if isinstance(part, list):
        return [_with_scale(one, numbers, called) for one in part]
    if not isinstance(part, dict):
        return part
    if part.get("domain") == numbers:
        return {**part, "domain": list(called), "range": part["range"][: len(called)]}
    return {name: _with_scale(value, numbers, called) for name, value in part.items()}
