"""`run`: train a configuration here and now, or fetch it from the cache."""

from __future__ import annotations

import time
from collections.abc import Callable

from ncengine.config import RunConfig
from ncengine.runs.identity import identify
from ncengine.runs.run import Run, Status
from ncengine.runs.store import Store

POLL_SECONDS = 0.2


def run(
    config: RunConfig,
    *,
    store: Store | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Run:
    """The finished run of `config`: from the cache, else trained in this process.

    Where another process trains it already, waits for that one. While it trains, the app
    shows it live.

    Args:
        config: the experiment.
        store: where results are kept; the default cache by default.
        progress: called with (passes done, budget) as it trains.

    Raises:
        RuntimeError: the training failed or was cancelled; says why.
    """
    from ncengine.jobs.job import run_job

    store, identity = store or Store(), identify(config)
    while True:
        now = store.open(identity)
        if now.status in (Status.DONE, Status.DIVERGED):
            return now
        if now.status is Status.RUNNING:
            if progress:
                progress(now.passes, config.epochs)
            time.sleep(POLL_SECONDS)
            continue
        journal = store.journal(identity)
        if journal.exists:
            journal.wish(None)
        run_job(identity, store, progress)
        now = store.open(identity)
        if now.status is Status.FAILED:
            raise RuntimeError(f"run {identity.key} failed: {now.error}")
        if now.status is Status.CANCELLED:
            raise RuntimeError(f"run {identity.key} was stopped at pass {now.passes}")
