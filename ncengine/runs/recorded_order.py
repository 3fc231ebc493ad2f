"""A recording's snapshots by their steps: whoever trains may count backwards, or begin anew."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ncengine.runs.recorded import Recording
from ncengine.runs.run import Geometry, Layers


def in_order(recording: Recording) -> Recording:
    """The same with steps that grow, and one snapshot of each: the one that was recorded last.

    So a training that went on from a checkpoint stands in place of what it trained again. Steps
    that are no numbers are left out. Where nothing is to be done it is the same object.
    """
    geometry = recording.geometry
    if _grows(recording.steps) and (geometry is None or _grows(geometry.epoch)):
        return recording
    chosen = _last_of_each(recording.steps)
    return replace(
        recording,
        steps=recording.steps[chosen],
        figures={name: values[chosen] for name, values in recording.figures.items()},
        geometry=None if geometry is None else _geometry(geometry),
        layers=None if recording.layers is None else _layers(recording.layers),
        replaced=len(recording.steps) - len(chosen),
    )


def _grows(steps: np.ndarray) -> bool:
    return bool(np.isfinite(steps).all() and (np.diff(steps) > 0).all())


def _last_of_each(steps: np.ndarray) -> np.ndarray:
    """Indices of the last snapshot of each step, by steps."""
    order = np.argsort(steps, kind="stable")
    order = order[np.isfinite(steps[order])]
    known = steps[order]
    return order[np.append(known[1:] != known[:-1], True)] if len(order) else order


def _geometry(geometry: Geometry) -> Geometry:
    chosen = _last_of_each(geometry.epoch)
    of_each = ("epoch", "class_means", "classifier", "features", "test_features")
    return replace(geometry, **{name: getattr(geometry, name)[chosen] for name in of_each})


def _layers(layers: Layers) -> Layers:
    measured, means = _last_of_each(layers.epoch), _last_of_each(layers.means_epoch)
    points = _last_of_each(layers.features_epoch)
    return replace(
        layers,
        measured={name: values[measured] for name, values in layers.measured.items()},
        epoch=layers.epoch[measured],
        means_epoch=layers.means_epoch[means],
        class_means=layers.class_means[means],
        features_epoch=layers.features_epoch[points],
        features=layers.features[points],
    )
