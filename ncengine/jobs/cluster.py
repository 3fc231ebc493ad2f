"""A Dask cluster that trains: where it is, what is asked of it, and what comes back."""

from __future__ import annotations

import logging
import os
import threading
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ncengine.jobs.ending import file_away
from ncengine.jobs.shards import WARM
from ncengine.jobs.worker import run_in_worker
from ncengine.reasons import reason
from ncengine.runs.identity import Identity, differs_here
from ncengine.runs.life import Event
from ncengine.runs.run import Status
from ncengine.runs.store import Store
from ncengine.snapshots.names import Arrays

if TYPE_CHECKING:
    import distributed

SCHEDULER_VARIABLE = "NCENGINE_SCHEDULER"
CONNECT_SECONDS = 5
LOOK_SECONDS = 1.0  # how often is looked whether there are workers
WITHOUT_SECONDS = 1.5  # so long none may be there, as while they are started, before it is told
# In this folder of the cache lies a file by whose name a worker knows that it sees the same cache.
TOKENS = "cluster"
NO_WORKERS = (
    "the Dask scheduler at {0} has no workers; it goes on when one comes, as by: dask worker {0}"
)

# What became of a run that was trained in another cache.
ENDED_ELSEWHERE = {Status.FAILED: Event.GIVEN_UP, Status.CANCELLED: Event.WITHDRAWN}

logger = logging.getLogger(__name__)


def scheduler() -> str | None:
    """Where the cluster's scheduler listens: `NCENGINE_SCHEDULER`; None without a cluster."""
    return os.environ.get(SCHEDULER_VARIABLE, "").strip() or None


class Cluster:
    """The workers of a Dask scheduler; used as `executors.Helpers` are.

    Where a worker sees the same cache, it takes shards of a run as any process does, and its
    journals are live. Where not, it trains the whole run in a cache of its own, and the result is
    stored here when it comes back.

    Args:
        address: of the scheduler, such as tcp://host:8786.
        store: where results are kept.

    Attributes:
        waits_for: what is missing for work to go on, in words; "" where nothing is.

    Raises:
        OSError: the extra [cluster] is not installed, or nothing answers there; says what to do.
    """

    def __init__(self, address: str, store: Store):
        self.address, self.store = address, store
        self._client = _connect(address)
        self._token = store.root / TOKENS / uuid.uuid4().hex
        self._token.parent.mkdir(mode=0o700, exist_ok=True)
        self._token.touch()
        self._guard = threading.RLock()
        self.waits_for = ""
        self._last_seen = time.monotonic()  # when there was a worker, or nobody could know
        self._ended = threading.Event()
        threading.Thread(target=self._watch, name="cluster", daemon=True).start()

    def work_on(self, identity: Identity) -> list[Future]:
        """Have a run worked on by as many workers as there are, or as it has seeds.

        A future is done once its worker has nothing left to take up, and what came back is kept.

        Raises:
            OSError: the scheduler has gone.
        """
        if self.gone:
            raise OSError(
                f"the Dask scheduler at {self.address} does not answer any more; what is done is "
                "kept, and asking again goes on from there"
            )
        count = max(1, min(len(self._workers()), len(identity.config.seeds)))
        tasks = [_Task(self, identity, count) for _ in range(count)]
        for task in tasks:
            task.submit()
        return [task.outer for task in tasks]

    @property
    def gone(self) -> bool:
        """Whether the scheduler has gone for good: only another `Cluster` finds it again."""
        return self._client.status in ("closing", "closed")

    def end(self) -> None:
        """Let the cluster go; what its workers have begun they finish."""
        self._ended.set()
        with suppress(OSError):
            self._token.unlink()
        self._client.close()

    def _watch(self) -> None:
        """Look again and again whether there are workers, and tell where there are none."""
        while not (self._ended.is_set() or self.gone):
            try:
                # While it looks for a scheduler that is lost, nothing is known of workers.
                if self._client.status != "running" or self._workers():
                    self._go_on()
            except Exception as error:  # whatever the client makes of a cluster that goes
                logger.debug("the cluster's workers cannot be counted: %s", error)
            self._wait_if_alone()
            self._ended.wait(LOOK_SECONDS)

    def _wait_if_alone(self) -> None:
        """There has been no worker for a while: tell it, once."""
        # Under the guard, since what a worker brings tells meanwhile that there is one.
        with self._guard:
            alone = time.monotonic() - self._last_seen > WITHOUT_SECONDS
            if alone and not self.waits_for:
                self.waits_for = NO_WORKERS.format(self.address)
                logger.warning("training waits: %s", self.waits_for)

    def _go_on(self) -> None:
        """There is a worker: tell it, where it was told that there is none."""
        with self._guard:
            self._last_seen = time.monotonic()
            if self.waits_for:
                self.waits_for = ""
                logger.warning("training goes on: the Dask scheduler has a worker")

    def _workers(self) -> list[str]:
        return list(self._client.scheduler_info(n_workers=-1).get("workers", ()))

    def receive(self, identity: Identity, arrays: Arrays) -> None:
        """Keep what a worker with another cache has computed."""
        with self._guard, self.store.lock(identity, patience=60.0):
            if not self.store.results.has(identity):
                self.store.results.compute(identity, lambda: arrays)
            if not file_away(self.store, identity):
                raise OSError(
                    f"the result could not be written to {self.store.root}; is the disk full?"
                )


class _Task:
    """Asks one worker for a run, and others where that one refuses.

    Attributes:
        outer: done when that has come to an end, whoever did it.
    """

    def __init__(self, cluster: Cluster, identity: Identity, workers: int):
        self.cluster, self.identity, self.workers = cluster, identity, workers
        self.outer: Future = Future()
        self.outer.set_running_or_notify_cancel()
        self.refused: dict[str, str] = {}

    def submit(self) -> None:
        """Ask a worker that has not refused yet."""
        others = [worker for worker in self.cluster._workers() if worker not in self.refused]
        if self.refused and not others:
            errors = "; ".join(dict.fromkeys(self.refused.values()))
            self.cluster.store.tell(self.identity, Event.GIVEN_UP, error=errors)
            self.outer.set_result(None)
            return
        inner = self.cluster._client.submit(
            run_on_cluster,
            self.identity.as_dict(),
            str(self.cluster.store.root),
            self.cluster._token.name,
            self.workers,
            pure=False,
            workers=others if self.refused else None,
        )
        # Dask calls back for all clients from one thread: none may wait in it for what a client
        # that was closed will never fetch.
        inner.add_done_callback(
            lambda done: threading.Thread(target=self._done, args=(done,), daemon=True).start()
        )

    def _done(self, inner: distributed.Future) -> None:
        try:
            answer: Mapping[str, Any] = inner.result()
            # It may have done all there was to do before it was seen.
            self.cluster._go_on()
            if "refused" in answer:
                self.refused[answer["worker"]] = answer["refused"]
                self.submit()
                return
            if "arrays" in answer:
                self.cluster.receive(self.identity, answer["arrays"])
            elif "status" in answer:
                event = ENDED_ELSEWHERE.get(Status(answer["status"]), Event.TAKEN_UP)
                self.cluster.store.tell(self.identity, event, error=answer["error"])
            self.outer.set_result(None)
        except BaseException as error:  # whatever it is, who waits must hear of it
            self.outer.set_exception(error)


def _connect(address: str) -> Any:
    try:
        import distributed
    except ModuleNotFoundError as error:
        raise OSError(
            f"{SCHEDULER_VARIABLE} = {address!r}: Dask is not installed here; "
            "pip install 'neural-collapse-explorer[cluster]' does that"
        ) from error

    class Client(distributed.Client):
        """Closed by who made it: of one that never connected dask's own way ends in a traceback."""

        def __del__(self) -> None:
            pass

    try:
        return Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except Exception as error:  # of an address that it does not understand, it can be anything
        why = "none answers there" if isinstance(error, OSError) else reason(error)
        raise OSError(
            f"{SCHEDULER_VARIABLE} = {address!r}: must be where a Dask scheduler listens, such as "
            f"tcp://host:8786: {why}"
        ) from error


# On a worker.


def run_on_cluster(asked: Mapping[str, Any], root: str, token: str, workers: int) -> dict[str, Any]:
    """What a worker of the cluster is asked to do with one run.

    Args:
        asked: `Identity.as_dict()` of the run: it is this that is computed, or refused.
        root, token: the cache of who asks, and a file in it by which to know it.
        workers: how many were asked for it.

    Returns:
        {} where the cache is shared, and all is said in it; "arrays" of the result where not, or
        the "status" and "error" with which it ended; "refused", why, and by which "worker".
    """
    try:
        identity = Identity.from_dict(asked)
        reason = _why_not(identity)
    except (ValueError, TypeError, KeyError) as error:
        reason = f"this worker does not understand what is asked for: {error}"
    if reason:
        import distributed

        return {"refused": reason, "worker": distributed.get_worker().address}
    if (Path(root) / TOKENS / token).exists():
        run_in_worker(identity, root, workers, WARM)
        return {}
    store = Store()
    run_in_worker(identity, str(store.root), 1, WARM)
    if store.results.has(identity):
        return {"arrays": dict(store.results.load(identity))}
    run = store.open(identity, shipped=False)
    return {"status": str(run.status), "error": run.error}


def _why_not(identity: Identity) -> str:
    """Why this worker cannot compute a run; "" where it can."""
    from ncengine.datasets import DatasetError, is_available
    from ncengine.datasets.files import local

    try:
        if not is_available(identity.config.dataset):
            local.require(identity.config.dataset)
        return differs_here(identity)
    except (DatasetError, ValueError, OSError) as error:
        return reason(error)
