"""Data that belong to none of the classes, and how features tell them apart (NC5, NECO)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ncengine.arguments import whole
from ncengine.metrics.arrays import Array, as_float, double, namespace, ratio


def nc5(means: Array, outside: Array) -> Array:
    """Mean (...) over classes of |cosine| between a class mean and the mean of foreign samples.

    0 where they are orthogonal (M. B. Ammar et al., NECO, ICLR 2024). Neither is centred. NaN where
    a mean is zero.

    Args:
        means: (K, d) or (R, K, d) class means of the training samples.
        outside: (M, d) or (R, M, d) features of samples of no class.
    """
    xp = namespace(means=means, outside=outside)
    means, outside = _doubles(xp, means, outside)
    foreign = xp.mean(outside, axis=-2, keepdims=True)
    products = xp.sum(means * foreign, axis=-1)
    lengths = xp.linalg.vector_norm(means, axis=-1) * xp.linalg.vector_norm(foreign, axis=-1)
    return xp.mean(xp.abs(ratio(xp, products, lengths, xp.nan)), axis=-1)


def neco(features: Array, training: Array, dimensions: int) -> Array:
    """NECO (..., M): the share of a feature's norm that lies in the principal space of training.

    |P h| / |h|, with P the projection onto the first principal axes of the training features
    (M. B. Ammar et al., ICLR 2024): near 1 for samples of a class, less for others. Axes are those
    about the training features' mean; h itself is not centred, nor standardised before. NaN where
    h is zero or not finite, or training features are not finite.

    Args:
        features: (M, d) or (R, M, d) of the samples to judge.
        training: (N, d) or (R, N, d) of the training samples.
        dimensions: how many axes, 1 to d; K - 1 hold the class means at collapse.

    Raises:
        ValueError: shapes that do not fit, `dimensions` out of range.
    """
    xp = namespace(features=features, training=training)
    features, training = _doubles(xp, features, training)
    width = training.shape[-1]
    dimensions = whole("dimensions", dimensions, 1, width)
    centred = training - xp.mean(training, axis=-2, keepdims=True)
    products = xp.matrix_transpose(centred) @ centred
    known = xp.all(xp.isfinite(products), axis=(-2, -1), keepdims=True)
    # What is not finite would have the decomposition fail.
    _, axes = xp.linalg.eigh(xp.where(known, products, xp.zeros_like(products)))
    axes = xp.where(known, axes, xp.full_like(axes, xp.nan))
    parts = features @ axes[..., -dimensions:]
    norms = xp.linalg.vector_norm(features, axis=-1)
    return ratio(xp, xp.linalg.vector_norm(parts, axis=-1), norms, xp.nan)


def auroc(inside: Any, outside: Any) -> float:
    """The chance that a sample of a class scores higher than a foreign one; ties count half.

    Area under the ROC curve of scores (n,) and (m,), 1/2 where they tell nothing. NaN where one of
    them is not finite.

    Raises:
        ValueError: they are no scores, or there is none of one kind.
    """
    from scipy.stats import rankdata  # slow to load, and seldom asked for

    inside, outside = _scores("inside", inside), _scores("outside", outside)
    if not (np.isfinite(inside).all() and np.isfinite(outside).all()):
        return float("nan")
    n, m = len(inside), len(outside)
    ranks = rankdata(np.concatenate([inside, outside]))[:n]
    return float((ranks.sum() - n * (n + 1) / 2) / (n * m))


def _scores(name: str, given: Any) -> np.ndarray:
    try:
        scores = np.asarray(given, np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: {type(given).__name__}, must be an array of numbers") from error
    if scores.ndim != 1 or not len(scores):
        raise ValueError(f"{name}: shape {scores.shape}, must be (n,), at least one score")
    return scores


def _doubles(xp: Any, first: Array, second: Array) -> tuple[Array, Array]:
    leads = first.ndim == second.ndim and first.shape[:-2] == second.shape[:-2]
    if first.ndim not in (2, 3) or not leads or first.shape[-1] != second.shape[-1]:
        raise ValueError(
            f"shapes {tuple(first.shape)} and {tuple(second.shape)}: must be rows of one width, "
            "of as many networks"
        )
    if not first.shape[-2] or not second.shape[-2]:
        raise ValueError("no sample: there must be at least one")
    return double(xp, as_float(xp, first)), double(xp, as_float(xp, second))
