"""How long a training will take, judged by runs that have ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from statistics import median
from typing import Any

from ncengine.architectures.shapes import pass_work
from ncengine.config import RunConfig

RECENT = 8


def estimate_seconds(config: RunConfig, entries: Sequence[dict[str, Any]]) -> float | None:
    """Seconds for the whole budget of `config`; None where no run has ended yet.

    The median over the most recent runs of seconds per unit of `pass_work`, of the same
    architecture where there are any.

    Args:
        entries: the index's, oldest first.
    """
    timed = [entry for entry in reversed(entries) if entry["passes"] > 0]
    same = (e for e in timed if e["config"].get("architecture") == config.architecture)
    speeds = _speeds(same) or _speeds(timed)
    return median(speeds) * pass_work(config) * config.epochs if speeds else None


def _speeds(entries: Iterable[dict[str, Any]]) -> list[float]:
    """Seconds per unit of work of the first few entries. No more are looked at."""
    return [
        entry["seconds"] / (entry["passes"] * pass_work(RunConfig(**entry["config"])))
        for entry in islice(entries, RECENT)
    ]
