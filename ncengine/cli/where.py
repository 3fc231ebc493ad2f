"""`ncengine where`: in which folders all is that the engine and the app read and write."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

UNITS = ("B", "kB", "MB", "GB", "TB")


def add_command(commands: Any) -> None:
    """Add the command to argparse's."""
    parser = commands.add_parser(
        "where",
        help="say where everything lies, and which variable names another place",
        description="Say where everything lies: what is kept, what is shipped, what was "
        "downloaded, the app. Of each place the path, whether there is something, how much, and "
        "whether it can be written to; and the variable that names another.",
    )
    parser.set_defaults(command=_where)
    parser.add_argument("--json", action="store_true", help="print one JSON list, nothing else")


def _where(options: argparse.Namespace) -> int:
    told = [_told(*place) for place in _places()]
    if options.json:
        print(json.dumps(told))
        return 0
    width = max(len(one["what"]) for one in told)
    for one in told:
        variable = f"  [{one['variable']}{' is set' if one['set'] else ''}]"
        path = one["path"] or "none"
        there = f"  {_state(one)}" if one["path"] else ""
        print(f"{one['what']:<{width}}  {path}{there}{variable if one['variable'] else ''}")
    return 0


def _places() -> Iterator[tuple[str, Path | None, str | None]]:
    """What lies there, the path or None where there is none, and the variable that names it."""
    from ncengine.datasets.files import local
    from ncengine.jobs import process_memory
    from ncengine.runs import places
    from ncengine.runs.recorded import FOLDER

    root, home = places.cache_root(), places.home()
    yield "cache", root, places.CACHE_VARIABLE
    yield "results", root / "results", places.CACHE_VARIABLE
    yield "imported runs", root / "imported", places.CACHE_VARIABLE
    yield "recordings", root / FOLDER, places.CACHE_VARIABLE
    yield "gallery", places.gallery_root(), places.GALLERY_VARIABLE
    yield "stories", home and home / "cache" / "stories", None
    yield from _data_sets()
    yield "prepared words", local.prepared_folder(), None
    yield "locks of downloads", local.locks_folder(), None
    yield "memory of a process", process_memory.kept_at(), None
    yield "app", home and home / "app", None
    yield "configuration", home and home / ".streamlit" / "config.toml", None


def _data_sets() -> Iterator[tuple[str, Path, str]]:
    from ncengine.catalogue.datasets import DATASETS
    from ncengine.datasets.files import local
    from ncengine.datasets.files.sources import SourceError

    for name, info in DATASETS.items():
        if not info.files:
            continue
        try:
            yield f"data set {name}", local.folder(name), local.DATA_VARIABLE
        except SourceError as error:  # a variable that names no source: all else can be told
            print(f"ncengine: {error}", file=sys.stderr)


def _told(what: str, path: Path | None, variable: str | None) -> dict[str, Any]:
    """A place as JSON has it: its size in bytes, None where nothing is there."""
    there = path is not None and path.exists()
    return {
        "what": what,
        "path": path and str(path),
        "variable": variable,
        "set": variable is not None and variable in os.environ,
        "exists": there,
        "writable": path is not None and _can_be_written_to(path),
        "bytes": _size(path) if path and there else None,
    }


def _can_be_written_to(path: Path) -> bool:
    """Whether it can, or where it is not there whether it could be made."""
    nearest = next(place for place in (path, *path.parents) if place.exists())
    return os.access(nearest, os.W_OK) and (nearest == path or nearest.is_dir())


def _size(path: Path) -> int:
    """Bytes of the file, or of all files below the folder; what cannot be read counts as none."""
    if path.is_file():
        return path.stat().st_size
    total = 0
    for folder, _, files in os.walk(path):
        for name in files:
            try:
                total += os.lstat(os.path.join(folder, name)).st_size
            except OSError:  # gone since
                continue
    return total


def _state(one: dict[str, Any]) -> str:
    if not one["exists"]:
        return "not there yet" if one["writable"] else "not there, and cannot be made"
    return f"{_in_units(one['bytes'])}{'' if one['writable'] else ', read-only'}"


def _in_units(size: float) -> str:
    """Such as "18.2 MB"."""
    for unit in UNITS[:-1]:
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} {UNITS[-1]}"
