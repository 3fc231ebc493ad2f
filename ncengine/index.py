"""The index of finished runs: one JSON line each, so that listing is instant."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)


class Index:
    """Summaries of finished runs in the order in which they ended.

    An entry is `Run.summary()` with the machine's facts. Lines that cannot be read are
    passed over: the cache is the authority, the index a convenience.
    """

    def __init__(self, path: Path):
        self.path = path
        self._seen: tuple[float, int] | None = None
        self._entries: list[dict[str, Any]] = []

    def add(self, entry: dict[str, Any]) -> None:
        """Append a run; a later entry of the same key stands for the earlier."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")

    def clear(self) -> None:
        """Forget all runs."""
        self.path.unlink(missing_ok=True)

    def entries(self) -> list[dict[str, Any]]:
        """All runs, each key once, oldest first."""
        try:
            stat = self.path.stat()
        except FileNotFoundError:
            return []
        seen = (stat.st_mtime, stat.st_size)
        if seen != self._seen:
            self._entries, self._seen = self._read(), seen
        return list(self._entries)

    def _read(self) -> list[dict[str, Any]]:
        by_key: dict[str, dict[str, Any]] = {}
        for line in self.path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                entry = json.loads(line)
                by_key.pop(entry["key"], None)
                by_key[entry["key"]] = entry
            except (ValueError, TypeError, KeyError):
                logger.warning("an unreadable line in %s was passed over", self.path.name)
        return list(by_key.values())
