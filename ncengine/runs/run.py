"""Run: what anyone who looks at an experiment sees, live, cached or absent."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np

from ncengine.config import RunConfig
from ncengine.snapshots.names import OF_TEST, PER_SEED


class Status(StrEnum):
    """Where a run stands.

    `INTERRUPTED`: its process ended without a word; it can go on from its checkpoint.
    `DIVERGED`: every seed diverged. A run of which some seeds diverged is `DONE`.
    """

    ABSENT = "absent"
    QUEUED = "queued"
    RUNNING = "running"
    INTERRUPTED = "interrupted"
    CANCELLED = "cancelled"
    FAILED = "failed"
    DIVERGED = "diverged"
    DONE = "done"

    @property
    def busy(self) -> bool:
        """Whether more is to come without anyone asking."""
        return self in (Status.QUEUED, Status.RUNNING)


@dataclass(frozen=True)
class Geometry:
    """Snapshots of the last layer's input.

    G snapshots, R seeds, K classes, S training and S' test samples that stay the same, width d.

    Attributes:
        epoch: (G,) passes over the data at which each was taken.
        class_means: (G, R, K, d) float32, over all training samples.
        classifier: (G, R, K, d) float32, rows of the last layer.
        features: (G, R, S, d) float16, of S training samples, balanced over classes.
        labels: (S,) class of each of the S samples, 0 to K - 1, sorted.
        sample_index: (S,) their index among the N training samples, see `datasets.load`.
        test_features: (G, R, S', d) float16, of test samples, balanced over classes; S' = 0 for
            free features.
        test_labels: (S',) class of each, sorted.
        test_index: (S',) their index among the test samples.
    """

    epoch: np.ndarray
    class_means: np.ndarray
    classifier: np.ndarray
    features: np.ndarray
    labels: np.ndarray
    sample_index: np.ndarray
    test_features: np.ndarray
    test_labels: np.ndarray
    test_index: np.ndarray

    def __len__(self) -> int:
        return len(self.epoch)


@dataclass(frozen=True)
class Run:
    """One experiment as it stands at this moment.

    Attributes:
        config: what was asked for.
        status: see `Status`.
        curves: "epoch" of shape (T,), and each name of `PER_SEED` of shape (T, R); float64.
            Before a seed has anything to show, after it diverged, and where a value was not
            taken (those `OF_TEST` are taken at geometry snapshots only) it is NaN.
        geometry: None before the first snapshot.
        diverged: (R,) whether that seed diverged.
        floor: L*_GUFM; None where no collapsed optimum fits (see `theory.gufm_optimum`).
        passes: passes over the data done so far, of `config.budget`.
        seconds: seconds of computing so far.
        seconds_left: estimate, while running; else None.
        place: place in the queue, from 1, while queued; else None.
        error: one line for a reader, when failed.
        machine: facts on where it was computed: "device", "host", "date", "version",
            "processes", how many trained it, and "busy", the share of time in which the slowest
            of them had a processor. All texts.
        key: the run's name in the store, see `Identity.key`.
    """

    config: RunConfig
    status: Status
    curves: Mapping[str, np.ndarray] = field(default_factory=dict)
    geometry: Geometry | None = None
    diverged: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    floor: float | None = None
    passes: int = 0
    seconds: float = 0.0
    seconds_left: float | None = None
    place: int | None = None
    error: str | None = None
    machine: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""

    @property
    def points(self) -> int:
        """How many points the curves have."""
        return len(self.curves.get("epoch", ()))

    @property
    def recorded(self) -> tuple[Hashable, ...]:
        """Changes whenever curves, geometry or what is left out of means do."""
        snapshots = 0 if self.geometry is None else len(self.geometry)
        last = b"".join(self.curves[name][-1:].tobytes() for name in sorted(self.curves))
        return self.status, self.points, snapshots, last, self.diverged.tobytes()

    @property
    def revision(self) -> tuple[Hashable, ...]:
        """Changes whenever anything does that a reader could see."""
        told = self.passes, self.seconds, self.seconds_left, self.place, self.error
        return (*self.recorded, *told)

    def summary(self) -> dict[str, Any]:
        """The last values: "key", "config", "status", "floor", "passes", "seconds", "seeds".

        "seeds" is a list with, per seed, "seed", "diverged" and each name of `PER_SEED`, see
        `last`. Plain values, not logarithms.
        """
        seeds = [
            {
                "seed": seed,
                "diverged": bool(self.diverged[r]) if len(self.diverged) else False,
                **{name: self.last(name, r) for name in PER_SEED},
            }
            for r, seed in enumerate(self.config.seeds)
        ]
        return {
            "key": self.key,
            "config": self.config.model_dump(mode="json"),
            "status": str(self.status),
            "floor": self.floor,
            "passes": self.passes,
            "seconds": self.seconds,
            "seeds": seeds,
        }

    def last(self, name: str, r: int) -> float | None:
        """The value of a curve of `PER_SEED` that was taken last of the r-th seed.

        It may be infinite: NC1 is where the class means coincide. None before there is any, and
        where the metric has no meaning at the last point (NC3 without a classifier).
        """
        if name not in self.curves:
            return None
        values = self.curves[name][:, r]
        taken = ~np.isnan(values if name in OF_TEST else self.curves["loss"][:, r])
        last = float(values[taken][-1]) if taken.any() else np.nan
        return None if np.isnan(last) else last
