"""Images: which are for training and which for testing, and their standardised inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from ncengine.catalogue.datasets import dataset_info
from ncengine.config.param import ConfigError, Problem
from ncengine.datasets.data import Data, Split, drawn, first_of_each, read_only, shuffled
from ncengine.datasets.dataset import Dataset
from ncengine.datasets.errors import DatasetDamaged
from ncengine.datasets.readers.idx import read_idx

_LEVELS = np.arange(256)
_BLOCK = 1000


@dataclass(frozen=True)
class Pool:
    """A data set of images as published, and which of them are for training, class by class.

    Attributes:
        images: (N, h, w) or (N, h, w, 3) uint8.
        train: of each class, indices of the images for training.
        test_images: (N', h, w) or (N', h, w, 3) uint8, images held out.
        test: of each class, indices of these in an order that depends on nothing.
        mean, std: (channels,) of the training pixels.
        brightest: the level that is shown as 255.
    """

    images: np.ndarray
    train: tuple[np.ndarray, ...]
    test_images: np.ndarray
    test: tuple[np.ndarray, ...]
    mean: np.ndarray
    std: np.ndarray
    brightest: int = 255
    averaged: dict[int, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict, compare=False)

    @property
    def side(self) -> int:
        """Pixels a side of an image as published."""
        return self.images.shape[1]


def draw(pool: Pool, classes: int, n: int, seed: int, side: int = 0) -> Data:
    """The first `classes` classes, n training samples of each; see `dataset.Dataset`.

    Args:
        pool: all images.
        classes, n, seed: see there.
        side: pixels a side, to which images are averaged down; 0 for those published.

    Raises ConfigError where a class has fewer, or nothing to test.
    """
    _check_enough(pool, classes, n)
    train = pool.images[drawn(pool.train[:classes], n, seed)]
    tested = first_of_each(pool.test[:classes])
    test = pool.test_images[np.concatenate(tested)]
    if side not in (0, pool.side):
        return _averaged_data(pool, train, test, classes, side)
    return Data(
        Split.of(_standardised(pool, train), classes),
        Split.of(_standardised(pool, test), classes),
        images=_pictures(pool, train),
        test_images=_pictures(pool, test),
    )


def _averaged_data(
    pool: Pool, train: np.ndarray, test: np.ndarray, classes: int, side: int
) -> Data:
    """Of images that are averaged down before they are standardised."""
    if side not in pool.averaged:
        whole = pool.images[np.concatenate(pool.train)]
        pool.averaged[side] = _moments_of_means(whole, side)
    mean, std = pool.averaged[side]
    small, small_test = averaged(train, side), averaged(test, side)
    inputs, test_inputs = (
        ((images - mean) / std).astype(np.float32).reshape(len(images), -1)
        for images in (small, small_test)
    )
    return Data(
        Split.of(inputs, classes),
        Split.of(test_inputs, classes),
        images=_pictures(pool, np.rint(small).astype(np.uint8)),
        test_images=_pictures(pool, np.rint(small_test).astype(np.uint8)),
    )


def averaged(images: np.ndarray, side: int) -> np.ndarray:
    """(N, side, side) or (N, side, side, 3) float64: means over squares of pixels.

    Args:
        images: (N, h, h) or (N, h, h, 3), h a multiple of side.
        side: pixels a side that are left.
    """
    square = images.shape[1] // side
    cells = images.reshape(len(images), side, square, side, square, *images.shape[3:])
    return cells.mean((2, 4), dtype=np.float64)


def _moments_of_means(images: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    """(channels,) mean and standard deviation of all pixels that are left."""
    total, squares, count = 0.0, 0.0, 0
    for start in range(0, len(images), _BLOCK):
        means = averaged(images[start : start + _BLOCK], side)
        pixels = means.reshape(-1, means.shape[3] if means.ndim == 4 else 1)
        total, squares = total + pixels.sum(0), squares + (pixels**2).sum(0)
        count += len(pixels)
    mean = np.asarray(total) / count
    return mean, np.sqrt(np.asarray(squares) / count - mean**2)


def _check_enough(pool: Pool, classes: int, n: int) -> None:
    for k, candidates in enumerate(pool.train[:classes]):
        for part, there in (("training", candidates), ("test", pool.test[k])):
            if not len(there):
                lacks = f"the data here have no {part} images of class {k}"
                most = f"must be at most {k}, for {lacks}" if k > 1 else f"cannot be, for {lacks}"
                raise ConfigError([Problem("classes", classes, most)])
        if n > len(candidates):
            most = f"must be at most {len(candidates)}, which class {k} has"
            raise ConfigError([Problem("samples_per_class", n, most)])


def _standardised(pool: Pool, images: np.ndarray) -> np.ndarray:
    """(N, d_0) float32, flattened as (height, width, channel)."""
    # A table of all levels in float64 saves arrays of that precision.
    tables = ((_LEVELS[:, None] - pool.mean) / pool.std).astype(np.float32).T
    inputs = np.empty((*images.shape[:3], len(tables)), np.float32)
    pixels = images.reshape(inputs.shape)
    for channel, table in enumerate(tables):
        inputs[..., channel] = table[pixels[..., channel]]
    return inputs.reshape(len(images), -1)


def _pictures(pool: Pool, images: np.ndarray) -> np.ndarray:
    shades = np.rint(np.minimum(_LEVELS, pool.brightest) * (255 / pool.brightest))
    # Images with channels last may be a view of ones with channels first.
    return read_only(shades.astype(np.uint8)[np.ascontiguousarray(images)])


def of_idx_files(name: str) -> Dataset:
    """The data set of that name, whose two published parts are four IDX files."""
    return Dataset(draw, partial(_read_idx_files, name))


def _read_idx_files(name: str, paths: Sequence[Path]) -> Pool:
    images, labels, test_images, test_labels = (
        read_idx(path, dimensions) for path, dimensions in zip(paths, (3, 1, 3, 1), strict=True)
    )
    return published_split(name, images, labels, test_images, test_labels)


def published_split(
    name: str,
    images: np.ndarray,
    labels: np.ndarray,
    test_images: np.ndarray,
    test_labels: np.ndarray,
) -> Pool:
    """The pool of a data set whose publishers say what is for training and what for testing.

    Raises:
        DatasetDamaged: shapes or labels that are not the data set's.
    """
    info = dataset_info(name)
    for split, some_images, some_labels in (
        ("training", images, labels),
        ("test", test_images, test_labels),
    ):
        _check(info.title, split, some_images, some_labels, info.image_shape, info.classes)
    train = tuple(np.flatnonzero(labels == k) for k in range(info.classes))
    test = tuple(shuffled(test_labels, k) for k in range(info.classes))
    # Of the test part no more is kept in memory than can be asked for.
    test = tuple(order[: info.held_out] for order in test)
    mean, std = moments(images)
    return Pool(images, train, test_images[np.concatenate(test)], _renumbered(test), mean, std)


def _renumbered(orders: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
    """Of each class the places of those kept, which lie one after the other."""
    ends = np.cumsum([len(order) for order in orders])
    return tuple(np.split(np.arange(ends[-1]), ends[:-1]))


def _check(
    title: str,
    split: str,
    images: np.ndarray,
    labels: np.ndarray,
    shape: tuple[int, ...] | None,
    classes: int,
) -> None:
    where = f"{title}, {split} part: "
    if images.shape[1:] != shape:
        raise DatasetDamaged(f"{where}images have the shape {images.shape[1:]}, not {shape}")
    if len(images) != len(labels):
        raise DatasetDamaged(f"{where}{len(images)} images, but {len(labels)} labels")
    if not len(images):
        raise DatasetDamaged(f"{where}there are no images")
    counts = np.bincount(labels, minlength=classes)
    if len(counts) != classes:
        raise DatasetDamaged(f"{where}there is a label {len(counts) - 1}, not 0 to {classes - 1}")


def moments(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(channels,) mean and standard deviation of all pixels."""
    channels = images.shape[3] if images.ndim == 4 else 1
    planes = np.moveaxis(images.reshape(*images.shape[:3], channels), 3, 0)
    # From the counts of levels: exact, and without a copy of all pixels as larger numbers.
    counts = np.array([_histogram(plane) for plane in planes])
    totals = counts.sum(axis=1)
    mean = counts @ _LEVELS / totals
    variance = [c @ (_LEVELS - m) ** 2 / total for c, m, total in zip(counts, mean, totals)]
    return mean, np.sqrt(variance)


def _histogram(plane: np.ndarray) -> np.ndarray:
    starts = range(0, len(plane), _BLOCK)
    blocks = (np.bincount(plane[s : s + _BLOCK].ravel(), minlength=256) for s in starts)
    return sum(blocks, start=np.zeros(256, np.int64))
