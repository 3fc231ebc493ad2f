"""One array of numpy's format, of which nothing is believed unseen and nothing unpickled."""

from __future__ import annotations

import math
import warnings
from typing import Any, BinaryIO

import numpy as np

from ncengine.own.limits import Budget
from ncengine.own.words import Told, in_words, shown
from ncengine.runs.npz import fill

MOST_HEADER, MOST_AXES, MOST_LENGTH = 2**12, 5, 2**40
_HEADS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
_BFLOAT16 = "V2"
# What a type is called that is not read, by its kind.
_OTHERS = {"c": "complex numbers", "M": "dates", "m": "durations", "T": "texts of any length"}


def read(stream: BinaryIO, size: int, where: str, budget: Budget) -> np.ndarray:
    """The array that the stream holds, in this machine's order of bytes.

    Args:
        stream: from its beginning.
        size: how many bytes it holds.
        where: the file and the array, for errors.

    Raises:
        ValueError: it is none, is damaged, or of a type that is not read; in one line.
    """
    with in_words(where):
        dtype, shape, fortran, start = _head(stream)
        _check(dtype, shape, where)
        taken = math.prod(shape) * dtype.itemsize
        if start + taken != size:
            raise Told(
                f"{where}: {size:,} bytes, must be {start + taken:,} by its type and shape "
                f"{shown(shape)}"
            )
        budget.take(where, taken)
        array = np.empty(math.prod(shape), dtype)
        fill(stream, memoryview(array.view(np.uint8)))  # type: ignore[arg-type]
        return _plain(array).reshape(shape, order="F" if fortran else "C")


def _head(stream: BinaryIO) -> tuple[np.dtype[Any], tuple[int, ...], bool, int]:
    """The type, the shape, whether it is in Fortran's order, and where the numbers begin."""
    version = np.lib.format.read_magic(stream)
    if version not in _HEADS:
        raise ValueError(f"version {version} of the format, must be (1, 0) or (2, 0)")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a head that is odd Python's parser warns
        shape, fortran, dtype = _HEADS[version](stream, MOST_HEADER)
    return dtype, shape, fortran, stream.tell()


def _check(dtype: np.dtype[Any], shape: tuple[int, ...], where: str) -> None:
    if dtype.hasobject:
        raise Told(
            f"{where}: holds Python objects, which are pickled; nothing is unpickled here: save "
            "numbers, as arrays of one type"
        )
    if dtype.names is not None or dtype.subdtype is not None:
        raise Told(f"{where}: is a structured array; must be plain numbers")
    if dtype.kind in _OTHERS:
        raise Told(f"{where}: holds {_OTHERS[dtype.kind]} ({dtype}); must be real numbers")
    if dtype.kind not in "biufUS" and dtype.str[1:] != _BFLOAT16 or not dtype.itemsize:
        raise Told(f"{where}: type {shown(dtype, 40)}; must be plain numbers")
    if len(shape) > MOST_AXES:
        raise Told(f"{where}: has {len(shape)} axes; {MOST_AXES} at most are read")
    if any(type(length) is not int or not 0 <= length <= MOST_LENGTH for length in shape):
        raise Told(f"{where}: shape {shown(shape)}; must be whole numbers that are not negative")
    if 0 in shape:
        raise Told(f"{where} is {shown(shape)}: there is nothing in it")


def _plain(array: np.ndarray) -> np.ndarray:
    """In this machine's order; of bfloat16, which numpy saves as nameless bytes, as float32."""
    if array.dtype.kind == "V":
        return (array.view("<u2").astype(np.uint32) << 16).view(np.float32)
    return array.astype(array.dtype.newbyteorder("="), copy=False)
