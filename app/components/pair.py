"""Two runs beside each other in figures: a table of where they stand, and their ratios."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from app.components import text
from ncengine.analysis import comparison
from ncengine.analysis.comparison import Figure
from ncengine.catalogue.metrics import Scale
from ncengine.runs.run import Run

METRIC, RATIO = "Metric", "Right / left"
SIDES = ("left", "right")


def names(left: Run, right: Run) -> tuple[str, str]:
    """What the two are called in charts and tables: by what tells them apart."""
    told = comparison.label(left, right), comparison.label(right, left)
    first, second = (
        ": ".join(filter(None, [side.capitalize(), label]))
        for side, label in zip(SIDES, told, strict=True)
    )
    return first, second


def draw_table(left: Run, right: Run, names: tuple[str, str]) -> None:
    """The last figures of both, and their ratio. `names` tells the runs apart."""
    found = comparison.figures(left, right)
    st.html(table(found, names, [_when(run) for run in (left, right)]))
    st.caption(_notes(found, left, right))


def rows(found: Sequence[Figure]) -> list[tuple[str, str, str, str]]:
    """What the table says: metric, left, right, and the ratio."""
    return [
        (_title(one), _value(one, one.left), _value(one, one.right), text.number(one.ratio))
        for one in found
    ]


def table(found: Sequence[Figure], names: tuple[str, str], when: Sequence[str]) -> str:
    """HTML of it: `names` and `when` head the columns of the two runs."""
    named = (f"{name}{at}" for name, at in zip(names, when, strict=True))
    head = "".join(f'<th scope="col">{escape(title)}</th>' for title in (METRIC, *named, RATIO))
    body = ""
    for one, (title, *values) in zip(found, rows(found), strict=True):
        cells = "".join(f"<td>{escape(value)}</td>" for value in values)
        help = escape(f"Tells nothing here: {one.trivial}." if one.trivial else one.metric.help)
        body += f'<tr><th scope="row" title="{help}">{escape(title)}</th>{cells}</tr>'
    return f'<table class="figures"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _title(one: Figure) -> str:
    title = f"Test {one.metric.title}" if one.test else one.metric.title
    return title[0].upper() + title[1:] + " *" * bool(one.trivial)


def _value(one: Figure, value: float | None) -> str:
    return text.accuracy(value) if one.metric.scale is Scale.SHARE else text.number(value)


def _when(run: Run) -> str:
    """Of a run that has not ended: how far it had come."""
    if run.status.finished or not run.points:
        return ""
    return f", at pass {run.curves['epoch'][-1]:,.0f}"


def _notes(found: Sequence[Figure], left: Run, right: Run) -> str:
    notes = ["Means over the seeds that did not diverge, geometric ones of NC1 to NC3."]
    if any(one.trivial for one in found):
        notes.append(f"\\* It tells nothing here: {next(o.trivial for o in found if o.trivial)}.")
    if not all(one.comparable for one in found):
        notes.append("NC2 measures the distance from another figure at each side.")
    if any(run.diverged.any() for run in (left, right)):
        notes.append("Some seeds diverged.")
    return " ".join(notes)
