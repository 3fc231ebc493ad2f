"""What a snapshot holds, measured from features, labels and weights: whoever trains.

Features and weights may be numpy arrays or torch tensors, on any device, of R networks side by
side; what is measured is numpy arrays, by the names of `snapshots.names`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ncengine.metrics.collapse import class_means, neural_collapse
from ncengine.snapshots.names import GEOMETRY, OF_TEST, Arrays

Array = Any  # a numpy array or a torch tensor


def measure_collapse(features: Array, labels: Array, weight: Array) -> Arrays:
    """NC1, NC2A, NC2B and NC3 (Definition 2) of the training samples: each (R,) float64.

    Args:
        features: (R, N, d) inputs of the last linear layer.
        labels: (N,) classes, 0 to K - 1.
        weight: (R, K, d) rows of the last layer.

    Raises:
        ValueError: see `metrics.neural_collapse`.
    """
    metrics = neural_collapse(features, labels, weight)
    return {name: _double(getattr(metrics, name)) for name in ("nc1", "nc2a", "nc2b", "nc3")}


def measure_geometry(features: Array, labels: Array, weight: Array, index: Array) -> Arrays:
    """What the player draws of training: "class_means", "classifier", "features".

    Args:
        features, labels, weight: as in `measure_collapse`.
        index: (S,) which samples' features are kept.
    """
    return {
        "class_means": _numpy(class_means(features, labels, weight.shape[-2])).astype(np.float32),
        "classifier": _numpy(weight).astype(np.float32),
        "features": _half(features[:, index]),
    }


def measure_test(
    features: Array, labels: Array, weight: Array, accuracy: Array, index: Array
) -> Arrays:
    """The curves of test samples, and the features of those at `index`; shapes as above."""
    metrics = neural_collapse(features, labels, weight)
    return {
        "test_accuracy": _numpy(accuracy),
        "test_nc1": _double(metrics.nc1),
        "test_nc3": _double(metrics.nc3),
        "test_features": _half(features[:, index]),
    }


def without_test(features: Array) -> Arrays:
    """What stands in for `measure_test` where no test sample has features: none of them."""
    return {"test_features": _half(features[:, :0])}


def not_taken(seeds: int) -> Arrays:
    """The curves of test samples (R,) at a snapshot at which they were not taken: NaN."""
    return {name: np.full(seeds, np.nan) for name in OF_TEST}


def without_geometry(snapshot: Arrays) -> Arrays:
    """The same snapshot as it is where geometry, and with it test samples, is not taken."""
    kept = {name: values for name, values in snapshot.items() if name not in GEOMETRY}
    return {**kept, **not_taken(len(snapshot["loss"]))}


def _numpy(values: Array) -> np.ndarray:
    # What is not numpy's is torch's, which may lie on another device.
    return values if isinstance(values, np.ndarray) else values.cpu().numpy()


def _double(values: Array) -> np.ndarray:
    return _numpy(values).astype(np.float64)


def _half(features: Array) -> np.ndarray:
    # By way of single precision, as torch's own conversion goes.
    return _numpy(features).astype(np.float32).astype(np.float16)
