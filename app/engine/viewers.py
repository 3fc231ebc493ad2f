"""Who watches which run, so that a training which began by itself ends when nobody does."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app.engine import runs
from ncengine.config import RunConfig
from ncengine.runs.identity import identify

logger = logging.getLogger(__name__)

# Another session counts as watching for so long after it was last heard of.
WATCHING = 10.0
# A browser that is closed or hidden is seldom heard of, or never: so long is waited for it.
PATIENCE = 90.0
BETWEEN = 5.0


@dataclass
class Viewers:
    """What each session watches, and which trainings began by themselves.

    Args:
        cancel: stops a training, which can go on from where it was.
        now: seconds, that only grow.
    """

    cancel: Callable[[RunConfig], None]
    now: Callable[[], float] = time.monotonic
    _at: dict[str, tuple[frozenset[str], float]] = field(default_factory=dict)
    _begun: dict[str, RunConfig] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def watches(self, session: str, *configs: RunConfig) -> None:
        """A session watches these runs, and no longer others."""
        keys = frozenset(identify(config).key for config in configs)
        with self._guard:
            before, _ = self._at.get(session, (frozenset(), 0.0))
            self._at[session] = keys, self.now()
            left = [key for key in before - keys if not self._watched(key, WATCHING)]
            stopped = [self._begun.pop(key) for key in left if key in self._begun]
        for config in stopped:
            self._stop(config)

    def began(self, config: RunConfig) -> None:
        """A training began by itself."""
        with self._guard:
            self._begun[identify(config).key] = config

    def asked(self, config: RunConfig) -> None:
        """Somebody asked for that training: it goes on whoever watches."""
        with self._guard:
            self._begun.pop(identify(config).key, None)

    def sweep(self) -> None:
        """Stop what nobody has watched for long, and forget sessions that are gone."""
        with self._guard:
            left = [key for key in self._begun if not self._watched(key, PATIENCE)]
            stopped = [self._begun.pop(key) for key in left]
            old = self.now() - PATIENCE
            self._at = {session: seen for session, seen in self._at.items() if seen[1] > old}
        for config in stopped:
            self._stop(config)

    def _stop(self, config: RunConfig) -> None:
        """Stop a training; one that cannot be stopped now, on a full disk for one, is later."""
        key = identify(config).key
        try:
            self.cancel(config)
        except OSError as error:
            if key not in self._told:  # once, however often it is tried
                logger.warning("%s could not be stopped: %s", config.title(), error)
            self._told.add(key)
            self.began(config)
        else:
            self._told.discard(key)

    def _watched(self, key: str, within: float) -> bool:
        return any(key in at and self.now() - when < within for at, when in self._at.values())


def watches(*configs: RunConfig) -> None:
    """This session has a page of these runs open, and of no other."""
    context = get_script_run_ctx()
    _viewers().watches(context.session_id if context else "", *configs)


def began(config: RunConfig) -> None:
    """See `Viewers.began`."""
    _viewers().began(config)


def asked(config: RunConfig) -> None:
    """See `Viewers.asked`."""
    _viewers().asked(config)


_ending = threading.Event()


@st.cache_resource(show_spinner=False, on_release=lambda _: _ending.set())
def _viewers() -> Viewers:
    viewers = Viewers(lambda config: runs.stop_unwatched(config))

    def watch() -> None:
        while not _ending.wait(BETWEEN):
            viewers.sweep()

    _ending.clear()
    threading.Thread(target=watch, name="viewers", daemon=True).start()
    return viewers
