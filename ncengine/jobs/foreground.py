"""`run`: train a configuration here and now, or fetch it from the cache."""

from __future__ import annotations

import time

from ncengine.config import RunConfig
from ncengine.runs.run import Run, Status
from ncengine.runs.store import Store

POLL_SECONDS = 0.2


def run(config: RunConfig, *, store: Store | None = None, progress=None) -> Run:
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

    store = store or Store()
    while True:
        now = store.open(config)
        if now.status in (Status.DONE, Status.DIVERGED):
            return now
        if now.status is Status.RUNNING:
            if progress:
                progress(now.passes, config.epochs)
            time.sleep(POLL_SECONDS)
            continue
        journal = store.journal(config)
        if journal.exists:
            journal.wish(None)
        run_job(config.canonical_json(), str(store.root), progress)
        now = store.open(config)
        if now.status is Status.FAILED:
            raise RuntimeError(f"run {config.key} failed: {now.error}")
        if now.status is Status.CANCELLED:
            raise RuntimeError(f"run {config.key} was stopped at pass {now.passes}")
