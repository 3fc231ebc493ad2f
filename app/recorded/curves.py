"""What was measured of a recording over its steps: collapse, and whatever figures one picks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from app.charts import palette
from app.charts.lines import LINEAR, LOG, STEPS, Axes, Chart, Line
from app.components import recorded
from app.recorded import angles
from app.recorded.figures import has, nc2_of, said
from app.recorded.seen import Seen
from ncengine.catalogue.literature import in_order, told
from ncengine.catalogue.metrics import Scale
from ncengine.runs.recorded import Recording

COLLAPSE, PICKED = "collapse", "picked"
# Called so where there is no other of the kind in sight.
_SHORT = {"nc2a": "NC2"}
_TESTED = ("nc1", "nc3")
# What is picked where nobody has picked anything, as far as it was recorded.
_USUAL = ("loss", "gap", "accuracy", "cdnv")
# So many colours can be told apart.
MOST = len(palette.CLASS_COLORS)


def collapse(recording: Recording) -> Chart:
    """NC1, NC2 and NC3 over the steps; those of test samples dashed."""
    names = [name for name in ("nc1", nc2_of(recording), "nc3") if told(name).scale is Scale.LOG]
    lines = [_line(recording, name, told(name).color) for name in names]
    lines += [_line(recording, f"test.{name}", told(name).color, dashed=True) for name in _TESTED]
    shown = [line for line in lines if line is not None]
    return Chart(COLLAPSE, Axes("step", "collapse", STEPS, LOG), shown)


def picked(recording: Recording, names: Sequence[str]) -> Chart:
    """Those figures over the steps: on a logarithmic axis where all of them can be."""
    lines, log = [], True
    for n, name in enumerate(names):
        line = _line(recording, name, palette.CLASS_COLORS[n % MOST])
        if line is not None:
            lines.append(line)
            log &= _is_logarithmic(name, np.asarray(line.y))
    title = told(names[0]).title if len(names) == 1 else "figures"
    return Chart(PICKED, Axes("step", title, STEPS, LOG if log else LINEAR), lines)


def offered(recording: Recording) -> list[str]:
    """All figures that have a value anywhere, those of the whole first."""
    return in_order(name for name in recording.figures if has(recording, name))


def usual(recording: Recording) -> list[str]:
    """Which of them are shown at first."""
    there = offered(recording)
    return [name for name in _USUAL if name in there][:1] or there[:1]


def chosen(recording: Recording) -> list[str]:
    """The figures that were picked, as far as it has them; else the usual ones."""
    there = offered(recording)
    return [name for name in recorded.last().figures if name in there] or usual(recording)


def at_moment(seen: Seen) -> int:
    """Which of the recording's steps the player rests at."""
    steps, g = seen.recording.steps, angles.snapshot(seen)
    geometry = seen.recording.geometry
    if geometry is None or g is None:
        return len(steps) - 1
    return int(abs(steps - geometry.epoch[g]).argmin())


def every(recording: Recording, g: int) -> pa.Table:
    """One row a figure that has a value at a step: what it is called, its value, what it says."""
    rows = [
        (title_of(name), said(told(name), value), told(name).help)
        for name in offered(recording)
        for value in [float(recording.figures[name][g])]
        if not np.isnan(value)
    ]
    columns = zip(*rows, strict=True) if rows else ((), (), ())
    names = ("figure", "value", "what it is")
    return pa.table(
        {n: pa.array(list(c), pa.string()) for n, c in zip(names, columns, strict=True)}
    )


def title_of(name: str) -> str:
    """What a figure is called."""
    title = _SHORT.get(name, told(name).title)
    return title[:1].upper() + title[1:]


def _is_logarithmic(name: str, values: np.ndarray) -> bool:
    own = name == "loss" or told(name).scale is Scale.LOG
    finite = values[np.isfinite(values)]
    return own and bool((finite > 0).all())


def _line(recording: Recording, name: str, color: str, dashed: bool = False) -> Line | None:
    if not has(recording, name):
        return None
    return Line(title_of(name), color, recording.steps, recording.figures[name], dashed=dashed)
