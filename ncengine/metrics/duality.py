"""Self-duality (NC3), as papers measure it: how the last layer's rows go along with class means."""

from __future__ import annotations

from typing import Any

from ncengine.metrics.arrays import Array, as_float, double, namespace, ratio
from ncengine.metrics.frames import from_simplex

# So many rows of large matrices are worked on at a time.
TOGETHER = 256


def nc3_frobenius(weight: Array, centred: Array) -> Array:
    """|| Z/||Z|| - (I - 11^T/K)/√(K - 1) ||_F (...), Z = W M^T.

    Z. Zhu et al. (NeurIPS 2021); J. Zhou et al. (NeurIPS 2022). NaN where Z is zero.

    Args:
        weight: (K, d) or (R, K, d), the last layer.
        centred: of the same shape, class means about their unweighted mean.
    """
    xp, weight, centred = _pair(weight, centred)
    return from_simplex(xp, _normalised(xp, weight @ xp.matrix_transpose(centred)))


def nc3_papyan(weight: Array, centred: Array) -> Array:
    """|| W/||W|| - M/||M|| ||_F² (...), of arguments as above.

    Papyan, Han and Donoho (2020), Figure 5. NaN where one of them is zero.
    """
    xp, weight, centred = _pair(weight, centred)
    sizes = [(values, *_size(xp, values)) for values in (weight, centred)]
    total = 0.0
    for start in range(0, weight.shape[-2], TOGETHER):
        # Some rows at a time: of a thousand classes they are large.
        rows = slice(start, start + TOGETHER)
        left, right = (
            ratio(xp, values[..., rows, :], largest, xp.nan) / norm
            for values, largest, norm in sizes
        )
        total = total + xp.linalg.vector_norm(left - right, axis=(-2, -1)) ** 2
    return total


def nc3_cosines(features: Array, labels: Array, weight: Array) -> Array:
    """1 - cosine (..., N) of each sample and its class's row: their mean is NC3 of Definition 2.

    As half the squared chord between unit vectors, which keeps its digits where it is small.
    """
    xp = namespace(features=features, weight=weight)
    features, weight = (double(xp, as_float(xp, values)) for values in (features, weight))
    apart = _units(xp, features)
    apart -= xp.take(_units(xp, weight), labels, axis=-2)
    return xp.linalg.vector_norm(apart, axis=-1) ** 2 / 2


def _units(xp: Any, rows: Array) -> Array:
    return ratio(xp, rows, xp.linalg.vector_norm(rows, axis=-1, keepdims=True), xp.nan)


def _pair(weight: Array, centred: Array) -> tuple[Any, Array, Array]:
    xp = namespace(weight=weight, centred=centred)
    if weight.shape != centred.shape:
        raise ValueError(
            f"weight: shape {tuple(weight.shape)}, must be that of the class means, "
            f"{tuple(centred.shape)}"
        )
    return xp, double(xp, as_float(xp, weight)), double(xp, as_float(xp, centred))


def _normalised(xp: Any, matrix: Array) -> Array:
    largest, norm = _size(xp, matrix)
    return ratio(xp, matrix, largest, xp.nan) / norm


def _size(xp: Any, matrix: Array) -> tuple[Array, Array]:
    """The largest entry (..., 1, 1), and the Frobenius norm in units of it: so that squares cannot
    underflow.
    """
    axes = {"axis": (-2, -1), "keepdims": True}
    largest = xp.maximum(xp.max(matrix, **axes), -xp.min(matrix, **axes))
    return largest, xp.linalg.vector_norm(ratio(xp, matrix, largest, xp.nan), **axes)
