"""What was measured already, as .npz: by `Recorder.save`, or by `exchange.write_recording`.

Figures, and the points of some snapshots.
"""

from __future__ import annotations

from typing import BinaryIO

import numpy as np

from ncengine.own import archive, terms
from ncengine.own.brought import Brought, Measured
from ncengine.own.limits import LONGEST, Budget
from ncengine.own.words import Told, shape_of, shown

_FIGURES, _GEOMETRY, _STEP = "figures/", "geometry/", "figures/step"
_POINTS = ("class_means", "classifier", "features")
_LABELS = f"{_GEOMETRY}labels"
_RECORDED = "recorded_steps"
_AS_EXPORTED = {
    "features": "features",
    "labels": "labels",
    "weight": "classifier",
    "class_means": "class_means",
}
_IDEALS = ("simplex", "seli", "code")
_MOST_FIGURES, _LONGEST = 2000, 200


def is_one(names: list[str]) -> bool:
    """Whether a file with such arrays is one."""
    return _STEP in names or {_RECORDED, "ideal"} <= set(names)


def read(file: BinaryIO, name: str, names: list[str], budget: Budget) -> Brought:
    """The recording that `Recorder.save` or `write_recording` wrote.

    Raises:
        ValueError: an array is damaged, or not as it is written.
    """
    known = [_LABELS, "ideal", *(f"{_GEOMETRY}{one}{at}" for one in _POINTS for at in ("", "_at"))]
    known += [] if _STEP in names else [_RECORDED, terms.STEPS, terms.CLASS_NAMES, *_AS_EXPORTED]
    wanted = [one for one in names if one.startswith(_FIGURES) or one in known]
    if len(wanted) > _MOST_FIGURES:
        raise Told(f"{name}: {len(wanted):,} arrays; {_MOST_FIGURES:,} at most are read")
    arrays = archive.arrays_of(file, name, wanted, budget)
    called = tuple[str, ...]()
    if _STEP not in names:
        called = _names(name, arrays.pop(terms.CLASS_NAMES, None))
        arrays = _as_saved(name, arrays)
        wanted = [*wanted, _STEP]
    steps = arrays[_STEP]
    if len(steps.shape) != 1 or len(steps) > budget.limits.snapshots:
        raise Told(f"{name}: {_STEP} is {shape_of(steps)}; must be (T,), T at most 1,000")
    figures = {one: arrays[one] for one in wanted if one.startswith(_FIGURES)}
    for one, values in figures.items():
        if len(one) > _LONGEST or not one.isprintable():
            raise Told(f"{name}: {shown(one)}: is no name of a figure")
        if values.shape != steps.shape or values.dtype.kind not in "biuf":
            raise Told(f"{name}: {shown(one)} is {shape_of(values)}; must be {len(steps)} numbers")
    if not np.isfinite(steps).all():
        raise Told(f"{name}: {_STEP} must be finite")
    points, shape = _points(name, arrays, len(steps))
    ideals = arrays.get("ideal", np.array(["simplex"] * len(steps)))
    snapshots = tuple(
        Measured(float(steps[n]), _at(figures, n), points.get(n), _ideal(name, ideals, n))
        for n in range(len(steps))
    )
    if len(called) not in (0, shape[0]):
        raise Told(f"{name}: class_names: there are {len(called)}; must be {shape[0]}")
    return Brought("", *shape, "", called, None, snapshots, ())


def _as_saved(name: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What `write_recording` wrote, by the names of `Recorder.save`."""
    steps = arrays.pop(_RECORDED)
    if steps.ndim != 1 or steps.dtype.kind not in "iuf":
        raise Told(f"{name}: {_RECORDED} is {shape_of(steps)}; must be (T,) numbers")
    ideal = arrays.pop("ideal")
    found = {one: values for one, values in arrays.items() if one.startswith(_FIGURES)}
    found |= {_STEP: steps, "ideal": np.array([str(ideal)] * len(steps))}
    at = arrays.get(terms.STEPS)
    if at is None or not all(one in arrays for one in ("features", "labels", "class_means")):
        return found
    places = np.searchsorted(steps, at)
    known = at.ndim == 1 and (places < len(steps)).all() and (steps[places] == at).all()
    if not known or not (np.diff(steps) > 0).all():
        raise Told(f"{name}: {terms.STEPS} must be some of {_RECORDED}, which must grow")
    # Of features alone there is no last layer.
    arrays.setdefault("weight", np.full(arrays["class_means"].shape, np.nan, np.float32))
    for one, kept in _AS_EXPORTED.items():
        found[f"{_GEOMETRY}{kept}"] = arrays[one]
        if one != "labels":
            found[f"{_GEOMETRY}{kept}_at"] = places
    return found


def _names(name: str, given: np.ndarray | None) -> tuple[str, ...]:
    if given is None:
        return ()
    if given.ndim != 1 or given.dtype.kind != "U":
        raise Told(f"{name}: class_names is {shape_of(given)}; must be (K,) texts")
    return tuple(shown(one, LONGEST) for one in given)


def _at(figures: dict[str, np.ndarray], n: int) -> dict[str, float]:
    row = {one.removeprefix(_FIGURES): float(values[n]) for one, values in figures.items()}
    return {
        one: value
        for one, value in row.items()
        if np.isfinite(value) and one not in ("step", "moved")
    }


def _ideal(name: str, ideals: np.ndarray, n: int) -> str:
    if ideals.ndim != 1 or n >= len(ideals) or str(ideals[n]) not in _IDEALS:
        raise Told(f"{name}: ideal must be, for each snapshot, one of {', '.join(_IDEALS)}")
    return str(ideals[n])


def _points(
    name: str, arrays: dict[str, np.ndarray], steps: int
) -> tuple[dict[int, dict[str, np.ndarray]], tuple[int, int]]:
    """Of snapshots that have all of them, by place; and K and d, 0 where there are none."""
    if not all(f"{_GEOMETRY}{one}" in arrays for one in _POINTS) or _LABELS not in arrays:
        return {}, (0, 0)
    means, labels = arrays[f"{_GEOMETRY}class_means"], arrays[_LABELS]
    if means.ndim != 3 or labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise Told(f"{name}: geometry/class_means must be (T, K, d), geometry/labels (S,)")
    shape = means.shape[1:]
    if labels.min() < 0 or labels.max() >= shape[0]:
        raise Told(f"{name}: geometry/labels must be 0 to {shape[0] - 1}")
    each: dict[int, dict[str, np.ndarray]] = {}
    for one in _POINTS:
        values, at = arrays[f"{_GEOMETRY}{one}"], arrays.get(f"{_GEOMETRY}{one}_at")
        rows = shape[0] if one != "features" else len(labels)
        if values.ndim != 3 or values.shape[1:] != (rows, shape[1]) or values.dtype.kind != "f":
            raise Told(
                f"{name}: geometry/{one} is {shape_of(values)}; must be (T, {rows}, {shape[1]})"
            )
        if at is None or at.shape != values.shape[:1] or at.dtype.kind not in "iu":
            raise Told(f"{name}: geometry/{one}_at must be ({len(values)},) whole numbers")
        for n, value in zip(at, values, strict=True):
            # What is not finite is of a training that diverged, which a page can show.
            if not 0 <= n < steps:
                raise Told(f"{name}: geometry/{one} must be of snapshots that there are")
            each.setdefault(int(n), {})[one] = value
    whole = {n: {**one, "labels": labels} for n, one in each.items() if len(one) == len(_POINTS)}
    return whole, (int(shape[0]), int(shape[1]))
