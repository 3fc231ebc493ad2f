"""The index of finished runs: one JSON line each, so that listing is instant."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ncengine.reasons import why
from ncengine.runs.entry import judged
from ncengine.runs.journal import write_atomically
from ncengine.runs.seal import sealed, unsealed
from ncengine.version import is_newer

logger = logging.getLogger(__name__)

_REMOVED = "removed"


class Index:
    """Summaries of finished runs in the order in which they ended.

    An entry is `Run.summary()` with the machine's facts, "data_checksum" (see `identity.Identity`)
    and "picture". A line {"removed": key} takes a run out again. Each line is sealed (`runs.seal`);
    one that was changed since, or is not as `entry.judged` has it, is passed over: the cache is the
    authority, the index a convenience. What a later engine listed stays in it, and is not listed.
    """

    def __init__(self, path: Path):
        self.path = path
        self._seen: tuple[float, int] | None = None
        self._entries: dict[str, dict[str, Any]] = {}
        self._judged: dict[str, dict[str, Any] | str] = {}
        self._held: dict[str, dict[str, Any]] = {}

    def add(self, entry: dict[str, Any]) -> None:
        """Append a run; a later entry of the same key stands for the earlier."""
        self._append(entry)

    def remove(self, key: str) -> None:
        """Take a run out, until one of that key is added again."""
        self._append({_REMOVED: key})

    def _append(self, entry: dict[str, Any]) -> None:
        """Add a line, also where a full disk or a kill has left half of one before it."""
        with self.path.open("a+b") as file:
            half = file.tell() and os.pread(file.fileno(), 1, file.tell() - 1) != b"\n"
            file.write(b"\n" * bool(half) + _line(entry))

    def replace(self, entries: Sequence[dict[str, Any]]) -> None:
        """Replace all entries by these; those of later engines stay.

        Raises:
            OSError: they cannot be written; until they are, they are listed all the same.
        """
        newer = self.newer()
        self._held = {entry["key"]: entry for entry in entries}
        self._seen = None
        if self.path.is_dir():
            shutil.rmtree(self.path)
        write_atomically(self.path, b"".join(map(_line, [*newer, *entries])))
        self._held = {}

    def checksums(self) -> set[str]:
        """Every "data_checksum" that a line says, be it damaged or not: to look for, no more."""
        try:
            text = self.path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return set()
        return set(re.findall(r'"data_checksum": "([^"\\]*)"', text))

    @property
    def is_damaged(self) -> bool:
        """Whether there is none, or something in it that cannot be read."""
        self._by_key()
        return self._seen is None or any(isinstance(entry, str) for entry in self._judged.values())

    def newer(self) -> list[dict[str, Any]]:
        """What later engines listed, of which this one knows nothing but that it is there."""
        self._by_key()
        return [
            entry
            for entry in self._judged.values()
            if not isinstance(entry, str) and _is_newer(entry)
        ]

    def entries(self) -> list[dict[str, Any]]:
        """All runs, each key once, oldest first."""
        return list(self._by_key().values())

    def entry(self, key: str) -> dict[str, Any] | None:
        """The run of that key; None where it is not listed."""
        return self._by_key().get(key)

    def __contains__(self, key: str) -> bool:
        """Whether a run of that key is listed."""
        return key in self._by_key()

    def _by_key(self) -> dict[str, dict[str, Any]]:
        try:
            stat = self.path.stat()
            seen = (stat.st_mtime, stat.st_size)
            if seen != self._seen:
                self._entries, self._seen = self._read(), seen
        except OSError as error:
            if not isinstance(error, FileNotFoundError):
                logger.warning("%s cannot be read: %s", self.path, why(error))
            self._entries, self._seen = {**self._held}, None
        return self._entries

    def _read(self) -> dict[str, dict[str, Any]]:
        lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines()
        # A line is judged once: the file grows by a line a run, and is read again each time.
        new = {line: _judge(line) for line in lines if line not in self._judged}
        self._judged = {line: new.get(line) or self._judged[line] for line in lines}
        self._tell([problem for problem in new.values() if isinstance(problem, str)])
        by_key = {**self._held}
        for entry in (self._judged[line] for line in lines):
            if isinstance(entry, str) or _is_newer(entry):
                continue
            by_key.pop(entry.get(_REMOVED) or entry["key"], None)
            if _REMOVED not in entry:
                by_key[entry["key"]] = entry
        return by_key

    def _tell(self, unreadable: Sequence[str]) -> None:
        """One warning, however many lines are passed over: after an upgrade it may be all."""
        if unreadable:
            count = "an unreadable line" if len(unreadable) == 1 else f"{len(unreadable)} lines"
            first = "" if len(unreadable) == 1 else "the first, "
            logger.warning(
                "%s in %s: passed over (%s%s)", count, self.path.name, first, unreadable[0]
            )


def _judge(line: str) -> dict[str, Any] | str:
    """The entry of a line; where there is none in it, why."""
    try:
        entry = unsealed(json.loads(line))
        if not (isinstance(entry.get(_REMOVED), str) or _is_newer(entry)):
            entry, _ = judged(entry)
        return entry
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        return f"{type(error).__name__}: {error}"


def _is_newer(entry: dict[str, Any]) -> bool:
    return is_newer(entry.get("version"))


def _line(entry: dict[str, Any]) -> bytes:
    return json.dumps(sealed(entry)).encode() + b"\n"
