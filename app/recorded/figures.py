"""The row of figures of a recording, which follow the player's moment."""

from __future__ import annotations

import numpy as np

from app.components import text
from app.components.readings import Reading
from app.recorded.seen import Seen
from ncengine.catalogue.literature import NC2, Measured, told
from ncengine.catalogue.metrics import Scale
from ncengine.runs.recorded import Recording

# Those that every recording is read by, as far as it has them, from left to right.
_ROW = ("gap", "nc1", "NC2", "nc3", "cdnv", "nc4", "accuracy", "test.accuracy", "loss")
_FIRST = ("nc1", "NC2", "nc3")
# The one that stands for NC2 is called so where it is the paper's.
_SHORT = {
    "nc2a": "NC2",
    "gap": "Gap to floor",
    "loss": "Loss",
    "accuracy": "Accuracy",
    "test.accuracy": "Test acc.",
    "one_vs_rest_margin_rows": "Margin of rows",
    "one_vs_rest_margin_means": "Margin",
}


def nc2_of(recording: Recording) -> str:
    """Which figure stands for NC2: it depends on what its training leads to."""
    names = NC2.get(recording.about.ideal, NC2["simplex"])
    return next((name for name in names if has(recording, name)), names[0])


def has(recording: Recording, name: str) -> bool:
    """Whether it has a value of that figure at any step."""
    values = recording.figures.get(name)
    return values is not None and bool(np.isfinite(values).any())


def row(seen: Seen, most: int = len(_ROW)) -> list[Reading]:
    """Those of `_ROW` that have a value anywhere, at most so many."""
    recording, found = seen.recording, []
    for name in _ROW:
        name = nc2_of(recording) if name == "NC2" else name
        if has(recording, name):
            found.append(_reading(seen, name, recording.figures[name]))
    return found[:most]


def few(seen: Seen) -> list[Reading]:
    """Those for an audience."""
    names = {told(name).title for name in (*_FIRST, nc2_of(seen.recording))}
    return [one for one in row(seen) if one.label in names | {"NC2"}][:3]


def _reading(seen: Seen, name: str, values: np.ndarray) -> Reading:
    one = told(name)
    by_step = dict(zip(seen.recording.steps.tolist(), values.tolist(), strict=True))
    shown = [said(one, by_step.get(step, np.nan)) for step in seen.at.tolist()]
    title = _SHORT.get(name, one.title)
    return Reading(title[:1].upper() + title[1:], shown, one.help, _note(one, values))


def said(one: Measured, value: float) -> str:
    """A value in words."""
    if not np.isfinite(value):
        return text.number(np.inf) if value == np.inf else text.MISSING
    return text.accuracy(value) if one.scale is Scale.SHARE else text.number(value)


def _note(one: Measured, values: np.ndarray) -> str:
    last = values[np.isfinite(values)][-1]
    if one.scale is not Scale.LOG or last <= 0:
        return ""
    return text.power_of_ten(np.log10(last))
