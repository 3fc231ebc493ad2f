"""Snapshots of any network, brought to the place and size at which the player shows features.

Of our own networks features lie on a sphere about the origin, and stay there. Those of others lie
anywhere, and at any size, which changes while they are trained. What collapse is about changes with
neither: so each snapshot is looked at about the centre of its class means, and at one size.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ncengine.analysis.projection import Projection, project
from ncengine.runs.run import Geometry, Layers

# So many snapshots make a film, and no more numbers are gone through for one.
MOST_FRAMES, MOST_NUMBERS = 150, 2 * 10**7


def project_alike(
    geometry: Geometry, *, basis: str = "last", focus: tuple[int, ...] = ()
) -> Projection:
    """What the player shows of snapshots of any network; see `alike`, and `projection.project`.

    There is a simplex beside it wherever K - 1 is at most d. It is never `exact`, in that features
    lie on the sphere that is drawn then.

    Raises:
        ValueError: names the argument at fault, its value and what is allowed.
    """
    shown = project(alike(geometry), 0, basis=basis, focus=focus, row_norm=1.0)
    return replace(shown, exact=False, exact_2d=False)


def alike(geometry: Geometry) -> Geometry:
    """The snapshots about the centre of their class means, each at one size.

    The kept samples are at a root mean square distance of 1 from that centre, in units of sqrt(d):
    what has collapsed to a simplex is a simplex of unit vectors. Rows of the classifier are about
    their own centre, at a root mean square norm of 1; where there are none, they are 0.

    Args:
        geometry: of one seed, of whatever features.

    Returns:
        The same in d + 1 dimensions, turned so that the entries of each feature add up to 0, as
        those of our own do: all angles and distances stay. Many snapshots are thinned out, evenly,
        the last one kept.
    """
    frames = _some(geometry)
    means = geometry.class_means[frames].astype(np.float64)
    features = geometry.features[frames].astype(np.float64)
    rows = geometry.classifier[frames].astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        centre = means.mean(axis=2, keepdims=True)
        features, means = features - centre, means - centre
        # NaN where all samples are at one point, or not finite: there is nothing to see of them.
        size = np.sqrt(np.square(features).sum(-1).mean(-1))[..., None, None]
        size = np.where((size > 0) & np.isfinite(size), size, np.nan)
        features, means = features / size, means / size
        rows = rows - rows.mean(axis=2, keepdims=True)
        length = np.sqrt(np.square(rows).sum(-1).mean(-1))[..., None, None]
        rows = np.where(length > 0, rows / length, 0.0)
    unit = np.sqrt(features.shape[-1] + 1)
    return Geometry(
        epoch=geometry.epoch[frames],
        class_means=_summing_to_nothing(unit * means),
        classifier=_summing_to_nothing(rows),
        features=_summing_to_nothing(unit * features),
        labels=geometry.labels,
        sample_index=geometry.sample_index,
        test_features=np.zeros((len(frames), 1, 0, features.shape[-1] + 1), np.float32),
        test_labels=geometry.labels[:0],
        test_index=geometry.labels[:0],
    )


def _some(geometry: Geometry) -> np.ndarray:
    """Indices of the snapshots that are shown."""
    count = len(geometry.epoch)
    numbers = max(1, geometry.features[0].size + geometry.class_means[0].size) if count else 1
    most = max(1, min(MOST_FRAMES, MOST_NUMBERS // numbers))
    if count <= most:
        return np.arange(count)
    return np.unique(np.linspace(count - 1, 0, most).round().astype(int))


def _summing_to_nothing(vectors: np.ndarray) -> np.ndarray:
    """(…, d + 1) float32 of vectors (…, d), by the reflection that takes the new axis to (1, …, 1).

    What is at right angles to that axis is then at right angles to (1, …, 1).
    """
    wide = np.pad(vectors, [(0, 0)] * (vectors.ndim - 1) + [(0, 1)])
    count = wide.shape[-1]
    mirror = np.full(count, -1 / np.sqrt(count))
    mirror[-1] += 1
    along = wide @ mirror * (2 / (mirror @ mirror))
    return (wide - along[..., None] * mirror).astype(np.float32)


def through_alike(
    layers: Layers, f: int, geometry: Geometry, film: Projection, focus: tuple[int, ...] = ()
) -> Projection | None:
    """The layers of any network at `layers.features_epoch[f]`: a frame each, `epoch` from 1 on.

    Spaces of different layers have no axis in common. So each has its own, turned so that its
    classes come as near as they can to where those of the next layer are, from the last one on,
    which is turned to the film's frame. Rows are those of the film throughout.

    Args:
        geometry: of the whole recording, whose samples `layers.index` counts.
        film: what `project_alike` gave of it.

    Returns:
        None where there is nothing to show of that moment.
    """
    moment = layers.features_epoch[f]
    at, means = np.flatnonzero(film.epoch == moment), np.flatnonzero(layers.means_epoch == moment)
    if not len(at) or not len(means):
        return None
    onto, frames = film.means[at[0]], []
    for n in reversed(range(layers.class_means.shape[2])):
        shown = project(_layer(layers, f, means[0], n, geometry), 0, focus=focus, onto=onto)
        if not len(shown.epoch):
            return None
        frames.append(shown)
        onto = shown.means[0]
    rows = np.repeat(film.classifier[at], len(frames), axis=0)
    joined: dict[str, Any] = {
        name: np.concatenate([getattr(frame, name) for frame in frames[::-1]])
        for name in _OF_FRAMES
    }
    numbers = np.arange(1, len(frames) + 1)
    own = {**joined, "epoch": numbers, "classifier": rows}
    return replace(frames[0], exact=False, exact_2d=False, **own)


# What of a projection there is of each frame.
_OF_FRAMES = (
    "points", "means", "ideal", "distance", "test_points", "test_distance", "variance_share",
    "variance_share_2d", "angle_error",
)  # fmt: skip


def _layer(layers: Layers, f: int, m: int, n: int, geometry: Geometry) -> Geometry:
    """The n-th layer as a film of one frame."""
    means, features = layers.class_means[m, :, n], layers.features[f, :, n]
    nothing = np.zeros((1, 1, 0, means.shape[-1]), np.float32)
    labels = geometry.labels[layers.index]
    return alike(
        Geometry(
            epoch=np.ones(1),
            class_means=means[None],
            classifier=np.zeros_like(means[None]),
            features=features[None],
            labels=labels,
            sample_index=layers.index,
            test_features=nothing,
            test_labels=labels[:0],
            test_index=labels[:0],
        )
    )
