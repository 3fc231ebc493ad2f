"""JobQueue: trains what is submitted, one run after another, in a process of its own."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from concurrent.futures import Future

from ncengine.config import RunConfig
from ncengine.jobs.executors import end_workers, local_executor
from ncengine.jobs.listing import file_away
from ncengine.jobs.worker import device_of_worker, run_in_worker
from ncengine.runs.identity import Identity, identify
from ncengine.runs.journal import Journal
from ncengine.runs.run import Status
from ncengine.runs.store import Store

logger = logging.getLogger(__name__)

RETRY_SECONDS = 0.5  # after a worker ended without a word, until its run is tried again
MAX_ATTEMPTS = 3  # how often a run that took its process down with it is taken up by itself


def enqueue(store: Store, what: RunConfig | Identity) -> None:
    """Write into the run's journal that it waits its turn; keeps what it had computed."""
    identity = identify(what)
    journal = store.journal(identity)
    journal.create(identity.as_dict())
    journal.wish(None)
    journal.change(
        Status.QUEUED,
        queued_at=time.time(),
        attempts=0,
        seconds_left=None,
        error=None,
        pid=None,
        parent=None,
    )


class JobQueue:
    """Trains what is submitted.

    The queue lives in the journals: what waited when a server ended is taken up by the next.
    A worker goes on with its run when the server is killed.

    Args:
        store: where journals and results are kept.
    """

    def __init__(self, store: Store):
        self.store = store
        self._futures: dict[str, Future] = {}
        self._guard = threading.RLock()
        self._closed = False
        self._device: Future | None = None
        self._adopt()
        atexit.register(self.close)

    def submit(self, config: RunConfig) -> None:
        """Put a configuration at the end of the queue, unless it is there, running or done."""
        identity = identify(config)
        with self._guard:
            run = self.store.open(identity)
            if self._closed or run.status in (Status.DONE, Status.RUNNING):
                return
            future = self._futures.get(identity.key)
            if run.status is Status.QUEUED and future is not None and not future.done():
                return
            enqueue(self.store, identity)
            self._send(identity)

    def cancel(self, config: RunConfig) -> None:
        """Stop a run at its next pass, or take it out of the queue. What it did is kept."""
        identity = identify(config)
        with self._guard:
            journal = self.store.journal(identity)
            journal.wish("cancel")
            future = self._futures.get(identity.key)
            if future is not None:
                future.cancel()
            if _status(journal) is Status.QUEUED:
                journal.change(Status.CANCELLED)

    def warm_up(self) -> None:
        """Start a worker before there is work: loading torch takes it seconds."""
        with self._guard:
            if self._device is None and not self._closed:
                self._device = local_executor().submit(device_of_worker)

    def device(self) -> str | None:
        """Where training computes; None while the worker is still starting."""
        if self._device is None or not self._device.done() or self._device.cancelled():
            return None
        return None if self._device.exception() else self._device.result()

    def close(self, patience: float = 3.0) -> None:
        """End the workers. A run in progress is kept, and taken up by the next queue."""
        with self._guard:
            if self._closed:
                return
            self._closed = True
            waiting = [key for key, future in self._futures.items() if not future.done()]
        for key in waiting:
            self._futures[key].cancel()
        for journal in self._running_here():
            journal.wish("pause")
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline and any(
            journal.wished() == "pause" for journal in self._running_here()
        ):
            time.sleep(0.02)
        if self._device is not None or self._futures:
            end_workers()
        for journal in self._running_here():
            journal.wish(None)
            journal.change(Status.QUEUED, queued_at=0.0)
        atexit.unregister(self.close)

    def _running_here(self) -> list[Journal]:
        """Journals of runs that a worker of this server says it trains."""
        found = []
        for _, journal in self.store.journals():
            job = journal.status()
            if job and job.status is Status.RUNNING and job.parent == os.getpid():
                found.append(journal)
        return found

    def _adopt(self) -> None:
        """Take up what an earlier queue left waiting, or half done."""
        for key in self.store.line.keys():
            # Whoever was killed on leaving the line still stands in it.
            if _status(Journal(self.store.root / "journal" / key)) is not Status.QUEUED:
                self.store.line.leave(key)
        for identity, journal in self.store.journals():
            if file_away(self.store, identity):
                continue
            job, status = journal.status(), self.store.open(identity).status
            if job is None or identity != identify(identity.config):
                continue  # gone meanwhile, or asked for on data that are not these
            if status is Status.QUEUED:
                queued_at = job.queued_at
            elif status is Status.INTERRUPTED and job.attempts < MAX_ATTEMPTS:
                queued_at = 0.0  # its turn had come
            else:
                continue
            journal.wish(None)
            journal.change(Status.QUEUED, queued_at=queued_at)
            self._send(identity)

    def _send(self, identity: Identity) -> None:
        future = local_executor().submit(run_in_worker, identity, str(self.store.root))
        self._futures[identity.key] = future
        future.add_done_callback(lambda done: self._after(identity, done))

    def _after(self, identity: Identity, future: Future) -> None:
        """See to a run that its worker left unfinished, for whatever reason."""
        if self._closed or future.cancelled():
            return
        error = future.exception()
        if error is not None:
            logger.warning("run %s: its process ended: %s", identity.key, _named(error))
        journal = self.store.journal(identity)
        job = journal.status()
        if job is None or job.status is not Status.QUEUED:
            return
        # It still waits: its worker was killed beside it, or another server paused it. One
        # that time and again brings nothing but errors is given up.
        attempts = job.attempts + (error is not None)
        if attempts >= MAX_ATTEMPTS:
            journal.change(Status.FAILED, error=_named(error))
            return
        journal.wish(None)
        journal.change(Status.QUEUED, attempts=attempts)
        again = threading.Timer(RETRY_SECONDS, self._send_again, args=(identity,))
        again.daemon = True
        again.start()

    def _send_again(self, identity: Identity) -> None:
        with self._guard:
            if not self._closed:
                self._send(identity)


def _status(journal: Journal) -> Status | None:
    job = journal.status()
    return None if job is None else job.status


def _named(error: BaseException | None) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}".rstrip(": ")
