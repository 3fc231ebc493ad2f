"""Slow imports, done while the reader looks at the first page and not when a run is drawn."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable
from functools import partial

import streamlit as st

from app.charts import curves
from app.engine import runs
from ncengine.jobs.queue import JobQueue

# For so many seconds the browser needs the processor to draw the first page.
HEAD_START = 1.5
# And for so many the server, to send it. Workers that begin at once make it a second later on two
# cores: to begin them takes this process, and to load torch theirs.
SENT = 0.7
# Workers that have not come by then will not.
PATIENCE = 30


@st.cache_resource(show_spinner=False)
def start() -> threading.Timer:
    """Begin, once for each server and beside its pages.

    Workers are started once the page is sent, since they give way to all else; the server's own
    imports come when it is drawn.
    """
    jobs = runs.jobs()
    _later(SENT, "start-workers", jobs.warm_up)
    return _later(HEAD_START, "warm-up", partial(_warm_up, jobs))


def _later(seconds: float, name: str, do: Callable[[], None]) -> threading.Timer:
    timer = threading.Timer(seconds, do)
    timer.name, timer.daemon = name, True
    timer.start()
    return timer


def _warm_up(jobs: JobQueue) -> None:
    import ncengine.analysis.projection  # noqa: F401
    import ncengine.datasets  # noqa: F401

    # Both lists, which the library shows.
    runs.store().list()
    runs.store().gallery.entries()
    curves.objective_spec(True)
    curves.collapse_spec(False)
    curves.accuracy_spec(False)
    # Who clicks at once waits for the workers; the fits of the page Depth and the table of the
    # library can be loaded after that.
    give_up = time.monotonic() + PATIENCE
    while jobs.device() is None and time.monotonic() < give_up:
        time.sleep(0.1)
    import pandas  # noqa: F401
    import scipy.special  # noqa: F401

    # And of the page Theory, whose sliders are to be followed.
    import ncengine.theory.constructions.construction  # noqa: F401
    import ncengine.theory.descent  # noqa: F401
    import ncengine.theory.unequal  # noqa: F401

    # After each run of a page Streamlit has Python look through all objects for garbage, a tenth of
    # a second for those of the libraries alone. They stay for good, and need no looking at.
    gc.collect()
    gc.freeze()
