"""Gaussian clusters: points around random centres."""

from __future__ import annotations

import numpy as np

from ncengine.catalogue.datasets import dataset_info
from ncengine.datasets.data import Data, Split
from ncengine.datasets.dataset import Dataset

INFO = dataset_info("gaussian")


def draw(_: None, classes: int, n: int, seed: int, *, input_dim: int, spread: float) -> Data:
    """Clusters of standard deviation `spread` around centres of standard deviation 1.

    All is divided by sqrt(1 + spread^2), the standard deviation of a coordinate over centres and
    samples. Unlike those of other data sets, test samples change with the seed: centres do.
    """
    all_centres = np.random.default_rng([seed, 0]).standard_normal((INFO.classes, input_dim))

    def split(stream: int, count: int) -> Split:
        inputs = np.empty((classes * count, input_dim), np.float32)
        # Class by class: all of them in double precision would take six times the result.
        for k, centre in enumerate(all_centres[:classes]):
            noise = np.random.default_rng([seed, stream, k]).standard_normal((count, input_dim))
            block = inputs[k * count : (k + 1) * count]
            block[:] = (centre + spread * noise) / np.sqrt(1 + spread**2)
        return Split.of(inputs, classes)

    return Data(split(1, n), split(2, INFO.held_out))


DATASET = Dataset(draw)
