"""When snapshots are taken, and of which samples they keep the features.

Snapshots lie evenly on a logarithmic scale of passes over the data. Both splits are sorted by
class.
"""

from __future__ import annotations

import numpy as np

from ncengine.catalogue.architectures import architecture_info
from ncengine.config import RunConfig
from ncengine.datasets.sampling import held_out_per_class

METRIC_POINTS = 110
GEOMETRY_POINTS = 48
TRAIN_SAMPLES = 400
TEST_SAMPLES = 200
BYTES = 16 * 2**20  # features of all snapshots and of both splits together, about


def log_spaced(last: int, points: int) -> frozenset[int]:
    """At most `points` different whole numbers from 1 to `last`, both included."""
    if last <= points:
        return frozenset(range(1, last + 1))
    # Rounding merges the crowd at the low end, so ask for more until there are enough.
    wanted = points
    while True:
        found = np.unique(np.geomspace(1, last, wanted).round().astype(int))
        if len(found) >= points or wanted > 8 * points:
            break
        wanted = int(wanted * 1.1) + 1
    keep = np.unique(np.linspace(0, len(found) - 1, points).round().astype(int))
    return frozenset(found[keep].tolist())


def snapshot_passes(budget: int) -> tuple[frozenset[int], frozenset[int]]:
    """Passes at which metrics are taken, and those at which geometry is taken too.

    Of a training of at most `budget` passes.
    """
    geometry = log_spaced(budget, GEOMETRY_POINTS)
    return log_spaced(budget, METRIC_POINTS) | geometry, geometry


def shown(config: RunConfig) -> dict[str, np.ndarray]:
    """Indices and classes of the samples shown: the first of each class, as many of each.

    Returns:
        "sample_index" and "labels" (S,), of the training samples; "test_index" and "test_labels"
        (S',). As many as `TRAIN_SAMPLES`, `TEST_SAMPLES` and `BYTES` allow.
    """
    train, labels = _first_of_each(config, config.samples_per_class, TRAIN_SAMPLES)
    # Free features belong to training samples; there are none for others.
    tested = architecture_info(config.architecture).has_network
    available = held_out_per_class(config) if tested else 0
    test, test_labels = _first_of_each(config, available, TEST_SAMPLES)
    return {
        "sample_index": train,
        "labels": labels,
        "test_index": test,
        "test_labels": test_labels,
    }


def _first_of_each(config: RunConfig, available: int, most: int) -> tuple[np.ndarray, np.ndarray]:
    """(S,) indices and (S,) classes."""
    snapshots = len(snapshot_passes(config.epochs)[1])
    bytes_each = 2 * config.width * len(config.seeds) * snapshots
    share = most / (TRAIN_SAMPLES + TEST_SAMPLES)
    total = min(most, int(BYTES * share) // bytes_each)
    each = min(available, max(1, total // config.classes))
    starts = np.arange(config.classes) * available
    index = (starts[:, None] + np.arange(each)).reshape(-1)
    return index, np.repeat(np.arange(config.classes), each)
