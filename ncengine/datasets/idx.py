"""Reader of the IDX format in which MNIST and its relatives are published."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np

from ncengine.datasets.errors import DatasetDamaged

_UNSIGNED_BYTE = 8


def read_idx(path: Path, dimensions: int) -> np.ndarray:
    """The array in a gzip-compressed IDX file of unsigned bytes, uint8.

    The header is big-endian: two zero bytes, the type, the number of dimensions, then each
    dimension as 32 bits. Raises DatasetDamaged where header and content do not agree.
    """
    try:
        with gzip.open(path) as stream:
            content = stream.read()
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetDamaged(f"{path} is not a readable gzip file: {error}") from error
    if content[:4] != bytes((0, 0, _UNSIGNED_BYTE, dimensions)):
        raise DatasetDamaged(
            f"{path} is no IDX file of bytes with {dimensions} dimensions: "
            f"it begins with {content[:4].hex()}"
        )
    start = 4 + 4 * dimensions
    shape = tuple(int(length) for length in np.frombuffer(content[4:start], ">u4"))
    if len(shape) != dimensions or len(content) - start != np.prod(shape, dtype=np.int64):
        raise DatasetDamaged(
            f"{path} holds {len(content) - start} bytes after its header, which promises {shape}"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
