"""The end of a run: its result is listed in the index, and its journal goes."""

from __future__ import annotations

from ncengine.runs.assemble import finished_run
from ncengine.runs.identity import Identity
from ncengine.runs.run import Run, Status
from ncengine.runs.store import Store


def file_away(store: Store, identity: Identity) -> bool:
    """List a run whose result is there, and let its journal go; gives whether there is one."""
    # A first look that costs nothing, for most runs are asked about before they have ended.
    if not store.results.has(identity):
        return False
    run = store.open(identity)
    if run.status not in (Status.DONE, Status.DIVERGED):
        return False
    if identity.key not in store.index:
        _list(store, run)
    store.journal(identity).remove()
    return True


def rebuild_index(store: Store) -> int:
    """List anew what the cache holds; gives how many runs that is."""
    runs = [finished_run(identity, result) for identity, result in store.results.all()]
    store.index.clear()
    for run in sorted(runs, key=lambda run: run.machine["date"]):
        _list(store, run)
    return len(runs)


def _list(store: Store, run: Run) -> None:
    store.index.add({**run.summary(), **run.machine})
