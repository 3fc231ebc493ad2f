"""What is made of a run to be shown, made once for all sessions that look at the same moment."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import streamlit as st

from ncengine.runs.run import Run

# Tables and messages of some runs; the player's message is the largest, of a megabyte or less.
MOST = 64

T = TypeVar("T")


def once(run: Run, what: Hashable, make: Callable[[], T]) -> T:
    """What `make` gives, made once for `what` and what is recorded of the run at this moment.

    All sessions get the same object: it must not be changed.
    """
    return _made(run.key, run.recorded, what, make)


@st.cache_resource(show_spinner=False, max_entries=MOST)
def _made(key: str, recorded: tuple, what: Hashable, _make: Callable[[], Any]) -> Any:
    return _make()
