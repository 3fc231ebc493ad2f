"""Files that come and go by pages: held for as long as they are wanted, and no more than that."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Generic, TypeVar

from streamlit import runtime
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

# What is made for a download is there for so many seconds. Streamlit drops it when scripts have
# ended twice, whoever's: with others on their pages, before the browser of who asked has come.
WANTED_SECONDS = 30.0
# The oldest go sooner where all take more than so many bytes.
MOST_BYTES = 256 * 2**20
# A button's place in the page's last drawing is gone on the server once the next one has begun, and
# a click on it fails, until the browser has drawn anew. So long it is answered all the same.
STALE_SECONDS = 10.0
# What was typed is heard of so many seconds after the click that ended it, and then taken up by a
# script, which is waited for, for that long.
HEARD_SECONDS, PATIENCE_SECONDS = 0.15, 3.0
# Drops by all visitors together that are remembered.
MOST_DROPPED = 2000
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


@dataclass(frozen=True)
class AsTyped:
    """What makes a file of what was picked and typed on the page, by who then saved it at once.

    Of a field that is being typed into, the server hears by the click on the button itself, whose
    file is still of what was there before.
    """

    make: Callable[[], str | bytes]

    def __call__(self) -> str | bytes:
        """The file."""
        return self.make()


Kept = TypeVar("Kept")


@dataclass
class Dropped(Generic[Kept]):
    """What was dropped a moment ago, by id. To be used under a lock.

    Args:
        now: seconds, that only grow.
    """

    now: Callable[[], float] = time.monotonic
    _dropped: OrderedDict[str, tuple[float, Kept]] = field(default_factory=OrderedDict)

    def add(self, name: str, what: Kept) -> None:
        """It is dropped just now; what was dropped long ago is forgotten."""
        self._dropped.pop(name, None)
        self._dropped[name] = self.now(), what
        while len(self._dropped) > MOST_DROPPED or self._is_old(next(iter(self._dropped))):
            self._dropped.popitem(last=False)

    def get(self, name: str) -> Kept | None:
        """It, where it was dropped a moment ago."""
        if name not in self._dropped or self._is_old(name):
            return None
        return self._dropped[name][1]

    def _is_old(self, name: str) -> bool:
        return self.now() - self._dropped[name][0] > STALE_SECONDS


def hold_what_is_wanted() -> None:
    """From now on a file that was made for a download stays until it can have been fetched.

    And who clicks while the page is drawn anew gets the file that the button was for.
    """
    manager: Any = MediaFileManager
    if hasattr(manager, "wanted"):
        return
    wanted, make, left = Wanted(), manager.execute_deferred, manager._get_inactive_file_ids
    dropped, drop = Dropped[Any](), manager._drop_deferred_id

    def _drop_deferred_id(self: Any, file_id: str) -> None:
        if file_id in self._deferred_callables:
            dropped.add(file_id, self._deferred_callables[file_id])
        drop(self, file_id)

    def execute_deferred(self: Any, file_id: str) -> str:
        file_id = _as_typed(self, file_id, dropped)
        with self._lock:
            was = dropped.get(file_id)
            if was is not None:
                # It is dropped again with all that nobody has on their page.
                self._deferred_callables.setdefault(file_id, was)
        url = make(self, file_id)
        made = url.rpartition("/")[2].partition(".")[0]
        file = self.read_file(made)
        wanted.add(made, file.content_size if file is not None else 0)
        return url

    manager.wanted = wanted
    manager.execute_deferred = execute_deferred
    manager._drop_deferred_id = _drop_deferred_id
    manager._get_inactive_file_ids = lambda self: left(self) - wanted.held()


def _as_typed(manager: Any, file_id: str, dropped: Dropped[Any]) -> str:
    """The file that the same button is for once its page has heard of what was typed."""
    with manager._lock:
        entry = manager._deferred_callables.get(file_id) or dropped.get(file_id)
    if entry is None or not isinstance(entry["callable"], AsTyped):
        return file_id
    button = entry["session_id"], entry["element_id"]
    _wait_for(entry["session_id"])
    with manager._lock:
        now = [
            other
            for other, made in manager._deferred_callables.items()
            if (made["session_id"], made["element_id"]) == button
        ]
    return now[-1] if now else file_id


def _wait_for(session: str) -> None:
    """Wait until no script of a session runs, or is about to."""
    if not runtime.exists():
        return
    time.sleep(HEARD_SECONDS)
    found: Any = runtime.get_instance()._session_mgr.get_active_session_info(session)
    until = time.monotonic() + PATIENCE_SECONDS
    while found is not None and found.session._scriptrunner is not None:
        if time.monotonic() > until:
            return
        time.sleep(0.02)


def hold_answers() -> None:
    """From now on a browser hears where the file is that it asked for.

    As a script begins, Streamlit (1.67) clears what was not sent yet of the run before, and with it
    such an answer: the button would wait for it for three minutes, and save nothing.
    """
    queue: Any = ForwardMsgQueue
    if hasattr(queue, "answers"):
        return
    clear = queue.clear

    def answers(self: Any) -> list[Any]:
        return [one for one in self._queue if one.HasField("backend_operation_response")]

    def cleared(self: Any, retain_lifecycle_msgs: bool = False, *of: Any, **more: Any) -> None:
        held = answers(self) if retain_lifecycle_msgs else []
        clear(self, retain_lifecycle_msgs, *of, **more)
        kept = answers(self)
        self._queue += [one for one in held if one not in kept]

    queue.answers, queue.clear = answers, cleared


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
