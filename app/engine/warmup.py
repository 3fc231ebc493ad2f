"""Slow imports, done while the reader looks at the first page and not when a run is drawn."""

from __future__ import annotations

import gc
import threading

import streamlit as st

from app.charts import curves
from app.engine import runs
from ncengine.jobs.queue import JobQueue

# For so many seconds the browser needs the processor to draw the first page.
HEAD_START = 1.5


@st.cache_resource(show_spinner=False)
def start() -> threading.Timer:
    """Begin, once for each server, beside the pages and `HEAD_START` seconds after the first."""
    timer = threading.Timer(HEAD_START, _warm_up, args=(runs.jobs(),))
    timer.name, timer.daemon = "warm-up", True
    timer.start()
    return timer


def _warm_up(jobs: JobQueue) -> None:
    jobs.warm_up()
    import ncengine.analysis.projection  # noqa: F401
    import ncengine.datasets  # noqa: F401

    curves.objective_spec(True)
    curves.collapse_spec("NC2A", False)
    curves.accuracy_spec(False)
    # After each run of a page Streamlit has Python look through all objects for garbage, a tenth of
    # a second for those of the libraries alone. They stay for good, and need no looking at.
    gc.collect()
    gc.freeze()
