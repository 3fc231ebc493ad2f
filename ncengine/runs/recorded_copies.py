"""Recordings of another cache on this machine, copied into one's own."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ncengine.runs.private import make_private
from ncengine.runs.recorded import FOLDER, LOCK, headers


def copy_all(source: Path, root: Path) -> list[str]:
    """Copy every recording that is not in `root` and not being written; gives their keys.

    Args:
        source: a cache, or its folder of recordings, or the folder of one.
        root: the folder of the cache that gets them.

    Raises:
        OSError: one cannot be read or written.
    """
    base, only = _cache_of(source)
    if base is None or base.resolve() == root.resolve():
        return []
    copied = []
    for one in headers(base):
        target = root / FOLDER / one.key
        if one.live or target.exists() or only not in ("", one.key):
            continue
        root.mkdir(parents=True, exist_ok=True)
        make_private(root)
        _copy(base / FOLDER / one.key, target)
        copied.append(one.key)
    return copied


def _cache_of(source: Path) -> tuple[Path | None, str]:
    """The cache whose recordings are meant, None where there are none; and the only one's key."""
    source = source.resolve()
    if (source / FOLDER).is_dir():
        return source, ""
    if source.name == FOLDER:
        return source.parent, ""
    return (source.parent.parent, source.name) if source.parent.name == FOLDER else (None, "")


def _copy(source: Path, target: Path) -> None:
    """Its plain files, under the target's name once all are there."""
    half = target.with_name(f"{target.name}.{os.getpid()}")
    half.mkdir(parents=True)
    try:
        for path in source.iterdir():
            if path.is_file() and not path.is_symlink() and path.name != LOCK:
                shutil.copyfile(path, half / path.name)
        half.rename(target)
    except OSError:
        shutil.rmtree(half, ignore_errors=True)
        raise
