"""Adoption: who takes up runs that nobody sees to any more."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ncengine.jobs.ending import file_away
from ncengine.reasons import reason
from ncengine.runs.disk import has_room, why_not
from ncengine.runs.identity import Identity, identify
from ncengine.runs.job_status import lives
from ncengine.runs.life import Event
from ncengine.runs.run import Status
from ncengine.runs.store import Store

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 3  # how often a run that took its process down with it is taken up by itself


class Adoption:
    """Takes up what servers that are gone left waiting or half done, and what the disk held up.

    Args:
        store: where journals and results are kept.
        send: has a run that waits trained.
        guard: held while a run is taken up.
        ended: whether nothing more is to be taken up; called with the guard held.
    """

    def __init__(
        self,
        store: Store,
        send: Callable[[Identity], None],
        guard: threading.RLock,
        ended: Callable[[], bool],
    ):
        self.store, self._send, self._guard, self._ended = store, send, guard, ended
        # Runs that cannot go on since nothing can be written, and what stands in the way.
        self._without_room: dict[str, tuple[Identity, str]] = {}

    def of_everything(self) -> None:
        """Take up all that was left, when a server starts."""
        for key in self.store.line.keys():
            # Whoever was killed on the way into the line, or out of it, stands in it.
            job = self.store.job(key)
            if job is None or job.status is not Status.QUEUED:
                with suppress(OSError):
                    self.store.line.leave(key)
        for identity, _ in self.store.journals():
            try:
                self._adopt(identity)
            except OSError as error:
                self.wait_for_room(identity, error)

    def of_waiting(self) -> None:
        """Take up runs that wait in the queue of a server that is gone meanwhile."""
        for key in self.store.line.keys():
            job = self.store.job(key)
            if job is None or job.status is not Status.QUEUED or lives(job.owner):
                continue
            identity = self.store.asked(key)
            if identity is None or identity != identify(identity.config):
                continue
            with self._guard:
                if not self._ended() and self.take_up(identity):
                    logger.warning("run %s is taken over from a server that is gone", key)

    def wait_for_room(self, identity: Identity, error: OSError) -> None:
        """Have the run go on once what is in its way is gone; nothing else is held up by it."""
        why = why_not(error, self.store.root) or reason(error)
        if self._without_room.get(identity.key) != (identity, why):  # else it was told
            logger.warning("run %s waits: %s", identity.key, why)
        self._without_room[identity.key] = identity, why

    def waits_for_room(self, key: str) -> str:
        """What keeps that run from going on, as it will by itself; "" where nothing does."""
        _, why = self._without_room.get(key, (None, ""))
        return why

    def forget(self, identity: Identity) -> None:
        """The run is not to go on by itself any more."""
        self._without_room.pop(identity.key, None)

    def of_held_up(self) -> None:
        """Take up what could not go on, where it can again."""
        for key, waiting in [*self._without_room.items()]:
            identity, _ = waiting
            if not has_room(self.store.root, 2 * self.store.journal(identity).bytes()):
                continue
            with self._guard:
                if self._ended() or self._without_room.get(key) is not waiting:
                    continue
                try:
                    self._adopt(identity, vain=1)
                except OSError as error:
                    self.wait_for_room(identity, error)
                if self._without_room.get(key) is waiting:  # it did not have to wait again
                    del self._without_room[key]

    def _adopt(self, identity: Identity, vain: int = 0) -> None:
        """Take up a run, unless it is another's; so many of its attempts do not count."""
        if file_away(self.store, identity):
            return
        job, status = self.store.job(identity.key), self.store.standing(identity)
        if job is None or identity != identify(identity.config):
            return  # gone meanwhile, or asked for on data that are not these
        attempts = max(0, job.attempts - vain)
        if status is Status.QUEUED:
            if job.owner == os.getpid() or not lives(job.owner):  # else that one sees to it
                self.take_up(identity, attempts=attempts)
        elif status is Status.INTERRUPTED and attempts < MAX_ATTEMPTS:
            self.take_up(identity, attempts=attempts, queued_at=0.0)  # its turn had come

    def take_up(self, identity: Identity, **facts: Any) -> bool:
        """Have the run trained by this server, unless somebody stopped it; gives whether it is.

        `facts`: what else becomes of its `JobStatus`.
        """
        journal = self.store.journal(identity)
        if journal.requested() == "cancel":  # its process was gone before it heard of that
            self.store.tell(identity, Event.WITHDRAWN)
            return False
        journal.request(None)
        taken_up = self.store.tell(identity, Event.TAKEN_UP, owner=os.getpid(), **facts)
        if taken_up:
            self._send(identity)
        return taken_up
