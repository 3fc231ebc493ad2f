"""What is picked is trained by itself, where that takes moments and the visitor wants it so."""

from __future__ import annotations

import time

import streamlit as st

from app.components import requests
from app.engine import data, derived, public, runs
from ncengine.config import RunConfig
from ncengine.runs.run import Run, Status

LABEL = "Train as I pick"
# What is estimated to take longer waits for a click.
MOST_SECONDS = 20.0
# Who turns several knobs in turn is waited for.
AFTER_SECONDS = 0.5
_WANTED, _PICKED, _KEY = "by itself:wanted", "by itself:picked", "by itself"
_ABLE = (Status.ABSENT, Status.CANCELLED, Status.INTERRUPTED)


def begin(wanted: bool) -> None:
    """At a visitor's first page: whether to train what is picked, until they say otherwise."""
    st.session_state.setdefault(_WANTED, wanted)


def draw_toggle() -> None:
    """The toggle of the picker."""
    st.session_state[_KEY] = st.session_state.get(_WANTED, False)
    st.toggle(
        LABEL,
        key=_KEY,
        on_change=lambda: st.session_state.update({_WANTED: st.session_state[_KEY]}),
        help="What you pick, and nobody has trained yet, is trained at once if that takes less "
        f"than about {MOST_SECONDS:.0f} s, also while this machine is busy. It stops when you pick "
        "something else, and goes on from there when you come back.",
    )


def picked(config: RunConfig) -> None:
    """Somebody has just picked this."""
    st.session_state[_PICKED] = config, time.monotonic()


def waits(run: Run) -> bool:
    """Whether the run is to begin by itself, now or in a moment."""
    return _was_picked(run) and _can_begin(run.config) and _is_short(run.config)


def why_it_waits(run: Run) -> str:
    """A sentence, with a space after it, where a run was picked that could begin by itself, but is
    not known to be short enough; else "".
    """
    if not _was_picked(run) or not _can_begin(run.config) or _is_short(run.config):
        return ""
    return f"“{LABEL}” held back: it starts what takes less than about {MOST_SECONDS:.0f} s. "


def _was_picked(run: Run) -> bool:
    config, at = st.session_state.get(_PICKED, (None, 0.0))
    if not st.session_state.get(_WANTED) or config != run.config or run.status not in _ABLE:
        return False
    # What was asked for since, to train or to stop, stands.
    return requests.seconds_since_the_last() > time.monotonic() - at


def _can_begin(config: RunConfig) -> bool:
    if data.needs_download(config) or derived.too_large(config) or public.why_not_train([config]):
        return False
    examined = data.examine(config)
    return examined is not None and not examined.problem


def _is_short(config: RunConfig) -> bool:
    seconds = runs.jobs().estimate(config)
    return seconds is not None and seconds < MOST_SECONDS


def start(run: Run) -> bool:
    """Have the run begin, if it is time to; gives whether it did."""
    if not waits(run):
        return False
    config, at = st.session_state[_PICKED]
    if time.monotonic() - at < AFTER_SECONDS:
        return False
    # Once: who stops it then wants it stopped.
    del st.session_state[_PICKED]
    requests.submit(config, automatic=True)
    return True
