"""Run: what anyone who looks at an experiment sees, live, cached or absent."""

from __future__ import annotations

import importlib
import os
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ncengine.config import RunConfig
from ncengine.metrics.layers import collapsed_layers
from ncengine.snapshots.names import BLOCKS, KNOWN, LAYERS, OF_TEST, PER_SEED
from ncengine.theory.optimum import Least

if TYPE_CHECKING:
    from ncengine.theory.figures import BestFigure


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

    @property
    def finished(self) -> bool:
        """Whether it has come to its end."""
        return self in (Status.DONE, Status.DIVERGED)

    @property
    def idle(self) -> bool:
        """Whether it is neither at its end nor on its way there."""
        return not self.busy and not self.finished


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
class Layers:
    """Every layer of a network, at each snapshot of the geometry: the embedding, and each block.

    G snapshots, R seeds, L layers (of a transformer of depth L it is L + 1), L - 1 blocks. Of
    what the next layer reads, after LayerNorm; of a transformer at the last token.

    Each metric is an attribute, too: `layers.nc1`.

    Attributes:
        measured: by name the metrics of layers and of streams (G, R, L) float64, see
            `metrics.layers.LayerCollapse` and `Stream`; and those of blocks (G, R, L - 1): "decay",
            what each pays of "decay_hidden", and "movement", the mean angle, in radians, by which
            it turns a sample. NaN of what was not recorded.
        epoch: (G,) passes over the data at which each was taken.
        means_epoch: (G',) passes at which class means were kept: all of `epoch` where they are
            small enough, else those of `features_epoch`.
        class_means: (G', R, L, K, d) float16.
        features_epoch: (F,) passes at which features were kept: a few.
        features: (F, R, L, S, d) float16, of as many samples of each class.
        index: (S,) which samples of `Geometry.features` these are.
    """

    measured: Mapping[str, np.ndarray]
    epoch: np.ndarray
    means_epoch: np.ndarray
    class_means: np.ndarray
    features_epoch: np.ndarray
    features: np.ndarray
    index: np.ndarray

    def __len__(self) -> int:
        return len(self.epoch)

    def __getattr__(self, name: str) -> np.ndarray:
        # Not of `self.measured`: of one that is only being made, this would ask for ever.
        measured = self.__dict__.get("measured", {})
        if name not in measured:
            raise AttributeError(f"layers have no {name!r}")
        return measured[name]

    def with_(self, **changes: np.ndarray) -> Layers:
        """The same with other metrics, or other arrays, by name."""
        measured = {n: changes.pop(n) for n in list(changes) if n in self.measured}
        return replace(self, measured={**self.measured, **measured}, **changes)

    def newest(self, r: int) -> int | None:
        """The last snapshot at which the r-th seed had numbers; None where it never had."""
        known = np.isfinite(self.stream_norm[:, r]).all(-1)
        if np.isnan(self.stream_norm).all():
            known = ~np.isnan(self.nc1[:, r]).all(-1)  # of a recording, which has no streams
        known = np.flatnonzero(known)
        return int(known[-1]) if len(known) else None

    def collapsed(self, r: int) -> int | None:
        """How many final layers of the r-th seed are as collapsed as the last one."""
        g = self.newest(r)
        return None if g is None else int(collapsed_layers(self.nc1[g, r])) or None

    def last(self, r: int) -> dict[str, list[float | None]]:
        """Of the r-th seed, the newest values that are numbers, by name: one a layer or block."""
        g = self.newest(r)
        if g is None:
            return {}
        return {
            name: [None if np.isnan(v) else float(v) for v in getattr(self, name)[g, r]]
            for name in (*LAYERS, *BLOCKS)
        }


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
        layers: None before the first snapshot, and of a result of an engine that did not look.
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
        shown_seed: of a run that was shipped, the only seed of which geometry, and features and
            class means of layers, were kept: of the others they are NaN. None of other runs.
        not_recorded: curves, and by "layers_" metrics of layers, that were not recorded when it
            was trained: all of these is NaN.
        parameters: (R, P) trained parameters of each seed, in the order of
            `shapes.parameter_shapes`; None where they were not kept.
        imported: whether it came as a file, see `runs.imported`.
        best_figure: what it is compared with where it has no floor, see `analysis.best_known`; with
            it the curves hold each name of `KNOWN` too. None where it has one, and before anybody
            asked for it.
        data_checksum: names the content of its data, see `Identity`; "" where that is not told.
    """

    config: RunConfig
    status: Status
    curves: Mapping[str, np.ndarray] = field(default_factory=dict)
    geometry: Geometry | None = None
    layers: Layers | None = None
    diverged: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    floor: float | None = None
    passes: int = 0
    seconds: float = 0.0
    seconds_left: float | None = None
    place: int | None = None
    error: str | None = None
    machine: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""
    shown_seed: int | None = None
    not_recorded: frozenset[str] = frozenset()
    parameters: np.ndarray | None = None
    data_checksum: str = ""
    imported: bool = False
    best_figure: BestFigure | None = None

    @property
    def shipped(self) -> bool:
        """Whether it comes from the gallery."""
        return self.shown_seed is not None

    @property
    def from_elsewhere(self) -> bool:
        """Whether it was shipped or imported, not trained here."""
        return self.shipped or self.imported

    @property
    def seeds_shown(self) -> tuple[int, ...]:
        """Seeds of which geometry is kept."""
        return self.config.seeds if self.shown_seed is None else (self.shown_seed,)

    @property
    def points(self) -> int:
        """How many points the curves have."""
        return len(self.curves.get("epoch", ()))

    @property
    def recorded(self) -> tuple[Hashable, ...]:
        """Changes whenever curves, geometry or what is left out of means do."""
        snapshots = 0 if self.geometry is None else len(self.geometry)
        last = b"".join(self.curves[name][-1:].tobytes() for name in sorted(self.curves))
        # What is shipped has fewer samples than the same run trained here.
        known = self.best_figure is not None
        diverged = self.diverged.tobytes()
        return self.status, self.shipped, self.points, snapshots, last, diverged, known

    @property
    def ideal(self) -> BestFigure | None:
        """The best figure, where there is one; None also where many are as good."""
        return self.best_figure if self.best_figure and self.best_figure.unique else None

    @property
    def least(self) -> Least | None:
        """The floor, or the best that is known in its place; None where neither is at hand."""
        if self.floor is not None:
            return Least(self.floor, proved=True)
        if self.best_figure is not None:
            return Least(self.best_figure.loss, proved=False)
        return None

    @property
    def revision(self) -> tuple[Hashable, ...]:
        """Changes whenever anything does that a reader could see."""
        told = self.passes, self.seconds, self.seconds_left, self.place, self.error
        return (*self.recorded, *told)

    def summary(self) -> dict[str, Any]:
        """The last values: "key", "config", "status", "floor", "passes", "seconds", "seeds".

        "seeds" is a list with, per seed, "seed", "diverged", each name of `PER_SEED`, see `last`,
        and "collapsed_layers", see `metrics.layers.collapsed_layers`. Plain values, not
        logarithms. See `layers_summary` for those of every layer. Of a run with a best figure also
        "best_known", its objective, and per seed each name of `KNOWN`.
        """
        names = PER_SEED if self.best_figure is None else (*PER_SEED, *KNOWN)
        seeds = [
            {
                "seed": seed,
                "diverged": bool(self.diverged[r]) if len(self.diverged) else False,
                **{name: self.last(name, r) for name in names},
                "collapsed_layers": None if self.layers is None else self.layers.collapsed(r),
            }
            for r, seed in enumerate(self.config.seeds)
        ]
        return {
            "key": self.key,
            "config": self.config.model_dump(mode="json"),
            "status": str(self.status),
            "floor": self.floor,
            **({} if self.best_figure is None else {"best_known": self.best_figure.loss}),
            "passes": self.passes,
            "seconds": self.seconds,
            "seeds": seeds,
        }

    def layers_summary(self) -> list[dict[str, Any]]:
        """Per seed "seed", "epoch", and by name what was measured last of every layer."""
        if self.layers is None:
            return []
        epoch = int(self.layers.epoch[-1])
        return [
            {"seed": seed, "epoch": epoch, **self.layers.last(r)}
            for r, seed in enumerate(self.config.seeds)
        ]

    def last(self, name: str, r: int) -> float | None:
        """The value of a curve of `PER_SEED` that was taken last of the r-th seed.

        It may be infinite: NC1 is where the class means coincide. None before there is any, and
        where the metric has no meaning at the last point (NC3 without a classifier).
        """
        if name not in self.curves:
            return None
        values = self.curves[name][:, r]
        sparse = name in (*OF_TEST, *KNOWN)
        taken = ~np.isnan(values if sparse else self.curves["loss"][:, r])
        last = float(values[taken][-1]) if taken.any() else np.nan
        return None if np.isnan(last) else last

    # What follows is done on floors above, which are found by name when they are asked for.

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write all of it as one .npz file, see `runs.whole.save`. Raises ValueError, OSError."""
        return importlib.import_module("ncengine.runs.whole").save(self, path)

    def network(self, seed: int | None = None) -> Any:
        """The trained network of a seed, the first by default, as a torch.nn.Module.

        See `exchange.network.network`. Raises ValueError.
        """
        build = importlib.import_module("ncengine.exchange.network").network
        return build(self, self.config.seeds[0] if seed is None else seed)
