"""Parts of files as snapshots that fit each other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ncengine.own import images, labels, numbers, terms
from ncengine.own.brought import Brought, Given
from ncengine.own.limits import Budget
from ncengine.own.parts import Bundle, Part, gathered, split
from ncengine.own.terms import BIAS, CLASS_NAMES, FEATURES, LABELS, STEPS, THUMBNAILS, WEIGHT
from ncengine.own.words import Told, listed, shape_of

_LAYER = "last layer"


def assembled(name: str, found: list[Bundle], notes: list[str], budget: Budget) -> Brought:
    """All snapshots of the files, with the same K and d.

    Args:
        notes: what was assumed before.

    Raises:
        ValueError: something is missing, does not fit, or is not finite; in one line.
    """
    bundles = gathered(found)
    each = [split(one) for one in bundles]
    parts = [one for some in each for one in some]
    limits = budget.limits
    if len(parts) > limits.snapshots:
        raise Told(f"{len(parts):,} snapshots; {limits.snapshots:,} at most are read")
    notes = [*notes, *_alike(parts)]
    for one in parts:
        _check_size(one, budget)
    width = parts[0][FEATURES].array.shape[1]
    weights, assumed = _weights(parts, width, budget)
    named = _names(parts)
    plain = [_labels(one) for one in parts]
    rows = None if weights[0] is None else len(weights[0])
    numbered, names, mapped = labels.mapped(plain, rows, named, limits)
    classes = int(max(values.max() for values in numbered)) + 1 if rows is None else rows
    for known, values in zip(plain, numbered, strict=True):
        labels.check_all_there(known.where, values, classes, names)
    steps, counted = _steps(bundles, [len(some) for some in each])
    snapshots = tuple(
        Given(
            steps[n],
            numbers.floats(one[FEATURES], budget),
            numbered[n],
            weights[n],
            _bias(one, weights[n], classes, budget),
        )
        for n, one in enumerate(parts)
    )
    head = "" if weights[0] is None else f"{_LAYER}: {width} → {classes}"
    pictures = _pictures(parts, budget)
    return Brought(
        name,
        classes,
        width,
        head,
        names,
        pictures,
        snapshots,
        tuple(dict.fromkeys([*notes, *assumed, *mapped, *counted])),
    )


def _alike(parts: list[dict[str, Part]]) -> list[str]:
    """What is to be said of parts that some have. Raises ValueError where not all have the last
    layer that some have."""
    notes = []
    for role in (WEIGHT, BIAS):
        have = [one for one in parts if role in one]
        lack = [one for one in parts if role not in one]
        if have and lack:
            raise Told(f"{lack[0][FEATURES].where}: has no {role}, and other snapshots have")
    if BIAS in parts[0] and WEIGHT not in parts[0]:
        notes.append(f"{parts[0][BIAS].where}: is not read without a weight")
    if WEIGHT not in parts[0]:
        notes.append("There is no weight: what is measured is of the features alone")
    return notes


def _check_size(one: dict[str, Part], budget: Budget) -> None:
    """Raises ValueError where N or d is too large."""
    features, limits = one[FEATURES], budget.limits
    samples, width = features.array.shape
    if not samples or not width:
        raise Told(f"{features.where} is {shape_of(features.array)}: there is nothing in it")
    if samples > limits.samples:
        raise Told(f"{features.where}: {samples:,} samples; {limits.samples:,} at most are read")
    if width > limits.width:
        raise Told(f"{features.where}: {width:,} columns; {limits.width:,} at most are read")


def _weights(
    parts: list[dict[str, Part]], width: int, budget: Budget
) -> tuple[list[np.ndarray | None], list[str]]:
    """The weight of each snapshot, and what was assumed. Raises ValueError where d or K differ."""
    first, found, notes = parts[0][FEATURES], list[np.ndarray | None](), list[str]()
    read: dict[tuple, np.ndarray] = {}  # one that is of all snapshots is read once
    for one in parts:
        features, part = one[FEATURES], one.get(WEIGHT)
        if features.array.shape[1] != width:
            raise Told(
                f"{features.where} has {features.array.shape[1]} columns, and {first.where} has "
                f"{width}; must be the same at all snapshots"
            )
        if part is None:
            found.append(None)
            continue
        key = id(part.array), features.columns
        if key not in read:
            read[key], note = numbers.weight_of(_as_in(features, part), width, budget)
            notes += [note] if note else []
        found.append(read[key])
        if len(found[-1]) != len(found[0]):  # type: ignore[arg-type]
            raise Told(
                f"{part.where} is of {len(found[-1])} classes, and "  # type: ignore[arg-type]
                f"{parts[0][WEIGHT].where} of {len(found[0])}; must be the same"  # type: ignore[arg-type]
            )
    return found, notes


def _as_in(features: Part, weight: Part) -> Part:
    """The weight with its columns in the order of the features', where they are called the same."""
    place = {name: n for n, name in enumerate(weight.columns)}
    if not place or set(place) != set(features.columns):
        return weight
    return replace(weight, array=weight.array[:, [place[name] for name in features.columns]])


def _names(parts: list[dict[str, Part]]) -> tuple[str, ...]:
    """What the classes are called. Raises ValueError where snapshots have them in other orders."""
    first = _only(parts, CLASS_NAMES)
    names = labels.names_of(first)
    for one in {id(part): part for some in parts if (part := some.get(CLASS_NAMES))}.values():
        if first is not None and labels.names_of(one) != names:
            raise Told(
                f"{one.where}: the classes are not those of {first.where}, in the same order; must "
                "be the same at all snapshots"
            )
    return names


def _labels(one: dict[str, Part]) -> labels.Plain:
    if LABELS not in one:
        raise Told(
            f"{one[FEATURES].where}: there are no labels beside it; must be called "
            f"{terms.allowed(LABELS)}"
        )
    return labels.plain(one[LABELS], len(one[FEATURES].array))


def _bias(
    one: dict[str, Part], weight: np.ndarray | None, classes: int, budget: Budget
) -> np.ndarray | None:
    if weight is None or BIAS not in one:
        return None
    return numbers.bias_of(one[BIAS], classes, budget)


def _only(parts: list[dict[str, Part]], role: str) -> Part | None:
    """The first snapshot's, or what is of all."""
    return next((one[role] for one in parts if role in one), None)


def _pictures(parts: list[dict[str, Part]], budget: Budget) -> np.ndarray | None:
    part = _only(parts, THUMBNAILS)
    if part is None:
        return None
    for one in parts:
        samples = len(one[FEATURES].array)
        if len(part.array) != samples:
            raise Told(
                f"{part.where} is {shape_of(part.array)}, and {one[FEATURES].where} has {samples} "
                "samples; must be one picture a sample"
            )
    return images.pictures(part, budget)


def _steps(bundles: list[Bundle], counts: list[int]) -> tuple[list[float], list[str]]:
    """The step of each snapshot, in order, and what was assumed. Raises ValueError for others."""
    total = sum(counts)
    given = [_given(one, count) for one, count in zip(bundles, counts, strict=True)]
    if all(some is not None for some in given):
        steps = [step for some in given for step in some or ()]
        if any(later <= earlier for earlier, later in zip(steps, steps[1:])):
            found = listed(f"{step:.15g}" for step in steps)
            raise Told(
                f"{bundles[0].file}: steps are {found}; each must be more than the one before"
            )
        return steps, []
    one_each = total == len(bundles) and total > 1
    if one_each and all(one.named.number is not None for one in bundles):
        steps = [float(one.named.number or 0) for one in bundles]
        return steps, ["Steps are the numbers in the files' names"]
    order = [f"Files are in the order of their names: {listed(one.file for one in bundles)}"]
    counted = ["Steps are counted from 0, for no file says them"]
    return [float(n) for n in range(total)], (order * (len(bundles) > 1)) + counted * (total > 1)


def _given(one: Bundle, count: int) -> list[float] | None:
    """The steps that a file's content says, or a word such as "epoch" in its name."""
    part = one.parts.get(STEPS)
    if part is not None:
        values = part.array.reshape(-1)
        numbers = values.dtype.kind in "biuf"
        if len(values) != count or not numbers or not np.isfinite(values).all():
            fits = len(values) == count and numbers
            raise Told(
                f"{part.where} {'are not finite' if fits else f'is {shape_of(part.array)}'}; must "
                f"be {count} numbers, one a snapshot"
            )
        return [float(value) for value in values]
    if one.step is not None:
        return [one.step] * count if count == 1 else None
    return [one.named.number] if one.named.counted and count == 1 else None  # type: ignore[list-item]
