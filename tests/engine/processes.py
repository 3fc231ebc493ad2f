"""Processes that tests start and kill, ready at once: torch is loaded once for all of them.

With a memory of its own each, as those that the product starts: where there are forks, a process
that has loaded what they need gives them theirs.
"""

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


def pool(make: Callable[..., Any], count: int, *, initializer: Callable, **options: Any) -> Any:
    """What `make` of loky makes, whose processes are begun as these are.

    Args:
        make: `ProcessPoolExecutor` or `get_reusable_executor`.
        initializer: of `ncengine.jobs.worker`, with the process that is to outlive them.
    """
    begin = getattr(initializer, "func", initializer)
    options["initargs"] = (dict(os.environ), os.getpid(), begin)
    return make(count, context=CONTEXT, initializer=_begin, **options)


def _begin(variables: dict[str, str], parent: int, begin: Callable[[int], None]) -> None:
    os.environ.clear()
    os.environ.update(variables)
    server, who = os.getppid(), os.getppid
    # Whose process it is says who asked for it, who begins it ends with that one.
    os.getppid = lambda: parent if who() == server else who()
    begin(parent)
