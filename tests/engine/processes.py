"""Processes that tests start and kill, ready at once: torch is loaded once for all of them."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from ncengine.config import RunConfig
from ncengine.runs.identity import identify
from ncengine.runs.store import Store

# With a memory of its own either way; where there are forks, it need not load torch anew.
FORKS = "forkserver" in multiprocessing.get_all_start_methods()
CONTEXT = multiprocessing.get_context("forkserver" if FORKS else "spawn")
CONTEXT.set_forkserver_preload(
    ["ncengine.jobs.job", "ncengine.training.train", "distributed.cli.dask_worker"]
)


def start(function: Callable[..., None], *arguments: Any, **environment: str) -> BaseProcess:
    """A process that calls the function, and may not start others itself.

    Args:
        function: of a module.
        environment: variables set beside those of this process.
    """
    variables = {**os.environ, **environment}
    # Ends with the tests, whatever becomes of them.
    process = CONTEXT.Process(target=_call, args=(variables, function, *arguments), daemon=True)
    process.start()
    return process


def _call(variables: dict[str, str], function: Callable[..., None], *arguments: Any) -> None:
    os.environ.clear()  # a fork has those of the test that came first
    os.environ.update(variables)
    function(*arguments)


def start_training(store: Store, config: RunConfig, shards: list | None = None) -> BaseProcess:
    """A process that trains the run, and writes a checkpoint every .3 s."""
    return start(_train, store.root, config, shards)


def _train(root: Path, config: RunConfig, shards: list | None) -> None:
    from ncengine.jobs import job, reporter

    reporter.CHECKPOINT_EVERY = 0.3
    job.run_job(identify(config), Store(root), shards=shards)
