"""JobQueue: trains what is submitted, one run after another, in a process of its own."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from contextlib import suppress
from typing import Any

import joblib

from ncengine.config import RunConfig
from ncengine.costs.load import Load
from ncengine.costs.work import run_work
from ncengine.jobs.adoption import MAX_ATTEMPTS, Adoption
from ncengine.jobs.cluster import Cluster, scheduler
from ncengine.jobs.ending import mend_index
from ncengine.jobs.estimate import estimate
from ncengine.jobs.executors import (
    before_work_is_waited_for,
    deaf_to_interrupts,
    end_workers,
    local_executor,
)
from ncengine.jobs.ladder import missing_rungs
from ncengine.jobs.longest import QUEUE_VARIABLE, longest_queue
from ncengine.jobs.shards import WARM, worker_count
from ncengine.jobs.worker import device_of_worker, run_in_worker
from ncengine.reasons import reason
from ncengine.runs.disk import why_not
from ncengine.runs.identity import Identity, identify
from ncengine.runs.journal import Journal
from ncengine.runs.life import Event
from ncengine.runs.run import Status
from ncengine.runs.store import Store

logger = logging.getLogger(__name__)

RETRY_SECONDS = 0.5  # after a worker ended without a word, until its run is tried again
ADOPT_SECONDS = 2.0  # how often is looked for waiting runs of servers that are gone
ROOM_SECONDS = 5.0  # how often is looked whether anything can be written again


class QueueFull(RuntimeError):
    """So many runs wait already that no more are taken; the message says what to do."""


def enqueue(store: Store, spec: RunConfig | Identity, sweep: str = "") -> None:
    """Write into the run's journal that it waits its turn; keeps what it had computed.

    `sweep` names the sweep that it is a part of.
    """
    store.journal(spec).request(None)
    store.tell(spec, Event.ASKED, queued_at=time.time(), owner=os.getpid(), sweep=sweep)


class JobQueue:
    """Trains what is submitted.

    The queue lives in the journals: what waited when a server ended is taken up by the next.
    A worker goes on with its run when the server is killed.

    Args:
        store: where journals and results are kept.
        workers: how many processes train; `shards.worker_count()` by default.
    """

    def __init__(self, store: Store, workers: int | None = None):
        self.store = store
        self.workers = worker_count(workers)
        # What was asked of the workers for each run: once for each process that it may need.
        self._futures: dict[str, list[Future]] = {}
        self._guard = threading.RLock()
        self._closed = False
        self._device: Future | None = None
        self._pool: Executor | None = None
        self._cluster: Cluster | None = None
        self._load = Load()
        self._adoption = Adoption(store, self._send, self._guard, lambda: self._closed)
        self._longest = longest_queue()
        mend_index(store)
        self._adoption.of_everything()
        self._end = threading.Event()
        threading.Thread(target=self._look_around, name="adopt", daemon=True).start()

    def submit(self, config: RunConfig) -> None:
        """Put a configuration at the end of the queue, unless it is there, running or done.

        Raises:
            QueueFull: as many runs wait already as may.
            OSError: the journal cannot be written, for example since the disk is full; or there
                is no cluster where one is named.
        """
        self.submit_all([config])

    def submit_all(self, configs: Iterable[RunConfig]) -> None:
        """Put configurations at the end of the queue, as `submit`, what takes least first.

        In the number of runs that may wait they count as one.

        Raises:
            QueueFull, OSError: as `submit`; none of them is taken, or some.
        """
        identities = sorted(
            map(identify, configs),
            key=lambda candidate: run_work(candidate.config, candidate.config.budget),
        )
        sweep = identities[-1].key if len(identities) > 1 else ""
        with self._guard:
            wanted = [candidate for candidate in identities if self._is_to_be_asked_for(candidate)]
            if not wanted or self._closed:
                return
            if self._waiting() >= self._longest:
                raise QueueFull(
                    f"{self._longest} runs wait already. Wait until some are done, or stop some; "
                    f"{QUEUE_VARIABLE} sets how many may wait."
                )
            self._reached()  # before anything waits for it
            for identity in wanted:
                enqueue(self.store, identity, sweep)
                self._send(identity)

    def _is_to_be_asked_for(self, identity: Identity) -> bool:
        status = self.store.glance(identity, shipped=False).status
        if status in (Status.DONE, Status.RUNNING):
            return False
        return not (status is Status.QUEUED and self._is_asked_for(identity))

    def _waiting(self) -> int:
        """How many runs wait, all of a sweep counted as one."""
        keys = self.store.line.keys()
        if len(keys) < self._longest:
            return len(keys)
        jobs = {key: self.store.job(key) for key in keys}
        return len({(job and job.sweep) or key for key, job in jobs.items()})

    def cancel(self, config: RunConfig) -> None:
        """Stop a run at its next pass, or take it out of the queue. What it did is kept."""
        identity = identify(config)
        with self._guard:
            journal = self.store.journal(identity)
            journal.request("cancel")
            self._adoption.forget(identity)
            for rung in missing_rungs(self.store, identity):
                # What is trained for its sake alone.
                if self.store.journal(rung).exists and not self._is_wanted(rung, identity):
                    self.store.journal(rung).request("cancel")
            for future in self._futures.get(identity.key, ()):
                future.cancel()
            if journal.exists:
                self.store.tell(identity, Event.WITHDRAWN)

    def _is_wanted(self, rung: Identity, by: Identity) -> bool:
        """Whether a rung is trained for others' sake than that of the run above it, `by`."""
        return self._is_asked_for(rung)

    def waits_for_room(self, key: str) -> str:
        """What keeps that run from going on, as it will by itself; "" where nothing does."""
        return self._adoption.waits_for_room(key)

    def estimate(self, config: RunConfig) -> float | None:
        """Seconds that training would take from its turn on; None where that cannot be told."""
        return estimate(self.store, config, workers=self.workers, start=WARM, others=self.others)

    @property
    def others(self) -> float:
        """How many threads of others run on the machine."""
        return self._load.others

    @property
    def busy(self) -> bool:
        """Whether others want cores that training would use: it gives way, and takes longer."""
        return self.others + self.workers > joblib.cpu_count()

    def warm_up(self) -> None:
        """Start the workers before there is work: loading torch takes them seconds."""
        with self._guard:
            if self._device is None and not self._closed and scheduler() is None:
                (self._device,) = self._ask(1, device_of_worker)

    def device(self) -> str | None:
        """Where training computes; None while the worker is still starting."""
        if address := scheduler():
            return f"Dask cluster {address}"
        if self._device is None or not self._device.done() or self._device.cancelled():
            return None
        return None if self._device.exception() else self._device.result()

    @property
    def waits_for(self) -> str:
        """What is missing for training to go on, in words; "" where nothing is."""
        return self._cluster.waits_for if self._cluster is not None else ""

    def close(self, patience: float = 3.0) -> None:
        """End the workers. A run in progress is kept, and taken up by the next queue."""
        with self._guard:
            if self._closed:
                return
            self._closed = True
            self._end.set()
            asked = [future for futures in self._futures.values() for future in futures]
        for future in asked:
            future.cancel()
        running = self._running_here()
        for _, journal in running:
            with suppress(OSError):
                journal.request("pause")
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline and not all(
            self.store.is_free(identity) for identity, _ in running
        ):
            time.sleep(0.02)
        if self._pool is not None:
            end_workers(self.workers)
        if self._cluster is not None:
            self._cluster.end()
        # What had not stopped, and what a worker took up in its place.
        left = [pair for pair in self._running_here() if not self.store.results.has(pair[0])]
        with suppress(OSError):  # a full disk: they are found interrupted
            for _, journal in running:
                journal.request(None)
            for identity, _ in left:
                self.store.tell(identity, Event.TAKEN_UP, queued_at=0.0)

    def _busy_workers(self) -> int:
        with self._guard:
            asked = [future for futures in self._futures.values() for future in futures]
        return min(self.workers, sum(future.running() for future in asked))

    def _is_asked_for(self, identity: Identity) -> bool:
        return any(not future.done() for future in self._futures.get(identity.key, ()))

    def _running_here(self) -> list[tuple[Identity, Journal]]:
        """Runs of which a worker of this server says that it trains a part."""
        running = []
        for identity, journal in self.store.journals():
            parts = [part.status() for part in journal.parts()]
            job = journal.status()
            if (
                job is not None
                and job.status is Status.RUNNING
                and any(part is not None and part.parent == os.getpid() for part in parts)
            ):
                running.append((identity, journal))
        return running

    def _look_around(self) -> None:
        """From time to time, take up what nobody sees to, and look how busy the machine is."""
        looked_for_room = time.monotonic()
        while not self._end.wait(ADOPT_SECONDS):
            self._load.look(own=self._busy_workers())
            try:
                self._queue_what_lost_its_worker()
                if time.monotonic() - looked_for_room >= ROOM_SECONDS:
                    self._adoption.of_held_up()
                    looked_for_room = time.monotonic()
                self._adoption.of_waiting()
            except Exception:
                logger.exception("runs of other servers could not be looked for")

    def _queue_what_lost_its_worker(self) -> None:
        """A cluster without workers does a run anew once it has one: until then, that waits."""
        if not self.waits_for:
            return
        with self._guard:
            for identity, _ in self.store.journals():
                lost = self.store.standing(identity) is Status.INTERRUPTED
                if lost and self._is_asked_for(identity):
                    self.store.tell(identity, Event.TAKEN_UP, queued_at=0.0)

    def _send(self, identity: Identity) -> None:
        futures = self._work_on(identity)
        self._futures[identity.key] = futures
        for future in futures:
            future.add_done_callback(lambda done: self._after(identity, futures, done))

    def _work_on(self, identity: Identity) -> list[Future]:
        cluster = self._reached()
        if cluster is not None:
            return cluster.work_on(identity)
        count = min(self.workers, len(identity.config.seeds))
        arguments = identity, str(self.store.root), self.workers, WARM
        return self._ask(count, run_in_worker, *arguments)

    def _reached(self) -> Cluster | None:
        """The cluster, where one is named. Raises OSError where nothing answers there."""
        address = scheduler()
        if address is not None and (self._cluster is None or self._cluster.gone):
            self._cluster = Cluster(address, self.store)
        return self._cluster if address is not None else None

    def _ask(self, count: int, function: Callable[..., Any], *arguments: Any) -> list[Future]:
        """Ask for so many calls, each by whatever worker is free."""
        with deaf_to_interrupts():
            pool = local_executor(self.workers)
            futures = [pool.submit(function, *arguments) for _ in range(count)]
        if pool is not self._pool:
            self._pool = pool
            before_work_is_waited_for(self.close)
        return futures

    def _after(self, identity: Identity, futures: list[Future], done: Future) -> None:
        """See to a run that its workers left unfinished, for whatever reason."""
        if self._closed or done.cancelled() or not all(future.done() for future in futures):
            return
        with self._guard:
            if self._futures.get(identity.key) is not futures:
                return  # seen to already
            self._futures[identity.key] = []
        error = done.exception()
        if error is not None:
            logger.warning("run %s: its process ended: %s", identity.key, _named(error))
        if isinstance(error, OSError) and why_not(error, self.store.root):
            self._adoption.wait_for_room(identity, error)
            return
        job, now = self.store.job(identity.key), self.store.standing(identity)
        interrupted = error is not None and now is Status.INTERRUPTED
        if job is None or not (now is Status.QUEUED or interrupted):
            return
        if self.store.journal(identity).requested() == "cancel":
            with suppress(OSError):
                self.store.tell(identity, Event.WITHDRAWN)
            return
        # The run still waits: a worker beside its own was killed, or another server paused it; or
        # its own was killed. A run that brings nothing but errors, time and again, is given up.
        attempts = job.attempts + (error is not None and not interrupted)
        if attempts >= MAX_ATTEMPTS:
            with suppress(OSError):
                self.store.tell(identity, Event.GIVEN_UP, error=_named(error))
            return
        again = threading.Timer(RETRY_SECONDS, self._send_again, args=(identity, attempts))
        again.daemon = True
        again.start()

    def _send_again(self, identity: Identity, attempts: int) -> None:
        with self._guard:
            if self._closed:
                return
            try:
                self._adoption.take_up(identity, attempts=attempts)
            except OSError as error:
                self._adoption.wait_for_room(identity, error)


def _named(error: BaseException | None) -> str:
    """What ended a process, in one line; of an error not the system's, with its kind."""
    if error is None:
        return ""
    return reason(error) if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
