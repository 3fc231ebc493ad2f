"""The processes in which work runs."""

from __future__ import annotations

from concurrent.futures import Executor
from typing import Any

from joblib.externals.loky import get_reusable_executor

from ncengine.jobs.worker import be_a_good_worker

IDLE_SECONDS = 3600  # a worker that has nothing to do for this long ends


def end_workers() -> None:
    """End the worker process at once, whatever it does, and wait until it is gone."""
    _loky().shutdown(wait=True, kill_workers=True)


def local_executor() -> Executor:
    """The one worker process of this process (joblib's loky), started anew where it has ended."""
    return _loky()


def _loky() -> Any:
    return get_reusable_executor(
        max_workers=1, timeout=IDLE_SECONDS, reuse=True, initializer=be_a_good_worker
    )
