"""The queue of a public server: what a visitor asks for is judged and done in one step."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from filelock import FileLock, Timeout

from app.engine import visitors
from app.engine.limits import Deed, Limits, Refused, Standing, refused
from app.engine.visitors import Asked, Visitor
from ncengine.config import RunConfig
from ncengine.jobs.ladder import missing_rungs
from ncengine.jobs.queue import JobQueue
from ncengine.jobs.room import make_room
from ncengine.runs.identity import Identity, identify
from ncengine.runs.last_seen import LastSeen
from ncengine.runs.run import Status
from ncengine.runs.store import Store

logger = logging.getLogger(__name__)

# How often is looked whether runs take too long, or too much of the disk.
BETWEEN = 5.0
# Room that was there so many seconds ago counts as there.
LATELY = 1.0
# What takes so many times as long as a run may be estimated to take is stopped.
OVERRUN = 4
# For another server of the same cache, which is judging a request.
PATIENCE = 30.0
_OVER = (Status.ABSENT, Status.DONE, Status.DIVERGED, Status.CANCELLED, Status.FAILED)


class PublicQueue(JobQueue):
    """Trains and stops for visitors what the limits allow; the server itself has other ways.

    Whether something may be done is judged and done while nobody else's request is, in this server
    or another one of the same cache.

    Args:
        store, workers: as for `JobQueue`.
        limits: what visitors may ask for.
        who: whose request it is.
        seen: keys of the runs that are looked at.
    """

    def __init__(
        self,
        store: Store,
        limits: Limits,
        who: Callable[[], Visitor] = visitors.here,
        seen: Callable[[], Iterable[str]] = visitors.seen,
        workers: int | None = None,
    ):
        self.limits = limits
        self._who, self._seen = who, seen
        self._asked = Asked()
        self._turn = threading.RLock()
        self._last_seen = LastSeen(store.root / "seen")
        self._had_room, self._looked_for_room = True, -LATELY
        # Since when each run that was asked for is being worked on, and which were stopped for it.
        self._begun: dict[str, float] = {}
        self._overran: set[str] = set()
        super().__init__(store, workers)
        threading.Thread(target=self._keep_house, name="limits", daemon=True).start()

    def submit_all(self, configs: Iterable[RunConfig]) -> None:
        """As `JobQueue.submit_all`, within the limits: all of them, or none.

        Raises:
            Refused: that is more than the visitor may ask for.
            QueueFull, OSError: as there.
        """
        wanted, visitor = [*configs], self._who()
        with self._one_at_a_time():
            self._look_for_room()
            if why := self._why_not(wanted, visitor):
                raise Refused(why)
            new = self._new(wanted)
            try:
                super().submit_all(identity.config for identity in new)
            finally:  # on a full disk, some of them
                for key in {identity.key for identity in new}.union(self._going(wanted)):
                    self._asked.add(key, visitor)
                    self._overran.discard(key)

    def cancel(self, config: RunConfig) -> None:
        """As `JobQueue.cancel`, of a run that the visitor asked for, and nobody else.

        Raises:
            Refused: others did.
            OSError: as there.
        """
        with self._one_at_a_time():
            if why := self.why_not_stop(identify(config)):
                raise Refused(why)
            self.stop_unasked(config)

    def stop_unasked(self, config: RunConfig) -> None:
        """Stop a run for a reason of the server's own."""
        with self._turn:
            super().cancel(config)
            self._asked.forget(identify(config).key)

    def why_not_train(self, configs: Sequence[RunConfig]) -> str:
        """Why the visitor may not have them trained now, in words; "" where they may."""
        with self._turn:
            self._forget_what_ended()
            return self._why_not(configs, self._who())

    def why_not_stop(self, identity: Identity) -> str:
        """Why the visitor may not have that run stopped, in words; "" where they may."""
        theirs = self._asked.is_alone(identity.key, self._who())
        return refused(Deed.STOP, self.limits, Standing(is_theirs=theirs))

    def overran(self, key: str) -> str:
        """What is said of a run that was stopped since it took too long; "" of others."""
        if key not in self._overran:
            return ""
        most = OVERRUN * self.limits.seconds
        return f"This is a public server: it stops what takes longer than about {most:,.0f} s."

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        with self._turn:
            try:
                with self._between_servers().acquire(timeout=PATIENCE, poll_interval=0.02):
                    self._forget_what_ended()
                    yield
            except Timeout:
                raise OSError("another server of this cache is busy; try again") from None

    def _between_servers(self) -> FileLock:
        folder: Path = self.store.root / "locks"
        folder.mkdir(exist_ok=True)
        return FileLock(folder / "visitors.lock", is_singleton=False)

    def _why_not(self, configs: Sequence[RunConfig], visitor: Visitor) -> str:
        new = self._new(configs)
        standing = Standing(
            wanted=len(new),
            own=self._asked.of(visitor),
            of_address=self._asked.of_address(visitor),
            free=self._longest - len(self.store.line.keys()),
            has_room=self._had_room,
        )
        if why := refused(Deed.TRAIN, self.limits, standing):
            return why  # without estimates, which take long of many
        seconds = [self.estimate(identity.config) for identity in new]
        return refused(Deed.TRAIN, self.limits, replace(standing, seconds=seconds))

    def _new(self, configs: Iterable[RunConfig]) -> list[Identity]:
        """Those that nobody has put into the queue yet, each once."""
        by_key = {identity.key: identity for identity in map(identify, configs)}
        there = (Status.QUEUED, Status.RUNNING, Status.DONE)
        return [one for one in by_key.values() if self.store.standing(one) not in there]

    def _going(self, configs: Iterable[RunConfig]) -> set[str]:
        """Keys of those that visitors have asked for already."""
        return {identify(config).key for config in configs}.intersection(self._asked.keys())

    def _is_wanted(self, rung: Identity, by: Identity) -> bool:
        """As there; what is trained by others, or on the way to another's run, is theirs."""
        if super()._is_wanted(rung, by) or self._is_of_another_server(rung):
            return True
        others = (
            identity
            for identity, _ in self.store.journals()
            if identity.key not in (by.key, rung.key) and self.store.standing(identity).busy
        )
        return any(
            rung in missing_rungs(self.store, other)
            for other in others
            if self._is_asked_for(other)
        )

    def _is_of_another_server(self, rung: Identity) -> bool:
        running = {identity.key for identity, _ in self._running_here()}
        return self.store.standing(rung) is Status.RUNNING and rung.key not in running

    def _forget_what_ended(self) -> None:
        # What waits is told by one look at one folder, for there may be hundreds.
        for key in {*self._asked.keys()}.difference(self.store.line.keys()):
            identity = self.store.asked(key)
            now = Status.ABSENT if identity is None else self.store.standing(identity)
            lost = now is Status.INTERRUPTED and identity and not self._goes_on(identity)
            if now in _OVER or lost:
                self._asked.forget(key)
                self._begun.pop(key, None)

    def _goes_on(self, identity: Identity) -> bool:
        return self._is_asked_for(identity) or bool(self.waits_for_room(identity.key))

    # What nobody asks for.

    def _keep_house(self) -> None:
        while not self._end.wait(BETWEEN):
            try:
                with self._one_at_a_time():
                    self._stop_what_takes_too_long()
                    self._look_for_room(anew=True)
            except Exception:
                logger.exception("the limits of a public server could not be looked after")

    def _look_for_room(self, anew: bool = False) -> None:
        """Have results go where they take too much of the disk."""
        for key in self._seen():
            # What anybody looks at and nobody has trained would fill the folder.
            if key in self.store.index or self.store.asked(key) is not None:
                self._last_seen.mark(key)
        now = time.monotonic()
        if anew or not self._had_room or now - self._looked_for_room > LATELY:
            asked = {*self._asked.keys()}
            self._had_room = make_room(
                self.store,
                self._last_seen,
                self.limits.disk,
                lambda key: key in asked or bool(self.waits_for_room(key)),
            )
            self._looked_for_room = now

    def _stop_what_takes_too_long(self) -> None:
        for key in self._asked.keys():
            identity = self.store.asked(key)
            if identity is None or not self._is_worked_on(identity):
                continue
            begun = self._begun.setdefault(key, time.monotonic())
            if time.monotonic() - begun > OVERRUN * self.limits.seconds:
                logger.warning("run %s is stopped: it takes longer than it may", key)
                self._overran.add(key)
                self.stop_unasked(identity.config)

    def _is_worked_on(self, identity: Identity) -> bool:
        """Whether it trains, or what it starts from does."""
        runs = [identity, *missing_rungs(self.store, identity)]
        return any(self.store.standing(run) is Status.RUNNING for run in runs)
