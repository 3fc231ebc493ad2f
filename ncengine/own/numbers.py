"""Features and the last layer as floats of one kind, of which each is finite."""

from __future__ import annotations

import numpy as np

from ncengine.own.limits import LARGEST, Budget
from ncengine.own.parts import Part
from ncengine.own.words import Told, shape_of

AS_KERAS = "as Keras and JAX have it"


def floats(part: Part, budget: Budget) -> np.ndarray:
    """The same numbers in single precision, or in double where they have more.

    Raises:
        ValueError: they are texts, or one is not finite, or too large; says which.
    """
    array = part.array
    if array.dtype.kind not in "biuf":
        raise Told(f"{part.where} holds texts; must be numbers")
    small = array.dtype.itemsize <= 2 or array.dtype == np.float32
    kind = np.dtype(np.float32 if small else np.float64)
    if array.dtype != kind:
        budget.take(part.where, array.size * kind.itemsize)
    array = np.ascontiguousarray(array, kind)
    fine = np.abs(array) <= LARGEST
    if not fine.all():
        at = tuple(int(n) for n in np.unravel_index(int(np.argmin(fine)), array.shape))
        what = f"{part.where}[{', '.join(map(str, at))}] = {array[at]}"
        raise Told(f"{what}; must be a finite number, of {LARGEST:g} at most")
    return array


def weight_of(part: Part, width: int, budget: Budget) -> tuple[np.ndarray, str | None]:
    """The weight as (K, d), and what was assumed of it.

    Args:
        width: d of the features.

    Raises:
        ValueError: its shape is neither (K, d) nor (d, K).
    """
    shape = part.array.shape
    if len(shape) != 2 or width not in shape:
        raise Told(
            f"{part.where} is {shape_of(part.array)}; must be (K, {width}) or ({width}, K), as "
            f"features have {width} columns"
        )
    array = floats(part, budget)
    if shape[0] == shape[1]:
        return array, (
            f"{part.where} is square, so its shape does not say which axis is the classes': rows "
            "were taken for classes, as PyTorch has it"
        )
    if shape[1] == width:
        return array, None
    return np.ascontiguousarray(array.T), (
        f"{part.where} is {shape_of(part.array)}: columns were taken for classes, {AS_KERAS}"
    )


def bias_of(part: Part, classes: int, budget: Budget) -> np.ndarray:
    """The bias (K,). Raises ValueError where it is of another shape."""
    if part.array.size != classes or max(part.array.shape, default=1) != classes:
        raise Told(f"{part.where} is {shape_of(part.array)}; must be ({classes},), one a class")
    return floats(part, budget).reshape(classes)
