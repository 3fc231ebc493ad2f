"""The engine's long-lived parts, one of each for all sessions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from app.engine import best_known, visitors
from app.engine.limits import limits
from ncengine.analysis import bounds
from ncengine.analysis.bounds import Bound
from ncengine.config import RunConfig
from ncengine.config.gallery import first
from ncengine.datasets.files.sources import checksum
from ncengine.reasons import in_full
from ncengine.runs.disk import why_not
from ncengine.runs.identity import Identity, identify
from ncengine.runs.run import Run, Status
from ncengine.version import ENGINE_VERSION

if TYPE_CHECKING:
    from ncengine.jobs.queue import JobQueue
    from ncengine.runs.glance import Glance
    from ncengine.runs.store import Store


def store() -> Store:
    """Where runs are read from."""
    return _engine()[0]


def jobs() -> JobQueue:
    """Where runs are put to be computed."""
    return _engine()[1]


def stop_unwatched(config: RunConfig) -> None:
    """Have a training stopped that began by itself and that nobody watches, whoever's it was."""
    queue = jobs()
    getattr(queue, "stop_unasked", queue.cancel)(config)


def look(spec: RunConfig | Identity) -> Run:
    """The run as it stands; where it rests, what can be shown in its place, if anything.

    Of an identity it is that very run, for as long as there is one. Where it has no floor, the best
    figure goes along as soon as it is known.
    """
    run = _seen(store().open(spec))
    if not run.status.finished and (why := waits_for_room(run.key)):
        run = replace(run, error=why)
    if not run.status.idle:
        return run
    if isinstance(spec, Identity):
        return look(spec.config)
    other = store().stand_in(spec)
    return run if other is None else _seen(store().open(other))


def _seen(run: Run) -> Run:
    if limits():
        visitors.sees(run.key)
    return best_known.beside(run)


def convicted_by(run: Run) -> Bound | None:
    """What proves a finished run to be at no optimum; None where no run at hand does."""
    return bounds.convicted_by(run.summary(), store().at_hand())


def waits_for_room(key: str) -> str:
    """What keeps that run from going on, as it will by itself; "" where nothing does."""
    return jobs().waits_for_room(key)


def glance(config: RunConfig) -> Glance:
    """The same without its curves."""
    now = store().glance(config)
    other = store().stand_in(config) if now.status.idle else None
    if limits():
        visitors.sees(identify(other or config).key)
    return now if other is None else store().glance(other)


def of_today(config: RunConfig) -> Glance:
    """How the run stands that is trained here and now, whatever is shown in its place."""
    now = store().glance(config, shipped=False)
    why = "" if now.status.finished else waits_for_room(identify(config).key)
    return replace(now, error=why) if why else now


def of_earlier_engine(run: Run) -> str | None:
    """The version of the engine that computed it, where that is an earlier one."""
    version = run.machine.get("version", ENGINE_VERSION)
    return None if run.status.busy or version == ENGINE_VERSION else str(version)


def home() -> RunConfig:
    """What is shown to who asks for nothing: the gallery's first run, where there is one."""
    config, gallery = first(), store().gallery
    identity = identify(config)
    shipped = gallery.entry(identity.key) is not None or gallery.stand_in(identity) is not None
    return config if shipped else RunConfig()


def on_other_data(run: Run) -> bool:
    """Whether its data were other files than those meant here and now."""
    identity = store().identity(run.key) if run.status.finished else None
    return identity is not None and identity.data_checksum != checksum(run.config.dataset)


def samples(run: Run) -> Mapping[str, np.ndarray]:
    """What a shipped run's samples look like, see `Gallery.samples`; read once."""
    return _samples(run.key)


@st.cache_resource(show_spinner=False, max_entries=16)
def _samples(key: str) -> Mapping[str, np.ndarray]:
    return store().gallery.samples(key)


def passes_before(config: RunConfig) -> int:
    """How many passes of its training are done already, by one of a smaller budget."""
    return store().ends.passes_before(identify(config))


def why_not_done(error: Exception) -> str:
    """What keeps the cache from being written, where it is that; else what the error says."""
    in_the_way = why_not(error, store().root) if isinstance(error, OSError) else ""
    return in_the_way or in_full(error)


def goes_on(run: Run, longer: RunConfig) -> bool:
    """Whether a longer training of the finished run would begin where that one ended."""
    # Between a result and the end of its training, which is put away next, lie some moments.
    at_hand = not run.shipped and store().journal(identify(run.config)).exists
    return at_hand and not longer.depends_on_budget or passes_before(longer) > 0


@st.cache_data(show_spinner=False, ttl=2.0)
def titles_of_running() -> list[str]:
    """Titles of the runs that are trained now, as of two seconds ago at most."""
    running = []
    for identity, _ in store().journals():
        if store().glance(identity, shipped=False).status is Status.RUNNING:
            running.append(identity.config.title())
    return running


@st.cache_resource(show_spinner=False, on_release=lambda parts: parts[1].close())
def _engine() -> tuple[Store, JobQueue]:
    from ncengine.jobs.queue import JobQueue
    from ncengine.runs.store import Store

    store, limited = Store(), limits()
    if limited:
        from app.engine.admission import PublicQueue

        return store, PublicQueue(store, limited)
    return store, JobQueue(store)
