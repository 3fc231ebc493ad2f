"""Moments of samples that do not fit in memory: one pass, in batches, by several processes.

T. F. Chan, G. H. Golub and R. J. LeVeque (1983): of each batch the means and the squared deviations
from them are put together with what there is. Here each class is counted from its first sample,
so that what all of its samples have in common is gone before anything is added up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from array_api_compat import (
    array_namespace,
    device,
    is_numpy_namespace,
    size,
)

from ncengine.arguments import whole
from ncengine.metrics.arrays import (
    AT_ONCE,
    Array,
    as_float,
    as_labels,
    check_range,
    double,
    namespace,
    square,
)
from ncengine.metrics.class_moments import Moments
from ncengine.metrics.rank import ROUNDING
from ncengine.metrics.together import of_moments

# What `state` holds.
SUMS = ("counts", "first", "shift", "squares", "scatter")
# So many rows of large matrices are worked on at a time.
TOGETHER = 256


def shapes(classes: int, width: int) -> dict[str, tuple[int, ...]]:
    """Of each of `SUMS`."""
    each, means = (classes,), (classes, width)
    return dict(zip(SUMS, (each, means, means, each, (width, width)), strict=True))


class Accumulator:
    """Class means, and how samples lie about them, from batches; in float64.

    It lies where the first batch lies, in numpy or torch. It holds 2 K d + d² + 2 K numbers.

    Equal to two passes over all samples to 1e-9 relative where these deviate from their class
    means by 1e-5 of the means' size, and to 1e-5 at 1e-10, as far as the features' own type tells.

    Metrics of sums come out of `result`. NC4 and the NC3 of Definition 2 need each sample beside
    the final class means and weights: a second pass, see `metrics.of_samples`.
    """

    counts: Array
    first: Array
    shift: Array
    squares: Array
    scatter: Array

    def __init__(self, classes: int, width: int):
        """Of no sample yet.

        Args:
            classes: K, at least 2.
            width: d, at least 1.
        """
        self.classes, self.width = whole("classes", classes, 2), whole("width", width, 1)
        self.rounding = 0.0
        self._xp: Any = None

    def __getstate__(self) -> dict[str, Any]:
        """For pickling and copying: the library is known by its arrays."""
        return {**self.__dict__, "_xp": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if "first" in state:
            self._xp = array_namespace(self.first)

    def update(self, features: Array, labels: Array) -> None:
        """Take in a batch.

        Args:
            features: (B, d), numpy's or torch's, of any floating point type. Not kept.
            labels: (B,) whole numbers 0 to K - 1.

        Raises:
            ValueError: shapes that do not fit, a label out of range, what is not finite.
        """
        features, labels = self._checked(features, labels)
        sums = self._in_numpy()
        if sums is not self:
            features, labels = _as_numpy(features), _as_numpy(labels)
        step = max(TOGETHER, AT_ONCE // (4 * self.width))
        for start in range(0, features.shape[0], step):
            rows = slice(start, start + step)
            # Narrow types are widened a few samples at a time: a batch may be large.
            sums._take(double(sums._xp, features[rows, :]), labels[rows])

    def _take(self, features: Array, labels: Array) -> None:
        """Take in some samples in float64, at least one."""
        xp = self._xp
        present, places, firsts = _classes_of(xp, labels)
        new = present[self.counts[present] == 0]
        if size(new):
            self.first[new] = features[firsts[self.counts[present] == 0]]
        apart = features - self.first[labels]
        member = xp.arange(size(present), device=device(features))[:, None] == places[None, :]
        member = double(xp, member)
        counts = xp.sum(member, axis=-1)
        means = (member @ apart) / counts[:, None]
        apart -= means[places]
        self._join(present, counts, means, member @ square(xp, apart))
        self._add_products(apart, apart)

    def merge(self, other: Accumulator) -> None:
        """Take in what another one has seen; it stays as it is.

        Raises:
            ValueError: it is of other classes or another width.
        """
        if not isinstance(other, Accumulator):
            raise ValueError(f"other: {type(other).__name__}, must be an Accumulator")
        if (other.classes, other.width) != (self.classes, self.width):
            raise ValueError(
                f"other: {other.classes} classes of width {other.width}, "
                f"must be {self.classes} of width {self.width}"
            )
        if other._xp is None:
            return
        if self._xp is None:
            self._begin(other._xp, device(other.first))
        xp = self._xp
        counts, first, shift, squares, scatter = (self._here(getattr(other, n)) for n in SUMS)
        self.rounding = max(self.rounding, other.rounding)
        seen = xp.nonzero(counts > 0)[0]
        new = seen[self.counts[seen] == 0]
        self.first[new] = first[new]
        means = (first[seen] - self.first[seen]) + shift[seen]
        self._join(seen, counts[seen], means, squares[seen])
        self.scatter += scatter

    def moments(self) -> Moments:
        """What is known by now.

        Raises:
            ValueError: a class has no sample yet.
        """
        if self._xp is None:
            raise ValueError("class 0 has no sample, every class needs one: call update first")
        xp = self._xp
        missing = xp.nonzero(self.counts == 0)[0]
        if size(missing):
            raise ValueError(f"class {int(missing[0])} has no sample, every class needs one")
        samples = xp.sum(self.counts)

        def along(axes: Array) -> Array:
            some = [axes[n : n + TOGETHER, :] for n in range(0, axes.shape[0], TOGETHER)]
            return xp.concat([xp.sum((a @ self.scatter) * a, axis=-1) for a in some]) / samples

        means, spreads = self.first + self.shift, self.squares / self.counts
        return Moments(xp, self.counts, means, spreads, along, self.rounding)

    def result(
        self, weight: Array | None = None, bias: Array | None = None, counts: Any = None
    ) -> dict[str, float]:
        """The metrics by name, as `metrics.of_moments` has them, as plain floats.

        Args:
            weight: (K, d) the last layer. Without it, those of the features alone.
            bias: (K,) its bias: of what sums tell nothing depends on it, only its shape is checked.
            counts: (K,) training samples of each class, where not all were taken in.

        Raises:
            ValueError: a class has no sample yet, weight or bias of another shape.
        """
        if (sums := self._in_numpy()) is not self:
            return sums.result(weight, bias, counts)
        known = self.moments()
        _check_shape("bias", bias, (self.classes,))
        _check_shape("weight", weight, (self.classes, self.width))
        if weight is not None:
            weight = self._here(as_float(namespace(weight=weight), weight))
        return {name: float(value) for name, value in of_moments(known, weight, counts).items()}

    def state(self) -> dict[str, np.ndarray]:
        """All of it as numpy arrays, to be saved or sent; see `from_state`."""
        if self._xp is None:
            self._begin(array_namespace(np.zeros(1)), "cpu")
        sums = {name: _as_numpy(getattr(self, name)) for name in SUMS}
        return {**sums, "rounding": np.asarray(self.rounding)}

    @classmethod
    def from_state(cls, state: dict[str, np.ndarray]) -> Accumulator:
        """What `state` was taken of; raises ValueError where arrays are missing or do not fit."""
        known = state if isinstance(state, Mapping) else {}
        missing = [name for name in (*SUMS, "rounding") if name not in known]
        if missing:
            raise ValueError(f"state: lacks {', '.join(missing)}")
        sums = {name: _numbers(name, state[name]) for name in (*SUMS, "rounding")}
        rounding = sums.pop("rounding")
        if sums["first"].ndim != 2:
            raise ValueError(f"state: first has shape {sums['first'].shape}, must be (K, d)")
        made = cls(*sums["first"].shape)
        wanted = {**shapes(made.classes, made.width), "rounding": ()}
        for name, values in {**sums, "rounding": rounding}.items():
            if values.shape != wanted[name]:
                raise ValueError(f"state: {name} has shape {values.shape}, must be {wanted[name]}")
        if not ((sums["counts"] >= 0) & (sums["counts"] % 1 == 0)).all():
            raise ValueError("state: counts must be whole numbers, at least 0")
        return cls.over(sums, float(rounding))

    @classmethod
    def over(cls, sums: Mapping[str, Array], rounding: float = 0.0) -> Accumulator:
        """One whose sums are these arrays themselves, which it changes in place.

        Args:
            sums: by the names of `SUMS`, of `shapes`, in float64; zeros before the first sample.
            rounding: as in `state`.
        """
        made = cls(*sums["first"].shape)
        made._xp, made.rounding = array_namespace(sums["first"]), rounding
        for name in SUMS:
            setattr(made, name, sums[name])
        return made

    def _here(self, values: Array) -> Array:
        """The values in the library and on the device that the sums are of."""
        if array_namespace(values) is not self._xp:
            values = _as_numpy(values)
        return self._xp.asarray(values, device=device(self.first))

    def _in_numpy(self) -> Accumulator:
        """The same sums as numpy sees them, where torch has them in the processor's memory.

        What torch lets go of there stays with the process in pieces, which would be as much again.
        """
        if self._xp is None or is_numpy_namespace(self._xp) or str(device(self.first)) != "cpu":
            return self
        sums = {name: _as_numpy(getattr(self, name)) for name in SUMS}
        return Accumulator.over(sums, self.rounding)

    def _begin(self, xp: Any, here: Any) -> None:
        self._xp = xp
        # Of each class the first sample, and the mean minus that.
        for name, shape in shapes(self.classes, self.width).items():
            setattr(self, name, xp.zeros(shape, dtype=xp.float64, device=here))

    def _checked(self, features: Array, labels: Array) -> tuple[Array, Array]:
        xp = namespace(features=features)
        if features.ndim != 2 or features.shape[-1] != self.width:
            raise ValueError(
                f"features: shape {tuple(features.shape)}, must be (B, {self.width}), one a sample"
            )
        features = as_float(xp, features)
        rounding = ROUNDING * float(xp.finfo(features.dtype).eps)
        if self._xp is None:
            self._begin(xp, device(features))
        if xp is not self._xp:
            raise ValueError("features: must be of one library, numpy or torch, in all batches")
        here = device(self.first)
        features = xp.asarray(features, device=here)
        labels = as_labels(xp, labels, features.shape[0], here)
        check_range(xp, labels, self.classes)
        if not bool(xp.all(xp.isfinite(features))):
            raise ValueError("features: must be finite")
        self.rounding = max(self.rounding, rounding)
        return features, labels

    def _join(self, present: Array, counts: Array, means: Array, squares: Array) -> None:
        """Take in other samples of the classes `present` (P,), which each occur once.

        Args:
            counts: (P,). means: (P, d), minus each class's first sample.
            squares: (P,) sums of squared deviations from these means.
        """
        xp = self._xp
        before = self.counts[present]
        apart = means - self.shift[present]
        share = counts / (before + counts)
        both = (before * share)[:, None]
        self._add_products(both * apart, apart)
        self.squares[present] += squares + both[:, 0] * square(xp, apart)
        self.shift[present] += share[:, None] * apart
        self.counts[present] += counts

    def _add_products(self, left: Array, right: Array) -> None:
        """Add left^T right to the scatter, by some of its rows at a time: it is large."""
        for start in range(0, self.width, TOGETHER):
            rows = slice(start, start + TOGETHER)
            self.scatter[rows, :] += self._xp.matrix_transpose(left[:, rows]) @ right


def _check_shape(name: str, values: Any, wanted: tuple[int, ...]) -> None:
    if values is not None and tuple(getattr(values, "shape", ())) != wanted:
        found = tuple(values.shape) if hasattr(values, "shape") else type(values).__name__
        raise ValueError(f"{name}: shape {found}, must be {wanted}, an array of numpy or torch")
    if values is not None:
        namespace(**{name: values})


def _classes_of(xp: Any, labels: Array) -> tuple[Array, Array, Array]:
    """Which classes there are (P,), of each sample the place among these, and of each of these
    the place of its first sample."""
    present, places = xp.unique_inverse(labels)
    places = xp.reshape(places, (-1,))
    rows = xp.arange(size(present), device=device(labels))[:, None] == places[None, :]
    return present, places, xp.argmax(xp.astype(rows, xp.int8), axis=-1)


def _numbers(name: str, values: Any) -> np.ndarray:
    """A copy in float64, of what a state holds by that name."""
    try:
        found = np.array(values, np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"state: {name} must be an array of numbers") from error
    if not np.isfinite(found).all():
        raise ValueError(f"state: {name} must be finite")
    return found


def _as_numpy(values: Array) -> np.ndarray:
    return values if isinstance(values, np.ndarray) else values.detach().cpu().numpy()
