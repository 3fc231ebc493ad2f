"""The metrics of neural collapse (Definition 2), for numpy arrays and torch tensors alike.

One implementation: the array's own namespace does the work, on the array's own device.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import device

from ncengine.metrics.arrays import Array, as_float, dot, double, namespace, ratio, square
from ncengine.metrics.groups import Groups
from ncengine.metrics.rank import ROUNDING, told_apart


@dataclass(frozen=True)
class NeuralCollapse:
    """How far from collapse (Definition 2); 0 is full collapse. Each of shape () or (R,).

    Attributes:
        nc1: tr Sigma_W / tr Sigma_B; inf where the class means coincide, as far as the features'
            precision tells.
        nc2a: distance of W W^T from the direction of a simplex ETF; between 0 and 1.
        nc2b: distance of W W^T from the direction of the identity; between 0 and 1.
        nc3: 1 - mean cosine of a sample and its class's row of W; between 0 and 2.
    """

    nc1: Array
    nc2a: Array
    nc2b: Array
    nc3: Array


def neural_collapse(features: Array, labels: Array, weight: Array) -> NeuralCollapse:
    """NC1, NC2A, NC2B and NC3 of Definition 2, with E_K = I - 11^T/K and c = max(0, .).

    With mu_k the class means, mu_G their unweighted mean, Sigma_W = 1/N sum over all samples of
    (x - mu_k)(x - mu_k)^T and Sigma_B = 1/K sum_k (mu_k - mu_G)(mu_k - mu_G)^T. NC2 and NC3 are
    NaN where W, or a row of it, is zero.

    Args:
        features: (N, d) or (R, N, d), inputs of the last linear layer. Torch tensors must not
            require a gradient that is not wanted: nothing is detached here.
        labels: (N,) whole numbers 0 to K - 1, in any order, balanced or not. Fastest when
            balanced and sorted.
        weight: (K, d) or (R, K, d), the last layer; K is read from it.

    Raises:
        ValueError: shapes that do not fit, a label out of range, a class without samples.
    """
    xp = namespace(features=features, weight=weight)
    check_pair(features, weight)
    given, weight = features.dtype, double(xp, as_float(xp, weight))
    features = as_float(xp, features)
    groups = Groups(xp, features, labels, weight.shape[-2])
    means, deviations = groups.centred(features)
    within = groups.sample_mean(square(xp, deviations))
    told = told_apart(xp, means, within, ROUNDING * xp.finfo(given).eps)
    gram = normalised_gram(xp, weight)
    collapse = NeuralCollapse(
        nc1=within_over_between(xp, within, about_centre(xp, means), told),
        nc2a=gram_distance(xp, gram, simplex=True),
        nc2b=gram_distance(xp, gram, simplex=False),
        nc3=groups.sample_mean(_one_minus_cosine(xp, groups, deviations, means, weight)),
    )
    return NeuralCollapse(**{n: xp.astype(v, features.dtype) for n, v in vars(collapse).items()})


def class_means(features: Array, labels: Array, classes: int) -> Array:
    """The mean of each class: (K, d) or (R, K, d), from features (N, d) or (R, N, d).

    Raises ValueError as `neural_collapse` does.
    """
    xp = namespace(features=features)
    features = as_float(xp, features)
    means, _ = Groups(xp, features, labels, classes).centred(features)
    return xp.astype(means, features.dtype)


def cosines(class_means: Array) -> Array:
    """Cosines between centred class means: (..., K, K) from (..., K, d).

    Centred about their unweighted mean, so at collapse every entry off the diagonal is
    -1/(K - 1). A class mean that lies at the centre has cosine 0 with everything.
    """
    xp = namespace(class_means=class_means)
    single = as_float(xp, class_means)
    centred = about_centre(xp, double(xp, single))
    norms = xp.linalg.vector_norm(centred, axis=-1, keepdims=True)
    directions = ratio(xp, centred, norms, 0.0)
    products = xp.clip(directions @ xp.matrix_transpose(directions), -1.0, 1.0)
    return xp.astype(products, single.dtype)


def class_cosines(class_means: np.ndarray) -> np.ndarray:
    """(K, K) cosines of the means of shape (K, d) about their centre, from 3 classes on.

    Two points are opposite each other about their centre wherever they are: of two classes, the
    cosine about the origin tells how far they have come.
    """
    if len(class_means) > 2:
        return cosines(class_means)
    means = class_means.astype(np.float64)
    means /= np.maximum(np.linalg.norm(means, axis=-1, keepdims=True), 1e-30)
    return means @ means.T


def check_pair(features: Array, weight: Array) -> None:
    """Raises ValueError where features (..., N, d) and weight (..., K, d) do not fit."""
    shape, weights = tuple(features.shape), tuple(weight.shape)
    if len(shape) not in (2, 3) or not shape[-1]:
        raise ValueError(f"features: shape {shape}, must be (N, d) or (R, N, d), d at least 1")
    if len(weights) != len(shape) or weights[:-2] != shape[:-2] or weights[-1] != shape[-1]:
        wanted = ", ".join(map(str, (*shape[:-2], "K", shape[-1])))
        raise ValueError(f"weight: shape {weights}, must be ({wanted}) to go with features {shape}")
    if weights[-2] < 2:
        raise ValueError(f"weight: {weights[-2]} rows, must have one a class, at least 2")


def about_centre(xp: Any, means: Array) -> Array:
    """Class means (..., K, d) minus their unweighted mean."""
    return means - xp.mean(means, axis=-2, keepdims=True)


def within_over_between(xp: Any, within: Array, centred: Array, told: Array) -> Array:
    """NC1 (...) from tr Sigma_W (...) and class means about their centre (..., K, d); inf where
    these are no further apart than is `told` (...).
    """
    length = xp.linalg.vector_norm(centred, axis=(-2, -1))
    length = xp.where(length <= told, xp.zeros_like(length), length)
    return ratio(xp, within, length * length / centred.shape[-2], xp.inf)


def normalised_gram(xp: Any, weight: Array) -> Array:
    """W W^T over its Frobenius norm. W is scaled first, so that squares cannot underflow."""
    largest = xp.max(xp.abs(weight), axis=(-2, -1), keepdims=True)
    scaled = ratio(xp, weight, largest, xp.nan)
    gram = scaled @ xp.matrix_transpose(scaled)
    return gram / xp.linalg.vector_norm(gram, axis=(-2, -1), keepdims=True)


def gram_distance(xp: Any, gram: Array, simplex: bool) -> Array:
    """min over c >= 0 of ||gram - c target||_F, the target E_K or I_K, ||gram||_F = 1."""
    classes = gram.shape[-1]
    target = xp.eye(classes, dtype=gram.dtype, device=device(gram))
    if simplex:
        target = target - 1.0 / classes
    square_norm = classes - 1 if simplex else classes
    c = xp.clip(xp.sum(gram * target, axis=(-2, -1)) / square_norm, 0.0, None)
    return xp.linalg.vector_norm(gram - c[..., None, None] * target, axis=(-2, -1))


def figure_distance(class_means: np.ndarray, figure: np.ndarray) -> np.ndarray:
    """NC2 of class means M (..., K, d) against another figure than the paper's: (...).

    min over c >= 0 of ||M M^T - c G||_F / ||M M^T||_F, as Definition 2 has it of W and E_K, with
    the figure's own cosines G (K, K) in the order of the classes. M is about the origin, the centre
    of the sphere. NaN where all means are 0.
    """
    gram = normalised_gram(np, np.asarray(class_means, np.float64))
    c = np.maximum(np.sum(gram * figure, axis=(-2, -1)) / np.sum(figure * figure), 0.0)
    return np.linalg.norm(gram - c[..., None, None] * figure, axis=(-2, -1))


def _one_minus_cosine(
    xp: Any, groups: Groups, deviations: Array, means: Array, weight: Array
) -> Array:
    """1 - cos(x, W_k) of each sample, x = mu_k + deviation.

    Near collapse 1 - cos would cancel to rounding noise. So x is split along w = W_k / |W_k|
    into `along` and the vector that is left, of squared norm `across`; both come from the
    deviations, which are small where it matters. Then 1 - cos = across / (|x| (|x| + along)) for
    along > 0.
    """

    def own(rows: Array) -> Array:
        return groups.own(xp.astype(rows, deviations.dtype))

    norms = xp.linalg.vector_norm(weight, axis=-1, keepdims=True)
    rows = ratio(xp, weight, norms, xp.nan)
    mean_along = dot(xp, means, rows)[..., None]
    offset = dot(xp, deviations, own(rows))
    left = offset[..., None] * own(-rows)
    left += deviations
    left += own(means - mean_along * rows)
    across = square(xp, left)
    along = own(mean_along)[..., 0] + offset
    norm = xp.sqrt(along * along + across)
    ahead = along > 0
    near = ratio(xp, across, norm * (norm + xp.where(ahead, along, xp.zeros_like(along))), xp.nan)
    return xp.where(ahead, near, 1 - ratio(xp, along, norm, xp.nan))
