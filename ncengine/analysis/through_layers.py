"""A trajectory through a network's layers at one moment of training, in three dimensions."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np

from ncengine.analysis.projection import Projection, project
from ncengine.runs.run import Geometry, Layers

# What of a projection does not have a frame for each snapshot.
_OF_ALL_FRAMES = (
    "ideal_fits", "ideal_proved", "labels", "test_labels", "focus", "exact", "exact_2d", "edges",
)  # fmt: skip


def through_layers(
    geometry: Geometry, layers: Layers, f: int, r: int, **how: Any
) -> Projection | None:
    """Seed number `r` at `layers.features_epoch[f]`: a frame is a layer, `epoch` its number from 1.

    The axes are those of `project`, which takes `how`: of the last snapshot's last layer, or
    each layer's own, turned to agree with the next one's. So the last frame is what `project` has
    at that pass where its axes are the last snapshot's. Rows are those of the classifier, which
    reads the last layer alone, at that pass. Samples are those at `layers.index`.

    Returns:
        None where the seed had no numbers at that pass.
    """
    finite = np.isfinite(geometry.class_means[:, r]).all(axis=(1, 2))
    passes = layers.features_epoch[f]
    at, means = (np.flatnonzero(e == passes) for e in (geometry.epoch, layers.means_epoch))
    if not (len(at) and len(means) and finite[at[0]]):
        return None
    last, count = int(np.flatnonzero(finite)[-1]), layers.class_means.shape[2]

    def trajectory(of_layers: np.ndarray, of_last: np.ndarray) -> np.ndarray:
        return np.concatenate([of_layers, of_last[None]])[:, None]

    rows = np.repeat(geometry.classifier[at, r], count, axis=0)
    nothing = geometry.test_features[:1, :1, :0]
    whole = Geometry(
        epoch=np.arange(1, count + 2),
        class_means=trajectory(layers.class_means[means[0], r], geometry.class_means[last, r]),
        classifier=trajectory(rows, geometry.classifier[last, r]),
        features=trajectory(layers.features[f, r], geometry.features[last, r][layers.index]),
        labels=geometry.labels[layers.index],
        sample_index=geometry.sample_index[layers.index],
        test_features=np.repeat(nothing, count + 1, axis=0),
        test_labels=geometry.test_labels[:0],
        test_index=geometry.test_index[:0],
    )
    projection = project(whole, 0, **how)
    if len(projection.epoch) != count + 1:
        return None
    names = [field.name for field in fields(Projection) if field.name not in _OF_ALL_FRAMES]
    return replace(projection, **{name: getattr(projection, name)[:-1] for name in names})
