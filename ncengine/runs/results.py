"""The arrays of a run: how they follow from its snapshots, and the joblib-cached function."""

from __future__ import annotations

from joblib import Memory
from joblib.memory import MemorizedFunc

from ncengine.runs.compute import compute


def cached_compute(root: str) -> MemorizedFunc:
    """`compute.compute`, its results kept by joblib under `root`."""
    return Memory(root, verbose=0).cache(compute, ignore=["root"])
