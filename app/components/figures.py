"""The row of figures: where a run stands, each with its course so far."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import numpy as np
import streamlit as st

from app.components import charts, engine, palette, text
from ncengine.runs import Run

SPARK_POINTS = 60
SPARK_WIDTH, SPARK_HEIGHT = 100, 28

_STYLE = """
<style>
.figures { display: grid; grid-template-columns: repeat(7, minmax(0, 1fr)); gap: 0.75rem; }
@media (max-width: 900px) {
  .figures { grid-template-columns: repeat(auto-fill, minmax(7.5rem, 1fr)); }
}
.figure { position: relative; padding: 0.6rem 0.75rem 0.5rem; border-radius: 0.5rem;
  border: 1px solid color-mix(in srgb, currentColor 16%, transparent); min-height: 8.6rem; }
.figure dt { font-size: 0.875rem; opacity: 0.8; margin: 0; white-space: nowrap; }
.figure dd { margin: 0; }
.figure .value { font-size: clamp(1.125rem, 1.7vw, 1.75rem); font-weight: 650; line-height: 1.35;
  font-variant-numeric: tabular-nums; white-space: nowrap; }
.figure .note { font-size: 0.8125rem; opacity: 0.75; min-height: 1.25rem; line-height: 1.25rem;
  white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.figure svg { display: block; width: 100%; height: 28px; margin-top: 0.35rem; }
.figure .why { visibility: hidden; position: absolute; z-index: 5; left: 0; top: 100%;
  width: 16rem; padding: 0.6rem 0.75rem; border-radius: 0.5rem; font-size: 0.875rem;
  line-height: 1.4; background: #1a202c; color: #f5f7fb; box-shadow: 0 4px 16px #0006; }
.figure:nth-child(n+5) .why { left: auto; right: 0; }
.figure:hover .why, .figure:focus .why { visibility: visible; }
</style>
"""


@dataclass(frozen=True)
class Figure:
    """One figure. `course` is what the sparkline draws, in the order of the points."""

    label: str
    value: str
    note: str
    help: str
    color: str
    course: np.ndarray


def draw(run: Run) -> None:
    """All figures of the run, as means over the seeds that did not diverge."""
    cells = "".join(_cell(figure) for figure in figures(run))
    st.html(f'{_STYLE}<dl class="figures" style="margin: 0">{cells}</dl>')


def figures(run: Run) -> list[Figure]:
    """What the row shows, from left to right."""
    return [_objective(run), _gap(run), *_collapse(run), *_accuracies(run)]


def _objective(run: Run) -> Figure:
    course = charts.mean_over_seeds(run, "loss")
    floor = text.MISSING if run.floor is None else text.number(run.floor)
    return Figure(
        "Objective",
        text.number(_last(course)),
        f"floor {floor}",
        "What training makes small: the misfit on the training data plus the weight decay. "
        "No network of this shape can get below the floor.",
        palette.OBJECTIVE_COLORS["objective"],
        _log10(course),
    )


def _gap(run: Run) -> Figure:
    course = charts.mean_over_seeds(run, "gap")
    last = _last(course)
    if run.floor is None:
        note = "no floor here" if run.points else ""
    else:
        note = "" if last is None else f"{text.percent(last / run.floor)} of floor"
    reason = engine.no_floor_reason(run.config) if run.points and run.floor is None else ""
    return Figure(
        "Gap to floor",
        text.number(last),
        note,
        f"There is no floor to compare with: {reason}"
        if reason
        else "How far the objective is above the proven least value, that of the collapsed "
        "optimum. The smaller, the closer training came to the global optimum.",
        palette.NEUTRAL,
        _log10(course),
    )


def _collapse(run: Run) -> list[Figure]:
    nc2 = charts.nc2_label(run)
    frame = "a simplex" if nc2 == "NC2A" else "an orthogonal frame"
    explained = {
        "NC1": "How much samples of one class still differ, compared with how much the classes "
        "differ. 0: every class has shrunk to a point.",
        nc2: f"How far the classifier's rows are from {frame}, where all classes are equally far "
        "apart. 0: perfect.",
        "NC3": "How far the samples are from pointing along their class's classifier row. "
        "0: features and classifier are one.",
    }
    return [
        _metric(run, name, help, color)
        for (name, help), color in zip(explained.items(), palette.NC_COLORS, strict=True)
    ]


def _metric(run: Run, name: str, help: str, color: str) -> Figure:
    mean, deviation = charts.log_mean_and_deviation(run, name.lower())
    last = _last(mean)
    note = ""
    if last is not None:
        spread = float(deviation[np.isfinite(mean)][-1])
        note = f"log₁₀ {last:.2f} ± {spread:.2f}".replace("-", "−")
    value = text.number(None if last is None else 10**last)
    return Figure(name, value, note, help, color, mean)


def _accuracies(run: Run) -> list[Figure]:
    shown = (
        ("Train accuracy", "accuracy", "Share of the training samples that are told apart right."),
        (
            "Test accuracy",
            "test_accuracy",
            "Share right among samples that training never saw.",
        ),
    )
    found = []
    for label, name, help in shown:
        course = charts.mean_over_seeds(run, name)
        color = palette.OBJECTIVE_COLORS["fit"]
        found.append(Figure(label, text.accuracy(_last(course)), "", help, color, course))
    return found


def _last(course: np.ndarray) -> float | None:
    finite = course[np.isfinite(course)]
    return float(finite[-1]) if len(finite) else None


def _log10(course: np.ndarray) -> np.ndarray:
    return np.log10(np.where(course > 0, course, np.nan))


def _cell(figure: Figure) -> str:
    label, value, note, help = map(
        escape, (figure.label, figure.value, figure.note, figure.help)
    )
    return (
        f'<div class="figure" tabindex="0"><dt>{label}</dt><dd class="value">{value}</dd>'
        f'<dd class="note" title="{note}">{note}</dd>'
        f'<dd>{_sparkline(figure.course, figure.color)}</dd><dd class="why">{help}</dd></div>'
    )


def _sparkline(course: np.ndarray, color: str) -> str:
    """The course as a line without axes. Points are log-spaced in time already."""
    finite = course[np.isfinite(course)]
    points = finite[np.linspace(0, len(finite) - 1, min(len(finite), SPARK_POINTS)).astype(int)]
    path = ""
    if len(points) > 1:
        low, high = points.min(), points.max()
        y = (SPARK_HEIGHT - 4) * (1 - (points - low) / ((high - low) or 1)) + 2
        x = np.linspace(0, SPARK_WIDTH, len(points))
        line = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
        path = (
            f'<polyline points="{line}" fill="none" stroke="{color}" stroke-width="2" '
            'stroke-linejoin="round" vector-effect="non-scaling-stroke"/>'
        )
    box = f"0 0 {SPARK_WIDTH} {SPARK_HEIGHT}"
    return f'<svg viewBox="{box}" preserveAspectRatio="none" aria-hidden="true">{path}</svg>'
