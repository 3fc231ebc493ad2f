"""Reader of CIFAR10's archive of pickles, as published and as people make it of their own."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from ncengine.catalogue.datasets import CIFAR10
from ncengine.datasets.errors import DatasetDamaged
from ncengine.datasets.files.archive import files_in, members_of, only_folder, rank_of
from ncengine.datasets.readers.pickled import Array, Refused, load, said

TRAIN_BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))
TEST_BATCH = "test_batch"
_CLASSES = 10
_SHAPE = (3, 32, 32)
_PIXELS = 3072
_BRIGHTEST = 255
_MOST_BYTES = 64 * 2**20  # twice a published batch

Batch = tuple[np.ndarray, np.ndarray]


def read_cifar10(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Images and labels for training, images and labels for testing, of the archive or folder.

    Nothing is written to disk, and no member is looked at but the six batches.

    Returns: images (N, 32, 32, 3) uint8, labels (N,) int64, and these of the test part. Images
        are views of an array in the archive's order, channels first.

    Raises:
        DatasetDamaged: the archive is not readable, a batch is missing, or holds anything else
            than images and labels. Nothing that a batch names is executed.
    """
    batches = _batches(path)
    images = np.concatenate([batches[name][0] for name in TRAIN_BATCHES])
    labels = np.concatenate([batches[name][1] for name in TRAIN_BATCHES])
    test_images, test_labels = batches[TEST_BATCH]
    return _channels_last(images), labels, _channels_last(test_images), test_labels


def _channels_last(rows: np.ndarray) -> np.ndarray:
    return rows.reshape(-1, *_SHAPE).transpose(0, 2, 3, 1)


def _batches(path: Path) -> dict[str, Batch]:
    """By name, of the folder for which most speaks, see `only_folder`."""
    by_folder: defaultdict[str, dict[str, bytes]] = defaultdict(dict)
    first, members = None, members_of(path, CIFAR10.members)
    for name, content in files_in(path, lambda name: bool(members.fullmatch(name)), _MOST_BYTES):
        folder, _, batch = name.rpartition("/")
        by_folder[folder][batch] = content
        if first is None or rank_of(folder, CIFAR10.folder) < rank_of(first, CIFAR10.folder):
            first = folder
        # No more than one folder's can be read: of the others the names are kept.
        for other in {folder, *by_folder} - {first}:
            by_folder[other].clear()
    folder = only_folder(path, by_folder, CIFAR10.folder, "batches")
    wanted = (*TRAIN_BATCHES, TEST_BATCH)
    if absent := [name for name in wanted if name not in by_folder[folder]]:
        raise DatasetDamaged(f"{path} lacks {', '.join(absent)}")
    batches = by_folder.pop(folder)
    return {name: _batch(batches.pop(name), f"{name} in {path}") for name in wanted}


def _batch(pickled: bytes, where: str) -> Batch:
    """(N, 3072) uint8 pixels and (N,) int64 labels of one batch."""
    try:
        fields = _fields(load(pickled))
        pixels = _pixels(fields["data"])
        return pixels, _labels(fields["labels"], len(pixels))
    except Refused as refused:
        raise DatasetDamaged(f"{where} {refused}") from refused


def _fields(content: object) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise Refused(f"is no dictionary with data and labels, but a {type(content).__name__}")
    fields: dict[str, Any] = {}
    for key, value in content.items():
        # Python 2 and 3 disagree on what a plain text is.
        name = key.decode("latin-1") if isinstance(key, bytes) else key
        if name in fields:
            raise Refused(f"is a dictionary that has {said(name)} twice, as text and as bytes")
        fields[name] = value
    if absent := [name for name in ("data", "labels") if name not in fields]:
        has = ", ".join(map(said, list(fields)[:10])) or "nothing"
        raise Refused(f"is a dictionary without {' and '.join(absent)}; it has {has}")
    return fields


def _pixels(data: object) -> np.ndarray:
    """(N, 3072) uint8: planes of red, green and blue, each row by row."""
    array = _whole_numbers("data", data, _PIXELS)
    if array.shape[1:] == _SHAPE:
        array = array.reshape(len(array), _PIXELS)
    elif array.shape[1:] == (*_SHAPE[1:], _SHAPE[0]):
        array = array.transpose(0, 3, 1, 2).reshape(len(array), _PIXELS)
    if array.shape[1:] != (_PIXELS,):
        raise Refused(f"does not fit: data has the shape {array.shape}, not (N, {_PIXELS})")
    if array.size and not (0 <= array.min() and array.max() <= _BRIGHTEST):
        raise Refused(f"does not fit: data holds something else than 0 to {_BRIGHTEST}")
    return array.astype(np.uint8, copy=False)


def _labels(labels: object, count: int) -> np.ndarray:
    array = _whole_numbers("labels", labels)
    if array.shape[1:] == (1,):
        array = array.reshape(len(array))
    if array.shape != (count,):
        raise Refused(f"does not fit: labels has the shape {array.shape}, not ({count},)")
    if count and not (0 <= array.min() and array.max() < _CLASSES):
        raise Refused(f"does not fit: labels holds something else than 0 to {_CLASSES - 1}")
    return array.astype(np.int64)


def _whole_numbers(name: str, value: object, row: int = 1) -> np.ndarray:
    """What an array holds, or a list: of numbers, or of rows or images of so many."""
    try:
        if isinstance(value, Array):
            return value.whole_numbers()
        if not isinstance(value, list | tuple):
            raise ValueError(f"is no array of numbers, but a {type(value).__name__}")
        # One row that is written once can stand in a list as often as the list has steps.
        if len(value) * row > _MOST_BYTES:
            raise ValueError(f"is a list of {len(value):,}, which is too long")
        rows = [_row(item, row) for item in value]
        if len({array.shape for array in rows}) > 1:
            raise ValueError("has rows of several shapes")
    except ValueError as error:
        raise Refused(f"does not fit: {name} {error}") from error
    return np.array(rows) if rows else np.zeros(0, np.int64)


def _row(value: object, row: int) -> np.ndarray:
    """So many numbers of one sample: (row,), or an image; a single one may stand alone."""
    if type(value) is int and abs(value) < 2**63:
        array = np.array([value], np.int64)
    elif isinstance(value, Array):
        array = np.atleast_1d(value.whole_numbers())
    elif isinstance(value, list | tuple):
        if not all(type(item) is int and 0 <= item <= _BRIGHTEST for item in value):
            raise ValueError(f"has a row of something else than 0 to {_BRIGHTEST}")
        array = np.array(value, np.uint8)
    else:
        raise ValueError(f"holds {said(value)}, which is no whole number")
    if array.size != row:
        raise ValueError(f"has a row of the shape {array.shape}, not ({row},)")
    return array
