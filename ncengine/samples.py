"""Which training samples' features the snapshots keep. Training splits are sorted by class."""

from __future__ import annotations

import numpy as np

from ncengine.config import RunConfig
from ncengine.schedule import snapshot_passes

GEOMETRY_SAMPLES = 400
GEOMETRY_BYTES = 16 * 2**20  # features of all snapshots together, about


def _shown_per_class(config: RunConfig) -> int:
    snapshots = len(snapshot_passes(config.epochs)[1])
    bytes_each = 2 * config.width * len(config.seeds) * snapshots
    total = min(GEOMETRY_SAMPLES, GEOMETRY_BYTES // bytes_each)
    return min(config.samples_per_class, max(1, total // config.classes))


def shown_samples(config: RunConfig) -> np.ndarray:
    """(S,) indices of the samples shown: the first of each class, as many of each.

    As many as `GEOMETRY_SAMPLES` and `GEOMETRY_BYTES` allow.
    """
    starts = np.arange(config.classes) * config.samples_per_class
    return (starts[:, None] + np.arange(_shown_per_class(config))).reshape(-1)


def shown_labels(config: RunConfig) -> np.ndarray:
    """(S,) their classes."""
    return np.repeat(np.arange(config.classes), _shown_per_class(config))
