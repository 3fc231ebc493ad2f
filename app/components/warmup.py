"""Slow imports, done while the reader looks at the first page and not when a run is drawn."""

from __future__ import annotations

import threading

import streamlit as st

from app.components import charts, engine
from ncengine.executors import JobQueue

# The browser needs the processor for as long to draw the first page.
HEAD_START = 1.5


@st.cache_resource(show_spinner=False)
def start() -> threading.Timer:
    """Begin, once for each server, beside the pages and `HEAD_START` seconds after the first."""
    timer = threading.Timer(HEAD_START, _warm_up, args=(engine.jobs(),))
    timer.name, timer.daemon = "warm-up", True
    timer.start()
    return timer


def _warm_up(jobs: JobQueue) -> None:
    jobs.warm_up()
    import ncengine.datasets
    import ncengine.projection  # noqa: F401

    charts.objective_spec(True)
    charts.collapse_spec("NC2A", False)
    charts.accuracy_spec(False)
