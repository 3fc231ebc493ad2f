"""The ladder: of a run that starts from another's network, what has to be trained first."""

from __future__ import annotations

import time
from collections.abc import Callable

from ncengine.costs.memory import MOST_KEPT, keeps_parameters
from ncengine.runs.identity import Identity
from ncengine.runs.life import Event
from ncengine.runs.run import Status
from ncengine.runs.store import Store

POLL_SECONDS = 0.2


def missing_rungs(store: Store, identity: Identity) -> list[Identity]:
    """Runs below this one that have no result yet, the lowest first."""
    rungs: list[Identity] = []
    origin = identity.origin
    while origin is not None and not store.results.has(origin):
        rungs.insert(0, origin)
        origin = origin.origin
    return rungs


def climb(store: Store, identity: Identity, train: Callable[[Identity], None]) -> bool:
    """Train all rungs below a run; gives whether the run itself can be trained now.

    Where a rung fails or is stopped, so is the run, and its journal says why.

    Args:
        store: where results are kept.
        identity: of the run.
        train: trains what of a run nobody trains yet, and returns.
    """
    journal = store.journal(identity)
    if (origin := identity.origin) is not None and not keeps_parameters(origin.config):
        error = (
            f"it cannot start from {origin.config.title()}: a result keeps at most {MOST_KEPT:,} "
            "parameters, those of all seeds counted. Take fewer seeds, a smaller width, or random "
            "weights to start from"
        )
        store.tell(identity, Event.GIVEN_UP, error=error)
        return False
    for rung in missing_rungs(store, identity):
        _take_up(store, rung)
        while not store.results.has(rung):
            if journal.requested():
                return True  # what is requested is seen to where the run begins
            train(rung)
            now, request = store.open(rung, shipped=False), store.journal(rung).requested()
            if now.status is Status.FAILED:
                error = f"{rung.config.title()}: {now.error}"
                store.tell(identity, Event.GIVEN_UP, error=error)
                return False
            if request in _AS_REQUESTED:
                if not store.tell(identity, _AS_REQUESTED[request]):
                    # It had failed before; what is told of it is why it has not been trained now.
                    error = f"{rung.config.title()}: it was stopped"
                    store.tell(identity, Event.GIVEN_UP, error=error)
                return False
            if not store.results.has(rung):
                time.sleep(POLL_SECONDS)  # another process has it
    return True


# What becomes of a run of which a rung was stopped, or kept for the next server.
_AS_REQUESTED = {"cancel": Event.WITHDRAWN, "pause": Event.TAKEN_UP}


def _take_up(store: Store, rung: Identity) -> None:
    """What was stopped before goes on."""
    journal = store.journal(rung)
    if journal.exists and store.is_free(rung):
        journal.request(None)
