"""The best figures that are known where no simplex fits: searched for beside the pages, and kept.

A search takes some tenths of a second, or seconds. A page is drawn without its result first, and
again once that has come.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import lru_cache
from queue import LifoQueue
from threading import Condition
from typing import TYPE_CHECKING

from cachetools import LRUCache, cached

from app.engine import shared
from ncengine.config import RunConfig
from ncengine.runs.run import Run
from ncengine.theory.optimum import Least, asked_of_figures, figure_of, floor_of, why_no_figure

if TYPE_CHECKING:
    from ncengine.theory.figures import BestFigure

logger = logging.getLogger(__name__)

# As many as fit beside each other on a page, several times over.
MOST = 256

Search = tuple[Future, Callable[[], "BestFigure | None"]]


def figure(config: RunConfig) -> BestFigure | None:
    """The best figure of a configuration without a floor, as soon as it is known; never waits.

    None as well where there is a floor.
    """
    search = _search_of(config)
    if search is None or not search.done() or search.exception():
        return None
    return search.result()


def is_awaited(*configs: RunConfig) -> bool:
    """Whether the figure of one of them is being searched for."""
    searches = map(_search_of, configs)
    return any(search is not None and not search.done() for search in searches)


def wait(configs: Iterable[RunConfig]) -> None:
    """Until the figures of all of them are known. For what is written once, such as a file."""
    for config in configs:
        if search := _search_of(config):
            search.exception()  # which waits, and raises nothing


def least(config: RunConfig) -> Least | None:
    """The floor, or the best known as soon as it is known; None before, and where neither is."""
    floor = floor_of(config)
    if floor is not None:
        return Least(floor, proved=True)
    known = figure(config)
    return None if known is None else Least(known.loss, proved=False)


def beside(run: Run) -> Run:
    """The run with its best figure, where it has no floor, as soon as that is known."""
    # Before there is anything to compare, nothing is searched for.
    known = figure(run.config) if run.points else None
    if known is None or run.best_figure is not None:
        return run
    from ncengine.analysis import best_known

    curves = shared.once(run, "best known", lambda: best_known.curves_beside(run, known))
    return best_known.beside(run, known, curves)


def _search_of(config: RunConfig) -> Future | None:
    """What will be its best figure; None where it has a floor."""
    if not why_no_figure(config):
        return None
    return _search(asked_of_figures(config), config)


@cached(LRUCache(MOST), key=lambda which, _: which, condition=Condition())
def _search(which: tuple, config: RunConfig) -> Future:
    found: Future = Future()
    _searcher().put((found, lambda: figure_of(config)))
    return found


@lru_cache
def _searcher() -> LifoQueue[Search]:
    """What is to be searched for, one after another; what was asked for last comes first."""
    searches: LifoQueue[Search] = LifoQueue()
    # It ends with the server, whatever is still to be found.
    threading.Thread(target=_work, args=(searches,), name="best-known", daemon=True).start()
    return searches


def _work(searches: LifoQueue[Search]) -> None:
    while True:
        found, make = searches.get()
        try:
            found.set_result(make())
        except Exception as error:
            logger.exception("A best known figure was not found")
            found.set_exception(error)
