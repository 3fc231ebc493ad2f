"""How a run is cut into shards: which seeds are trained side by side, which in other processes."""

from __future__ import annotations

import os

import joblib
import numpy as np

from ncengine.config import RunConfig
from ncengine.costs.memory import memory_here, memory_needed
from ncengine.costs.work import run_work
from ncengine.jobs.process_memory import process_bytes

WORKERS_VARIABLE = "NCENGINE_WORKERS"
MOST_WORKERS = 256
WORKERS_ALLOWED = f"must be a whole number from 1 to {MOST_WORKERS}"
# Seconds of work that a process costs before it is of use: torch has to be loaded, or is already.
COLD, WARM = 3.0, 0.3
# A run is cut where that saves at least this share of its time.
WORTHWHILE = 0.1


def worker_count(asked: int | None = None) -> int:
    """How many processes train at once: as asked, else `NCENGINE_WORKERS`, else one a core.

    Raises:
        ValueError: what is asked, or the variable, is no whole number from 1 to 256.
    """
    if asked is not None:
        if not 1 <= asked <= MOST_WORKERS:
            raise ValueError(f"workers = {asked!r}: {WORKERS_ALLOWED}")
        return asked
    named = os.environ.get(WORKERS_VARIABLE, "").strip()
    if not named:
        return joblib.cpu_count()
    if not named.isdecimal() or not 1 <= int(named[:10]) <= MOST_WORKERS:
        raise ValueError(f"{WORKERS_VARIABLE} = {named!r}: {WORKERS_ALLOWED}")
    return int(named)


def cut(config: RunConfig, workers: int, start: float, device: str) -> list[tuple[int, ...]]:
    """The seeds of each shard, in the order of the seeds.

    Seeds never touch each other, so that single-threaded processes may train them apart. On a GPU
    they stay together, and wherever more processes would not be quicker. There are no more
    processes than memory holds: each needs the data for itself.

    Args:
        config: what is trained.
        workers: how many processes there are.
        start: seconds of work that a further process costs, `COLD` or `WARM`.
        device: the type of device, such as "cpu".
    """
    together = [config.seeds]
    if device != "cpu":
        return together
    count, available = min(workers, len(config.seeds)), memory_here()
    while count > 1 and memory_needed(config, process_bytes(), count) > available:
        count -= 1
    if count < 2:
        return together
    parts = np.array_split(np.array(config.seeds), count)
    shards = [tuple(int(seed) for seed in part) for part in parts]
    whole = run_work(config, config.budget)
    longest = run_work(config.with_(seeds=shards[0]), config.budget)
    return shards if longest + start < (1 - WORTHWHILE) * whole else together
