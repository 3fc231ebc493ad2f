"""CIFAR10, in the split in which it was published."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ncengine.datasets.dataset import Dataset
from ncengine.datasets.images import Pool, draw, published_split
from ncengine.datasets.readers.cifar10 import read_cifar10


def _read(paths: Sequence[Path]) -> Pool:
    return published_split("cifar10", *read_cifar10(paths[0]))


DATASET = Dataset(draw, _read)
