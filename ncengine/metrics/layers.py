"""How far each layer of a network is from collapse (Appendix D), for numpy and torch alike.

Features of R networks side by side, or of one. All of it is measured while networks train, so
that what is large is gone through as few times as can be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
from array_api_compat import device, to_device

from ncengine.arguments import whole
from ncengine.metrics.arrays import Array, as_float, average, double, namespace, ratio, square
from ncengine.metrics.collapse import (
    about_centre,
    gram_distance,
    normalised_gram,
    within_over_between,
)
from ncengine.metrics.groups import Groups
from ncengine.metrics.rank import ROUNDING, directions, told_apart

# Of the last layer's NC1: how much more or less still counts as the same.
AS_COLLAPSED = 0.1
# So many samples' products are added up in the type that the features have.
TOGETHER = 128


@dataclass(frozen=True)
class LayerCollapse:
    """How far one layer is from collapse. Each of shape () or (R,); NaN where features are not
    finite.

    Attributes:
        nc1: tr Sigma_W / tr Sigma_B (Definition 2); inf where the class means coincide, as far as
            the features' precision tells.
        nc1_pinv: tr(Sigma_W Sigma_B^+) / K, its usual relative (Papyan, Han and Donoho, 2020);
            inf where the class means coincide. Directions in which no more than the features'
            rounding sets the class means apart are left out, as a pseudo-inverse does: see
            `metrics.rank.told_apart`. So where the means span less than K - 1 dimensions, it
            speaks of those that they span.
        nc2: distance of the centred class means' Gram matrix from the direction of E_K, between
            0 and 1.
        ncc_error: share of samples to which another class's mean is nearer than their own's.
        effective_rank: of the centred class means: exp of the entropy of their singular values,
            divided by the sum of these (Roy and Vetterli, 2007). K - 1 at collapse.
        effective_rank_features: the same of the features, which are not centred. In float32
            singular values less than about 3e-4 of the samples' spread within classes count as 0.
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
    collapse = layers_collapse([features], labels, classes)
    # Its only layer lies behind the networks, if there are any.
    return _each(collapse, lambda values: values[0] if features.ndim == 2 else values[:, 0])


def layers_collapse(layers: Sequence[Array], labels: Array, classes: int) -> LayerCollapse:
    """The metrics of L layers of the same shape, as of `layer_collapse`, with a layer axis.

    Returns:
        Metrics of shape (L,) or (R, L); class means (L, K, d) or (R, L, K, d). They lie in the
        processor's memory, wherever the layers do.
    """
    xp = namespace(features=layers[0])
    classes = whole("classes", classes, 2)
    groups = Groups(xp, as_float(xp, layers[0]), labels, classes)
    # What goes through all samples is done layer by layer, the rest for all of them at once.
    each = [_of_samples(xp, groups, as_float(xp, features)) for features in layers]
    axis = layers[0].ndim - 2
    seen = _Seen(*(xp.stack(parts, axis=axis) for parts in zip(*each, strict=True)))
    rounding, single = ROUNDING * xp.finfo(layers[0].dtype).eps, seen.along.dtype
    told = told_apart(xp, seen.means, seen.within, rounding)
    centred = about_centre(xp, seen.means)
    collapse = LayerCollapse(
        nc1=xp.astype(within_over_between(xp, seen.within, centred, told), single),
        nc1_pinv=_by_pseudo_inverse(xp, seen.along, seen.singular, told),
        nc2=gram_distance(xp, normalised_gram(xp, centred), simplex=True),
        ncc_error=_nearer_to_another(xp, groups, seen, centred, told),
        effective_rank=_effective_rank(xp, seen.singular),
        effective_rank_features=_effective_rank(xp, _singular(xp, groups, seen)),
        class_means=xp.astype(seen.means, single),
    )
    return _lost(xp, collapse, seen.lost)


class _Seen(NamedTuple):
    """What going through the samples of a layer gives, of r = min(K - 1, d) directions.

    All but `along` lies in the processor's memory. Of networks whose features are not finite,
    which are `lost`, it means nothing.
    """

    means: Array  # (..., K, d), in float64
    within: Array  # (...) tr Sigma_W, in float64
    scatter: Array  # (..., d, d) N Sigma_W, in float64, of products in the features' type
    singular: Array  # (..., r) singular values of the centred class means, in float64
    axes: Array  # (..., r, d) the directions that belong to them, in float64
    along: Array  # (..., r, N) samples minus their class means, along these
    lost: Array  # (...)


def _of_samples(xp: Any, groups: Groups, features: Array) -> _Seen:
    means, deviations = groups.centred(features)
    # As `neural_collapse` has it, to the last digit.
    within = groups.sample_mean(square(xp, deviations))
    deviations = xp.matrix_transpose(groups.in_a_row(deviations))
    scatter = _scatter(xp, deviations)
    # A processor is done with decompositions as small as these before a GPU has begun.
    means, within, scatter = (to_device(values, "cpu") for values in (means, within, scatter))
    # What is not finite would have what follows fail, for the networks beside it too.
    lost = ~xp.isfinite(within + xp.sum(means, axis=(-2, -1)))
    means, scatter = _without(xp, lost, means), _without(xp, lost, scatter)
    singular, axes = directions(xp, means)
    along = to_device(xp.astype(axes, features.dtype), device(features)) @ deviations
    return _Seen(means, within, scatter, singular, axes, along, lost)


def _scatter(xp: Any, deviations: Array) -> Array:
    """N Sigma_W (..., d, d) from deviations (..., d, N).

    Added up in single precision, as a product of matrices is, its rounding grows with N: so that
    is done with a few samples at a time.
    """
    samples = deviations.shape[-1]
    parts = (deviations[..., n : n + TOGETHER] for n in range(0, samples, TOGETHER))
    return sum(double(xp, part @ xp.matrix_transpose(part)) for part in parts)


def stream(values: Array) -> Stream:
    """What a layer's stream is, from its values before LayerNorm, (N, d) or (R, N, d)."""
    xp = namespace(values=values)
    values = as_float(xp, values)
    parts = values - xp.mean(values, axis=-1, keepdims=True)
    norm = average(xp, xp.linalg.vector_norm(parts, axis=-1), axis=-1)
    common = xp.linalg.vector_norm(average(xp, parts, axis=-2), axis=-1)
    return _lost(xp, Stream(norm, ratio(xp, common, norm, xp.nan)), ~xp.isfinite(norm))


def movement(before: Array, after: Array) -> Array:
    """Mean angle, in radians, by which a block turns a sample: () or (R,).

    Args:
        before, after: (N, d) or (R, N, d), what is read of the block's input and of its output:
            rows of norm √d, as LayerNorm makes them.
    """
    xp = namespace(before=before, after=after)
    before, after = as_float(xp, before), as_float(xp, after)
    # By the chord, and not by the cosine, of which small angles are lost in rounding.
    chord = xp.linalg.vector_norm(after - before, axis=-1) / before.shape[-1] ** 0.5
    return average(xp, 2 * xp.asin(xp.clip(chord / 2, 0.0, 1.0)), axis=-1)


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


def _by_pseudo_inverse(xp: Any, along: Array, singular: Array, told: Array) -> Array:
    """tr(Sigma_W Sigma_B^+) / K (...), from deviations (..., r, N) along the directions in which
    the class means lie apart: the sum of how they spread there, over the squared singular values.

    Before it is squared each direction is by itself: what spreads little in one is not lost in
    the rounding of what spreads far in another.
    """
    spread = to_device(average(xp, along * along, axis=-1), "cpu")
    kept = singular > told[..., None]
    parts = xp.where(kept, spread / xp.where(kept, singular, xp.ones_like(singular)) ** 2, 0.0)
    return xp.where(xp.any(kept, axis=-1), xp.sum(parts, axis=-1), xp.inf)


def _nearer_to_another(xp: Any, groups: Groups, seen: _Seen, centred: Array, told: Array) -> Array:
    """Share (...) of samples to which another class's mean is nearer than their own class's."""
    here = device(seen.along)
    means = to_device(centred @ xp.matrix_transpose(seen.axes), here)
    share = groups.share_nearer_to_another(seen.along, means, to_device(told, here))
    return to_device(share, "cpu")


def _singular(xp: Any, groups: Groups, seen: _Seen) -> Array:
    """Singular values of the features, from their scatter within classes and the class means.

    So that those of a collapsed layer keep the precision of what is small in it. What is no more
    than rounding is 0.
    """
    samples, width = seen.along.shape[-1], seen.scatter.shape[-1]
    counts = double(xp, to_device(groups.counts, "cpu"))[:, None]
    gram = xp.matrix_transpose(seen.means) @ (counts * seen.means) + seen.scatter
    squares = xp.linalg.eigvalsh(gram)[..., -min(samples, width) :]
    # By how much rounding moves the eigenvalues of the scatter, as measured, and of the sum.
    scatter = xp.linalg.vector_norm(seen.scatter, axis=(-2, -1))[..., None]
    noise = (6 + 64 / width) / width**0.5 * xp.finfo(seen.along.dtype).eps * scatter
    noise = noise + 4 * xp.finfo(squares.dtype).eps * squares[..., -1:]
    return xp.sqrt(xp.where(squares > noise, squares, xp.zeros_like(squares)))


def _effective_rank(xp: Any, singular: Array) -> Array:
    shares = ratio(xp, singular, xp.sum(singular, axis=-1, keepdims=True), xp.nan)
    logarithms = xp.log(xp.where(shares > 0, shares, xp.ones_like(shares)))
    return xp.exp(-xp.sum(shares * logarithms, axis=-1))


def _without(xp: Any, lost: Array, matrices: Array) -> Array:
    """The matrices, with zeros in place of those that are lost."""
    return xp.where(lost[..., None, None], xp.zeros_like(matrices), matrices)


def _lost(xp: Any, metrics: Any, lost: Array) -> Any:
    """What was found, NaN where it is lost."""
    if not bool(xp.any(lost)):
        return metrics

    def marked(values: Array) -> Array:
        mask = xp.reshape(lost, (*lost.shape, *[1] * (values.ndim - lost.ndim)))
        return xp.where(mask, xp.full_like(values, xp.nan), values)

    return _each(metrics, marked)


def _each(metrics: Any, change: Callable[[Array], Array]) -> Any:
    """The same with each of its arrays changed."""
    return type(metrics)(
        **{field.name: change(getattr(metrics, field.name)) for field in fields(metrics)}
    )
