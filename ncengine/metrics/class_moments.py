"""What is known of samples by class, from which the metrics of the literature follow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ncengine.arguments import whole
from ncengine.metrics.arrays import Array, as_float, double, namespace, square
from ncengine.metrics.groups import Groups
from ncengine.metrics.rank import ROUNDING, told_apart


@dataclass(frozen=True)
class Moments:
    """Class means, and how samples lie about them; of one network, or of R side by side.

    All in float64. Everything second is a mean of squared deviations from class means: no large
    numbers are squared and subtracted, so that it stays exact near collapse.

    Attributes:
        xp: the namespace of the arrays, numpy's or torch's.
        counts: (K,) samples of each class.
        means: (..., K, d) class means.
        spreads: (..., K) mean squared distance of a class's samples from its mean.
        along: of axes (..., r, d) the mean over all samples (..., r) of the squared deviation
            along each.
        rounding: of a number relative to its size, in the type that the features had, times
            `rank.ROUNDING`.
    """

    xp: Any
    counts: Array
    means: Array
    spreads: Array
    along: Callable[[Array], Array]
    rounding: float

    @property
    def classes(self) -> int:
        return self.means.shape[-2]

    @cached_property
    def within(self) -> Array:
        """tr Sigma_W (...), with Sigma_W = 1/N sum over all samples of (x - mu)(x - mu)^T."""
        return self.xp.sum(self.spreads * self.counts, axis=-1) / self.xp.sum(self.counts)

    @cached_property
    def centred(self) -> Array:
        """Class means about their unweighted mean (..., K, d)."""
        return self.means - self.xp.mean(self.means, axis=-2, keepdims=True)

    @cached_property
    def told(self) -> Array:
        """How far apart means are at least that differ by more than rounding (...)."""
        return told_apart(self.xp, self.means, self.within, self.rounding)


def moments(features: Array, labels: Array, classes: int) -> Moments:
    """The moments of samples that lie in memory; for those that do not, see `Accumulator`.

    Args:
        features: (N, d) or (R, N, d), numpy's or torch's, in any floating point type.
        labels: (N,) whole numbers 0 to `classes` - 1.
        classes: K, at least 2.

    Raises:
        ValueError: shapes that do not fit, a label out of range, a class without samples.
    """
    classes = whole("classes", classes, 2)
    xp = namespace(features=features)
    rounding = ROUNDING * float(xp.finfo(as_float(xp, features).dtype).eps)
    features = double(xp, as_float(xp, features))
    groups = Groups(xp, features, labels, classes)
    means, deviations = groups.centred(features)
    deviations = groups.in_a_row(deviations)
    squares = square(xp, deviations)
    each = [xp.mean(squares[..., groups.labels == k], axis=-1) for k in range(classes)]

    def along(axes: Array) -> Array:
        parts = deviations @ xp.matrix_transpose(axes)
        return xp.mean(parts * parts, axis=-2)

    return Moments(xp, groups.counts, means, xp.stack(each, axis=-1), along, rounding)
