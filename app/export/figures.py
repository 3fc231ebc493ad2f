"""Which charts go along with a run or a picture of Depth, from the tables that the pages draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from html import escape
from typing import Any

import numpy as np
import pyarrow as pa

from app.charts import curves, in_words, palette
from app.charts import depth as of_depth
from app.charts import layers as of_layers
from app.components import laws, pictured, series
from app.components.series import Picture, Series
from app.engine import best_known, sweep
from app.export import plot
from app.export.plot import Axis, Dot, Line, Plot, Word
from app.player.view import View, shown_layers
from ncengine.analysis import over_seeds
from ncengine.catalogue.architectures import architecture_info
from ncengine.catalogue.metrics import Scale
from ncengine.runs.run import Run
from ncengine.theory.optimum import least_name

# Of so many snapshots a chart over layers shows the one of the moment, and of so many always.
MOMENTS, FAINT = 60, 5
_DASHED = "7 5"


def objective(run: Run) -> str:
    """The objective and its parts over passes, as HTML."""
    table = curves.objective_table(run)
    whole, passes = table["objective"].to_numpy(), table["passes"].to_numpy()
    least = least_name(run.config)
    named = {"hidden decay": architecture_info(run.config.architecture).has_network}
    lines = []
    for part, color in curves.objective_parts(least).items():
        values = table[part].to_numpy()
        with np.errstate(invalid="ignore"):
            shown = values > curves.NEGLIGIBLE * whole
        if named.get(part, True) and shown.any():
            look: dict[str, Any] = {
                "dash": _DASHED if part == least else "",
                "width": 4 if part == "objective" else 2.5,
            }
            lines.append(Line(part, color, passes[shown], values[shown], **look))
    return _over_passes(run, "objective", ", mean over seeds", lines, in_words.told_of(table))


def collapse(run: Run, test: bool) -> str:
    """NC1, NC2 and NC3 over passes, as HTML; with `test`, of test samples too."""
    table = curves.collapse_table(run, test)
    metrics = np.array(table["metric"].to_pylist())
    columns = {name: table[name].to_numpy() for name in ("passes", "mean", "low", "high")}
    lines = []
    for name, color in curves.collapse_colors(test).items():
        x, mean, low, high = (columns[c][metrics == name] for c in columns)
        dash = _DASHED if name.startswith("test ") else ""
        lines.append(Line(name, color, x, mean, low, high, dash, 3))
    return _over_passes(run, "collapse", ", mean ± deviation", lines, in_words.told_of(table))


def _over_passes(run: Run, title: str, several: str, lines: list[Line], told: str) -> str:
    title += several * (over_seeds.seeds_counted(run) > 1)
    heights = np.concatenate([np.ravel(line.y) for line in lines]) if lines else np.ones(1)
    passes = over_seeds.passes(run)
    x, y = plot.passes_axis(passes.tolist()), plot.log_axis(title, heights.tolist())
    return Plot(x, y, lines, legend=lines, told=told, passes=True).html()


def layers(run: Run, view: View) -> str:
    """A metric over the layers, as HTML, which follows the player's moment; "" where there is none.

    Behind it, faint, some moments of the whole training.
    """
    g = shown_layers(run, view)
    if run.layers is None or g is None:
        return ""
    of_all, metric = run.layers, of_layers.METRICS[view.of]
    table = of_layers.lines_table(of_all, view.of, g)
    each = {
        n: _at_moment(of_layers.lines_table(of_all, view.of, n).to_pylist(), metric.color)
        for n in some(len(of_all), g, MOMENTS)
    }
    faint = [
        replace(each[n], low=None, high=None, width=2.0, opacity=0.25)
        for n in some(len(of_all), g, FAINT)
        if n in each
    ]
    lines = [replace(line, moment=float(of_all.epoch[n]), shown=n == g) for n, line in each.items()]
    x = plot.whole_axis(of_layers.LAYER_TITLE, 1, of_all.nc1.shape[-1])
    y = metric.title, metric.scale
    return at_moments(x, y, lines, "at pass ", in_words.told_of(table), faint)


def at_moments(
    x: Axis,
    y: tuple[str, Scale],
    lines: Sequence[Line],
    named: str,
    told: str,
    behind: Sequence[Line] = (),
) -> str:
    """Lines of which that is seen which belongs to the player's moment, as HTML.

    Args:
        y: what is on that axis, and its scale.
        lines: each with its moment.
        named: what stands before the moment in the legend.
        told: what is shown at first, in words.
        behind: lines that are always seen.
    """
    title, scale = y
    heights = [v for line in lines for v in line.y.tolist() if np.isfinite(v)]
    if scale is Scale.LOG:
        up = plot.log_axis(title, heights)
    else:
        up = plot.linear_axis(title, min([0, *heights]), max([0, *heights]))
    legend = [replace(line, name=named) for line in lines if line.shown]
    return Plot(x, up, [*behind, *lines], legend=legend, told=told).html()


def some(count: int, g: int, most: int) -> list[int]:
    """Of so many snapshots at most so many, evenly, the last and the g-th among them."""
    return sorted({g, *np.linspace(0, count - 1, min(count, most)).round().astype(int).tolist()})


def _at_moment(rows: Sequence[dict[str, Any]], color: str) -> Line:
    """The layers at the moment that the rows call now."""
    of_it = [row for row in rows if row["kind"] == "now"]
    x, y, low, high = (
        np.array([np.nan if row[name] is None else row[name] for row in of_it], float)
        for name in ("layer", "mean", "low", "high")
    )
    return Line("", color, x, y, low, high, width=3.5)


def depth(shown: Sequence[Series], picture: Picture) -> str:
    """One metric of a picture of Depth, with the laws that its series follow, as HTML."""
    configs = [config for family in shown for config in family.grid]
    best_known.wait(configs)
    points = {point.key: point for point in sweep.look(configs)}
    finished, bounds, fitted = pictured.finished(shown, points, picture)
    if not any(finished):
        return "<p>None of these networks is trained yet.</p>"
    over, metric = shown[0].over, picture.metric
    fits = [laws.law(runs, over, metric) for runs in fitted]
    bounded = any(pictured.leasts(shown))
    parts = ("decay_hidden", "rest") if metric == "gap" and bounded else ()
    table = of_depth.table(finished, over, metric, fits, parts=parts, bounds=bounds)
    named = zip(series.labels(shown), fits, strict=True)
    legend = "".join(
        f'<span class="series-{n}">{escape(label)}'
        f"<small>{laws.html(fit, over) if fit is not None else ''}</small></span>"
        for n, (label, fit) in enumerate(named)
    )
    said = [laws.said(fit, over) for fit in fits]
    letter = "L" if over == "depth" else "λ"
    told = in_words.depths(table, series.labels(shown), letter, said)
    return f'<div class="presented-legend">{legend}</div>' + _panel(
        table, over, pictured.called(metric, shown), parts, told
    )


def _panel(table: pa.Table, over: str, title: str, parts: Sequence[str], told: str) -> str:
    rows = table.to_pylist()
    at = [row["x"] for row in rows]
    # A line of a known slope that leaves the picture does not make it larger.
    kinds = [row for row in rows if row["kind"] != "slope"]
    heights = [row[name] for row in kinds for name in ("mean", "low", "high") if row[name]]
    x = plot.log_axis(of_depth.X_TITLES[over], at, of_depth.X_TICKS[over][0])
    # It lies so near to its floor that a logarithm has hardly a tick for it.
    linear = title == "objective" and heights
    y = (
        plot.linear_axis(title, min(heights), max(heights))
        if linear
        else plot.log_axis(title, heights)
    )
    looks: dict[str, dict[str, Any]] = {
        "slope": {"width": 1.0, "color": palette.NEUTRAL},
        "floor": {"width": 2.0, "color": palette.NEUTRAL, "dash": _DASHED},
        "bound": {"width": 1.5, "dash": "1 3"},
        **dict(
            zip(
                parts,
                ({"width": 1.5, "dash": "2 4"}, {"width": 1.5, "dash": "9 3 2 3"}),
                strict=False,
            )
        ),
        "law": {"width": 2.0, "opacity": 0.55},
    }
    lines = [
        _joined([row for row in rows if row["kind"] == kind and row["series"] == name], look)
        for kind, look in looks.items()
        for name in dict.fromkeys(row["series"] for row in rows if row["kind"] == kind)
    ]
    dots = [
        Dot(
            _color(row), row["x"], row["mean"], row["low"], row["high"], bool(row["open"]),
            f"{row['what']}: {title} {row['mean']:.3g} ({row['each']})",
        )
        for row in rows
        if row["kind"] == "mean"
    ]  # fmt: skip
    words = [
        Word(row["what"], row["x"], row["mean"])
        for row in rows
        if row["kind"] == "slope" and row["what"] and row["mean"] > y.low
    ]
    return Plot(x, y, lines, dots, words, told=told).html()


def _joined(rows: Sequence[dict[str, Any]], look: dict[str, Any]) -> Line:
    x, y = (np.array([row[name] for row in rows], float) for name in ("x", "mean"))
    order = np.argsort(x)
    return Line("", **{"color": _color(rows[0]), **look}, x=x[order], y=y[order])


def _color(row: dict[str, Any]) -> str:
    return of_depth.COLORS[int(row["series"])] if row["series"].isdigit() else palette.NEUTRAL
