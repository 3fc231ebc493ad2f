"""The arrays of a run: how they follow from its snapshots, and the joblib-cached function."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from joblib import Memory
from joblib.memory import MemorizedFunc

from ncengine.compute import compute
from ncengine.config import RunConfig
from ncengine.runs import PER_SEED, Geometry
from ncengine.samples import shown

CURVES = tuple(name for name in PER_SEED if name != "gap")
GEOMETRY = ("class_means", "classifier", "features", "test_features")
SHOWN = ("labels", "sample_index", "test_labels", "test_index")

Arrays = dict[str, np.ndarray]


def cached_compute(root: str) -> MemorizedFunc:
    """`compute.compute`, its results kept by joblib under `root`."""
    return Memory(root, verbose=0).cache(compute, ignore=["root"])


def stack_curves(snapshots: Sequence[Arrays]) -> Arrays:
    """ "epoch" (T,) and every curve but the gap (T, R), float64."""
    curves = {"epoch": np.array([int(s["epoch"]) for s in snapshots], np.float64)}
    for name in CURVES:
        curves[name] = np.stack([np.asarray(s[name], np.float64) for s in snapshots])
    return curves


def stack_geometry(snapshots: Sequence[Arrays], config: RunConfig) -> Geometry | None:
    """The snapshots that hold geometry, stacked; None where none does."""
    full = [s for s in snapshots if "features" in s]
    if not full:
        return None
    return Geometry(
        epoch=np.array([int(s["epoch"]) for s in full]),
        **{name: np.stack([s[name] for s in full]) for name in GEOMETRY},
        **shown(config),
    )
