"""Slow imports, done while the reader looks at the first page and not when a run is drawn."""

from __future__ import annotations

import threading

import streamlit as st

from app.components import charts


@st.cache_resource(show_spinner=False)
def start() -> threading.Thread:
    """Begin, once for each server, beside the pages."""
    thread = threading.Thread(target=_import_all, name="warm-up", daemon=True)
    thread.start()
    return thread


def _import_all() -> None:
    import ncengine.datasets
    import ncengine.projection  # noqa: F401

    charts.objective_spec()
    charts.collapse_spec("NC2A")
