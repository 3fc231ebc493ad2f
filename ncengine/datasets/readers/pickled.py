"""Pickles of arrays and plain containers, read without anything that could run code.

A pickle is a program for a small machine that makes objects. Three fences stand around it:

- Steps: it is looked through first, from end to end, with nothing made. Only the steps that plain
  containers, texts, numbers and arrays take are admitted, no more than `MOST_STEPS`, and none that
  would have the machine keep more than it was given.
- Names: those of `_Arrays.find_class`, for which it gives stand-ins of this module. Nothing of
  numpy's, nor of anyone else's, is called.
- Arguments: a stand-in keeps what it is told. It is judged when an array of whole numbers is asked
  for, the only thing that is ever made of it.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
import re
from collections.abc import Callable
from typing import Any

import numpy as np

MOST_STEPS = 2**22  # a published batch takes 40,000, one of lists a few millions
MOST_DIMENSIONS = 8

_NUMBERS = "INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT NONE NEWTRUE NEWFALSE"
_TEXTS = (
    "STRING BINSTRING SHORT_BINSTRING BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8 "
    "UNICODE SHORT_BINUNICODE BINUNICODE BINUNICODE8"
)
_CONTAINERS = (
    "EMPTY_LIST APPEND APPENDS LIST EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 "
    "EMPTY_DICT DICT SETITEM SETITEMS MARK"
)
_MEMORY = "POP DUP POP_MARK GET BINGET LONG_BINGET PUT BINPUT LONG_BINPUT MEMOIZE"
_OBJECTS = "GLOBAL STACK_GLOBAL REDUCE BUILD"
_FRAMES = "PROTO FRAME STOP"
_ADMITTED = frozenset(f"{_NUMBERS} {_TEXTS} {_CONTAINERS} {_MEMORY} {_OBJECTS} {_FRAMES}".split())
_STEPS = {ord(opcode.code): opcode for opcode in pickletools.opcodes}
# Most steps are of a known length, and neither end a pickle nor number an object.
_KNOWN_LENGTHS = {
    code: 1 + (step.arg.n if step.arg else 0)
    for code, step in _STEPS.items()
    if step.name in _ADMITTED - {"STOP", "LONG_BINPUT"} and (not step.arg or step.arg.n >= 0)
}
# How many bytes say how long an argument is.
_LENGTHS = {
    pickletools.TAKEN_FROM_ARGUMENT1: 1,
    pickletools.TAKEN_FROM_ARGUMENT4: 4,
    pickletools.TAKEN_FROM_ARGUMENT4U: 4,
    pickletools.TAKEN_FROM_ARGUMENT8U: 8,
}
_WHOLE_NUMBERS = re.compile(r"[iu][1248]")
_ONLY = "only arrays of numbers and plain containers are"


class Refused(ValueError):
    """Why a pickle is not read, in words that follow its name."""


def said(value: object) -> str:
    """A value in few words, however large or deep it is."""
    if isinstance(value, str | bytes):
        return repr(value[:40])
    short = value is None or (isinstance(value, int | float) and abs(value) < 2**63)
    if short:
        return repr(value)
    return "an array" if isinstance(value, Array) else f"a {type(value).__name__}"


def load(pickled: bytes) -> Any:
    """What was pickled, of whatever protocol: plain containers, numbers, `bytes`, `str`, stand-ins.

    Texts of Python 2 are `bytes`. An array or a scalar of numpy is an `Array`.

    Raises:
        Refused: it is none, or wants more than these.
    """
    _look_through(pickled)
    try:
        return _Arrays(len(pickled), io.BytesIO(pickled), encoding="bytes").load()
    except Refused:
        raise
    except Exception as error:  # a damaged pickle may raise anything
        raise Refused(f"is not a readable pickle: {error}") from error


def _look_through(pickled: bytes) -> None:
    """Raises Refused for any step that is not admitted, and where the steps do not end."""
    at, end = 0, len(pickled)
    for _ in range(MOST_STEPS):
        if at >= end:
            raise Refused("is not a readable pickle: it ends before it should")
        code = pickled[at]
        if code in _KNOWN_LENGTHS:
            at += _KNOWN_LENGTHS[code]
            continue
        step = _STEPS.get(code)
        if step is None:
            raise Refused(f"is not a readable pickle: no step begins with {pickled[at : at + 1]!r}")
        if step.name not in _ADMITTED:
            raise Refused(f"is a pickle with the step {step.name}, which is not admitted: {_ONLY}")
        begin = at + 1
        at = _end_of_argument(pickled, begin, step)
        if step.name == "STOP":
            return
        if step.name in ("PUT", "LONG_BINPUT") and _place(pickled[begin:at], step) > MOST_STEPS:
            raise Refused("is not a readable pickle: it numbers its objects without need")
    raise Refused(f"is a pickle of more than {MOST_STEPS:,} steps")


def _end_of_argument(pickled: bytes, at: int, step: pickletools.OpcodeInfo) -> int:
    if step.arg is None:
        return at
    length = step.arg.n
    if length >= 0:
        return at + length
    if length == pickletools.UP_TO_NEWLINE:
        for _ in range(2 if step.name == "GLOBAL" else 1):
            at = pickled.find(b"\n", at) + 1
            if not at:
                raise Refused("is not a readable pickle: it ends within a step")
        return at
    width = _LENGTHS[length]
    return at + width + int.from_bytes(pickled[at : at + width], "little")


def _place(argument: bytes, step: pickletools.OpcodeInfo) -> int:
    """The number under which the machine keeps an object: its memory is as long as the largest."""
    if step.name == "LONG_BINPUT":
        return int.from_bytes(argument, "little")
    digits = argument.strip()
    return int(digits) if digits.isdigit() and len(digits) < 10 else MOST_STEPS + 1


class _Sealed:
    """What a pickle may hold and hand on, but never change."""

    __slots__ = ()

    def __setstate__(self, state: object) -> None:
        raise Refused("is a pickle that would change a function")


class _Function(_Sealed):
    """A stand-in for a function that a pickle calls."""

    __slots__ = ("_call",)

    def __init__(self, call: Callable[..., Any]):
        self._call = call

    def __call__(self, *arguments: Any) -> Any:
        return self._call(*arguments)


class _Kind:
    """A stand-in for a dtype: what it was called, and in which order its bytes are."""

    __slots__ = ("name", "order")

    def __init__(self, name: object, *_: object):
        self.name = _text(name)
        self.order: object = "="

    def __setstate__(self, state: object) -> None:
        if isinstance(state, tuple) and len(state) > 1:
            self.order = _text(state[1])

    def whole_numbers(self) -> np.dtype:
        """The same as numpy's. Raises ValueError where it is none of whole numbers."""
        name = self.name
        if not isinstance(name, str) or not _WHOLE_NUMBERS.fullmatch(name):
            raise ValueError(f"has elements of the type {said(name)}, not whole numbers")
        if self.order not in ("<", ">", "|", "="):
            raise ValueError(f"has the byte order {said(self.order)}")
        return np.dtype(f"{self.order}{name}")


class Array:
    """A stand-in for an array or a scalar: what its pickle said of it."""

    __slots__ = ("_axes", "_content", "_kind", "_order", "_shape")

    def __init__(
        self,
        kind: object = None,
        shape: object = (),
        content: object = None,
        order: object = "C",
        axes: object = None,
    ):
        self._kind, self._shape, self._content = kind, shape, content
        self._order, self._axes = _text(order), axes

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, tuple) or len(state) != 5:
            raise Refused("is a pickle with an array of an unknown form")
        _, self._shape, self._kind, fortran, self._content = state
        self._order = "F" if fortran else "C"

    def whole_numbers(self) -> np.ndarray:
        """The array that was pickled, over the bytes of the pickle; () of a scalar.

        Raises ValueError, in words that follow its name, where it is none of whole numbers.
        """
        if not isinstance(self._kind, _Kind):
            raise ValueError("is an array of no type")
        dtype = self._kind.whole_numbers()
        shape, content = self._shape, self._content
        if not isinstance(shape, tuple) or len(shape) > MOST_DIMENSIONS:
            raise ValueError("is an array of no shape")
        if not all(type(length) is int and length >= 0 for length in shape):
            raise ValueError("is an array of no shape")
        if not isinstance(content, bytes | bytearray):
            raise ValueError("is an array without bytes")
        if len(content) != dtype.itemsize * math.prod(shape):
            raise ValueError(f"has {len(content)} bytes, which is not what {shape} takes")
        flat = np.frombuffer(content, dtype)
        if self._order == "K" and self._axes is not None:
            return self._turned(flat.reshape(shape))
        return flat.reshape(shape, order="F" if self._order == "F" else "C")

    def _turned(self, array: np.ndarray) -> np.ndarray:
        axes = self._axes
        if not isinstance(axes, tuple) or not all(type(axis) is int for axis in axes):
            raise ValueError("is an array whose axes are no numbers")
        if sorted(axes) != [*range(array.ndim)]:
            raise ValueError("is an array whose axes are in no order")
        return array.transpose(axes)


def _text(value: object) -> object:
    return value.decode("latin-1") if isinstance(value, bytes) else value


class _Arrays(pickle.Unpickler):
    """Knows the names that an array's pickle needs, by stand-ins, and refuses every other one."""

    def __init__(self, most: int, file: io.BytesIO, *, encoding: str):
        super().__init__(file, encoding=encoding)
        # Of one text that is written once, as many could be made as there are steps.
        self._left = 2 * most + 2**10
        array = _Sealed()
        names = {
            "numpy ndarray": array,
            "numpy memmap": array,  # an array that lay in a file, and is pickled like any other
            "numpy dtype": _Function(_Kind),
            "_codecs encode": _Function(self._encoded),  # bytes, of Python 3 in protocols 0 to 2
            "builtins bytes": _Function(_empty),
            "__builtin__ bytes": _Function(_empty),
        }
        # As numpy was laid out when the published files were made, and as it is now.
        for core in ("numpy.core", "numpy._core"):
            names[f"{core}.multiarray _reconstruct"] = _Function(_reconstructed)
            names[f"{core}.multiarray scalar"] = _Function(_scalar)
            names[f"{core}.numeric _frombuffer"] = _Function(_from_buffer)
        self._names = names

    def find_class(self, module: str, name: str) -> Any:
        try:
            return self._names[f"{module} {name}"]
        except KeyError:
            full_name = f"{module}.{name}"[:80]
            raise Refused(f"is a pickle with {full_name}, which is not admitted: {_ONLY}") from None

    def _encoded(self, text: object, encoding: object) -> bytes:
        if not isinstance(text, str) or encoding not in ("latin1", b"latin1"):
            raise Refused(f"is a pickle with a text in {said(encoding)}, which is not admitted")
        self._left -= len(text)
        if self._left < 0:
            raise Refused("is a pickle that unpacks to more than it holds")
        return text.encode("latin-1")


def _empty(*arguments: object) -> bytes:
    """What Python 3 writes in protocols 0 to 2 for bytes of which there are none."""
    if arguments:
        raise Refused("is a pickle that makes bytes of something else, which is not admitted")
    return b""


def _reconstructed(*_: object) -> Array:
    return Array()


def _scalar(kind: object, content: object = None) -> Array:
    return Array(kind, (), content)


def _from_buffer(
    content: object, kind: object, shape: object, order: object, axes: object = None
) -> Array:
    return Array(kind, shape, content, order, axes)
