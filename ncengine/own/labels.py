"""Labels in whatever form they were saved, as whole numbers 0 to K - 1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ncengine.own.limits import LONGEST, Limits
from ncengine.own.parts import Part
from ncengine.own.words import Told, listed, shape_of, shown

_FAR = 2.0**53
# What torch's losses call samples of no class.
_IGNORED = -100


@dataclass(frozen=True)
class Plain:
    """Labels of N samples.

    Attributes:
        where: for errors.
        values: (N,) int64; where there are texts their place among these.
        texts: what classes are called, or None.
    """

    where: str
    values: np.ndarray
    texts: tuple[str, ...] | None = None


def plain(part: Part, samples: int) -> Plain:
    """The labels of so many samples: (N,), (N, 1) or one-hot (N, K); numbers or texts.

    Raises:
        ValueError: another shape, or numbers that are not whole.
    """
    array = part.array
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim not in (1, 2):
        raise Told(f"{part.where} is {shape_of(array)}; must be (N,), (N, 1) or one-hot (N, K)")
    if len(array) != samples:
        kind = "fewer" if len(array) < samples else "more"
        raise Told(f"{part.where} is {shape_of(array)}: {kind} labels than the {samples:,} samples")
    if array.ndim == 2:
        return Plain(part.where, _of_one_hot(part.where, array))
    if part.texts is not None:
        return Plain(part.where, array, part.texts)
    if array.dtype.kind in "US":
        return _of_texts(part.where, array)
    return Plain(part.where, _whole(part.where, array))


def _of_one_hot(where: str, array: np.ndarray) -> np.ndarray:
    if array.dtype.kind in "US":
        raise Told(f"{where} is {shape_of(array)} of texts; must be (N,)")
    ones = array == 1
    wrong = (ones.sum(1) != 1) | ~(ones | (array == 0)).all(1)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise Told(
            f"{where} is {shape_of(array)}, and row {row} is not one 1 and zeros; must be (N,), "
            "(N, 1) or one-hot (N, K)"
        )
    return np.argmax(ones, 1).astype(np.int64)


def _of_texts(where: str, array: np.ndarray) -> Plain:
    texts, values = np.unique(array, return_inverse=True)
    return named(where, [_text(one) for one in texts], values.astype(np.int64))


def named(where: str, texts: Sequence[str], values: np.ndarray) -> Plain:
    """Of texts, and of each sample which one; these are numbers where all texts are."""
    if all(text.lstrip("-").isdecimal() and len(text) < 16 for text in texts):
        return Plain(where, np.array([int(text) for text in texts], np.int64)[values])
    long = next((n for n, text in enumerate(texts) if len(text) > LONGEST), None)
    if long is not None:
        row = int(np.argmax(values == long))
        raise Told(
            f"{where}[{row}] has {len(texts[long]):,} characters; a class has {LONGEST} at most"
        )
    empty = next((n for n, text in enumerate(texts) if not text.strip()), None)
    if empty is not None and (values == empty).any():
        row = int(np.argmax(values == empty))
        raise Told(f"{where}[{row}] is empty; must be a class")
    return Plain(where, values, tuple(texts))


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _whole(where: str, array: np.ndarray) -> np.ndarray:
    if array.dtype.kind == "f":
        wrong = ~(np.abs(array) < _FAR) | (array != np.round(array))
    elif array.dtype.kind == "u":
        wrong = array >= int(_FAR)
    else:
        return array.astype(np.int64)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise Told(f"{where}[{row}] = {array[row]}; must be a whole number, the sample's class")
    return array.astype(np.int64)


def mapped(
    each: Sequence[Plain], rows: int | None, names: tuple[str, ...], limits: Limits
) -> tuple[list[np.ndarray], tuple[str, ...], list[str]]:
    """Labels 0 to K - 1 of each snapshot, what the classes are called, and what was assumed.

    Args:
        rows: K where a weight says it.
        names: of the classes, where a file has them.

    Raises:
        ValueError: fewer than two classes or too many, or not as many as the weight has rows.
    """
    each, texts, notes = _in_common(each, names, rows is not None)
    values = np.unique(np.concatenate([np.unique(one.values) for one in each]))
    where = each[0].where
    if texts is None and _IGNORED in values:
        raise Told(
            f"{where} has labels {_IGNORED}, by which PyTorch's losses know samples of no class; "
            "must be without these samples"
        )
    within = values[0] >= 0 and values[-1] < (len(values) if rows is None else rows)
    classes = len(values) if rows is None else rows
    _check_classes(where, classes, limits)
    found = [one.values for one in each]
    if not within:
        if len(values) != classes:
            raise Told(
                f"{where} has {len(values)} different labels, {listed(values)}, and weight has "
                f"{classes} rows; must be 0 to {classes - 1}"
            )
        found = [np.searchsorted(values, one) for one in found]
        if texts is None:
            notes.append(
                f"The labels {listed(values)} are the classes 0 to {classes - 1}, in order"
            )
    called = tuple(shown(texts[n]) for n in values) if texts else ()
    return found, _names(names, called, values, classes, within), notes


def _check_classes(where: str, classes: int, limits: Limits) -> None:
    if classes < 2:
        raise Told(f"{where}: there is one class alone; must be at least 2")
    if classes > limits.classes:
        raise Told(f"{where}: {classes:,} classes; {limits.classes:,} at most are read")


def _in_common(
    each: Sequence[Plain], names: tuple[str, ...], weighted: bool
) -> tuple[list[Plain], tuple[str, ...] | None, list[str]]:
    """The same where texts are places among all snapshots' texts; these; and what was assumed.

    In the order of the classes' names, where a file has these; else in alphabetical order.
    """
    if all(one.texts is None for one in each):
        return list(each), None, []
    odd = next((one for one in each if one.texts is None), None)
    if odd is not None:
        raise Told(f"{odd.where}: labels are numbers here and texts in other snapshots")
    union = {one.texts[n] for one in each for n in np.unique(one.values)}  # type: ignore[index]
    named = union <= set(names) and len(set(names)) == len(names)
    order = names if named else tuple(sorted(union))
    place = {text: n for n, text in enumerate(order)}
    found = [
        Plain(one.where, np.array([place.get(t, 0) for t in one.texts or ()])[one.values])
        for one in each
    ]
    alphabetical = "Labels are texts: the weight's rows were taken for them in alphabetical order"
    return found, order, [alphabetical] if weighted and not named else []


def _names(
    names: tuple[str, ...],
    called: tuple[str, ...],
    values: np.ndarray,
    classes: int,
    within: bool,
) -> tuple[str, ...]:
    """What the classes are called: as a file says, or as the labels themselves do."""
    if names and not within and len(names) > values[-1] >= 0 and len(names) != classes:
        names = tuple(names[n] for n in values)
    if names and len(names) != classes:
        raise Told(f"class_names: there are {len(names)}; must be {classes}, one for each class")
    if names or called:
        return names or called
    return () if within else tuple(str(value) for value in values)


def names_of(part: Part | None) -> tuple[str, ...]:
    """The classes' names (K,) of an array of texts. Raises ValueError where it is none."""
    if part is None:
        return ()
    if part.texts is not None:
        return tuple(part.texts[n] for n in part.array)
    if part.array.ndim != 1 or part.array.dtype.kind not in "US":
        raise Told(f"{part.where} is {shape_of(part.array)} of {part.array.dtype}; must be K texts")
    return tuple(shown(_text(one), LONGEST) for one in part.array)


def check_all_there(where: str, labels: np.ndarray, classes: int, names: Sequence[str]) -> None:
    """Raises ValueError where a class has no sample."""
    counts = np.bincount(labels, minlength=classes)
    absent = np.flatnonzero(counts == 0)
    if len(absent):
        one = int(absent[0])
        called = f"class {one}" + (f" ({shown(names[one], 24)})" if one < len(names) else "")
        raise Told(
            f"{where}: {called} has no sample; each of the {classes} classes must have at least one"
        )
