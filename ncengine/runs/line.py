"""The line of runs that wait their turn, so that a place in it is found without reading them all.

A run that waits has an empty file in one folder, named after since when it waits and its key: the
folder's listing is the line.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


class Line:
    """Keys of waiting runs, those that came first at its head."""

    def __init__(self, folder: Path):
        self.folder = folder

    def enter(self, key: str, since: float) -> None:
        """Put a run into the line, or at another place of it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        name = f"{since:020.6f} {key}"
        (self.folder / name).touch()
        self._remove(other for other in self._names(key) if other != name)

    def leave(self, key: str) -> None:
        """Take a run out of the line, if it is in it."""
        self._remove(self._names(key))

    def keys(self) -> list[str]:
        """The keys in their order; one look at one folder."""
        return [name.split(" ")[1] for name in sorted(self._all())]

    def _names(self, key: str) -> list[str]:
        return [name for name in self._all() if name.endswith(f" {key}")]

    def _all(self) -> list[str]:
        try:
            return [path.name for path in self.folder.iterdir() if " " in path.name]
        except OSError:
            return []

    def _remove(self, names) -> None:
        for name in names:
            with suppress(FileNotFoundError):
                (self.folder / name).unlink()
