"""What all metrics do with arrays, numpy's and torch's alike."""

from __future__ import annotations

from typing import Any

import numpy as np
from array_api_compat import array_namespace, is_numpy_namespace, is_torch_array, size

Array = Any  # a numpy array or a torch tensor
AT_ONCE = 2**21  # numbers of which there may be a copy without a second thought


def namespace(**given: Array) -> Any:
    """The library that arrays are of, by their names.

    Raises:
        ValueError: one is no dense array of numpy or torch, or they are of both; says which.
    """
    for name, values in given.items():
        if (kind := _unfit(values)) is not None:
            raise ValueError(f"{name}: {kind}, must be an array of numpy or torch that is dense")
    if len({is_torch_array(values) for values in given.values()}) > 1:
        of_each = (f"{name} of {type(values).__module__}" for name, values in given.items())
        raise ValueError(f"{', '.join(of_each)}: must be of one library, numpy or torch")
    return array_namespace(*given.values())


def as_labels(xp: Any, labels: Any, samples: int, here: Any) -> Array:
    """Labels (N,) in the library `xp`, on the device `here`, from whatever holds them.

    Raises:
        ValueError: they are not one whole number a sample, or are sparse or masked.
    """
    kind = _unfit(labels) if is_torch_array(labels) or isinstance(labels, np.ndarray) else None
    try:
        found = None if kind else xp.asarray(labels, device=here)
    except (TypeError, ValueError, RuntimeError):
        found, kind = None, type(labels).__name__
    if found is None:
        raise ValueError(f"labels: {kind}, must be an array of whole numbers that is dense")
    if tuple(found.shape) != (samples,):
        raise ValueError(f"labels: shape {tuple(found.shape)}, must be ({samples},), one a sample")
    if not xp.isdtype(found.dtype, "integral"):
        raise ValueError(f"labels: type {found.dtype}, must be whole numbers")
    # Torch gathers by int64 only, and K may be more than a narrow type holds.
    return xp.astype(found, xp.int64, copy=False)


def check_range(xp: Any, labels: Array, classes: int) -> None:
    """Raises ValueError where one of the labels is none of 0 to `classes` - 1."""
    if size(labels) and not 0 <= int(xp.min(labels)) <= int(xp.max(labels)) < classes:
        raise ValueError(
            f"labels: from {int(xp.min(labels))} to {int(xp.max(labels))}, "
            f"must be from 0 to {classes - 1}"
        )


def _unfit(values: Any) -> str | None:
    """What it is, where metrics could not take it; None where they can."""
    if is_torch_array(values):
        if values.is_nested or values.is_quantized or values.device.type == "meta":
            kind = "nested" if values.is_nested else "quantised" if values.is_quantized else "meta"
            return f"a {kind} tensor"
        layout = str(values.layout).removeprefix("torch.")
        return None if layout == "strided" else f"a tensor of layout {layout}"
    # Of numpy's own kinds matrices never lose an axis, and masks would go unseen.
    plain = isinstance(values, np.ndarray | np.generic)
    plain = plain and not isinstance(values, np.matrix | np.ma.MaskedArray)
    return None if plain else type(values).__name__


def as_float(xp: Any, values: Array) -> Array:
    """The values in single precision at least. Raises ValueError where they are not real floats."""
    if not xp.isdtype(values.dtype, "real floating"):
        raise ValueError(f"features and weight: type {values.dtype}, must be real floating point")
    return xp.astype(values, xp.float32) if xp.finfo(values.dtype).bits < 32 else values


def double(xp: Any, values: Array) -> Array:
    return xp.astype(values, xp.float64, copy=False)


def average(xp: Any, values: Array, axis: int | tuple[int, ...]) -> Array:
    """The mean in float64, to the precision of `values`, however many there are."""
    if is_numpy_namespace(xp):
        # Numpy adds rows one by one in the type they have: after thousands, digits are lost.
        return xp.mean(values, axis=axis, dtype=xp.float64)
    # Torch adds by halves. To have it take float64 would copy what is averaged first.
    return double(xp, xp.mean(values, axis=axis))


def exact_average(xp: Any, values: Array) -> Array:
    """The mean (..., d) of rows (..., n, d) in float64, of which nothing is rounded before.

    Where class means nearly lie in fewer dimensions, what `average` rounds would be magnified.
    """
    if is_numpy_namespace(xp):
        return xp.mean(values, axis=-2, dtype=xp.float64)
    if size(values) <= AT_ONCE or values.ndim < 3:
        return xp.mean(double(xp, values), axis=-2)
    # A copy in double precision of all there is would take twice the memory of it.
    return xp.stack([exact_average(xp, values[n, ...]) for n in range(values.shape[0])])


def dot(xp: Any, left: Array, right: Array) -> Array:
    # Several times faster than torch's vecdot, which materialises what is broadcast.
    return xp.sum(left * right, axis=-1)


def square(xp: Any, values: Array) -> Array:
    """Squared norms of rows: (...) from (..., d)."""
    return xp.linalg.vector_norm(values, axis=-1) ** 2


def ratio(xp: Any, numerator: Array, denominator: Array, at_zero: float) -> Array:
    """Quotient that takes `at_zero` where the denominator is 0, without a warning."""
    zero = denominator == 0
    if at_zero != at_zero:
        # Nothing as large as the numerator is made but what is given.
        return numerator / xp.where(zero, xp.full_like(denominator, at_zero), denominator)
    quotient = numerator / xp.where(zero, xp.ones_like(denominator), denominator)
    return xp.where(zero, xp.full_like(quotient, at_zero), quotient)
