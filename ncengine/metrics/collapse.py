"""The metrics of neural collapse (Definition 2), for numpy arrays and torch tensors alike.

One implementation: the array's own namespace does the work, on the array's own device.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device, size

Array = Any  # a numpy array or a torch tensor


@dataclass(frozen=True)
class NeuralCollapse:
    """How far from collapse (Definition 2); 0 is full collapse. Each of shape () or (R,).

    Attributes:
        nc1: tr Sigma_W / tr Sigma_B; inf where the class means coincide.
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
    xp = array_namespace(features, weight)
    _check_pair(features, weight)
    features, weight = as_float(xp, features), as_float(xp, weight)
    groups = Groups(xp, features, labels, weight.shape[-2])
    means = groups.means(features)
    deviations, own = groups.deviations(features, means)
    within = xp.linalg.vector_norm(deviations, axis=-1) ** 2
    centred = means - xp.mean(means, axis=-2, keepdims=True)
    between = xp.mean(dot(xp, centred, centred), axis=-1)
    gram = normalised_gram(xp, weight)
    return NeuralCollapse(
        nc1=ratio(xp, groups.sample_mean(within), between, xp.inf),
        nc2a=gram_distance(xp, gram, simplex=True),
        nc2b=gram_distance(xp, gram, simplex=False),
        nc3=groups.sample_mean(_one_minus_cosine(xp, deviations, within, means, weight, own)),
    )


def class_means(features: Array, labels: Array, classes: int) -> Array:
    """The mean of each class: (K, d) or (R, K, d), from features (N, d) or (R, N, d).

    Raises ValueError as `neural_collapse` does.
    """
    xp = array_namespace(features)
    features = as_float(xp, features)
    return Groups(xp, features, labels, classes).means(features)


def cosines(class_means: Array) -> Array:
    """Cosines between centred class means: (..., K, K) from (..., K, d).

    Centred about their unweighted mean, so at collapse every entry off the diagonal is
    -1/(K - 1). A class mean that lies at the centre has cosine 0 with everything.
    """
    xp = array_namespace(class_means)
    means = as_float(xp, class_means)
    centred = means - xp.mean(means, axis=-2, keepdims=True)
    norms = xp.linalg.vector_norm(centred, axis=-1, keepdims=True)
    directions = ratio(xp, centred, norms, 0.0)
    return xp.clip(directions @ xp.matrix_transpose(directions), -1.0, 1.0)


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


class Groups:
    """Samples grouped by class: as K blocks of n where they lie so, by look-up otherwise.

    Attributes:
        counts: (K,) samples of each class, in the type of the features.
    """

    def __init__(self, xp: Any, features: Array, labels: Array, classes: int):
        if features.ndim not in (2, 3):
            raise ValueError(
                f"features: shape {tuple(features.shape)}, must be (N, d) or (R, N, d)"
            )
        labels = xp.asarray(labels, device=device(features))
        samples = features.shape[-2]
        if tuple(labels.shape) != (samples,):
            raise ValueError(
                f"labels: shape {tuple(labels.shape)}, must be ({samples},), one a sample"
            )
        if not xp.isdtype(labels.dtype, "integral"):
            raise ValueError(f"labels: type {labels.dtype}, must be whole numbers")
        # Torch gathers by int64 only, and K may be more than a narrow type holds.
        labels = xp.astype(labels, xp.int64, copy=False)
        if classes < 1:
            raise ValueError(f"classes = {classes}: must be at least 1")
        self.xp, self.classes = xp, classes
        numbers = xp.arange(classes, dtype=labels.dtype, device=device(features))
        self.block = samples // classes
        self.blocks = samples > 0 and samples == self.block * classes
        if self.blocks:
            self.blocks = bool(xp.all(labels == xp.repeat(numbers, self.block)))
        self.labels = labels
        if self.blocks:
            self.counts = xp.full_like(xp.astype(numbers, features.dtype), self.block)
        else:
            self.members = self._members(numbers, features.dtype)

    def _members(self, numbers: Array, dtype: Any) -> Array:
        """(K, N): 1/n_k where the sample is of class k, else 0."""
        xp, labels = self.xp, self.labels
        if size(labels) and (int(xp.min(labels)) < 0 or int(xp.max(labels)) >= self.classes):
            raise ValueError(
                f"labels: from {int(xp.min(labels))} to {int(xp.max(labels))}, "
                f"must be from 0 to {self.classes - 1}"
            )
        members = xp.astype(labels[None, :] == numbers[:, None], dtype)
        self.counts = xp.sum(members, axis=-1)
        for number in range(self.classes):
            if not float(self.counts[number]):
                raise ValueError(f"labels: class {number} has no sample, every class needs one")
        return members / self.counts[:, None]

    def means(self, features: Array) -> Array:
        """(..., K, d) class means of (..., N, d)."""
        if not self.blocks:
            return self.members @ features
        return self.xp.mean(self._in_blocks(features), axis=-2)

    def deviations(self, features: Array, means: Array) -> tuple[Array, Any]:
        """Samples minus their class means, and how to get a sample's own row of a (..., K, d)."""
        if self.blocks:
            return self._in_blocks(features) - means[..., None, :], lambda rows: rows[..., None, :]

        def own(rows: Array) -> Array:
            return self.xp.take(rows, self.labels, axis=-2)

        return features - own(means), own

    def sample_mean(self, values: Array) -> Array:
        """Mean over all samples of a value a sample, in the layout of `deviations`."""
        return self.xp.mean(values, axis=(-2, -1) if self.blocks else -1)

    def share_nearer_to_another(self, features: Array, means: Array) -> Array:
        """Share of samples to which another class's mean is nearer than their own class's."""
        xp = self.xp
        # Half the squared distance, from the other side: |x|²/2 is the same for all means. Samples
        # come last, along which a maximum over classes is fast.
        scores = means @ xp.matrix_transpose(features) - dot(xp, means, means)[..., None] / 2
        rows = xp.broadcast_to(self.labels, (*scores.shape[:-2], 1, scores.shape[-1]))
        own = xp.take_along_axis(scores, rows, axis=-2)
        nearer = xp.max(scores, axis=-2, keepdims=True) > own
        return xp.mean(xp.astype(nearer, features.dtype), axis=(-2, -1))

    def _in_blocks(self, features: Array) -> Array:
        leading, width = tuple(features.shape[:-2]), features.shape[-1]
        return self.xp.reshape(features, (*leading, self.classes, self.block, width))


def _check_pair(features: Array, weight: Array) -> None:
    shape, weights = tuple(features.shape), tuple(weight.shape)
    if len(shape) not in (2, 3):
        raise ValueError(f"features: shape {shape}, must be (N, d) or (R, N, d)")
    if len(weights) != len(shape) or weights[:-2] != shape[:-2] or weights[-1] != shape[-1]:
        wanted = ", ".join(map(str, (*shape[:-2], "K", shape[-1])))
        raise ValueError(f"weight: shape {weights}, must be ({wanted}) to go with features {shape}")
    if weights[-2] < 2:
        raise ValueError(f"weight: {weights[-2]} rows, must have one a class, at least 2")


def as_float(xp: Any, values: Array) -> Array:
    if not xp.isdtype(values.dtype, "real floating"):
        raise ValueError(f"features and weight: type {values.dtype}, must be real floating point")
    return xp.astype(values, xp.float32) if xp.finfo(values.dtype).bits < 32 else values


def dot(xp: Any, left: Array, right: Array) -> Array:
    # Several times faster than torch's vecdot, which materialises what is broadcast.
    return xp.sum(left * right, axis=-1)


def ratio(xp: Any, numerator: Array, denominator: Array, at_zero: float) -> Array:
    """Quotient that takes `at_zero` where the denominator is 0, without a warning."""
    zero = denominator == 0
    quotient = numerator / xp.where(zero, xp.ones_like(denominator), denominator)
    return xp.where(zero, xp.full_like(quotient, at_zero), quotient)


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


def _one_minus_cosine(
    xp: Any, deviations: Array, within: Array, means: Array, weight: Array, own: Any
) -> Array:
    """1 - cos(x, W_k) of each sample, x = mu_k + deviation.

    Near collapse 1 - cos would cancel to rounding noise. So x is split along w = W_k / |W_k|
    into `along` and what is left, of squared norm `across`; both come from the deviations, which
    are small where it matters. Then 1 - cos = across / (|x| (|x| + along)) for along > 0.
    """
    norms = xp.linalg.vector_norm(weight, axis=-1, keepdims=True)
    rows = ratio(xp, weight, norms, xp.nan)
    mean_along = dot(xp, means, rows)[..., None]
    mean_across = means - mean_along * rows
    offset = dot(xp, deviations, own(rows))
    along = own(mean_along)[..., 0] + offset
    across = own(dot(xp, mean_across, mean_across)[..., None])[..., 0]
    across = across + 2 * dot(xp, deviations, own(mean_across)) + within - offset * offset
    across = xp.clip(across, 0.0, None)
    norm = xp.sqrt(along * along + across)
    ahead = along > 0
    near = ratio(xp, across, norm * (norm + xp.where(ahead, along, xp.zeros_like(along))), xp.nan)
    return xp.where(ahead, near, 1 - ratio(xp, along, norm, xp.nan))
