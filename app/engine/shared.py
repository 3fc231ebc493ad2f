"""What is made of a run, or a recording, to be shown: once for all sessions at the same moment."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Condition
from typing import Any, TypeVar

from cachetools import LRUCache, cached

from ncengine.runs.run import Run

# Projections, tables and messages of some runs; the largest are messages to the player, of a
# megabyte or less.
MOST = 144

T = TypeVar("T")


def once(run: Run, key: Hashable, make: Callable[[], T]) -> T:
    """What `make` gives, made once for `key` and what is recorded of the run at this moment.

    All sessions get the same object: it must not be changed.
    """
    return made((run.key, run.recorded, key), make)


# Of sessions that ask for the same at once, one makes it, and the others wait.
@cached(LRUCache(MOST), key=lambda which, _: which, condition=Condition())
def made(which: Hashable, make: Callable[[], Any]) -> Any:
    """The same for whatever `which` names, with the moment at which it is looked at."""
    return make()
