"""Files that come and go by pages: held for as long as they are wanted, and no more than that."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

# What is made for a download is there for so many seconds. Streamlit drops it when scripts have
# ended twice, whoever's: with others on their pages, before the browser of who asked has come.
WANTED_SECONDS = 30.0
# The oldest go sooner where all take more than so many bytes.
MOST_BYTES = 256 * 2**20
# Files that one visitor of a public server has brought; Streamlit keeps any number in memory.
MOST_BROUGHT = 2


@dataclass
class Wanted:
    """Files that somebody is about to fetch, by their ids. Safe to share between threads.

    Args:
        now: seconds, that only grow.
    """

    now: Callable[[], float] = time.monotonic
    _made: OrderedDict[str, tuple[float, int]] = field(default_factory=OrderedDict)
    _guard: Lock = field(default_factory=Lock)

    def add(self, name: str, size: int) -> None:
        """A file of so many bytes was just made."""
        with self._guard:
            self._made.pop(name, None)
            self._made[name] = self.now(), size
            while len(self._made) > 1 and sum(size for _, size in self._made.values()) > MOST_BYTES:
                self._made.popitem(last=False)

    def held(self) -> set[str]:
        """Those that have to stay for now."""
        with self._guard:
            for name, (made, _) in [*self._made.items()]:
                if self.now() - made > WANTED_SECONDS:
                    del self._made[name]
            return {*self._made}


def hold_what_is_wanted() -> None:
    """From now on a file that was made for a download stays until it can have been fetched."""
    manager: Any = MediaFileManager
    if hasattr(manager, "wanted"):
        return
    wanted, make, left = Wanted(), manager.execute_deferred, manager._get_inactive_file_ids

    def execute_deferred(self: Any, file_id: str) -> str:
        url = make(self, file_id)
        made = url.rpartition("/")[2].partition(".")[0]
        file = self.read_file(made)
        wanted.add(made, file.content_size if file is not None else 0)
        return url

    manager.wanted = wanted
    manager.execute_deferred = execute_deferred
    manager._get_inactive_file_ids = lambda self: left(self) - wanted.held()


def hold_few_uploads() -> None:
    """From now on a new file of a visitor takes the place of their oldest, where they have many."""
    manager: Any = MemoryUploadedFileManager
    if hasattr(manager, "few"):
        return
    add = manager.add_file

    def add_file(self: Any, session_id: str, file: Any) -> None:
        for old in [*self.file_storage.get(session_id, ())][: 1 - MOST_BROUGHT or None]:
            self.remove_file(session_id, old)
        add(self, session_id, file)

    manager.few, manager.add_file = True, add_file
