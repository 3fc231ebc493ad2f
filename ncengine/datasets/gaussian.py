"""Gaussian clusters: points around random centres."""

from __future__ import annotations

import numpy as np

from ncengine.catalogue.datasets import dataset_info
from ncengine.datasets.data import TEST_PER_CLASS, Data, Split


def draw(classes: int, n: int, seed: int, dimension: int, spread: float) -> Data:
    """Clusters of standard deviation `spread` around centres of standard deviation 1, scaled."""
    all_centres = np.random.default_rng([seed, 0]).standard_normal(
        (dataset_info("gaussian").classes, dimension)
    )

    def split(stream: int, count: int) -> Split:
        inputs = np.empty((classes * count, dimension), np.float32)
        # Class by class: all of them in double precision would take six times the result.
        for k, centre in enumerate(all_centres[:classes]):
            noise = np.random.default_rng([seed, stream, k]).standard_normal((count, dimension))
            block = inputs[k * count : (k + 1) * count]
            block[:] = (centre + spread * noise) / np.sqrt(1 + spread**2)
        return Split.of(inputs, classes)

    return Data(split(1, n), split(2, TEST_PER_CLASS))
