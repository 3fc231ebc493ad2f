"""How far each layer of a network is from collapse (Appendix D), for numpy and torch alike.

Features of R networks side by side, or of one. All of it is measured while networks train, so
that what is large is gone through as few times as can be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

import numpy as np
from array_api_compat import array_namespace, to_device

from ncengine.metrics.collapse import (
    Groups,
    as_float,
    dot,
    gram_distance,
    normalised_gram,
    ratio,
)

Array = Any  # a numpy array or a torch tensor

# Of the last layer's NC1: how much more or less still counts as the same.
AS_COLLAPSED = 0.1


@dataclass(frozen=True)
class LayerCollapse:
    """How far one layer is from collapse. Each of shape () or (R,); NaN where features are not
    finite.

    Attributes:
        nc1: tr Sigma_W / tr Sigma_B (Definition 2); inf where the class means coincide.
        nc1_pinv: tr(Sigma_W Sigma_B^+) / K, its usual relative (Papyan, Han and Donoho, 2020);
            inf where the centred class means span less than K - 1 dimensions.
        nc2: distance of the centred class means' Gram matrix from the direction of E_K, between
            0 and 1.
        ncc_error: share of samples to which another class's mean is nearer than their own's.
        effective_rank: of the centred class means: exp of the entropy of their singular values,
            divided by the sum of these (Roy and Vetterli, 2007). K - 1 at collapse.
        effective_rank_features: the same of the features, which are not centred.
        class_means: (K, d) or (R, K, d), not centred.
    """

    nc1: Array
    nc1_pinv: Array
    nc2: Array
    ncc_error: Array
    effective_rank: Array
    effective_rank_features: Array
    class_means: Array


@dataclass(frozen=True)
class Stream:
    """What a layer's stream is before LayerNorm. Each of shape () or (R,).

    Attributes:
        stream_norm: mean norm of the zero-sum part, which is all that LayerNorm lets through.
        common_share: norm of what all samples' zero-sum parts have in common, their mean, over
            `stream_norm`; between 0 and 1.
    """

    stream_norm: Array
    common_share: Array


def layer_collapse(features: Array, labels: Array, classes: int) -> LayerCollapse:
    """The metrics of one layer.

    Args:
        features: (N, d) or (R, N, d), what the next layer reads.
        labels: (N,) whole numbers 0 to `classes` - 1. Fastest when balanced and sorted.
        classes: K, at least 2.

    Raises:
        ValueError: see `metrics.neural_collapse`.
    """
    found = layers_collapse([features], labels, classes)
    # Its only layer lies behind the networks, if there are any.
    return _each(found, lambda values: values[0] if features.ndim == 2 else values[:, 0])


def layers_collapse(layers: Sequence[Array], labels: Array, classes: int) -> LayerCollapse:
    """The metrics of L layers of the same shape, as of `layer_collapse`, with a layer axis.

    Returns:
        Metrics of shape (L,) or (R, L); class means (L, K, d) or (R, L, K, d). They lie in the
        processor's memory, wherever the layers do.
    """
    xp = array_namespace(*layers)
    if classes < 2:
        raise ValueError(f"classes = {classes}: must be at least 2")
    groups = Groups(xp, as_float(xp, layers[0]), labels, classes)
    # What goes through all samples is done layer by layer, the rest for all of them at once.
    each = [_of_samples(xp, groups, as_float(xp, features)) for features in layers]
    axis = layers[0].ndim - 2
    means, within, scatter, errors = (
        xp.stack(parts, axis=axis) for parts in zip(*each, strict=True)
    )
    # A processor is done with decompositions as small as these before a GPU has begun.
    means, within, scatter, errors, counts = (
        to_device(values, "cpu") for values in (means, within, scatter, errors, groups.counts)
    )
    samples, scatter = layers[0].shape[-2], _double(xp, scatter)
    # What is not finite would have what follows fail, for the networks beside it too.
    lost = ~xp.isfinite(xp.sum(scatter, axis=(-2, -1)) + xp.sum(means, axis=(-2, -1)))
    exact, scatter = _without(xp, lost, _double(xp, means)), _without(xp, lost, scatter)
    contrasts = xp.asarray(_contrasts(classes))
    _, singular, directions = xp.linalg.svd(contrasts @ exact, full_matrices=False)
    centred = means - xp.mean(means, axis=-2, keepdims=True)
    between = xp.mean(dot(xp, centred, centred), axis=-1)
    found = LayerCollapse(
        nc1=ratio(xp, within, between, xp.inf),
        nc1_pinv=_trace_with_inverse(xp, scatter, singular, directions) / samples,
        nc2=gram_distance(xp, normalised_gram(xp, centred), simplex=True),
        ncc_error=errors,
        effective_rank=_effective_rank(xp, singular),
        effective_rank_features=_effective_rank(xp, _singular(xp, scatter, exact, counts)),
        class_means=means,
    )
    return _lost(xp, found, lost)


def _of_samples(xp: Any, groups: Groups, features: Array) -> tuple[Array, Array, Array, Array]:
    """Class means (..., K, d), mean squared deviation from them (...), scatter about them
    (..., d, d), and the share of samples nearer to another (...).
    """
    means = groups.means(features)
    deviations, _ = groups.deviations(features, means)
    # As `neural_collapse` has it, to the last digit.
    within = groups.sample_mean(xp.linalg.vector_norm(deviations, axis=-1) ** 2)
    deviations = xp.reshape(deviations, features.shape)
    scatter = xp.matrix_transpose(deviations) @ deviations
    return means, within, scatter, groups.share_nearer_to_another(features, means)


def stream(values: Array) -> Stream:
    """What a layer's stream is, from its values before LayerNorm, (N, d) or (R, N, d)."""
    xp = array_namespace(values)
    values = as_float(xp, values)
    parts = values - xp.mean(values, axis=-1, keepdims=True)
    norm = xp.mean(xp.linalg.vector_norm(parts, axis=-1), axis=-1)
    common = xp.linalg.vector_norm(xp.mean(parts, axis=-2), axis=-1)
    return _lost(xp, Stream(norm, ratio(xp, common, norm, xp.nan)), ~xp.isfinite(norm))


def movement(before: Array, after: Array) -> Array:
    """Mean angle, in radians, by which a block turns a sample: () or (R,).

    Args:
        before, after: (N, d) or (R, N, d), what is read of the block's input and of its output:
            rows of norm √d, as LayerNorm makes them.
    """
    xp = array_namespace(before, after)
    before, after = as_float(xp, before), as_float(xp, after)
    # By the chord, and not by the cosine, of which small angles are lost in rounding.
    chord = xp.linalg.vector_norm(after - before, axis=-1) / before.shape[-1] ** 0.5
    return xp.mean(2 * xp.asin(xp.clip(chord / 2, 0.0, 1.0)), axis=-1)


def collapsed_layers(nc1: np.ndarray) -> np.ndarray:
    """How many final layers are as collapsed as the last, itself counted.

    Args:
        nc1: (..., L) NC1 of each layer.

    Returns:
        (...,) whole numbers from 1 to L: layers, one after another, whose NC1 is within
        `AS_COLLAPSED` of the last one's; 0 where that is not finite.
    """
    nc1 = np.asarray(nc1, np.float64)
    last = nc1[..., -1:]
    with np.errstate(invalid="ignore"):
        alike = np.isfinite(last) & (np.abs(nc1 - last) <= AS_COLLAPSED * last)
    return np.cumprod(alike[..., ::-1], axis=-1).sum(-1)


@lru_cache
def _contrasts(classes: int) -> np.ndarray:
    """(K - 1, K) orthonormal rows that sum to zero (Helmert)."""
    rows = np.tril(np.ones((classes - 1, classes)))
    steps = np.arange(1, classes)
    rows[steps - 1, steps] = -steps
    return rows / np.sqrt(steps * (steps + 1.0))[:, None]


def _trace_with_inverse(xp: Any, scatter: Array, singular: Array, directions: Array) -> Array:
    """tr(S M^+), S the scatter within classes and M the sum of the centred means' squares.

    With C orthonormal zero-sum contrasts and A = C mu = U s V^T, M = A^T A: the trace is the sum
    over i of v_i^T S v_i / s_i^2.
    """
    spread = xp.sum((directions @ scatter) * directions, axis=-1)
    return xp.sum(ratio(xp, spread, singular * singular, xp.inf), axis=-1)


def _singular(xp: Any, scatter: Array, means: Array, counts: Array) -> Array:
    """Singular values of the features, from their scatter within classes and the class means.

    So that those of a collapsed layer keep the precision of what is small in it.
    """
    weighted = _double(xp, counts)[:, None] * means
    gram = scatter + xp.matrix_transpose(means) @ weighted
    return xp.sqrt(xp.clip(xp.linalg.eigvalsh(gram), 0.0, None))


def _effective_rank(xp: Any, singular: Array) -> Array:
    shares = ratio(xp, singular, xp.sum(singular, axis=-1, keepdims=True), xp.nan)
    logarithms = xp.log(xp.where(shares > 0, shares, xp.ones_like(shares)))
    return xp.exp(-xp.sum(shares * logarithms, axis=-1))


def _without(xp: Any, lost: Array, matrices: Array) -> Array:
    """The matrices, with zeros in place of those that are lost."""
    return xp.where(lost[..., None, None], xp.zeros_like(matrices), matrices)


def _lost(xp: Any, found: Any, lost: Array) -> Any:
    """What was found, NaN where it is lost."""
    if not bool(xp.any(lost)):
        return found

    def marked(values: Array) -> Array:
        own = xp.reshape(lost, (*lost.shape, *[1] * (values.ndim - lost.ndim)))
        return xp.where(own, xp.full_like(values, xp.nan), values)

    return _each(found, marked)


def _each(found: Any, change: Callable[[Array], Array]) -> Any:
    """The same with each of its arrays changed."""
    return type(found)(**{one.name: change(getattr(found, one.name)) for one in fields(found)})


def _double(xp: Any, values: Array) -> Array:
    return xp.astype(values, xp.float64)
