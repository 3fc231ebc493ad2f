"""When snapshots are taken, and of which samples they keep the features.

Snapshots lie evenly on a logarithmic scale of passes over the data. Both splits are sorted by
class. Which samples are shown does not depend on the budget.
"""

from __future__ import annotations

import math

import numpy as np

from ncengine.catalogue.architectures import architecture_info
from ncengine.config import RunConfig
from ncengine.datasets.sampling import held_out_per_class

# Snapshots in each decade of passes: 102 of a thousand passes, and geometry in 41 of these, which
# lie on the same grid.
METRIC_POINTS = 48
GEOMETRY_POINTS = 16
TRAIN_SAMPLES = 150
TEST_SAMPLES = 75
# Features of both splits together, at as many snapshots as most trainings have, about.
BYTES = 16 * 2**20
USUAL_SNAPSHOTS = 40
# Of the samples shown, features of every layer are kept at these passes and the last.
LAYER_PASSES = frozenset({1, 10, 100, 1000})
LAYER_SAMPLES = 100
LAYER_BYTES = 4 * 10**6
# Class means of every layer are kept at every snapshot of geometry while they are no more.
MEANS_BYTES = 16 * 2**20


def log_spaced(last: int, per_decade: int) -> frozenset[int]:
    """Whole numbers from 1 to `last`, both included, evenly on a logarithmic scale.

    All but `last` lie on one grid for any `last`.
    """
    steps = np.arange(math.ceil(per_decade * math.log10(last)) + 1)
    grid = (10 ** (steps / per_decade)).round().astype(int)
    return frozenset(grid[grid < last].tolist()) | {last}


def snapshot_passes(budget: int) -> tuple[frozenset[int], frozenset[int]]:
    """Passes at which metrics are taken, and those at which geometry is taken too.

    Of a training of at most `budget` passes. A larger budget takes the same snapshots, all but
    the last, and then more: so that it can take over those of a smaller one.
    """
    geometry = log_spaced(budget, GEOMETRY_POINTS)
    return log_spaced(budget, METRIC_POINTS) | geometry, geometry


def layer_passes(config: RunConfig) -> tuple[frozenset[int], frozenset[int]]:
    """Passes at which class means of every layer are kept, and those at which features are too."""
    _, geometry = snapshot_passes(config.budget)
    features = frozenset(p for p in LAYER_PASSES if p < config.budget) | {config.budget}
    layers = architecture_info(config.architecture).layers(config.depth)
    each = 2 * layers * config.width * len(config.seeds)
    fits = each * config.classes * len(geometry) <= MEANS_BYTES
    return (geometry if fits else features), features


def shown(config: RunConfig, tested: int | None = None) -> dict[str, np.ndarray]:
    """Indices and classes of the samples shown: the first of each class, as many of each.

    Args:
        config: the experiment.
        tested: how many test samples of each class there are, where its data have fewer than is
            usual.

    Returns:
        "sample_index" and "labels" (S,), of the training samples; "test_index" and "test_labels"
        (S',). As many as `TRAIN_SAMPLES`, `TEST_SAMPLES` and `BYTES` allow.
    """
    train, labels = _first_of_each(config, config.samples_per_class, TRAIN_SAMPLES)
    # Free features belong to training samples; there are none for others.
    usual = held_out_per_class(config) if tested is None else tested
    available = usual if architecture_info(config.architecture).has_network else 0
    test, test_labels = _first_of_each(config, available, TEST_SAMPLES)
    return {
        "sample_index": train,
        "labels": labels,
        "test_index": test,
        "test_labels": test_labels,
    }


def shown_in_layers(config: RunConfig) -> np.ndarray:
    """(S'',) which of the S training samples shown are shown in every layer too.

    As many of each class; none where even one would be too much.
    """
    labels = shown(config)["labels"]
    layers = architecture_info(config.architecture).layers(config.depth)
    looks = len(LAYER_PASSES) + 1
    bytes_each = 2 * config.width * len(config.seeds) * layers * looks
    total = min(LAYER_SAMPLES, LAYER_BYTES // bytes_each)
    each = total // config.classes
    per_class = len(labels) // config.classes
    return np.flatnonzero(np.arange(len(labels)) % per_class < each)


def _first_of_each(config: RunConfig, available: int, most: int) -> tuple[np.ndarray, np.ndarray]:
    """(S,) indices and (S,) classes."""
    bytes_each = 2 * config.width * len(config.seeds) * USUAL_SNAPSHOTS
    share = most / (TRAIN_SAMPLES + TEST_SAMPLES)
    total = min(most, int(BYTES * share) // bytes_each)
    each = min(available, max(1, total // config.classes))
    starts = np.arange(config.classes) * available
    index = (starts[:, None] + np.arange(each)).reshape(-1)
    return index, np.repeat(np.arange(config.classes), each)
