"""What a visitor asks of the queue, and what is said where it cannot be."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

import streamlit as st

from app.components import text
from app.engine import public, runs, viewers
from ncengine.config import RunConfig
from ncengine.runs.run import Status

_TROUBLE = "trouble"
_ASKED_AT = "asked at"
_STOPPING = "stopping"
# What has not stopped after so many seconds is shown as it is again.
STOP_PATIENCE = 30.0
# A training that a worker has taken up at the sixth look is waited for until the last.
LOOK_EVERY, TAKEN_UP, LOOKS = 0.01, 6, 25


def submit(config: RunConfig, *, automatic: bool = False) -> None:
    """Have the configuration trained; `automatic`: for as long as somebody looks at it."""
    has_stopped(config)
    if not automatic:
        _go_on_unwatched([config])
    _ask(config, lambda: runs.jobs().submit(config))
    if automatic and not public.why_not_stop(config):  # else others asked for it at the same time
        viewers.began(config)
    _wait_for_points(config)


def submit_all(configs: Sequence[RunConfig]) -> None:
    """Have all of them trained; they count as one in the queue."""
    for config in configs:
        has_stopped(config)
    _go_on_unwatched(configs)
    _ask(configs[0], lambda: runs.jobs().submit_all(configs))


def cancel_all(configs: Sequence[RunConfig]) -> None:
    """Have all of them stopped, those first that wait, so that none of these begins meanwhile.

    On a public server those of others go on.
    """
    own = [config for config in configs if not public.why_not_stop(config)] or configs

    def stop() -> None:
        for config in reversed(own):
            runs.jobs().cancel(config)

    _ask(configs[0], stop)


def is_stopping(config: RunConfig) -> bool:
    """Whether this session asked last that its training stop, which takes a moment."""
    asked, at = st.session_state.get(_STOPPING, (None, 0.0))
    return asked == config and time.monotonic() - at < STOP_PATIENCE


def has_stopped(config: RunConfig) -> None:
    """It is seen at rest: should it go on, that is somebody's new request."""
    if is_stopping(config):
        del st.session_state[_STOPPING]


def seconds_since_the_last() -> float:
    """How long ago something was last asked for in this session; infinity before that."""
    return time.monotonic() - st.session_state.get(_ASKED_AT, -math.inf)


def cancel(config: RunConfig) -> None:
    """Have its training stopped."""
    st.session_state[_STOPPING] = (config, time.monotonic())
    _ask(config, lambda: runs.jobs().cancel(config))


def trouble(config: RunConfig) -> str:
    """Why what was last asked for this configuration could not be done; "" where it could."""
    asked, trouble = st.session_state.get(_TROUBLE, (None, ""))
    return trouble if asked == config and trouble else public.overran(config)


def draw_trouble(trouble: str) -> None:
    """Say that what was asked for could not be done, and why; nothing where it could."""
    if trouble:
        st.error(f"**That could not be done.** {text.plain(trouble)}")


def _go_on_unwatched(configs: Sequence[RunConfig]) -> None:
    """What began by itself goes on whoever watches, unless who asks for it may not."""
    if not public.why_not_train(configs):
        for config in configs:
            viewers.asked(config)


def _wait_for_points(config: RunConfig) -> None:
    """Wait a moment for a training that begins at once, until there is something that moves.

    A page that is drawn before that shows a placeholder, and has to be drawn again.
    """
    for number in range(LOOKS):
        run = runs.look(config)
        moves = run.geometry is not None and len(run.geometry) > 1
        if moves or run.status is not Status.RUNNING and number >= TAKEN_UP:
            break
        time.sleep(LOOK_EVERY)


def _ask(config: RunConfig, action: Callable[[], None]) -> None:
    # Kept for the session: what a callback draws is gone with the next run of the page.
    st.session_state[_TROUBLE] = (config, "")
    st.session_state[_ASKED_AT] = time.monotonic()
    try:
        action()
    except (OSError, RuntimeError) as error:
        st.session_state[_TROUBLE] = (config, runs.why_not_done(error))
        has_stopped(config)
