"""Reader of the IDX format in which MNIST and its relatives are published."""

from __future__ import annotations

import gzip
import math
import struct
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
    if len(content) < start:
        raise DatasetDamaged(f"{path} ends within its header, after {len(content)} bytes")
    shape = struct.unpack(f">{dimensions}I", content[4:start])
    # In Python's numbers, since numpy's overflow. Without the zeros, a promise can be no array.
    if len(content) - start != math.prod(shape) or 0 in shape:
        raise DatasetDamaged(
            f"{path} holds {len(content) - start} bytes after its header, which promises {shape}"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
