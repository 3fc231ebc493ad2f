"""Reader of the IDX format in which MNIST and its relatives are published."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np

from ncengine.datasets.errors import DatasetDamaged
from ncengine.datasets.files.archive import is_packed
from ncengine.reasons import why

_UNSIGNED_BYTE = 8
MOST_BYTES = 2**28  # several times the largest published file


def read_idx(path: Path, dimensions: int) -> np.ndarray:
    """The array in an IDX file of unsigned bytes, gzip-compressed or not, uint8.

    The header is big-endian: two zero bytes, the type, the number of dimensions, then each
    dimension as 32 bits. Raises DatasetDamaged where header and content do not agree.
    """
    start = 4 + 4 * dimensions
    try:
        with gzip.open(path) if is_packed(path) else open(path, "rb") as stream:
            content = stream.read(start)
            # What follows the header is read only as far as its promise goes, and a byte to tell
            # whether there is more: a small file can unpack to a thousand times its size.
            content += stream.read(min(_promised(content, start), MOST_BYTES) + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetDamaged(f"{path} is not readable: {why(error)}") from error
    if content[:4] != bytes((0, 0, _UNSIGNED_BYTE, dimensions)):
        raise DatasetDamaged(
            f"{path} is no IDX file of bytes with {dimensions} dimensions: "
            f"it begins with {content[:4].hex()}"
        )
    if len(content) < start:
        raise DatasetDamaged(f"{path} ends within its header, after {len(content)} bytes")
    shape = struct.unpack(f">{dimensions}I", content[4:start])
    # In Python's numbers, since numpy's overflow. Without the zeros, a promise can be no array.
    size = len(content) - start
    if size != math.prod(shape) or 0 in shape:
        holds = "more" if size > math.prod(shape) else size
        raise DatasetDamaged(f"{path} holds {holds} bytes after its header, which promises {shape}")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _promised(header: bytes, start: int) -> int:
    """How many bytes the header says will follow; 0 where it is none."""
    if len(header) < start:
        return 0
    return math.prod(struct.unpack(f">{start // 4 - 1}I", header[4:start]))
