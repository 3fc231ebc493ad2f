"""Classes of unequal size: simplex-encoded-labels interpolation (SELI) in place of the simplex.

C. Thrampoulidis, G. R. Kini, V. Vakilian and T. Behnia, Imbalance Trouble (NeurIPS 2022): without
decay, rows and features become the factors of the matrix of simplex-encoded labels Z = (I -
11^T/K) Y, with Y (K, N) the labels one-hot: of Z = V Λ U^T the rows' Gram matrix is like V Λ V^T,
the features' like U Λ U^T. Where classes are of one size, both are the simplex's.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from array_api_compat import device

from ncengine.metrics.arrays import Array, as_float, double, namespace
from ncengine.metrics.collapse import normalised_gram

# From how many times as many samples in the largest class as in the least they count as unequal.
# MNIST's, which nobody calls so, have 1.24 times as many.
UNEQUAL = 1.5
# At least so many times where the sizes are those of samples drawn at random.
DRAWN = 2.0


def unequal(counts: Any, factor: float = UNEQUAL) -> bool:
    """Whether the largest class has more than `factor` times the samples of the least."""
    counts = _counts(counts)
    return bool(counts.max() > factor * counts.min())


def by_chance(counts: Any) -> float:
    """The `factor` for sizes (K,) of what was drawn at random: equal classes rarely come to it.

    The largest of K draws about a mean n lies some sqrt(2 log K) deviations above it, seldom one
    and a half more, and the least as far below. A square root deviates by 1/2, whatever n is.
    """
    counts = _counts(counts)
    deviations = math.sqrt(2 * math.log(len(counts))) + 1.5
    return max(DRAWN, math.exp(2 * deviations / math.sqrt(counts.mean())))


def seli_grams(counts: Any) -> tuple[np.ndarray, np.ndarray]:
    """Gram matrices (K, K) of the last layer's rows and of the class means, of Frobenius norm 1.

    Class means of one class's samples, which have all the same features; they sum to zero.

    Args:
        counts: (K,) samples of each class, at least 1 of each.
    """
    counts = _counts(counts)
    classes = len(counts)
    centring = np.eye(classes) - 1 / classes
    # Z Z^T = V Λ² V^T is of size K; a column of U^T = Λ^-1 V^T Z is the same for a class.
    squares, vectors = np.linalg.eigh(centring @ np.diag(counts) @ centring)
    values, vectors = np.sqrt(squares[1:]), vectors[:, 1:]
    rows, means = (vectors * values) @ vectors.T, (vectors / values) @ vectors.T
    return rows / np.linalg.norm(rows), means / np.linalg.norm(means)


def seli_rows(weight: Array, counts: Any) -> Array:
    """Frobenius distance (...) of the last layer's Gram matrix, of norm 1, from SELI's; 0 to √2.

    Args:
        weight: (K, d) or (R, K, d).
        counts: (K,) training samples of each class.
    """
    return _distance(weight, seli_grams(counts)[0])


def seli_means(centred: Array, counts: Any) -> Array:
    """The same of class means (..., K, d) about their unweighted mean."""
    return _distance(centred, seli_grams(counts)[1])


def _distance(rows: Array, gram: np.ndarray) -> Array:
    xp = namespace(rows=rows)
    if rows.shape[-2] != len(gram):
        raise ValueError(f"counts: {len(gram)} classes, must be {rows.shape[-2]}, one a row")
    target = xp.asarray(gram, device=device(rows))
    found = normalised_gram(xp, double(xp, as_float(xp, rows)))
    return xp.linalg.vector_norm(found - target, axis=(-2, -1))


def _counts(counts: Any) -> np.ndarray:
    try:
        counts = np.asarray(counts.cpu() if hasattr(counts, "cpu") else counts, np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"counts = {counts!r}: must be K whole numbers") from error
    if counts.ndim != 1 or len(counts) < 2 or not (np.isfinite(counts) & (counts >= 1)).all():
        raise ValueError(f"counts = {counts.tolist()}: must be (K,), at least 1 sample a class")
    return counts
