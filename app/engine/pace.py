"""How often live pages look at their runs: the more there are and the dearer they are, the rarer.

What a page costs the server is measured in seconds of processor time. Pages get as much time to
themselves as it takes for all of them together to stay within a set share of one processor.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

import streamlit as st

# The share of one processor that drawing may take. About as much again goes into Streamlit's own
# messages, which are not measured here.
SHARE = 0.25
# Of each new cost so much goes into the mean.
WEIGHT = 0.1
# A page counts as watched until it missed so many looks.
MISSED = 3


class Pace:
    """Seconds between two looks, for all sessions of a server. Safe to share between threads.

    Args:
        clock: seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock, self._guard = clock, Lock()
        self._cost = 0.0
        self._gone_at: dict[str, float] = {}

    def interval(self, viewer: str, cost: float, least: float) -> float:
        """Seconds until this viewer's next look, at least `least`.

        Args:
            viewer: names the session.
            cost: seconds of processor time that its last look took.
            least: how often it would look if nobody else did and it cost nothing.
        """
        with self._guard:
            now = self._clock()
            self._cost += WEIGHT * (cost - self._cost) if self._cost else cost
            watching = {name: gone for name, gone in self._gone_at.items() if gone > now}
            viewers = len(watching.keys() | {viewer})
            seconds = max(least, viewers * self._cost / SHARE)
            self._gone_at = {**watching, viewer: now + MISSED * seconds}
            return seconds


def next_look(least: float) -> float:
    """Seconds until this session's next look, judged by all that was `measured` since the last."""
    session = st.session_state
    viewer = session.setdefault("pace:viewer", uuid.uuid4().hex)
    return _pace().interval(viewer, session.pop("pace:cost", 0.0), least)


def forget() -> None:
    """Leave out what was measured so far: a whole page was drawn, perhaps the first."""
    st.session_state.pop("pace:cost", None)


@contextmanager
def measured() -> Iterator[None]:
    """What is done within counts among the costs of this session's look."""
    start = time.thread_time()
    try:
        yield
    finally:
        passed = time.thread_time() - start
        st.session_state["pace:cost"] = st.session_state.get("pace:cost", 0.0) + passed


@st.cache_resource(show_spinner=False)
def _pace() -> Pace:
    return Pace()
