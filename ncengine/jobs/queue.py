"""Where work runs: a queue of configurations, and the processes that train them."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from concurrent.futures import Future

from joblib.externals.loky import get_reusable_executor

from ncengine.config import RunConfig
from ncengine.runs.journal import Journal
from ncengine.runs.run import Status
from ncengine.runs.store import Store, enqueue

logger = logging.getLogger(__name__)

IDLE_SECONDS = 3600  # a worker that has nothing to do for this long ends
WORKER_NICENESS = 10
ORPHAN_SECONDS = 1.0  # how often a worker looks whether its server is still there
RETRY_SECONDS = 0.5  # after a worker ended without a word, until its run is tried again
MAX_ATTEMPTS = 3  # how often a run that took its process down with it is taken up by itself


def be_a_good_worker() -> None:
    """In a worker: give way to others; end when the server is gone and no run is in progress."""
    parent = os.getppid()
    # Whoever looks on comes first: the browser and the server take little, but want it soon.
    os.nice(WORKER_NICENESS)

    def watch() -> None:
        while os.getppid() == parent or _busy.locked():
            time.sleep(ORPHAN_SECONDS)
        os._exit(0)

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()


# Held by a worker while it trains.
_busy = threading.Lock()


def run_in_worker(config_json: str, root: str) -> None:
    """What a worker process is asked to do with one configuration."""
    from ncengine.jobs.job import run_job
    from ncengine.training.device import leave_a_core

    leave_a_core()
    with _busy:
        run_job(config_json, root, in_worker=True)


def device_of_worker() -> str:
    """The device on which a worker computes, for a reader."""
    from ncengine.training.device import describe, leave_a_core, pick_device

    leave_a_core()
    return describe(pick_device())


class JobQueue:
    """Trains what is submitted, one after another, in a process of its own (joblib's loky).

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
        with self._guard:
            run = self.store.open(config)
            if self._closed or run.status in (Status.DONE, Status.RUNNING):
                return
            future = self._futures.get(config.key)
            if run.status is Status.QUEUED and future is not None and not future.done():
                return
            enqueue(self.store, config)
            self._send(config)

    def cancel(self, config: RunConfig) -> None:
        """Stop a run at its next pass, or take it out of the queue. What it did is kept."""
        with self._guard:
            journal = self.store.journal(config)
            journal.wish("cancel")
            future = self._futures.get(config.key)
            if future is not None:
                future.cancel()
            said = journal.status()
            if said.get("status") == Status.QUEUED:
                journal.set_status(**{**said, "status": str(Status.CANCELLED)})

    def warm_up(self) -> None:
        """Start a worker before there is work: loading torch takes it seconds."""
        with self._guard:
            if self._device is None and not self._closed:
                self._device = self._executor().submit(device_of_worker)

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
        for _, journal in self._running_here():
            journal.wish("pause")
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline and any(
            journal.wished() == "pause" for _, journal in self._running_here()
        ):
            time.sleep(0.02)
        if self._device is not None or self._futures:
            self._executor().shutdown(wait=True, kill_workers=True)
        for _, journal in self._running_here():
            journal.wish(None)
            journal.set_status(**{**journal.status(), "status": str(Status.QUEUED)})
        atexit.unregister(self.close)

    def _executor(self):
        return get_reusable_executor(
            max_workers=1, timeout=IDLE_SECONDS, reuse=True, initializer=be_a_good_worker
        )

    def _running_here(self) -> list[tuple[RunConfig, Journal]]:
        """Runs that a worker of this server says it trains."""
        found = []
        for config, journal in self.store.journals():
            said = journal.status()
            if said.get("status") == Status.RUNNING and said.get("parent") == os.getpid():
                found.append((config, journal))
        return found

    def _adopt(self) -> None:
        """Take up what an earlier queue left waiting, or half done."""
        for config, journal in self.store.journals():
            said = journal.status()
            if self.store.has_result(config):
                self.store.settle(config)
                continue
            status = self.store.open(config).status
            attempts = int(said.get("attempts", 0))
            if status is Status.QUEUED or (
                status is Status.INTERRUPTED and attempts < MAX_ATTEMPTS
            ):
                journal.wish(None)
                journal.set_status(
                    **{
                        **said,
                        "status": str(Status.QUEUED),
                        "queued_at": said.get("queued_at", 0.0),
                    }
                )
                self._send(config)

    def _send(self, config: RunConfig) -> None:
        future = self._executor().submit(
            run_in_worker, config.canonical_json(), str(self.store.root)
        )
        self._futures[config.key] = future
        future.add_done_callback(lambda done: self._after(config, done))

    def _after(self, config: RunConfig, future: Future) -> None:
        """See to a run that its worker left unfinished, for whatever reason."""
        if self._closed or future.cancelled():
            return
        error = future.exception()
        if error is not None:
            logger.warning("run %s: its process ended: %s", config.key, _named(error))
        journal = self.store.journal(config)
        said = journal.status()
        if said.get("status") != Status.QUEUED:
            return
        # It still waits: its worker was killed beside it, or another server paused it. One
        # that time and again brings nothing but errors is given up.
        attempts = int(said.get("attempts", 0)) + (error is not None)
        if attempts >= MAX_ATTEMPTS:
            journal.set_status(**{**said, "status": str(Status.FAILED), "error": _named(error)})
            return
        journal.wish(None)
        journal.set_status(**{**said, "attempts": attempts})
        again = threading.Timer(RETRY_SECONDS, self._send_again, args=(config,))
        again.daemon = True
        again.start()

    def _send_again(self, config: RunConfig) -> None:
        with self._guard:
            if not self._closed:
                self._send(config)


def _named(error: BaseException | None) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}".rstrip(": ")
