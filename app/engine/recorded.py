"""Recordings in the server's cache, for pages: what there is, and what is made of them once."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from pathlib import Path
from threading import Condition
from typing import Any, TypeVar

from cachetools import LRUCache, cached

from app.engine import runs
from app.engine.limits import Deed, refuse
from ncengine.runs import recorded
from ncengine.runs.recorded import Header, Recording

# Messages to the player, tables, and what goes along.
MOST = 48

T = TypeVar("T")


def folder() -> Path:
    """Where recordings are looked for."""
    return runs.store().root / recorded.FOLDER


def headers() -> list[Header]:
    """All recordings, the newest first, without their arrays."""
    return recorded.headers(runs.store().root)


def look(key: str) -> Recording | None:
    """The recording of that key as it stands; None where there is none."""
    return recorded.recording(key, runs.store().root)


def delete(key: str) -> bool:
    """Remove it; False where there is none.

    Raises:
        ValueError: it is being recorded; says so.
        Refused: visitors may not.
        OSError: it cannot be removed.
    """
    refuse(Deed.DELETE)
    return recorded.delete(key, runs.store().root)


def moment(recording: Recording) -> Hashable:
    """Changes whenever anything does that a reader could see."""
    last = float(recording.steps[-1]) if len(recording.steps) else None
    return len(recording.steps), last, recording.live, recording.ended, recording.about


def once(recording: Recording, key: Hashable, make: Callable[[], T]) -> T:
    """What `make` gives, made once for `key` and the recording at this moment, for all sessions.

    It must not be changed.
    """
    return _made((recording.key, moment(recording), key), make)


@cached(LRUCache(MOST), key=lambda which, _: which, condition=Condition())
def _made(which: Hashable, make: Callable[[], Any]) -> Any:
    return make()
