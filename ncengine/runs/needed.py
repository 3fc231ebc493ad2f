"""Which arrays a run of a configuration has, of which types, and how large they can be at most."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ncengine.architectures.shapes import parameter_count
from ncengine.catalogue.architectures import architecture_info
from ncengine.config import RunConfig
from ncengine.datasets.sampling import held_out_per_class
from ncengine.snapshots.names import BLOCKS, LAYERS, PER_SEED
from ncengine.snapshots.plan import (
    layer_passes,
    log_spaced,
    shown,
    shown_in_layers,
    snapshot_passes,
)

# What engines before version 4 kept of geometry: more snapshots in each decade of passes, and more
# samples of training and of testing.
EARLIER_POINTS, EARLIER_TRAIN, EARLIER_TEST = 18, 400, 200
REAL, HALF, WHOLE = ("f8",), ("f2", "f4", "f8"), ("i4", "i8")


@dataclass(frozen=True)
class Needed:
    """One array.

    Attributes:
        axes: a letter an axis, those of `Geometry` and `Layers`: the same letter is the same
            length in all arrays.
        types: the types that it can have, as numpy writes them after the order of bytes.
    """

    axes: tuple[str, ...]
    types: tuple[str, ...]


def _needed(axes: str, types: tuple[str, ...]) -> Needed:
    return Needed(tuple(axes.split()), types)


CURVES = {
    "curves/epoch": _needed("T", REAL),
    **{f"curves/{name}": _needed("T R", REAL) for name in PER_SEED},
}
GEOMETRY = {
    "geometry/epoch": _needed("G", WHOLE),
    "geometry/class_means": _needed("G R K d", HALF),
    "geometry/classifier": _needed("G R K d", HALF),
    "geometry/features": _needed("G R S d", HALF),
    "geometry/labels": _needed("S", WHOLE),
    "geometry/sample_index": _needed("S", WHOLE),
    "geometry/test_features": _needed("G R S' d", HALF),
    "geometry/test_labels": _needed("S'", WHOLE),
    "geometry/test_index": _needed("S'", WHOLE),
}
OF_LAYERS = {
    "layers/epoch": _needed("H", WHOLE),
    **{f"layers/measured/{name}": _needed("H R L", REAL) for name in LAYERS},
    **{f"layers/measured/{name}": _needed("H R B", REAL) for name in BLOCKS},
    "layers/means_epoch": _needed("M", WHOLE),
    "layers/class_means": _needed("M R L K d", HALF),
    "layers/features_epoch": _needed("F", WHOLE),
    "layers/features": _needed("F R L S'' d", HALF),
    "layers/index": _needed("S''", WHOLE),
}
DIVERGED, PARAMETERS = "diverged", "parameters"
OTHERS = {DIVERGED: _needed("R", ("b1",)), PARAMETERS: _needed("R P", ("f4", "f8"))}
ALL: Mapping[str, Needed] = {**CURVES, **GEOMETRY, **OF_LAYERS, **OTHERS}
# Metrics that a run may lack, which was trained before they were added; these there always are.
LOSS, NC1, DECAY = "curves/loss", "layers/measured/nc1", "layers/measured/decay"
# What belongs together: of each group a file holds all or none, but for such metrics.
GROUPS = (GEOMETRY, OF_LAYERS)


def exact(config: RunConfig) -> dict[str, int]:
    """Lengths of axes that follow from the configuration."""
    info = architecture_info(config.architecture)
    layers = info.layers(config.depth)
    return {
        "R": len(config.seeds),
        "K": config.classes,
        "d": config.width,
        "L": layers,
        "B": layers - 1,
        "P": parameter_count(config),
    }


def most(config: RunConfig) -> dict[str, int]:
    """What axes that training decides on can come to, at most.

    A training that ends before its budget has one snapshot beyond those that are planned.
    """
    metrics, geometry = snapshot_passes(config.budget)
    means, features = layer_passes(config)
    samples = shown(config)
    return {
        "T": len(metrics) + 1,
        "G": max(len(geometry), len(log_spaced(config.budget, EARLIER_POINTS))) + 1,
        "H": len(geometry) + 1,
        "M": len(means) + 1,
        "F": len(features) + 1,
        "S": max(len(samples["labels"]), EARLIER_TRAIN),
        "S'": max(len(samples["test_labels"]), EARLIER_TEST),
        "S''": len(shown_in_layers(config)),
    }


def most_bytes(config: RunConfig) -> int:
    """What all arrays of a run can take, at most."""
    lengths = {**most(config), **exact(config)}
    return sum(
        math.prod(lengths[axis] for axis in needed.axes) * max(int(t[1]) for t in needed.types)
        for needed in ALL.values()
    )


def check_forms(config: RunConfig, forms: Mapping[str, tuple[str, tuple[int, ...]]]) -> None:
    """Raises ValueError where arrays of these types and shapes are not those of such a run.

    Args:
        config: of the run.
        forms: of each array by its name the type, as numpy writes it after the order of bytes,
            and the shape.
    """
    _check_names(forms.keys())
    known, limits = exact(config), most(config)
    for name, (kind, shape) in forms.items():
        needed = ALL[name]
        if kind not in needed.types:
            raise ValueError(f"{name}: type {kind}, must be {' or '.join(needed.types)}")
        if len(shape) != len(needed.axes):
            raise ValueError(f"{name}: shape {shape}, must have {len(needed.axes)} axes")
        for axis, length in zip(needed.axes, shape, strict=True):
            if length > limits.get(axis, length):
                raise ValueError(f"{name}: shape {shape}, {axis} can be {limits[axis]} at most")
            if length != known.setdefault(axis, length):
                raise ValueError(f"{name}: shape {shape}, {axis} must be {known[axis]}")


def _check_names(names: object) -> None:
    present = set(names)  # type: ignore[call-overload]
    if unknown := sorted(present - ALL.keys()):
        raise ValueError(f"{unknown[0]}: a run has no such array")
    wanted = {*CURVES, DIVERGED}
    for group in GROUPS:
        wanted |= group.keys() if present & group.keys() else set()
    if lacking := sorted(wanted - present - later_metrics()):
        raise ValueError(f"{lacking[0]}: it is not there")


def later_metrics() -> set[str]:
    """Arrays that a run may lack since they may have been added after it was trained."""
    measured = {name for name in OF_LAYERS if name.startswith("layers/measured/")}
    return ({*CURVES} | measured) - {"curves/epoch", LOSS, NC1, DECAY}


def check_values(config: RunConfig, arrays: Mapping[str, np.ndarray]) -> None:
    """Raises ValueError where what counts or points is not as it can be in such a run."""
    trained, last = config.classes * config.samples_per_class, config.budget
    bounds = {
        "epoch": (0, last),
        "means_epoch": (0, last),
        "features_epoch": (0, last),
    }
    bounds |= {"labels": (0, config.classes - 1), "sample_index": (0, trained - 1)}
    tested = config.classes * held_out_per_class(config)
    bounds |= {"test_labels": (0, config.classes - 1), "test_index": (0, tested - 1)}
    shown_samples = len(arrays.get("geometry/labels", ()))
    bounds |= {"index": (0, shown_samples - 1)}
    for name, array in arrays.items():
        last_part = name.rpartition("/")[2]
        if last_part not in bounds or not len(array):
            continue
        low, high = bounds[last_part]
        if not (array.min() >= low and array.max() <= high):
            raise ValueError(f"{name}: must be from {low} to {high}")
        if (np.diff(array) < 0).any():
            raise ValueError(f"{name}: must not fall")
    if "layers/index" in arrays and "geometry/labels" not in arrays:
        raise ValueError("layers/index: samples that it points to are not there")
