"""A recording's snapshots, put together as they come: what is there already is not made anew."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ncengine.runs import recorded_layers
from ncengine.runs.recorded_layers import FEATURES_OF, INDEX, MEANS_OF
from ncengine.runs.run import Geometry, Layers
from ncengine.snapshots.names import GEOMETRY, Arrays

# What is measured of a snapshot as a whole; of a layer or of test samples their name comes before.
FIGURES, STEP, THUMBNAILS = "figures/", "epoch", "thumbnails"
_POINTS = GEOMETRY[:3]


class Rows:
    """Arrays of one shape, one after another, in memory that doubles when it is full.

    What `values` gave stays as it is whatever comes after it.
    """

    def __init__(self, first: np.ndarray, before: int = 0):
        """Of none yet, in front of which there are so many rows of NaN."""
        self._held = np.empty((max(8, 2 * before), *first.shape), first.dtype)
        self._held[:before] = np.nan if before else 0
        self._count = before

    def append(self, row: np.ndarray | float) -> None:
        if self._count == len(self._held):
            more = np.empty((2 * self._count, *self._held.shape[1:]), self._held.dtype)
            more[: self._count] = self._held
            self._held = more
        wider = np.promote_types(self._held.dtype, np.asarray(row).dtype)
        if wider != self._held.dtype and self._held.ndim > 1:
            self._held = self._held.astype(wider)
        self._held[self._count] = row
        self._count += 1

    def fits(self, row: np.ndarray) -> bool:
        """Whether the row is as those before it, be it in more bits."""
        return self._held.shape[1:] == row.shape and self._held.dtype.kind == row.dtype.kind

    @property
    def values(self) -> np.ndarray:
        """(T, ...) all of them, not to be written to."""
        seen = self._held[: self._count]
        seen.flags.writeable = False
        return seen


class Together:
    """Arrays that belong to each other, of those snapshots that have all, like the last one's."""

    def __init__(self) -> None:
        self._rows: dict[str, Rows] = {}
        self._steps = Rows(np.zeros(()))

    def append(self, step: float, arrays: Arrays) -> None:
        """Take them in; where they are not like those before, these are forgotten."""
        alike = self._rows.keys() == arrays.keys()
        if not alike or not all(self._rows[name].fits(one) for name, one in arrays.items()):
            self._rows = {name: Rows(one) for name, one in arrays.items()}
            self._steps = Rows(np.zeros(()))
        self._steps.append(step)
        for name, one in arrays.items():
            self._rows[name].append(one)

    @property
    def steps(self) -> np.ndarray:
        return self._steps.values

    def values(self) -> Arrays:
        """By name, each with an axis of snapshots before its own; empty where there are none."""
        return {name: rows.values for name, rows in self._rows.items()}


class Grown:
    """What a recording's journal told so far."""

    def __init__(self, shape: tuple[int, int], layers: Sequence[str]):
        """Of a recording of K classes and width d, and of these modules."""
        self._shape, self._names = shape, tuple(layers)
        self._last = dict[str, np.ndarray]()
        self._steps, self._figures = Rows(np.zeros(())), dict[str, Rows]()
        self._points, self._of_layers = Together(), Together()

    def append(self, snapshot: Arrays) -> None:
        """Take in the next snapshot."""
        step = float(snapshot[STEP])
        known = len(self._steps.values)
        self._steps.append(step)
        told = {n.removeprefix(FIGURES): v for n, v in snapshot.items() if n.startswith(FIGURES)}
        for name in told.keys() - self._figures.keys():
            self._figures[name] = Rows(np.zeros(()), known)
        for name, rows in self._figures.items():
            rows.append(float(told.get(name, np.nan)))
        for name in ("labels", INDEX, THUMBNAILS):
            if name in snapshot:
                self._last[name] = snapshot[name].copy()
        if all(name in snapshot for name in _POINTS):
            self._points.append(step, {name: snapshot[name] for name in _POINTS})
            kept = {n: v for n, v in snapshot.items() if n.startswith((MEANS_OF, FEATURES_OF))}
            if kept:
                of_head = {name: snapshot[name] for name in ("class_means", "features")}
                self._of_layers.append(step, kept | of_head)

    @property
    def steps(self) -> np.ndarray:
        return self._steps.values

    def figures(self) -> dict[str, np.ndarray]:
        """(T,) by name, NaN where a snapshot lacks one."""
        return {name: rows.values for name, rows in self._figures.items()}

    def geometry(self) -> Geometry | None:
        """Of those snapshots that have points like the last one's."""
        points = self._points.values()
        if not points:
            return None
        labels, features = self._last["labels"], points["features"]
        return Geometry(
            epoch=self._points.steps,
            **{name: values[:, None] for name, values in points.items()},
            labels=labels,
            sample_index=np.arange(len(labels)),
            test_features=np.zeros((len(features), 1, 0, features.shape[-1]), np.float16),
            test_labels=labels[:0],
            test_index=np.arange(0),
        )

    def layers(self) -> Layers | None:
        """Of the modules, and of what the head reads; None where none is recorded."""
        return recorded_layers.together(
            self._names,
            self._shape,
            self.steps,
            self.figures(),
            self._of_layers.steps,
            self._of_layers.values(),
            self._last.get(INDEX, np.arange(0)),
        )

    def thumbnails(self) -> np.ndarray | None:
        """(S, h, w) or (S, h, w, 3) uint8, those that came last; None where they do not fit."""
        found = self._last.get(THUMBNAILS)
        fits = found is not None and len(found) == len(self._last.get("labels", ()))
        return found if fits else None
