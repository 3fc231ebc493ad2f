"""A sealed .npz file: what it is as JSON, and arrays, of which nothing is believed unseen.

numpy reads it like any other .npz. Here it is read with care, for it may come from anywhere: before
an array takes any memory, the names, types, shapes and sizes of all have been looked at; nothing
in it is unpickled.
"""

from __future__ import annotations

import json
import os
import struct
import zipfile
from collections.abc import Callable, Mapping
from typing import IO, Any, BinaryIO

import numpy as np

from ncengine.reasons import why
from ncengine.runs.seal import crc_of, sealed, unsealed
from ncengine.snapshots.names import Arrays

ENTRY = "entry.json"
# What an entry takes at most: a run has at most so many seeds and metrics.
MOST_ENTRY = 2**22
MOST_MEMBERS, MOST_LIST = 1000, 2**20
MOST_HEADER = 2**12
# Of what is said of a file.
MOST_WORDS = 300
SUFFIX = ".npy"
CRC = "crc"
# All members are as old as that, so that the same run is the same file.
_DATE = (1980, 1, 1, 0, 0, 0)
_BLOCK = 2**20
# The end of an archive: how many members, how long is their list. What would lead to a longer one.
_END = struct.Struct("<4s4H2LH")
_FURTHER, _FURTHER_SIZE = b"PK\6\7", 20
_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

Form = tuple[str, tuple[int, ...]]


class Unsound(ValueError):
    """A file that is not as one must be; says which member, and why.

    What it quotes of the file may be anything: it is as long as a sentence, and moves no cursor.
    """

    def __init__(self, said: str):
        plain = "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in said)
        super().__init__(plain if len(plain) <= MOST_WORDS else f"{plain[: MOST_WORDS - 1]}…")


def write(file: BinaryIO, entry: Mapping[str, Any], arrays: Arrays) -> None:
    """Write both; `read` gives them back, to the bit.

    Args:
        file: where to.
        entry: values that JSON can hold.
        arrays: of numbers or truth values, by name.
    """
    text = json.dumps(sealed({**entry, CRC: crc_of(arrays)}), indent=1, sort_keys=True)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_member(ENTRY), text.encode())
        for name in sorted(arrays):
            with archive.open(_member(name + SUFFIX), "w", force_zip64=True) as member:
                array = np.ascontiguousarray(arrays[name])
                np.lib.format.write_array(member, array, allow_pickle=False)


def _member(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _DATE)
    info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
    return info


def read_entry(file: BinaryIO) -> dict[str, Any]:
    """What the file says it is; its arrays are not looked at. Raises as `read`."""
    with opened(file) as archive:
        entry = _entry(archive)
    entry.pop(CRC, None)
    return entry


def read(
    file: BinaryIO, check: Callable[[dict[str, Any], Mapping[str, Form]], None]
) -> tuple[dict[str, Any], Arrays]:
    """What `write` wrote; the arrays are read-only.

    Args:
        file: to be read from.
        check: told the entry, and of each array the type, as numpy writes it after the order of
            bytes, and the shape, before any is read; raises ValueError where one is not to be.

    Raises:
        Unsound: it was not written so, or was changed since; names the member.
        OSError: it cannot be read.
    """
    with opened(file) as archive:
        entry = _entry(archive)
        crc = entry.pop(CRC, None)
        members = [info for info in archive.infolist() if info.filename != ENTRY]
        forms = {info.filename.removesuffix(SUFFIX): _form(archive, info) for info in members}
        try:
            check(entry, forms)
        except (ValueError, TypeError, KeyError) as error:
            raise Unsound(why(error)) from error
        arrays = {
            name: _array(archive, info, form)
            for info, (name, form) in zip(members, forms.items(), strict=True)
        }
    if crc != crc_of(arrays):
        raise Unsound("its arrays are not those that it was sealed with: their checksum differs")
    return entry, arrays


class opened:
    """The archive, of which members have different names; what is wrong with it in words.

    Args:
        file: to be read from.
        beside: what may be in it that is no array.
    """

    def __init__(self, file: BinaryIO, beside: tuple[str, ...] = (ENTRY,)):
        self.file, self.beside = file, beside

    def __enter__(self) -> zipfile.ZipFile:
        try:
            _check_end(self.file)
            archive = zipfile.ZipFile(self.file)
        except OSError:
            raise
        except Exception as error:  # a damaged directory can raise anything
            raise Unsound(f"it is no whole .npz file ({why(error)})") from error
        names = [info.filename for info in archive.infolist()]
        # Its end may have told of fewer.
        if len(names) > MOST_MEMBERS:
            raise Unsound(_too_many(len(names)))
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise Unsound(f"{shown(twice)}: it is there twice")
        for info in archive.infolist():
            if info.compress_type not in _PACKED or info.flag_bits & 1:
                raise Unsound(f"{shown(info.filename)}: packed in a way that is not read here")
            if info.filename not in self.beside and not info.filename.endswith(SUFFIX):
                what = "a run has no such member" if self.beside else "is no array of numpy's"
                raise Unsound(f"{shown(info.filename)}: {what}")
        return archive

    def __exit__(self, *_: object) -> None:
        pass


def _check_end(file: BinaryIO) -> None:
    """Raises ValueError where the list of members is longer than that of any run."""
    if file.seek(0, os.SEEK_END) < _END.size:
        raise ValueError("it is too short")
    file.seek(max(0, file.tell() - _END.size - _FURTHER_SIZE))
    before, end = file.read()[: -_END.size], file.seek(-_END.size, os.SEEK_END)
    mark, *_, members, size, _, comment = _END.unpack(file.read(_END.size))
    if mark != b"PK\5\6" or comment or before.startswith(_FURTHER) or size > end:
        raise ValueError("its end is not there")
    if members > MOST_MEMBERS or size > MOST_LIST:
        raise ValueError(_too_many(members))


def _too_many(members: int) -> str:
    return f"{members:,} members, more than any run has"


def shown(name: str) -> str:
    """A name from a file, fit for a sentence."""
    return ascii(name)[1:-1][:80]


def _entry(archive: zipfile.ZipFile) -> dict[str, Any]:
    if ENTRY not in archive.namelist():
        raise Unsound(f"{ENTRY}: it is not there")
    text = _bytes(archive, archive.getinfo(ENTRY), MOST_ENTRY)
    try:
        return unsealed(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise Unsound(f"{ENTRY}: {why(error)}") from error


def _bytes(archive: zipfile.ZipFile, info: zipfile.ZipInfo, most: int) -> bytes:
    """A member whole, which must not have more bytes than that."""
    content, _ = _some(archive, info, most + 1)
    if len(content) > most:
        raise Unsound(f"{shown(info.filename)}: more than {most:,} bytes")
    return content


def _some(archive: zipfile.ZipFile, info: zipfile.ZipInfo, size: int) -> tuple[bytes, bool]:
    """The first bytes of a member; whether these are all."""
    try:
        with archive.open(info) as member:
            content = member.read(size)
            return content, len(content) < size
    except OSError:
        raise
    except Exception as error:  # a damaged member can raise anything
        raise _damaged(info, error) from error


def _damaged(info: zipfile.ZipInfo, error: Exception) -> Unsound:
    return Unsound(f"{shown(info.filename)}: damaged ({why(error)})")


def _form(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Form:
    """Type and shape of an array, of which only the head is read."""
    name = shown(info.filename)
    try:
        with archive.open(info) as member:
            dtype, shape, fortran, start = _head(member)
    except Unsound:
        raise
    except Exception as error:  # a damaged member can raise anything
        raise _damaged(info, error) from error
    if dtype.hasobject or dtype.names or dtype.kind not in "biuf" or fortran:
        raise Unsound(f"{name}: type {str(dtype)[:40]}, must be plain numbers in C order")
    if dtype.str[0] not in "<|":
        raise Unsound(f"{name}: its numbers have their first byte last")
    if any(type(length) is not int or length < 0 for length in shape):
        raise Unsound(f"{name}: shape {str(shape)[:80]}")
    size = start + _size(dtype, shape)
    if info.file_size != size:
        raise Unsound(f"{name}: {info.file_size:,} bytes, must be {size:,} by its type and shape")
    return dtype.str[1:], shape


def _size(dtype: np.dtype[Any], shape: tuple[int, ...]) -> int:
    size = dtype.itemsize
    for length in shape:
        size *= length
    return size


def _head(member: Any) -> tuple[np.dtype[Any], tuple[int, ...], bool, int]:
    """The type, the shape, whether it is in Fortran's order, and where the numbers begin."""
    version = np.lib.format.read_magic(member)
    if version != (1, 0):
        raise ValueError(f"version {version} of the format, must be (1, 0)")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(member, MOST_HEADER)
    return dtype, shape, fortran, member.tell()


def fill(stream: IO[bytes], left: memoryview) -> None:
    """Read block by block what an array has room for, and see that nothing comes after it.

    Of a member of an archive that has its checksum looked at, too.

    Raises:
        ValueError: there are fewer bytes, or more.
    """
    while len(left):
        block = stream.read(min(_BLOCK, len(left)))
        if not block:
            raise ValueError(f"{len(left):,} bytes are missing")
        left[: len(block)] = block
        left = left[len(block) :]
    if stream.read(1):
        raise ValueError("more bytes than its shape has")


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo, form: Form) -> np.ndarray:
    """The array, read block by block into as much memory as its form takes."""
    kind, shape = form
    array = np.empty(shape, np.dtype(kind).newbyteorder("<"))
    left = memoryview(array.reshape(-1).view(np.uint8))  # type: ignore[arg-type]
    try:
        with archive.open(info) as member:
            _head(member)
            fill(member, left)
    except Exception as error:  # a damaged member can raise anything
        raise _damaged(info, error) from error
    array.flags.writeable = False
    return array
