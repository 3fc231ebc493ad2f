"""Room for new runs: where all that is kept takes too much, what was seen least recently goes."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ncengine.runs.identity import Identity
from ncengine.runs.journal import Journal
from ncengine.runs.last_seen import EVERY, LastSeen
from ncengine.runs.run import Status
from ncengine.runs.store import Store

logger = logging.getLogger(__name__)

# What was seen within so many seconds counts as looked at now, by another server's pages too.
NOW = 2.5 * EVERY
# What is kept of runs that were trained here; the gallery and what was imported are the host's.
KEPT = ("results", "journal", "ends")
_STOPPED = (Status.CANCELLED, Status.FAILED, Status.INTERRUPTED)


@dataclass(frozen=True)
class _Candidate:
    """A run that may go, and when it was last seen or written, in seconds since 1970."""

    key: str
    last: float
    finished: bool


def taken(store: Store) -> int:
    """Bytes that the results, journals and ends of runs take that were trained here."""
    return sum(_bytes(store.root / name) for name in KEPT)


def make_room(
    store: Store, last_seen: LastSeen, most: int, spares: Callable[[str], bool] = lambda _: False
) -> bool:
    """Let runs go, those first that were seen least recently, until what is kept takes `most`.

    Never one that waits or trains, that one of these starts from or goes on from, that was seen or
    came to its end within the last `NOW` seconds, that was imported as well, or that is shipped.

    Args:
        store: whose results, and what is left of stopped trainings, are to go.
        last_seen: when they were seen.
        most: bytes that all of them may take.
        spares: whether the run of a key stays for another reason.

    Returns:
        Whether they take no more than that now.
    """
    bytes_taken = taken(store)
    if bytes_taken <= most:
        return True
    journals = {identity.key: identity for identity, _ in store.journals()}
    needed = _needed(store, journals.values())
    candidates = [*_finished(store, last_seen), *_stopped(store, last_seen, journals)]
    too_new = last_seen.now() - NOW
    for candidate in sorted(candidates, key=lambda one: one.last):
        key = candidate.key
        if key in needed or candidate.last > too_new or spares(key):
            continue
        bytes_taken -= _let_go(store, candidate, journals)
        last_seen.forget(key)
        if bytes_taken <= most:
            break
    return taken(store) <= most


def _finished(store: Store, last_seen: LastSeen) -> Iterator[_Candidate]:
    for entry in store.index.entries():
        last = max(last_seen.when(entry["key"]), _ended(entry))
        if store.imported.entry(entry["key"]) is None:
            yield _Candidate(entry["key"], last, finished=True)


def _ended(entry: dict[str, Any]) -> float:
    """When a run came to its end, in seconds since 1970; 0 where its entry does not tell."""
    try:
        return datetime.fromisoformat(str(entry.get("date"))).timestamp()
    except (ValueError, OverflowError):
        return 0.0


def _stopped(
    store: Store, last_seen: LastSeen, journals: dict[str, Identity]
) -> Iterator[_Candidate]:
    for key, identity in journals.items():
        if store.standing(identity) in _STOPPED:
            last = max(last_seen.when(key), _written(store.journal(identity)))
            yield _Candidate(key, last, finished=False)


def _written(journal: Journal) -> float:
    try:
        return journal.folder.stat().st_mtime
    except OSError:
        return 0.0


def _needed(store: Store, journals: Collection[Identity]) -> set[str]:
    """Runs that those which wait or train start from, or go on from."""
    busy = [identity for identity in journals if store.standing(identity).busy]
    needed, trajectories = set(), {identity.trajectory for identity in busy}
    for identity in busy:
        origin = identity.origin
        while origin is not None:
            needed.add(origin.key)
            trajectories.add(origin.trajectory)
            origin = origin.origin
    for path in (store.ends.folder / trajectory for trajectory in trajectories):
        asked = Journal(path).asked()
        with suppress(ValueError, TypeError, KeyError):
            needed.add(Identity.from_dict(asked or {}).key)
    return needed


def _let_go(store: Store, candidate: _Candidate, journals: dict[str, Identity]) -> int:
    """Delete a run by the store's own ways; gives how many bytes that freed."""
    key = candidate.key
    identity = store.identity(key) if candidate.finished else journals[key]
    if identity is None:  # on data that are not known any more: left as it is
        return 0
    folders = (
        store.results.path(identity).parent,
        store.ends.folder / identity.trajectory,
        store.journal(identity).folder,
    )
    before = sum(map(_bytes, folders))
    try:
        gone = store.delete(identity) if candidate.finished else _forget(store, identity)
    except OSError as error:
        logger.warning("The run %s could not be let go: %s", key, error)
        return 0
    if gone:
        logger.info("The run %s was let go to make room", key)
    return before - sum(map(_bytes, folders))


def _forget(store: Store, identity: Identity) -> bool:
    """Delete what a stopped training left; gives False where it goes on meanwhile."""
    if not store.is_free(identity):  # a part of it has not stopped yet
        return False
    with store.lock(identity) as mine, store.lock(identity, "journal") as told:
        if not (mine and told) or store.standing(identity) not in _STOPPED:
            return False
        store.journal(identity).remove()
    return True


def _bytes(folder: Path) -> int:
    """How much all in a folder takes of the disk; 0 where there is none."""
    size = 0
    for path, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):  # gone meanwhile
                size += os.lstat(os.path.join(path, name)).st_size
    return size
