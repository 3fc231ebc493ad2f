"""The processes in which work runs."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import Any

from joblib.externals.loky import ProcessPoolExecutor, get_reusable_executor

from ncengine.jobs.worker import be_a_good_worker, be_a_ready_worker

IDLE_SECONDS = 3600  # a worker that has nothing to do for this long ends


def local_executor(workers: int) -> Executor:
    """The worker processes of this process (joblib's loky), started anew where they have ended."""
    return _loky(workers)


def before_work_is_waited_for(call: Callable[[], None]) -> None:
    """Have something called when the program ends, before the pool waits for its work to end.

    A pool says at its first task that it will wait, and what is registered last is called first: so
    this is for afterwards. `atexit` comes too late, when the wait is over.
    """
    # Python's own pools register so; there is no public way.
    threading._register_atexit(call)  # type: ignore[attr-defined]


def end_workers(workers: int) -> None:
    """End the worker processes at once, whatever they do, and wait until they are gone."""
    _loky(workers).shutdown(wait=True, kill_workers=True)


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
        # As much in a hurry as this process is.
        start = partial(be_a_good_worker, os.getpid(), niceness=0)
        self._executor = ProcessPoolExecutor(count, initializer=start) if count else None
        self.count = count

    def ask(self, function: Any, *arguments: Any) -> None:
        """Let every one of them call the function."""
        if self._executor is not None:
            for _ in range(self.count):
                self._executor.submit(function, *arguments)

    def end(self) -> None:
        """End them, whatever they do."""
        if self._executor is not None:
            self._executor.shutdown(wait=True, kill_workers=True)
