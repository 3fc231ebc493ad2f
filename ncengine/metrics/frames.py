"""How near rows are to a simplex equiangular tight frame (NC2), as papers measure it.

Rows are those of the last layer, or class means about their centre (`Moments.centred`).
"""

from __future__ import annotations

from typing import Any

from array_api_compat import device

from ncengine.metrics.arrays import Array, as_float, double, namespace, ratio
from ncengine.metrics.collapse import normalised_gram


def equinorm(rows: Array) -> Array:
    """Standard deviation of the rows' norms over their mean (...), 0 where all are as long.

    Papyan, Han and Donoho (2020), Figure 2. NaN where all rows are zero.

    Args:
        rows: (K, d) or (R, K, d).
    """
    xp, rows = as_rows(rows)
    norms = xp.linalg.vector_norm(rows, axis=-1)
    return ratio(xp, xp.std(norms, axis=-1), xp.mean(norms, axis=-1), xp.nan)


def equiangularity(rows: Array) -> Array:
    """Standard deviation (...) of the cosines between two rows, 0 where all angles are the same.

    Papyan, Han and Donoho (2020), Figure 3. NaN where a row is zero.
    """
    xp, cosines = _pair_cosines(rows)
    return xp.std(cosines, axis=-1)


def maximal_angle(rows: Array) -> Array:
    """Mean (...) of |cos + 1/(K - 1)| over pairs of rows, 0 where all angles are the largest that
    K rows can have to each other (Papyan, Han and Donoho, 2020, Figure 4). NaN where a row is zero.
    """
    xp, cosines = _pair_cosines(rows)
    return xp.mean(xp.abs(cosines + 1 / (rows.shape[-2] - 1)), axis=-1)


def nc2_frobenius(rows: Array) -> Array:
    """|| G/||G|| - (I - 11^T/K)/√(K - 1) ||_F (...), with G the rows' Gram matrix.

    Z. Zhu et al. (NeurIPS 2021), of the last layer; J. Zhou et al. (NeurIPS 2022), of class
    means too. Between 0 and 2; NaN where all rows are zero.
    """
    xp, rows = as_rows(rows)
    return from_simplex(xp, normalised_gram(xp, rows))


def from_simplex(xp: Any, normalised: Array) -> Array:
    """Of matrices (..., K, K) of Frobenius norm 1, the distance from the simplex's, of norm 1."""
    classes = normalised.shape[-1]
    target = xp.eye(classes, dtype=normalised.dtype, device=device(normalised)) - 1 / classes
    return xp.linalg.vector_norm(normalised - target / (classes - 1) ** 0.5, axis=(-2, -1))


def as_rows(rows: Array) -> tuple[Any, Array]:
    """The rows' namespace, and the rows in float64; raises ValueError where they are none."""
    xp = namespace(rows=rows)
    if rows.ndim not in (2, 3) or rows.shape[-2] < 2 or not rows.shape[-1]:
        raise ValueError(
            f"rows: shape {tuple(rows.shape)}, must be (K, d) or (R, K, d), K at least 2, d at "
            "least 1"
        )
    return xp, double(xp, as_float(xp, rows))


def _pair_cosines(rows: Array) -> tuple[Any, Array]:
    """Cosines (..., K (K - 1)) between two different rows."""
    xp, rows = as_rows(rows)
    units = ratio(xp, rows, xp.linalg.vector_norm(rows, axis=-1, keepdims=True), xp.nan)
    gram = units @ xp.matrix_transpose(units)
    # Without its diagonal: all but the first entry, in rows of K + 1, but for their last.
    classes, leading = gram.shape[-1], tuple(gram.shape[:-2])
    flat = xp.reshape(gram, (*leading, classes * classes))[..., 1:]
    apart = xp.reshape(flat, (*leading, classes - 1, classes + 1))[..., :-1]
    return xp, xp.reshape(apart, (*leading, classes * (classes - 1)))
