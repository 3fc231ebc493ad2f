"""How long a training will take, judged by runs that have ended."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from statistics import median
from typing import Any

from ncengine.catalogue.architectures import architecture_info
from ncengine.config import RunConfig
from ncengine.costs.work import run_work

RECENT = 8
# Runs to judge by: what was trained, and its entry in the index.
Judged = list[tuple[RunConfig, dict[str, Any]]]


def estimate_seconds(
    config: RunConfig,
    entries: Sequence[dict[str, Any]],
    *,
    processes: int = 1,
    done: int = 0,
) -> float | None:
    """Seconds for the training of `config` on free cores; None where that cannot be told.

    Goes by an earlier run of the very same configuration; else by the most recent ones of the
    same architecture; else by the most recent ones. By the median of the processor's seconds a
    unit of `work.run_work`, and by the passes after which they came to rest.

    Args:
        config: what is trained.
        entries: the index's, oldest first.
        processes: over how many its seeds are spread.
        done: how many of its passes have been done before.
    """
    judged, alike = _to_judge_by(config, entries)
    passes = _passes(config, judged if alike else [])
    if not judged or passes is None:
        return None
    speed = median(_processor_seconds(entry) / _work_done(ran, entry) for ran, entry in judged)
    work = _work(config, passes, processes) - _work(config, min(done, passes), processes)
    return speed * work


def _to_judge_by(config: RunConfig, entries: Sequence[dict[str, Any]]) -> tuple[Judged, bool]:
    """The runs most like it, and whether they are of the same architecture."""
    timed = [entry for entry in reversed(entries) if entry["passes"] > 0]
    same = [e for e in timed if e["config"].get("architecture") == config.architecture]
    judged = [(RunConfig(**e["config"]), e) for e in islice(same or timed, RECENT)]
    identical = [one for one in judged if one[0].canonical_json() == config.canonical_json()]
    return identical[:1] or judged, bool(same)


def _processor_seconds(entry: dict[str, Any]) -> float:
    """What one process took, without the time in which others had the processor."""
    busy = _fact(entry, "busy", 1.0)
    return entry["seconds"] * (busy if 0 < busy <= 1 else 1.0)


def _work_done(ran: RunConfig, entry: dict[str, Any]) -> float:
    return _work(ran, int(entry["passes"]), max(1, int(_fact(entry, "processes", 1.0))))


def _fact(entry: dict[str, Any], name: str, otherwise: float) -> float:
    """A number among the machine's facts, which are texts that anybody may have written."""
    try:
        return float(entry[name])
    except (KeyError, TypeError, ValueError):
        return otherwise


def _work(config: RunConfig, passes: int, processes: int) -> float:
    """What the process with the most seeds does."""
    most = -(-len(config.seeds) // processes)
    return run_work(config.with_(seeds=config.seeds[:most]), passes)


def _passes(config: RunConfig, judged: Judged) -> int | None:
    """Passes that it will take: its budget, unless most of its like came to rest before.

    None where it will come to rest, as free features do, and nobody knows when.
    """
    like = [(ran, e) for ran, e in judged if (ran.solver, ran.loss) == (config.solver, config.loss)]
    rested = [int(e["passes"]) for ran, e in like if e["passes"] < ran.budget]
    if 2 * len(rested) > len(like):
        return min(config.budget, round(median(rested)))
    rests = config.solver == "L-BFGS" and not architecture_info(config.architecture).has_network
    return config.budget if like or not rests else None
