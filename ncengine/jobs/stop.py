"""Runs that train or wait, whoever began them, and how any of them is stopped."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from ncengine.runs.identity import Identity
from ncengine.runs.life import Event
from ncengine.runs.run import Status
from ncengine.runs.store import Store

POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Going:
    """A run that is not at its end, and on its way there.

    Attributes:
        identity: which.
        status: queued or running.
        passes: passes over the data done so far.
    """

    identity: Identity
    status: Status
    passes: int


def going(store: Store) -> dict[str, Going]:
    """By key all runs of the cache that train, then those that wait, as they were asked for."""
    runs = []
    for identity, _ in store.journals():
        now = store.glance(identity, shipped=False)
        if now.status.busy:
            runs.append(Going(identity, now.status, now.passes))
    runs.sort(key=lambda run: run.status is Status.QUEUED)
    return {run.identity.key: run for run in runs}


def stop(store: Store, identities: Sequence[Identity], patience: float) -> list[str]:
    """Stop runs, those first that wait; what they did is kept.

    Args:
        store: where their journals are.
        identities: of the runs.
        patience: seconds to wait for those that train to end their pass.

    Returns:
        The keys of those that still train then, and stop by themselves.

    Raises:
        OSError: their journals cannot be written.
    """
    for identity in reversed(identities):
        journal = store.journal(identity)
        if journal.exists:
            journal.request("cancel")
            store.tell(identity, Event.WITHDRAWN)
    deadline = time.monotonic() + patience
    while left := [target for target in identities if not store.is_free(target)]:
        if time.monotonic() > deadline:
            return [target.key for target in left]
        time.sleep(POLL_SECONDS)
    return []
