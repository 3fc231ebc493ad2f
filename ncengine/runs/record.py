"""Records: named arrays as bytes, so that half a record, or a changed one, is told from a whole.

A head (magic, length of the header, length of the payload, CRC of both), a JSON header of names,
types and shapes, and as payload the arrays' bytes.
"""

from __future__ import annotations

import json
import math
import os
import struct
import zlib
from collections.abc import Mapping
from io import BufferedReader, BufferedWriter

import numpy as np

_HEAD = struct.Struct("<4sIQI")
_MAGIC = b"NCJ2"
_CHUNK = 2**20

Arrays = Mapping[str, np.ndarray]


def pack(arrays: Arrays) -> bytes:
    """One record, for arrays that are small."""
    return b"".join(_pieces(arrays))


def write(file: BufferedWriter, arrays: Arrays) -> None:
    """Write one record, without a copy of the arrays in memory."""
    for piece in _pieces(arrays):
        file.write(piece)


def _pieces(arrays: Arrays) -> list[bytes | memoryview]:
    """What a record is made of; the arrays' own memory where it lies in order."""
    whole = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    header = json.dumps([[n, a.dtype.str, a.shape] for n, a in whole.items()]).encode()
    payload = [_bytes(array) for array in whole.values()]
    crc = zlib.crc32(header)
    for part in payload:
        crc = zlib.crc32(part, crc)
    head = _HEAD.pack(_MAGIC, len(header), sum(part.nbytes for part in payload), crc)
    return [head, header, *payload]


def _bytes(array: np.ndarray) -> memoryview:
    """The memory of an array that lies in order, as bytes."""
    return array.reshape(-1).view(np.uint8).data


def unpack(data: bytes, start: int) -> tuple[dict[str, np.ndarray], int] | None:
    """The record at `start` and where the next begins; None where no whole record is.

    The arrays are views of `data`.
    """
    if len(data) - start < _HEAD.size:
        return None
    magic, header_size, payload_size, crc = _HEAD.unpack_from(data, start)
    begin = start + _HEAD.size
    offset = begin + header_size
    end = offset + payload_size
    if magic != _MAGIC or end > len(data):
        return None
    if zlib.crc32(memoryview(data)[begin:end]) != crc:
        return None
    arrays = {}
    for name, dtype, shape in json.loads(data[begin:offset]):
        arrays[name] = np.frombuffer(data, np.dtype(dtype), math.prod(shape), offset).reshape(shape)
        offset += arrays[name].nbytes
    return arrays, end


def count(file: BufferedReader) -> int:
    """How many records a file begins with that have their full length; nothing else is read."""
    size, at, found = os.fstat(file.fileno()).st_size, 0, 0
    while len(head := file.read(_HEAD.size)) == _HEAD.size:
        magic, header_size, payload_size, _ = _HEAD.unpack(head)
        at += _HEAD.size + header_size + payload_size
        if magic != _MAGIC or at > size:
            break
        file.seek(at)
        found += 1
    return found


def read(file: BufferedReader) -> dict[str, np.ndarray] | None:
    """The record that a file consists of, in arrays of their own; None where it is not whole.

    The file is read twice, first for the CRC: what is damaged should not say how much to allocate.
    """
    head = file.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    magic, header_size, payload_size, crc = _HEAD.unpack(head)
    size = os.fstat(file.fileno()).st_size
    if magic != _MAGIC or size != _HEAD.size + header_size + payload_size:
        return None
    actual_crc = 0
    while chunk := file.read(_CHUNK):
        actual_crc = zlib.crc32(chunk, actual_crc)
    if actual_crc != crc:
        return None
    file.seek(_HEAD.size)
    arrays = {}
    for name, dtype, shape in json.loads(file.read(header_size)):
        arrays[name] = np.empty(shape, np.dtype(dtype))
        file.readinto(_bytes(arrays[name]))
    return arrays
