"""Samples by class: their means, what they deviate from them by, and which mean is nearest."""

from __future__ import annotations

from typing import Any

from array_api_compat import device, size, to_device

from ncengine.arguments import whole
from ncengine.metrics.arrays import (
    Array,
    as_labels,
    average,
    check_range,
    double,
    exact_average,
    square,
)


class Groups:
    """Samples grouped by class: as K blocks of n where they lie so, by look-up otherwise.

    Attributes:
        counts: (K,) samples of each class, in the type of the features.
    """

    def __init__(self, xp: Any, features: Array, labels: Array, classes: int):
        if features.ndim not in (2, 3) or not features.shape[-1]:
            raise ValueError(
                f"features: shape {tuple(features.shape)}, must be (N, d) or (R, N, d), d at least "
                "1"
            )
        samples, classes = features.shape[-2], whole("classes", classes, 1)
        labels = as_labels(xp, labels, samples, device(features))
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
            self.members = self._members(numbers)
            first = xp.asarray([int(places[0]) for places in self.members], dtype=labels.dtype)
            self.first = to_device(first, device(features))
            sizes = xp.asarray([places.shape[0] for places in self.members], dtype=features.dtype)
            self.counts = to_device(sizes, device(features))

    def _members(self, numbers: Array) -> list[Array]:
        """Of each class the places of its samples, ascending."""
        xp, labels = self.xp, self.labels
        check_range(xp, labels, self.classes)
        members = [xp.nonzero(labels == number)[0] for number in numbers]
        for number, places in enumerate(members):
            if not size(places):
                raise ValueError(f"labels: class {number} has no sample, every class needs one")
        return members

    def centred(self, features: Array) -> tuple[Array, Array]:
        """Class means (..., K, d) in float64, and samples minus them, in the type of `features`.

        The deviations are in a layout of their own, which `own`, `sample_mean` and `in_a_row` know.
        Each class is moved to its first sample before anything is rounded: what all of its samples
        have in common may be far larger than what they differ by. So neither its size nor the
        order of samples matters.
        """
        xp = self.xp
        if self.blocks:
            leading, width = tuple(features.shape[:-2]), features.shape[-1]
            samples = xp.reshape(features, (*leading, self.classes, self.block, width))
            reference = samples[..., 0, :]
        else:
            samples, reference = features, xp.take(features, self.first, axis=-2)
        deviations = samples - self.own(reference)
        if deviations.dtype == xp.float64:
            # What is left is small, and so is its mean's rounding; that of the sample's own mean is
            # as large as the means are.
            rest = self._means(deviations)
            means = reference + rest
        else:
            means = self._means(samples)
            rest = xp.astype(means - double(xp, reference), features.dtype)
        deviations -= self.own(rest)
        return means, deviations

    def _means(self, values: Array) -> Array:
        """The mean of each class (..., K, d) in float64, of values in the deviations' layout."""
        if self.blocks:
            return exact_average(self.xp, values)
        each = [self.xp.take(values, places, axis=-2) for places in self.members]
        return self.xp.stack([exact_average(self.xp, one) for one in each], axis=-2)

    def own(self, rows: Array) -> Array:
        """For each sample the row (..., K, d) of its class, in the layout of the deviations."""
        if self.blocks:
            return rows[..., None, :]
        return self.xp.take(rows, self.labels, axis=-2)

    def sample_mean(self, values: Array) -> Array:
        """Mean in float64 over all samples of a value a sample, in the deviations' layout."""
        return average(self.xp, values, axis=(-2, -1) if self.blocks else -1)

    def in_a_row(self, deviations: Array) -> Array:
        """The deviations as (..., N, d), in the order of the samples."""
        if not self.blocks:
            return deviations
        leading, width = tuple(deviations.shape[:-3]), deviations.shape[-1]
        return self.xp.reshape(deviations, (*leading, self.classes * self.block, width))

    def share_nearer_to_another(self, deviations: Array, means: Array, told: Array) -> Array:
        """Share of samples to which another class's mean is nearer than their own class's.

        A sample that deviates by e from its own mean m is nearer to another mean m' where
        e · (m' - m) > |m' - m|²/2: nothing large is squared, so that nothing cancels.

        Args:
            deviations: (..., r, N), of samples in a row.
            means: (..., K, r) class means on the same axes, in float64, about their centre.
            told: (...) how far apart two means are at least that do not count as the same.
        """
        xp = self.xp
        along = xp.astype(means, deviations.dtype) @ deviations
        # Samples come last, along which a maximum over classes is fast.
        halves = xp.astype(half_squares(xp, means, told), deviations.dtype)
        if self.blocks:
            shape = (*along.shape[:-1], self.classes, self.block)
            along = xp.reshape(along, shape)
            along -= halves[..., None]
            own_values = xp.matrix_transpose(xp.linalg.diagonal(xp.moveaxis(along, -1, -3)))
            nearer = xp.max(along, axis=-3) > own_values
        else:
            along -= xp.take(halves, self.labels, axis=-1)
            rows = xp.broadcast_to(self.labels, (*along.shape[:-2], 1, along.shape[-1]))
            own_values = xp.take_along_axis(along, rows, axis=-2)
            nearer = xp.max(along, axis=-2, keepdims=True) > own_values
        return xp.mean(xp.astype(nearer, deviations.dtype), axis=(-2, -1))


def half_squares(xp: Any, means: Array, told: Array) -> Array:
    """(..., K, K) half the squared distances of means (..., K, r): inf between those that lie
    less than `told` (...) apart, where only rounding would be left of it.
    """
    squares = square(xp, means)
    sums = squares[..., :, None] + squares[..., None, :]
    halves = sums / 2 - means @ xp.matrix_transpose(means)
    noise = 4 * xp.finfo(halves.dtype).eps * sums
    same = halves <= xp.maximum(told[..., None, None] ** 2 / 2, noise)
    itself = xp.eye(means.shape[-2], dtype=xp.bool, device=device(means))
    halves = xp.where(same, xp.full_like(halves, xp.inf), halves)
    return xp.where(itself, xp.zeros_like(halves), halves)
