"""Sweeps of which no run is above what another proves to be reachable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ncengine.analysis.consistent import Entry, lowest_of_each, next_starts
from ncengine.analysis.outcome import with_outcome
from ncengine.config import RunConfig
from ncengine.config.kept import known
from ncengine.jobs.sweep import Progress, sweep
from ncengine.runs.run import Run
from ncengine.runs.store import Store
from ncengine.runs.table import table

if TYPE_CHECKING:
    import pandas as pd


def consistent_sweep(
    configs: Iterable[RunConfig],
    workers: int | None = None,
    progress: Callable[[Progress], None] | None = None,
    *,
    store: Store | None = None,
    on_end: Callable[[Run], None] | None = None,
) -> pd.DataFrame:
    """`sweep`, and from its neighbour's network each run that one of the others convicts.

    Until none is convicted, or nothing more can be done. Arguments and errors as of `sweep`.

    Returns:
        Its table, of each network the run that came lowest.
    """
    configs = list(dict.fromkeys(configs))
    ended: list[dict[str, Any]] = []

    def keep(run: Run) -> None:
        if run.status.finished:
            ended.append(run.summary())
        if on_end:
            on_end(run)

    sweep(configs, workers, progress, store=store, on_end=keep)
    make_consistent(
        configs,
        lambda: ended,
        lambda starts: sweep(starts, workers, progress, store=store, on_end=keep),
    )
    best = {known(summary).from_random: summary for summary in lowest_of_each(ended)}
    networks = dict.fromkeys(config.from_random for config in configs)
    return table(with_outcome(dict(best[n])) for n in networks if n in best)


def make_consistent(
    configs: Sequence[RunConfig],
    entries: Callable[[], Iterable[Entry]],
    train: Callable[[list[RunConfig]], object],
) -> None:
    """Have trained what `next_starts` names, until it names nothing new.

    Args:
        configs, entries: as of `next_starts`; entries are asked for each time.
        train: trains the runs that it is given, and returns.
    """
    tried: set[RunConfig] = set()
    while starts := next_starts(configs, entries(), tried):
        tried.update(starts)
        train(starts)
