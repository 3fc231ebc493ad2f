"""How long a training will take, judged by runs that have ended."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from ncengine.architectures.shapes import pass_work
from ncengine.config import RunConfig
from ncengine.param import ConfigError

RECENT = 8


def estimate_seconds(config: RunConfig, entries: Sequence[dict[str, Any]]) -> float | None:
    """Seconds for the whole budget of `config`; None where no run has ended yet.

    The median over the most recent runs of seconds per unit of `pass_work`, of the same
    architecture where there are any.

    Args:
        entries: the index's, oldest first.
    """
    speeds: dict[bool, list[float]] = {True: [], False: []}
    for entry in reversed(entries):
        try:
            other = RunConfig(**entry["config"])
            same = other.architecture == config.architecture
            speeds[same].append(entry["seconds"] / (entry["passes"] * pass_work(other)))
        except (ConfigError, KeyError, TypeError, ZeroDivisionError):
            continue
    known = (speeds[True] or speeds[False])[:RECENT]
    return median(known) * pass_work(config) * config.epochs if known else None
