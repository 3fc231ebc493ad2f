"""In how many directions class means lie apart, as far as their precision can tell."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from ncengine.metrics.arrays import AT_ONCE, Array

# How many times the precision of its features counts as the rounding of what is made of them.
ROUNDING = 8


def told_apart(xp: Any, means: Array, within: Array | float, rounding: float) -> Array:
    """From which length on a singular value of the centred class means is not only rounding (...).

    Rounding K means of width d is like adding a random matrix to them, whose largest singular
    value is about √K + √d times the rounding of one number.

    Args:
        means: (..., K, d) class means.
        within: (...) tr Sigma_W. With the means it tells how large the features are.
        rounding: of a number relative to its size, at most. `ROUNDING` times the precision of the
            type that the features had, such as 1.2e-7 of float32; of what was only stored in a
            narrower type, the precision of that.
    """
    classes, width = means.shape[-2:]
    sizes = xp.linalg.vector_norm(means, axis=(-2, -1)) ** 2 / classes
    return rounding * (1 + (classes / width) ** 0.5) * xp.sqrt(sizes + within)


def class_rank(class_means: np.ndarray) -> np.ndarray:
    """In how many directions class means lie apart: (...) from (..., K, d); at most K - 1.

    As far as the precision tells in which they are stored, be it float16. 0 where they coincide,
    -1 where they are not finite.
    """
    means = class_means.astype(np.float64)
    known = np.asarray(np.isfinite(means).all(axis=(-2, -1)))
    means = np.where(known[..., None, None], means, 0.0)
    # Whatever they are stored in, they were computed in double precision at most.
    computed = ROUNDING * np.finfo(np.float64).eps
    told = told_apart(np, means, 0.0, max(np.finfo(class_means.dtype).eps, computed))
    singular, _ = directions(np, means)
    return np.where(known, (singular > told[..., None]).sum(-1), -1)


def directions(xp: Any, means: Array) -> tuple[Array, Array]:
    """Singular values (..., r) of the centred class means, and directions (..., r, d).

    Of means (..., K, d) in float64, r = min(K - 1, d). Centring and turning in one: by contrasts,
    so that no singular value is there only because the centred means sum to zero.
    """
    if means.ndim == 2 and means.shape[0] * means.shape[1] > AT_ONCE // 2:
        return tuple(xp.asarray(values) for values in _sparingly(np.asarray(means)))
    return xp.linalg.svd(xp.asarray(contrasts(means.shape[-2])) @ means, full_matrices=False)[1:]


def _sparingly(means: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same of one network's means, where a decomposition at once takes several times their
    memory: they are brought to a triangle first, in the memory that they have.
    """
    from scipy import linalg

    # Not by `contrasts`, which would stay in memory.
    centred = contrasts.__wrapped__(len(means)) @ means
    if centred.shape[0] >= centred.shape[1]:
        (triangle,) = linalg.qr(centred, mode="r", overwrite_a=True, check_finite=False)
        square = triangle[: centred.shape[1]]
        del centred, triangle
        _, singular, axes = linalg.svd(square, check_finite=False)
        return singular, axes
    # Its transpose lies in memory as Fortran has it, so that nothing is copied.
    turned, triangle = linalg.qr(centred.T, mode="economic", overwrite_a=True, check_finite=False)
    del centred
    left, singular, _ = linalg.svd(triangle, overwrite_a=True, check_finite=False)
    return singular, left.T @ turned.T


@lru_cache
def contrasts(classes: int) -> np.ndarray:
    """(K - 1, K) orthonormal rows that sum to zero (Helmert)."""
    rows = np.tril(np.ones((classes - 1, classes)))
    steps = np.arange(1, classes)
    rows[steps - 1, steps] = -steps
    return rows / np.sqrt(steps * (steps + 1.0))[:, None]
