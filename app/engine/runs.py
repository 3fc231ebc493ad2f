"""The engine's long-lived parts, one of each for all sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from ncengine.config import RunConfig
from ncengine.runs.run import Run, Status
from ncengine.version import ENGINE_VERSION

if TYPE_CHECKING:
    from ncengine.jobs.queue import JobQueue
    from ncengine.runs.store import Glance, Store


def store() -> Store:
    """Where runs are read from."""
    return _engine()[0]


def jobs() -> JobQueue:
    """Where runs are put to be computed."""
    return _engine()[1]


def look(config: RunConfig) -> Run:
    """The run as it stands; where there is none, that of an earlier engine, if there is one."""
    run = store().open(config)
    earlier = store().earlier(config) if run.status is Status.ABSENT else None
    return run if earlier is None else store().open(earlier)


def glance(config: RunConfig) -> Glance:
    """The same without its curves."""
    now = store().glance(config)
    earlier = store().earlier(config) if now.status is Status.ABSENT else None
    return now if earlier is None else store().glance(earlier)


def of_earlier_engine(run: Run) -> str | None:
    """The version of the engine that computed it, where that is an earlier one."""
    version = run.machine.get("version", ENGINE_VERSION)
    return None if run.status.busy or version == ENGINE_VERSION else str(version)


def passes_before(config: RunConfig) -> int:
    """How many passes of its training are done already, by one of a smaller budget."""
    from ncengine.runs.identity import identify

    return store().ends.passes_before(identify(config))


@st.cache_data(show_spinner=False, ttl=2.0)
def titles_of_running() -> list[str]:
    """Titles of the runs that are trained now, as of two seconds ago at most."""
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
