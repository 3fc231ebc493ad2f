"""How long a training will take, judged by runs that have ended."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from statistics import median
from typing import Any

from ncengine.catalogue.architectures import architecture_info
from ncengine.config import RunConfig
from ncengine.config.fields import is_lbfgs
from ncengine.costs.work import run_work

RECENT = 8
# Runs to judge by: what was trained, and its entry in the index.
Judged = list[tuple[RunConfig, dict[str, Any]]]


def estimate_seconds(
    config: RunConfig,
    entries: Sequence[dict[str, Any]],
    *,
    shipped: Sequence[dict[str, Any]] = (),
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
        shipped: the gallery's, which are of another machine: what the index does not know.
        processes: over how many its seeds are spread.
        done: how many of its passes have been done before.
    """
    own_runs, others = _alike(config, entries), _alike(config, shipped)
    own_same, others_same = _same(config, own_runs), _same(config, others)
    # How fast a GPU was elsewhere says nothing about a processor here.
    timed = [entry for entry in shipped if str(entry.get("device", "CPU")).startswith("CPU")]
    alike = _alike(config, timed)
    elsewhere = _same(config, alike) or alike
    judged = own_same or own_runs or elsewhere or _recent(entries) or _recent(timed)
    like = own_same or others_same or _like(config, own_runs) or _like(config, others)
    passes = _passes(config, like)
    if not judged or passes is None:
        return None
    speed = median(_processor_seconds(entry) / _work_done(ran, entry) for ran, entry in judged)
    work = _work(config, passes, processes) - _work(config, min(done, passes), processes)
    return speed * work


def _alike(config: RunConfig, entries: Sequence[dict[str, Any]]) -> Judged:
    """The most recent runs of the same architecture."""
    named = config.architecture
    return _recent([e for e in entries if e["config"].get("architecture") == named])


def _recent(entries: Sequence[dict[str, Any]]) -> Judged:
    timed = (entry for entry in reversed(entries) if entry["passes"] > 0)
    return [(RunConfig(**entry["config"]), entry) for entry in islice(timed, RECENT)]


def _same(config: RunConfig, judged: Judged) -> Judged:
    """The last run of the very same configuration, if any."""
    asked = config.canonical_json()
    return [pair for pair in judged if pair[0].canonical_json() == asked][:1]


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


def _passes(config: RunConfig, like: Judged) -> int | None:
    """Passes that it will take: its budget, unless most of its like came to rest before.

    None where it will come to rest, as free features do, and nobody knows when.
    """
    rested = [int(entry["passes"]) for ran, entry in like if entry["passes"] < ran.budget]
    if 2 * len(rested) > len(like):
        return min(config.budget, round(median(rested)))
    rests = is_lbfgs(config.solver) and not architecture_info(config.architecture).has_network
    return config.budget if like or not rests else None


def _like(config: RunConfig, judged: Judged) -> Judged:
    """Those of the same solver and objective."""
    wanted = config.solver, config.loss
    return [pair for pair in judged if (pair[0].solver, pair[0].loss) == wanted]
