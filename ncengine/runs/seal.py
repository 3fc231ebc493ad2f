"""Seals: checksums that tell what was changed since it was written from what was not."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from ncengine.snapshots.names import Arrays

# Under this name a sealed entry holds the checksum of all else in it.
SEAL = "sha256"


def sealed(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The entry, of values that JSON can hold, with a checksum of them; `unsealed` checks it."""
    return {**entry, SEAL: _digest(entry)}


def unsealed(entry: Any) -> dict[str, Any]:
    """What was sealed. Raises ValueError where it is not as it was then, or never was sealed."""
    if not isinstance(entry, dict) or SEAL not in entry:
        raise ValueError("it has no checksum")
    rest = {name: value for name, value in entry.items() if name != SEAL}
    if entry[SEAL] != _digest(rest):
        raise ValueError("its checksum differs")
    return rest


def crc_of(arrays: Arrays) -> int:
    """CRC-32 over names, types, shapes and bytes of the arrays, in the order of their names."""
    crc = 0
    for name in sorted(arrays):
        array = np.asarray(arrays[name])
        head = f"{name} {array.dtype.str} {array.shape} "
        crc = zlib.crc32(array.tobytes(), zlib.crc32(head.encode(), crc))
    return crc


def _digest(entry: Mapping[str, Any]) -> str:
    """Of the values, however their JSON is laid out: a number is the same however it is written."""
    return hashlib.sha256(json.dumps(entry, sort_keys=True).encode()).hexdigest()
