"""The processes in which work runs."""

from __future__ import annotations

import multiprocessing.resource_tracker
import os
import queue
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from joblib.externals.loky import ProcessPoolExecutor, get_reusable_executor
from joblib.externals.loky.backend import resource_tracker as loky_tracker

from ncengine.jobs.worker import be_a_helper, be_a_ready_worker

# loky (joblib 1.6) replaces a worker that holds 300 MB more than after its first task, as one does
# that has trained something large, and warns of a leak. Nothing is lost, and nothing to be done.
warnings.filterwarnings("ignore", message="A worker stopped while some jobs were given")

IDLE_SECONDS = 3600  # a worker that has nothing to do for this long ends


@contextmanager
def deaf_to_interrupts() -> Iterator[None]:
    """Processes that are started within never hear Ctrl-C, which reaches a terminal's every one.

    Until they ignore it themselves, they would end amid what they load, with a traceback each. This
    process hears it afterwards. Windows has no such way.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # Each, when it is started, has this thread hear the signal again.
    multiprocessing.resource_tracker.ensure_running()
    loky_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def local_executor(workers: int) -> Executor:
    """The worker processes of this process (joblib's loky), started anew where they have ended."""
    return _loky(workers)


def before_work_is_waited_for(call: Callable[[], None]) -> None:
    """Have something called when the program ends, before the pool waits for its work to end.

    To be called after the pool's first task: only then does a pool register its own wait, and what
    is registered last is called first. `atexit` is too late, for it comes after that wait.
    """
    # Python's own pools register so; there is no public way.
    threading._register_atexit(call)  # type: ignore[attr-defined]


def end_workers(workers: int) -> None:
    """End the worker processes at once, whatever they do, and wait until they are gone."""
    _end(_loky(workers))


def _loky(workers: int) -> Any:
    return get_reusable_executor(
        max_workers=workers,
        timeout=IDLE_SECONDS,
        reuse=True,
        initializer=be_a_ready_worker,
        initargs=(os.getpid(),),
    )


class Helpers:
    """Processes that help this one for a while; they need no main guard in a script.

    Args:
        count: how many, from 0.
    """

    def __init__(self, count: int):
        start = partial(be_a_helper, os.getpid())
        self._executor = ProcessPoolExecutor(count, initializer=start) if count else None
        self.count = count

    def ask(self, count: int, function: Callable[..., Any], *arguments: Any) -> list[Future]:
        """Let the function be called so many times, each by whoever is free."""
        if self._executor is None:
            return []
        with deaf_to_interrupts():
            return [self._executor.submit(function, *arguments) for _ in range(count)]

    def end(self) -> None:
        """End them, whatever they do."""
        if self._executor is not None:
            _end(self._executor)


def _end(pool: Any) -> None:
    """End a pool's processes at once, whatever they do, and drop what waits for one.

    What waits is taken out first. Else the thread that manages loky's processes (joblib 1.6) ends
    in the midst, with a traceback, and where something of it was cancelled leaves them running.
    """
    for item in [*pool._pending_work_items.values()]:
        item.future.cancel()  # does nothing to what a process has begun
    with suppress(queue.Empty):
        while True:
            pool._pending_work_items.pop(pool._work_ids.get_nowait(), None)
    pool.shutdown(wait=True, kill_workers=True)
