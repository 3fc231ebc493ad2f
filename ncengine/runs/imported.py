"""Runs that came as files, in one folder: each as `runs.whole` writes it, read with its care."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from cachetools import LRUCache

from ncengine.reasons import reason
from ncengine.runs.npz import Unsound
from ncengine.runs.run import Run
from ncengine.runs.whole import load, read, read_entry, save

logger = logging.getLogger(__name__)

RUNS_REMEMBERED = 8


class Imported:
    """The runs of one folder, each under its key. Safe to share between threads.

    An entry is one of `index.Index`. What cannot be read is passed over with a warning, once.

    Args:
        folder: where; it is made when first written to.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        # Of each file when it was written, its size, and what it says, or why it is passed over.
        self._seen: dict[str, tuple[tuple[int, int], dict[str, Any] | str]] = {}
        self._open: LRUCache[tuple[str, tuple[int, int]], Run] = LRUCache(RUNS_REMEMBERED)
        self._guard = threading.RLock()

    def add(self, path: str | Path) -> Run:
        """Take in the run of a file, which is read whole first; it stands for one of its key.

        Raises:
            ValueError: see `whole.load`; nothing is taken in then.
            OSError: the file cannot be read, or the folder not be written to.
        """
        return self._keep(load(path))

    def add_file(self, file: BinaryIO) -> Run:
        """The same of an open file. Raises Unsound, which does not name it, or OSError."""
        return self._keep(read(file))

    def _keep(self, run: Run) -> Run:
        self.folder.mkdir(exist_ok=True)
        save(run, self._path(run.key))
        return replace(run, imported=True)

    def remove(self, key: str) -> bool:
        """Delete the run of that key; gives whether there was one."""
        if self.entry(key) is None:
            return False
        self._path(key).unlink(missing_ok=True)
        return True

    def entries(self) -> list[dict[str, Any]]:
        """All runs that can be opened, in the order of their keys."""
        return [entry for entry in self._all().values() if isinstance(entry, dict)]

    def damaged(self) -> list[str]:
        """Names of files that were passed over."""
        return [f"{key}.npz" for key, entry in self._all().items() if isinstance(entry, str)]

    def entry(self, key: str) -> dict[str, Any] | None:
        """The entry of the run of that key; None where there is none."""
        with self._guard:
            said = self._look(self._path(key)) if key.isalnum() else None
        return said if isinstance(said, dict) else None

    def open(self, key: str) -> Run | None:
        """The run of that key; None where there is none, or where it is damaged."""
        if self.entry(key) is None:
            return None
        with self._guard:
            written, _ = self._seen[key]
            try:
                if (key, written) not in self._open:
                    with self._path(key).open("rb") as file:
                        self._open[key, written] = replace(read(file), imported=True)
                return self._open[key, written]
            except (OSError, Unsound) as error:
                self._pass_over(key, written, error)
                return None

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.npz"

    def _all(self) -> dict[str, dict[str, Any] | str]:
        with self._guard:
            try:
                paths = sorted(p for p in self.folder.iterdir() if p.suffix == ".npz")
            except OSError:
                return {}
            said = {path.stem: self._look(path) for path in paths if path.stem.isalnum()}
        return {key: entry for key, entry in said.items() if entry is not None}

    def _look(self, path: Path) -> dict[str, Any] | str | None:
        """What the file says, or why it was passed over; None where there is none."""
        key = path.stem
        try:
            stat = path.stat()
        except OSError:
            self._seen.pop(key, None)
            return None
        written = stat.st_mtime_ns, stat.st_size
        if self._seen.get(key, (None,))[0] != written:
            try:
                with path.open("rb") as file:
                    entry = read_entry(file)
                if entry["key"] != key:
                    raise Unsound(f"it holds the run {entry['key']}")
                self._seen[key] = written, entry
            except (OSError, Unsound) as error:
                self._pass_over(key, written, error)
        return self._seen[key][1]

    def _pass_over(self, key: str, written: tuple[int, int], error: Exception) -> None:
        self._seen[key] = written, reason(error)
        logger.warning("%s was passed over: %s", self._path(key), reason(error))
