"""What a snapshot holds, measured from features, labels and weights: whoever trains.

Features and weights may be numpy arrays or torch tensors, on any device, of R networks side by
side; what is measured is numpy arrays, by the names of `snapshots.names`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ncengine.catalogue.metrics import Of, names_of, of_test
from ncengine.metrics.collapse import class_means, neural_collapse
from ncengine.metrics.layers import layers_collapse, movement, stream
from ncengine.metrics.measures import measured
from ncengine.snapshots.names import (
    COLLAPSE,
    FEATURES,
    GEOMETRY,
    MEANS,
    OF_LAYERS,
    OF_TEST,
    STREAM,
    Arrays,
)

Array = Any  # a numpy array or a torch tensor


def measure_collapse(features: Array, labels: Array, weight: Array) -> Arrays:
    """The metrics of features: NC1, NC2A, NC2B and NC3 (Definition 2) and what else there is.

    Of the training samples: each (R,) float64.

    Args:
        features: (R, N, d) inputs of the last linear layer.
        labels: (N,) classes, 0 to K - 1.
        weight: (R, K, d) rows of the last layer.

    Raises:
        ValueError: see `metrics.neural_collapse`.
    """
    return _of_features(names_of(Of.FEATURES), features, labels, weight)


def _of_features(names: Sequence[str], features: Array, labels: Array, weight: Array) -> Arrays:
    together = vars(neural_collapse(features, labels, weight))
    others = [name for name in names if name not in together]
    values = {**together, **measured(others, features, labels, weight.shape[-2], weight)}
    return {name: _double(values[name]) for name in names if name in values}


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
    curves = _of_features(names_of(Of.TEST), features, labels, weight)
    return {
        of_test("accuracy"): _numpy(accuracy),
        **{of_test(name): values for name, values in curves.items()},
        "test_features": _half(features[:, index]),
    }


def measure_layers(layers: Sequence[tuple[Array, Array]], labels: Array, classes: int) -> Arrays:
    """What is measured of every layer.

    Args:
        layers: of each of L layers its stream and what is read of it, each (R, N, d), see
            `architectures.layers.Layer`.
        labels: (N,) classes, 0 to `classes` - 1.

    Returns:
        The names of `snapshots.names.LAYERS`, each (R, L) float64; "movement" (R, L - 1), of the
        blocks; "class_means" (R, L, K, d) float16.
    """
    streams, reads = zip(*layers, strict=True)
    collapse = layers_collapse(reads, labels, classes)
    arrays = {
        name: _double(getattr(collapse, name)) for name in COLLAPSE if hasattr(collapse, name)
    }
    arrays |= _by_layer([vars(stream(values)) for values in streams])
    for names, values in ((COLLAPSE, reads), (STREAM, streams)):
        others = [name for name in names if name not in arrays]
        arrays |= _by_layer([measured(others, layer, labels, classes) for layer in values])
    moves = [_double(movement(*pair)) for pair in pairwise(reads)]
    arrays["movement"] = np.stack(moves, -1) if moves else np.zeros((len(reads[0]), 0))
    arrays["class_means"] = _half(collapse.class_means)
    return arrays


def _by_layer(each: Sequence[Mapping[str, Array]]) -> Arrays:
    """What was measured of each layer, (R,), as (R, L) float64."""
    return {name: np.stack([_double(layer[name]) for layer in each], -1) for name in each[0]}


def features_of_layers(layers: Sequence[tuple[Array, Array]], index: Array) -> np.ndarray:
    """(R, L, S, d) float16, of the samples at `index` (S,), what is read of each of L layers."""
    return np.stack([_half(read[:, index]) for _, read in layers], axis=1)


def without_test(features: Array) -> Arrays:
    """What stands in for `measure_test` where no test sample has features: none of them."""
    return {"test_features": _half(features[:, :0])}


def not_taken(seeds: int) -> Arrays:
    """The curves of test samples (R,) at a snapshot at which they were not taken: NaN."""
    return {name: np.full(seeds, np.nan) for name in OF_TEST}


def as_planned(snapshot: Arrays, *, geometry: bool, means: bool, features: bool) -> Arrays:
    """The same snapshot as it is where some of it is not taken.

    Args:
        geometry: whether geometry is, and with it test samples and layers.
        means, features: whether class means, and features, of every layer are.
    """
    if not geometry:
        kept = {
            name: values
            for name, values in snapshot.items()
            if name not in GEOMETRY and not name.startswith(OF_LAYERS)
        }
        return {**kept, **not_taken(len(snapshot["loss"]))}
    left_out = {name for name, taken in ((MEANS, means), (FEATURES, features)) if not taken}
    return {name: values for name, values in snapshot.items() if name not in left_out}


def _numpy(values: Array) -> np.ndarray:
    # What is not numpy's is torch's, which may lie on another device.
    return values if isinstance(values, np.ndarray) else values.cpu().numpy()


def _double(values: Array) -> np.ndarray:
    return _numpy(values).astype(np.float64)


def _half(features: Array) -> np.ndarray:
    # By way of single precision, as torch's own conversion goes.
    return _numpy(features).astype(np.float32).astype(np.float16)
