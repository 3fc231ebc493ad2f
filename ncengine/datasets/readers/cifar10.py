"""Reader of CIFAR10's archive of pickles, which admits nothing but arrays and basic types."""

from __future__ import annotations

import io
import pickle
import tarfile
from pathlib import Path
from typing import Any

import numpy as np

from ncengine.datasets.errors import DatasetDamaged
from ncengine.datasets.files.archive import UNREADABLE, content_of

FOLDER = "cifar-10-batches-py"
TRAIN_BATCHES = tuple(f"{FOLDER}/data_batch_{number}" for number in range(1, 6))
TEST_BATCH = f"{FOLDER}/test_batch"
_SHAPE = (3, 32, 32)
_MOST_BYTES = 64 * 2**20  # twice a published batch

_RECONSTRUCT = np.empty(0).__reduce__()[0]

# As numpy was laid out when the files were made, and as it is now.
_ADMITTED = {
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


def read_cifar10(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Images and labels for training, images and labels for testing, read from the archive.

    Nothing is written to disk, and no member is looked at but the six batches.

    Returns: images (N, 32, 32, 3) uint8, labels (N,) int64, and these of the test part. Images
        are views of an array in the archive's order, channels first.

    Raises:
        DatasetDamaged: the archive is not readable, a batch is missing, or holds anything else
            than images and labels in the published form. Nothing that a batch names is executed.
    """
    batches = _batches(path)
    images = np.concatenate([batches[name][0] for name in TRAIN_BATCHES])
    labels = np.concatenate([batches[name][1] for name in TRAIN_BATCHES])
    test_images, test_labels = batches[TEST_BATCH]
    return _channels_last(images), labels, _channels_last(test_images), test_labels


def _channels_last(rows: np.ndarray) -> np.ndarray:
    return rows.reshape(-1, *_SHAPE).transpose(0, 2, 3, 1)


def _batches(path: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    wanted = {*TRAIN_BATCHES, TEST_BATCH}
    found = {}
    try:
        # In the archive's order, since going back would decompress it all again.
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                if member.name in wanted and member.isfile():
                    content = content_of(archive, member, _MOST_BYTES)
                    found[member.name] = _batch(content, f"{member.name} in {path}")
                if len(found) == len(wanted):
                    break
    except UNREADABLE as error:
        raise DatasetDamaged(f"{path} is not a readable tar.gz archive: {error}") from error
    if absent := sorted(wanted - found.keys()):
        raise DatasetDamaged(f"{path} lacks {', '.join(absent)}")
    return found


def _batch(pickled: bytes, where: str) -> tuple[np.ndarray, np.ndarray]:
    """(N, 3072) uint8 pixels and (N,) int64 labels of one batch."""
    try:
        content = _ArraysOnly(io.BytesIO(pickled), encoding="bytes").load()
    except Exception as error:  # a damaged pickle may raise anything
        raise DatasetDamaged(f"{where} is not a readable pickle: {error}") from error
    if not isinstance(content, dict) or not {b"data", b"labels"} <= content.keys():
        raise DatasetDamaged(f"{where} is no dictionary with data and labels")
    pixels, labels = content[b"data"], content[b"labels"]
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8:
        raise DatasetDamaged(f"{where}: data is no array of bytes")
    if pixels.shape[1:] != (np.prod(_SHAPE),):
        raise DatasetDamaged(f"{where}: data has the shape {pixels.shape}, not (N, 3072)")
    if not isinstance(labels, list) or len(labels) != len(pixels):
        raise DatasetDamaged(f"{where}: labels is no list of {len(pixels)} numbers")
    if not all(type(label) is int and 0 <= label < 10 for label in labels):
        raise DatasetDamaged(f"{where}: labels holds something else than 0 to 9")
    return pixels, np.array(labels, dtype=np.int64)


class _ArraysOnly(pickle.Unpickler):
    """Knows the names that an array's pickle needs, and refuses every other one."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ADMITTED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"{module}.{name} is not admitted") from None
