"""Columns of a table of samples, whatever file they came from: which are features, which labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ncengine.own import labels, terms
from ncengine.own.parts import Bundle, Part
from ncengine.own.terms import BIAS, CLASS_NAMES, FEATURES, LABELS, WEIGHT, FileName
from ncengine.own.words import Told, listed, shown

# What numbers the rows, and is no feature.
_INDEX = ("", "index", "id", "sample", "sample_id", "row", "__index_level_0__", "unnamed: 0")


@dataclass(frozen=True)
class Layout:
    """Which columns are what, by name; of features in order."""

    features: tuple[str, ...]
    label: str | None
    step: str | None
    bias: str | None
    rest: tuple[str, ...]


def laid_out(names: Sequence[str], named: FileName, where: str) -> Layout:
    """What each column is by its name, and by that of the file.

    Raises:
        ValueError: two columns have one name, or two can be the label.
    """
    if len(set(names)) < len(names):
        twice = next(name for n, name in enumerate(names) if name in names[:n])
        raise Told(f"{where}: two columns are called {shown(twice)!r}")
    index = [name for name in names if name.strip().lower() in _INDEX]
    others = [name for name in names if name not in index]
    label = _first(others, LABELS, where)
    if named.role == LABELS and len(others) == 1:
        label = others[0]
    step = _first(others, terms.STEPS, where)
    bias = _first(others, BIAS, where) if named.role == WEIGHT else None
    taken = {label, step, bias}
    features = tuple(name for name in others if name not in taken)
    return Layout(features, label, step, bias, tuple(index))


def with_classes(layout: Layout, named: FileName, texts: Sequence[str]) -> Layout:
    """The same of a last layer's table, where its one column of texts says whose each row is."""
    if named.role not in (WEIGHT, BIAS) or layout.label is not None or len(texts) != 1:
        return layout
    features, rest = (
        tuple(one for one in some if one != texts[0]) for some in (layout.features, layout.rest)
    )
    return replace(layout, features=features, rest=rest, label=texts[0])


def _first(names: Sequence[str], role: str, where: str) -> str | None:
    found = [name for name in names if name.strip().lower() in terms.TERMS[role]]
    if role in (BIAS, LABELS, terms.STEPS) and len(found) > 1:
        exact = [term for term in terms.TERMS[role] if term in found]
        if not exact:
            raise Told(f"{where}: columns {listed(found)} can each be the {role}; leave one")
        return exact[0]
    return found[0] if found else None


def bundles(
    where: str,
    named: FileName,
    layout: Layout,
    numbers: np.ndarray | None,
    label: labels.Plain | None,
    others: Mapping[str, np.ndarray],
) -> list[Bundle]:
    """The table as one bundle, or one for each value in its column of steps.

    Args:
        numbers: (N, d) the features' columns.
        others: the columns of steps and of biases, as floats.
    """
    if named.role in (WEIGHT, BIAS):
        return [_of_layer(where, named, layout, numbers, label, others)]
    parts = {}
    if numbers is not None:
        parts[FEATURES] = Part(f"{where}: features", numbers, columns=layout.features)
    if label is not None:
        parts[LABELS] = Part(f"{where}: {shown(layout.label)}", label.values, label.texts)
    if layout.step is None:
        return [Bundle(where, named, parts)]
    steps = others[layout.step]
    if not np.isfinite(steps).all():
        row = int(np.argmin(np.isfinite(steps)))
        raise Told(f"{where}: {shown(layout.step)}[{row}] = {steps[row]}; must be a number")
    return [
        Bundle(
            where, named, {role: _rows(part, steps == step) for role, part in parts.items()}, step
        )
        for step in map(float, np.unique(steps))
    ]


def _rows(part: Part, chosen: np.ndarray) -> Part:
    return replace(part, array=part.array[chosen])


def _of_layer(
    where: str,
    named: FileName,
    layout: Layout,
    numbers: np.ndarray | None,
    label: labels.Plain | None,
    others: Mapping[str, np.ndarray],
) -> Bundle:
    if numbers is None:
        raise Told(f"{where}: has no columns of numbers")
    role = WEIGHT if named.role == WEIGHT else BIAS
    parts = {role: Part(f"{where}: {role}", numbers, columns=layout.features)}
    if layout.bias is not None:
        parts[BIAS] = Part(f"{where}: {shown(layout.bias)}", others[layout.bias])
    return Bundle(where, named, parts if label is None else _by_class(parts, label))


def _by_class(parts: dict[str, Part], label: labels.Plain) -> dict[str, Part]:
    """Rows in the order of the classes' numbers; or where classes are texts, with these.

    Raises:
        ValueError: two rows are of one class.
    """
    numbers, counts = np.unique(label.values, return_counts=True)
    if counts.max() > 1:
        twice = int(numbers[counts.argmax()])
        called = shown(label.texts[twice]) if label.texts else twice
        raise Told(f"{label.where}: {called} stands at {counts.max()} rows; must be one a class")
    if label.texts is not None:
        return {**parts, CLASS_NAMES: Part(label.where, label.values, label.texts)}
    order = np.argsort(label.values)
    return {role: replace(part, array=part.array[order]) for role, part in parts.items()}
