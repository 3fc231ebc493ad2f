"""The engine's long-lived parts, one of each for all sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from ncengine.config import RunConfig

if TYPE_CHECKING:
    from ncengine.jobs.queue import JobQueue
    from ncengine.runs.store import Store


def store() -> Store:
    """Where runs are read from."""
    return _engine()[0]


def jobs() -> JobQueue:
    """Where runs are put to be computed."""
    return _engine()[1]


def passes_before(config: RunConfig) -> int:
    """How many passes of its training are done already, by one of a smaller budget."""
    from ncengine.runs.identity import identify

    return store().ends.passes_before(identify(config))


@st.cache_data(show_spinner=False, ttl=2.0)
def titles_of_running() -> list[str]:
    """Titles of the runs that are trained now, as of two seconds ago at most."""
    from ncengine.runs.run import Status

    running = []
    for identity, _ in store().journals():
        if store().open(identity).status is Status.RUNNING:
            running.append(identity.config.title())
    return running


@st.cache_resource(show_spinner=False, on_release=lambda parts: parts[1].close())
def _engine() -> tuple[Store, JobQueue]:
    from ncengine.jobs.queue import JobQueue
    from ncengine.runs.store import Store

    store = Store()
    return store, JobQueue(store)
