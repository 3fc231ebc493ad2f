"""load: the samples that an experiment trains and is tested on.

How samples are drawn
    Each class has a pool for training and a pool for testing that share no sample. From the
    training pool, `data_seed` draws an order, class by class; the first n of it are used. So a
    smaller n gives a subset of a larger one, and fewer classes leave the others' samples as they
    are. The test samples are the same for every `data_seed`, but for Gaussian clusters, whose
    centres change with it.

    digits: 24 samples of each class are for testing, chosen once and for all; at least 150 are
    left for training. MNIST: the published split, and of its test part 100 of each class.
    Gaussian clusters: as many as asked for, and 100 of each class for testing.

How inputs are scaled
    Pixels: minus their mean, over their standard deviation, two numbers for the data set, taken
    over all pixels of the whole training pool. Gaussian clusters: over sqrt(1 + spread^2), the
    standard deviation of a coordinate over centres and samples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from ncengine.datasets import files
from ncengine.datasets.idx import read_idx
from ncengine.datasets.registry import dataset_info

if TYPE_CHECKING:
    from ncengine.config import RunConfig

TEST_PER_CLASS = 100
DIGITS_TEST_PER_CLASS = 24
_SPLIT_SEED = 530_682


@dataclass(frozen=True)
class Split:
    """Samples sorted by class, read-only.

    Attributes:
        inputs: (N, d_0) float32, standardised; of text (N, C) int64, words by rank: 0 is the most
            frequent one, V - 1 stands for all words outside the vocabulary.
        labels: (N,) int64, 0 to K - 1 in order; N/K of each.
    """

    inputs: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Data:
    """What an experiment sees of its data set.

    Attributes:
        train: K blocks of `samples_per_class` samples.
        test: samples held out, as many of each class.
        images, test_images: (N, h, w) or (N, h, w, 3) uint8, the samples as pictures, in the order
            of `train` and `test`; None where samples are not images.
        texts, test_texts: the samples as a reader sees them, one text a sample; None where
            samples are not text.
        facts: what was found in making the samples, by name: for text "reviews" (of training),
            "too_short" (left out), "identical" (samples whose context another one has too) and
            "contradictory" (samples left out since the same context has the other label).
    """

    train: Split
    test: Split
    images: np.ndarray | None = None
    test_images: np.ndarray | None = None
    texts: tuple[str, ...] | None = None
    test_texts: tuple[str, ...] | None = None
    facts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class _Pool:
    """A data set of images as published, and which of them, class by class, are for what.

    `mean` and `std` are those of the training pixels; `scale` takes the brightest pixel to 255.
    """

    images: np.ndarray
    train: tuple[np.ndarray, ...]
    test: tuple[np.ndarray, ...]
    mean: float
    std: float
    scale: float


def held_out_per_class(config: RunConfig) -> int:
    """How many test samples `load` gives of each class. Needs no data."""
    return DIGITS_TEST_PER_CLASS if config.dataset == "digits" else TEST_PER_CLASS


def load(config: RunConfig) -> Data:
    """The training and test samples of an experiment, sorted by class (see above on sampling).

    Repeated calls return the same read-only arrays.

    Raises:
        DatasetMissing: it has to be downloaded first, which this never does by itself.
        DatasetDamaged: a file is not the published one; it is set aside, see `files.check`.
    """
    if config.dataset == "gaussian":
        shape = (config.input_dim, config.spread)
    else:
        files.require(config.dataset)
        shape = ()
    return _load(config.dataset, config.classes, config.samples_per_class, config.data_seed, shape)


@lru_cache(maxsize=4)
def _load(name: str, classes: int, n: int, seed: int, shape: tuple) -> Data:
    if name == "gaussian":
        return _gaussian(classes, n, seed, *shape)
    return _select(_pool(name), classes, n, seed)


def _gaussian(classes: int, n: int, seed: int, dimension: int, spread: float) -> Data:
    all_centres = np.random.default_rng([seed, 0]).standard_normal(
        (dataset_info("gaussian").classes, dimension)
    )

    def split(stream: int, count: int) -> Split:
        blocks = [
            centre
            + spread * np.random.default_rng([seed, stream, k]).standard_normal((count, dimension))
            for k, centre in enumerate(all_centres[:classes])
        ]
        return _split(np.concatenate(blocks) / np.sqrt(1 + spread**2), classes)

    return Data(split(1, n), split(2, TEST_PER_CLASS))


def _select(pool: _Pool, classes: int, n: int, seed: int) -> Data:
    chosen = []
    for k, candidates in enumerate(pool.train[:classes]):
        if n > len(candidates):
            raise ValueError(
                f"samples_per_class = {n}: must be at most {len(candidates)}, which class {k} has"
            )
        chosen.append(np.random.default_rng([seed, k]).permutation(candidates)[:n])

    def standardised(indices: np.ndarray) -> np.ndarray:
        pixels = pool.images[indices].reshape(len(indices), -1).astype(np.float64)
        return (pixels - pool.mean) / pool.std

    train, test = np.concatenate(chosen), np.concatenate(pool.test[:classes])

    def pictures(indices: np.ndarray) -> np.ndarray:
        return _read_only(np.rint(pool.images[indices] * pool.scale).astype(np.uint8))

    return Data(
        _split(standardised(train), classes),
        _split(standardised(test), classes),
        images=pictures(train),
        test_images=pictures(test),
    )


def _split(inputs: np.ndarray, classes: int) -> Split:
    labels = np.repeat(np.arange(classes, dtype=np.int64), len(inputs) // classes)
    return Split(_read_only(inputs.astype(np.float32)), _read_only(labels))


def _read_only(array: np.ndarray) -> np.ndarray:
    array.setflags(write=False)
    return array


@lru_cache(maxsize=1)
def _pool(name: str) -> _Pool:
    return _POOLS[name]()


def _digits() -> _Pool:
    from sklearn.datasets import load_digits  # slow to import

    images, labels = load_digits(return_X_y=True)
    train, test = [], []
    for k in range(10):
        order = _shuffled(labels, k)
        test.append(order[:DIGITS_TEST_PER_CLASS])
        train.append(np.sort(order[DIGITS_TEST_PER_CLASS:]))
    return _make_pool(images.reshape(-1, 8, 8).astype(np.uint8), train, test, 255 / 16)


def _mnist() -> _Pool:
    files.check("mnist")
    train_images, train_labels, test_images, test_labels = (
        read_idx(path, dimensions)
        for path, dimensions in zip(files.require("mnist"), (3, 1, 3, 1), strict=True)
    )
    train = [np.flatnonzero(train_labels == k) for k in range(10)]
    test = [_shuffled(test_labels, k)[:TEST_PER_CLASS] + len(train_images) for k in range(10)]
    images = np.concatenate([train_images, test_images])
    return _make_pool(images, train, test, 1.0)


def _shuffled(labels: np.ndarray, k: int) -> np.ndarray:
    """Indices of class k in an order that depends on nothing that a user sets."""
    return np.random.default_rng([_SPLIT_SEED, k]).permutation(np.flatnonzero(labels == k))


def _make_pool(
    images: np.ndarray,
    train: list[np.ndarray],
    test: list[np.ndarray],
    scale: float,
) -> _Pool:
    # From the counts of grey levels: exact, and without a copy of all pixels as floats.
    counts = np.bincount(images[np.concatenate(train)].ravel(), minlength=256)
    levels = np.arange(256)
    mean = float(counts @ levels / counts.sum())
    std = float(np.sqrt(counts @ (levels - mean) ** 2 / counts.sum()))
    return _Pool(images, tuple(train), tuple(test), mean, std, scale)


_POOLS: dict[str, Callable[[], _Pool]] = {"digits": _digits, "mnist": _mnist}
