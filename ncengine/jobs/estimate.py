"""How long a training would take on this machine as it is now."""

from __future__ import annotations

from functools import partial

import joblib

from ncengine.config import RunConfig
from ncengine.costs.load import share
from ncengine.costs.seconds import estimate_seconds
from ncengine.jobs.ladder import missing_rungs
from ncengine.jobs.shards import cut
from ncengine.runs.identity import identify
from ncengine.runs.store import Store


def estimate(
    store: Store, config: RunConfig, *, workers: int, start: float, others: float
) -> float | None:
    """Seconds that training would take from its turn on; None where that cannot be told.

    Where others keep the cores busy that it needs, workers give way to them, and it takes so much
    longer; see `ncengine.costs.load`. What of it is done already, by this run or one of a smaller
    budget, is not counted; what it starts from is.

    Args:
        store: its finished runs are gone by, and where none is alike, those of its gallery.
        config: what is trained.
        workers, start: as for `shards.cut`.
        others: how many threads of others run on the machine.
    """
    identity = identify(config)
    run = store.open(identity, shipped=False)
    done = 0 if run.status.finished else run.passes or store.ends.passes_before(identity)
    # The gallery's runs in the order in which they were trained, which its names do not tell.
    shipped = sorted(store.gallery.entries(), key=lambda entry: entry.get("date") or "")
    judged_by = partial(estimate_seconds, entries=store.index.entries(), shipped=shipped)

    def beside_others(run_config: RunConfig, done: int = 0) -> float | None:
        processes = len(cut(run_config, workers, start, "cpu"))
        seconds = judged_by(run_config, processes=processes, done=done)
        return seconds and seconds / share(others, processes, joblib.cpu_count())

    each = [beside_others(config, done)]
    each += [beside_others(rung.config) for rung in missing_rungs(store, identity)]
    return None if None in each else sum(each)  # type: ignore[arg-type]
