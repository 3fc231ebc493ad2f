"""The ladder: of a run that starts from a shallower network's, what has to be trained first."""

from __future__ import annotations

import time
from collections.abc import Callable

from ncengine.runs.identity import Identity
from ncengine.runs.run import Status
from ncengine.runs.store import Store

POLL_SECONDS = 0.2


def missing_rungs(store: Store, identity: Identity) -> list[Identity]:
    """Runs below this one that have no result yet, the shallowest first."""
    found: list[Identity] = []
    below = identity.shallower
    while below is not None and not store.results.has(below):
        found.insert(0, below)
        below = below.shallower
    return found


def climb(store: Store, identity: Identity, train: Callable[[Identity], None]) -> bool:
    """Have all below a run trained; gives whether the run itself can be now.

    Where a rung fails or is stopped, so is the run, and its journal says why.

    Args:
        store: where results are kept.
        identity: of the run.
        train: trains what of a run nobody trains yet, and returns.
    """
    journal = store.journal(identity)
    for rung in missing_rungs(store, identity):
        _take_up(store, rung)
        while not store.results.has(rung):
            if journal.requested():
                return True  # what is requested is seen to where the run begins
            train(rung)
            now, request = store.open(rung, shipped=False), store.journal(rung).requested()
            if now.status is Status.FAILED:
                _end(store, identity, Status.FAILED, f"{rung.config.title()}: {now.error}")
                return False
            if request in _AS_REQUESTED:
                _end(store, identity, _AS_REQUESTED[request], None)
                return False
            if not store.results.has(rung):
                time.sleep(POLL_SECONDS)  # another process has it
    return True


# What becomes of a run of which a rung was stopped, or kept for the next server.
_AS_REQUESTED = {"cancel": Status.CANCELLED, "pause": Status.QUEUED}


def _take_up(store: Store, rung: Identity) -> None:
    """What was stopped before goes on."""
    journal = store.journal(rung)
    if journal.exists and store.is_free(rung):
        journal.request(None)


def _end(store: Store, identity: Identity, status: Status, error: str | None) -> None:
    journal = store.journal(identity)
    if not journal.exists:
        journal.create(identity.as_dict())
    journal.change(status, error=error)
