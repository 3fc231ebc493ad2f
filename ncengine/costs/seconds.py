"""How long a training will take, judged by runs that have ended."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from statistics import median
from typing import Any

from ncengine.config import RunConfig
from ncengine.costs.work import run_work

RECENT = 8


def estimate_seconds(config: RunConfig, entries: Sequence[dict[str, Any]]) -> float | None:
    """Seconds for the training of `config`; None where no run has ended yet.

    Goes by the most recent runs, of the same architecture where there are any: by the median of
    their seconds per unit of `work.run_work`, and by the passes after which they came to rest.

    Args:
        entries: the index's, oldest first.
    """
    timed = [entry for entry in reversed(entries) if entry["passes"] > 0]
    same = [e for e in timed if e["config"].get("architecture") == config.architecture]
    judged = [(RunConfig(**e["config"]), e) for e in islice(same or timed, RECENT)]
    if not judged:
        return None
    speed = median(e["seconds"] / run_work(ran, int(e["passes"])) for ran, e in judged)
    return speed * run_work(config, _passes(config, judged if same else []))


def _passes(config: RunConfig, judged: list[tuple[RunConfig, dict[str, Any]]]) -> int:
    """Passes that it will take: its budget, unless most of its like came to rest before."""
    rested = [
        int(e["passes"])
        for ran, e in judged
        if e["passes"] < ran.epochs and ran.solver == config.solver
    ]
    if 2 * len(rested) <= len(judged):
        return config.epochs
    return min(config.epochs, round(median(rested)))
