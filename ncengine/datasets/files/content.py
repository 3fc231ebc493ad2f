"""Whether a file, or an unpacked folder, is the one that is meant."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from ncengine.catalogue.datasets import RemoteFile
from ncengine.datasets.errors import DatasetError
from ncengine.datasets.files.archive import files_in, members_of
from ncengine.reasons import why

_MOST_BYTES = 2**30  # of one file in a folder

# What was read and found to be something else, until it changes.
_wrong: set[tuple[object, ...]] = set()


def can_be(path: Path, file: RemoteFile) -> bool:
    """Whether something is there that may be the file. Cheap: its content is not read."""
    try:
        if path.is_dir():
            # A folder has no size that would tell whether it is the published one.
            form = file.folder
            return form is not None and file.bytes is None and (path / form.holds).exists()
        if not path.is_file():
            return False
        sizes = set(file.contents.values())
        fits = None in sizes or path.stat().st_size in sizes
        return fits and _mark(path, file) not in _wrong
    except OSError:
        return False


def is_right(path: Path, file: RemoteFile) -> bool:
    """Whether it has the content it must have. Raises DatasetError where it is unreadable."""
    right = digest(path, file) in file.contents
    if not right and path.is_file():
        _wrong.add(_mark(path, file))
    return right


def digest(path: Path, file: RemoteFile) -> str:
    """The SHA-256 of a file; of a folder that of the list that `sha256sum` prints of its members.

    That is, within the folder: `sha256sum MEMBER … | sha256sum`, in the order of their names.
    Raises DatasetError where it is unreadable.
    """
    try:
        if file.folder is not None and path.is_dir():
            return _of_folder(path, members_of(path, file.folder.members))
        with open(path, "rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise DatasetError(f"{path} cannot be read ({why(error)}).") from error


def _of_folder(folder: Path, members: re.Pattern[str]) -> str:
    hasher = hashlib.sha256()
    for name, content in files_in(folder, lambda name: bool(members.fullmatch(name)), _MOST_BYTES):
        within = name.partition("/")[2]
        hasher.update(f"{hashlib.sha256(content).hexdigest()}  {within}\n".encode())
    return hasher.hexdigest()


def _mark(path: Path, file: RemoteFile) -> tuple[object, ...]:
    at = os.stat(path)
    return path, at.st_ino, at.st_size, at.st_mtime_ns, at.st_ctime_ns, tuple(file.contents)
