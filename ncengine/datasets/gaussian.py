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
        blocks = [
            centre
            + spread * np.random.default_rng([seed, stream, k]).standard_normal((count, dimension))
            for k, centre in enumerate(all_centres[:classes])
        ]
        inputs = np.concatenate(blocks) / np.sqrt(1 + spread**2)
        return Split.of(inputs.astype(np.float32), classes)

    return Data(split(1, n), split(2, TEST_PER_CLASS))
