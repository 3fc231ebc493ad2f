"""When somebody last looked at a run: the time of an empty file that has its key for a name."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

# What is written is never older than so many seconds, as long as somebody looks.
EVERY = 60.0


class LastSeen:
    """The folder of these files, which all servers of a cache share.

    Args:
        folder: where; it is made when first written to.
        now: seconds since 1970.
    """

    def __init__(self, folder: Path, now: Callable[[], float] = time.time):
        self.folder, self.now = folder, now

    def mark(self, key: str) -> None:
        """Somebody looks at that run now; written once in `EVERY` seconds, and where it can be."""
        now = self.now()
        if not key.isalnum() or abs(now - self.when(key)) < EVERY:
            return
        with suppress(OSError):  # a full disk: what is not marked goes sooner
            self.folder.mkdir(exist_ok=True)
            path = self.folder / key
            path.touch()
            os.utime(path, (now, now))

    def when(self, key: str) -> float:
        """In seconds since 1970; 0 where nobody did."""
        try:
            return (self.folder / key).stat().st_mtime
        except OSError:
            return 0.0

    def forget(self, key: str) -> None:
        """The run is gone."""
        with suppress(OSError):
            (self.folder / key).unlink()
