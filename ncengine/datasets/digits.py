"""scikit-learn's digits; of each class some are held out, once and for all."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from ncengine.catalogue.datasets import dataset_info
from ncengine.datasets.data import shuffled
from ncengine.datasets.dataset import Dataset
from ncengine.datasets.images import Pool, draw, moments

INFO = dataset_info("digits")


def _read(_: Sequence[Path]) -> Pool:
    pixels, labels = _table()
    images = pixels.reshape(-1, *INFO.pixels[:2]).astype(np.uint8)
    orders = [shuffled(labels, k) for k in range(INFO.classes)]
    train = [np.sort(order[INFO.held_out :]) for order in orders]
    test = [order[: INFO.held_out] for order in orders]
    mean, std = moments(images[np.concatenate(train)])
    return Pool(images, tuple(train), images, tuple(test), mean, std, brightest=16)


def _table() -> tuple[np.ndarray, np.ndarray]:
    """(1797, 64) pixels from 0 to 16, and (1797,) labels."""
    package = find_spec("sklearn")
    if package is not None and package.origin is not None:
        table = Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz"
        if table.exists():
            # A worker's first click waits for this: the module takes a second to import.
            whole = np.loadtxt(table, delimiter=",", dtype=np.int64)
            return whole[:, :-1], whole[:, -1]
    from sklearn.datasets import load_digits

    return load_digits(return_X_y=True)


DATASET = Dataset(draw, _read)
