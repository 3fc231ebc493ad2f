"""Lines over numbers of any kind within a file, see `charts.lines`."""

from __future__ import annotations

from typing import Any

import numpy as np

from app.charts import in_words
from app.charts.lines import LOG, MOMENTS, STEPS, Chart, table, visible
from app.export import plot
from app.export.plot import Axis, Dot, Line, Plot

_DASHED = "7 5"


def drawn(chart: Chart) -> str:
    """The chart as HTML."""
    every = [(line, *visible(line, chart.axes)) for line in chart.lines]
    # A legend names nothing that is not there.
    shown = [(line, x, y) for line, x, y in every if len(x)]
    across = np.concatenate([x for _, x, _ in shown] or [np.ones(1)])
    up = np.concatenate([y for _, _, y in shown] or [np.ones(1)])
    lines, dots = [], []
    for line, x, y in shown:
        look: dict[str, Any] = {"dash": _DASHED if line.dashed else "", "width": 3}
        lines.append(Line(line.what, line.color, x if not line.points else x[:0], y, **look))
        at = list(range(len(x))) if line.points else []
        if line.chosen is not None and len(x):
            at = [int(np.abs(x - line.chosen).argmin())]
        dots += [Dot(line.color, x[n], y[n], y[n], y[n], note=line.what) for n in at]
    made = Plot(
        _axis(chart.axes.x, chart.axes.x_runs, across),
        _axis(chart.axes.y, chart.axes.y_runs, up),
        lines,
        dots,
        legend=lines,
        told=in_words.told_of(table(chart)),
        passes=chart.axes.x_runs in (STEPS, MOMENTS),
        even=chart.axes.x_runs == MOMENTS,
    )
    return made.html()


def _axis(title: str, runs: str, values: np.ndarray) -> Axis:
    if runs == LOG:
        return plot.log_axis(title, values.tolist())
    if runs == STEPS:
        return plot.passes_axis(values.tolist(), title)
    low, high = float(values.min(initial=np.inf)), float(values.max(initial=-np.inf))
    if runs == MOMENTS:
        return plot.moments_axis(title, low, high)
    return plot.linear_axis(title, low, high)
