"""`sweep`: train many configurations here and now, or fetch them from the cache."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import BrokenExecutor, Future
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ncengine.analysis.best_known import beside_best_known
from ncengine.analysis.outcome import with_outcome
from ncengine.config import RunConfig
from ncengine.costs.work import run_work
from ncengine.jobs.cluster import Cluster, scheduler
from ncengine.jobs.executors import Helpers
from ncengine.jobs.foreground import stop_if_interrupted
from ncengine.jobs.shards import WARM, worker_count
from ncengine.jobs.worker import run_in_worker
from ncengine.reasons import reason
from ncengine.runs.identity import Identity, identify
from ncengine.runs.places import require_cache
from ncengine.runs.run import Run, Status
from ncengine.runs.store import Store
from ncengine.runs.table import table

if TYPE_CHECKING:
    import pandas as pd

POLL_SECONDS = 0.2
MAX_ATTEMPTS = 3  # how often a run is begun whose process is killed each time
MAX_LOST = 12  # how often one is asked for whose process ends before it is begun
# From so much work on, the rest is judged by it.
TELLING = 0.02
TELLING_SECONDS = 5.0


@dataclass(frozen=True)
class Progress:
    """How far a sweep has come.

    Attributes:
        share: of its work, from 0 to 1.
        seconds_left: for the rest, as fast as it went so far; None before that can be told.
        ended, runs: how many of its runs have ended, and how many there are.
    """

    share: float
    seconds_left: float | None
    ended: int
    runs: int


def sweep(
    configs: Iterable[RunConfig],
    workers: int | None = None,
    progress: Callable[[Progress], None] | None = None,
    *,
    store: Store | None = None,
    on_end: Callable[[Run], None] | None = None,
) -> pd.DataFrame:
    """The table of all runs, one row a run and seed: what is not in the cache is trained first.

    What takes least is trained first. A run that fails or is stopped is not in the table, and
    stops no other. Ctrl-C keeps what is done, and the same call goes on from there. While runs
    train, the app shows them live. Where `NCENGINE_SCHEDULER` names a Dask scheduler, its workers
    train.

    Args:
        configs: what is trained; what is the same run is trained once.
        workers: how many processes train; by default `shards.worker_count()`.
        progress: called as it goes on.
        store: where results are kept; the default cache by default.
        on_end: called with each run when it has ended: done, diverged, failed or stopped.

    Returns:
        See `runs.table`; rows in the order of `configs`.

    Raises:
        ValueError: `workers` is not from 1 to 256.
        OSError: the cluster cannot be reached, or nothing can be written to the cache.
    """
    workers = worker_count(workers)
    store = store or Store()
    asked = {identity.key: identity for identity in map(identify, configs)}
    with ExitStack() as ending:
        going = _Sweep(list(asked.values()), store, workers, on_end, ending)
        while going.step():
            if progress:
                progress(going.progress())
            time.sleep(POLL_SECONDS)
        if progress:
            progress(going.progress())
    return table(summary for key in asked if (summary := going.ended[key]) is not None)


class _Sweep:
    """The runs of a sweep that have ended, and those that are waited for.

    Attributes:
        ended: by key the summary of each run that has ended; None where it has no result. Not the
            runs themselves, of which each holds megabytes.
    """

    def __init__(
        self,
        asked: list[Identity],
        store: Store,
        workers: int,
        on_end: Callable[[Run], None] | None,
        ending: ExitStack,
    ):
        self.store, self.workers, self.on_end = store, workers, on_end
        self.ended: dict[str, dict[str, Any] | None] = {}
        work = {
            identity.key: run_work(identity.config, identity.config.budget) for identity in asked
        }
        self._work = work
        self._begun: dict[str, float] = {}
        self._open = sorted(asked, key=lambda identity: work[identity.key])
        self._futures: dict[str, list[Future]] = {}
        self._asked_of: dict[str, Helpers] = {}
        self._attempts: dict[str, float] = {}
        self._helpers: Helpers | None = None
        address = scheduler()
        self._cluster = Cluster(address, store) if address else None
        self._started = time.monotonic()
        ending.callback(self._end_helpers)
        if self._cluster is not None:
            ending.callback(self._cluster.end)
        # Called first: on Ctrl-C the helpers are to keep what they did before they are ended.
        ending.push(partial(stop_if_interrupted, store, lambda: self._open))
        for identity in [*self._open]:
            run = store.open(identity, shipped=False)
            if run.status.finished:
                self._begun[identity.key] = work[identity.key]
                self._end(identity, run)
            else:
                if not self._futures:  # before anything is trained
                    require_cache(store.root)
                self._begun[identity.key] = self._work_of(identity, run.passes)
                self._ask(identity)

    def step(self) -> bool:
        """See to the runs that are waited for; gives whether there are any."""
        for identity in [*self._open]:
            if all(future.done() for future in self._futures[identity.key]):
                self._settle(identity)
        return bool(self._open)

    def progress(self) -> Progress:
        """How far it has come, by the work that each run takes."""
        total = sum(self._work.values()) or 1.0
        done = sum(self._work[key] for key in self.ended)
        new = sum(self._work[key] - self._begun[key] for key in self.ended)
        for identity in self._open:
            so_far = self._work_of(identity, self.store.glance(identity, shipped=False).passes)
            done += so_far
            new += max(0.0, so_far - self._begun[identity.key])
        passed = time.monotonic() - self._started
        left = None
        if not self._open:
            left = 0.0
        elif new > TELLING * total and passed > TELLING_SECONDS:
            left = passed * (total - done) / new
        runs = len(self.ended) + len(self._open)
        share = min(1.0, done / total) if self._open else 1.0
        return Progress(share, left, len(self.ended), runs)

    def _work_of(self, identity: Identity, passes: int) -> float:
        """Of so many passes, of what the whole run takes."""
        return min(self._work[identity.key], run_work(identity.config, passes)) if passes else 0.0

    def _ask(self, identity: Identity) -> None:
        journal = self.store.journal(identity)
        if journal.exists:
            journal.request(None)
        if self._cluster is not None:
            self._futures[identity.key] = self._cluster.work_on(identity)
            return
        if self._helpers is None:
            self._helpers = Helpers(self.workers)
        count = min(self.workers, len(identity.config.seeds))
        arguments = identity, str(self.store.root), self.workers, WARM
        self._futures[identity.key] = self._helpers.ask(count, run_in_worker, *arguments)
        self._asked_of[identity.key] = self._helpers

    def _settle(self, identity: Identity) -> None:
        """Nobody here works on the run any more: it has ended, others train it, or it is lost."""
        run = self.store.open(identity, shipped=False)
        error = next(
            filter(None, (future.exception() for future in self._futures[identity.key])), None
        )
        stopped = run.status in (Status.FAILED, Status.CANCELLED)
        if run.status.finished or (stopped and error is None):
            self._end(identity, run)
        elif run.status is not Status.RUNNING:
            self._try_again(identity, run, error)

    def _try_again(self, identity: Identity, run: Run, error: BaseException | None) -> None:
        """Its process raised an error or was killed; or one was beside it, which ends them all."""
        if isinstance(error, BrokenExecutor) and self._asked_of.get(identity.key) is self._helpers:
            self._end_helpers()
        # A run that was killed time and again is given up sooner than one that was not begun.
        tried = 1.0 if run.status is Status.INTERRUPTED else MAX_ATTEMPTS / MAX_LOST
        self._attempts[identity.key] = self._attempts.get(identity.key, 0.0) + tried
        if self._attempts[identity.key] < MAX_ATTEMPTS:
            self._ask(identity)
            return
        message = f"it was left {run.status}"
        if error is not None:
            kind = "" if isinstance(error, OSError) else f"{type(error).__name__}: "
            message = kind + reason(error)
        self._end(identity, replace(run, status=Status.FAILED, error=message))

    def _end(self, identity: Identity, run: Run) -> None:
        self._open.remove(identity)
        if run.status.finished:
            run = beside_best_known(run)
        self.ended[identity.key] = with_outcome(run.summary()) if run.status.finished else None
        if self.on_end:
            self.on_end(run)

    def _end_helpers(self) -> None:
        if self._helpers is not None:
            self._helpers.end()
            self._helpers = None
