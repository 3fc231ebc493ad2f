"""Whether what `ncengine export` is to write can be written, before any of it is."""

from __future__ import annotations

import argparse
import errno
import os
from collections.abc import Sequence
from pathlib import Path

from ncengine.cli.film import ENDINGS as OF_FILMS
from ncengine.runs.places import require_writable

# By the option that names it, what a file ends in; and the options that name a folder.
ENDINGS = {
    "run": (".npz",), "parameters": (".safetensors",), "html": (".html",), "film": OF_FILMS,
}  # fmt: skip
FOLDERS = ("csv", "parquet")


def check(options: argparse.Namespace) -> None:
    """Nothing is written where a part of what is asked for cannot be.

    Raises:
        ValueError: a file has another ending.
        OSError: its folder is not there or cannot be written to, or a folder stands in its place.
    """
    named = {name: getattr(options, name) for name in (*ENDINGS, *FOLDERS)}
    for name, endings in ENDINGS.items():
        if named[name]:
            check_ending(name, named[name], endings)
    for name, path in named.items():
        if path:
            _check_folder(Path(os.path.expanduser(path)), name in FOLDERS)


def check_ending(name: str, path: str, endings: Sequence[str]) -> None:
    """Raises ValueError where the file that option `name` is given has none of the endings."""
    if Path(path).suffix.lower() not in endings:
        *others, last = endings
        allowed = f"{', '.join(others)} or {last}" if others else last
        raise ValueError(f"--{name} {path}: must end in {allowed}")


def _check_folder(path: Path, is_folder: bool) -> None:
    """That a file, or a folder that is made where need be, can be written there."""
    if path.is_dir() and not is_folder:
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    folder = path.parent
    if is_folder:
        folder = next(place for place in (path, *path.parents) if place.exists())
    if not folder.exists():
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    if not folder.is_dir():
        raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))
    require_writable(folder, "the folder", "name another")
