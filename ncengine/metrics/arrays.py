"""What all metrics do with arrays, numpy's and torch's alike."""

from __future__ import annotations

from typing import Any

from array_api_compat import is_numpy_namespace, size

Array = Any  # a numpy array or a torch tensor
AT_ONCE = 2**21  # numbers of which there may be a copy without a second thought


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
