"""What was wrong with an address, in words, until the reader dismisses it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import streamlit as st

logger = logging.getLogger(__name__)

LONGEST_VALUE = 60


def post(owner: str, lines: Sequence[str]) -> None:
    """Replace the owner's lines; no lines take its notice down."""
    st.session_state.setdefault("notices", {})[owner] = tuple(lines)


def wrong_value(label: str, value: Any, allowed: str, used: Any) -> str:
    """One line: the field, the value given, what is allowed, what is used instead."""
    return f"**{label}**: {_code(value)} {allowed}; showing **{used}** instead."


def no_such_run(label: str, key: str) -> str:
    """One line: there is no run of that key, or it is none of the configuration beside it."""
    allowed = "must be the key of a run of this configuration that is at hand"
    return wrong_value(label, key, allowed, "what there is of it")


def unknown_names(names: Sequence[str]) -> None:
    """Tell of parameters that mean nothing here; none of them leaves what was told before."""
    if names:
        post("unknown", [f"{_code(name)} is no parameter of this page." for name in names])


@contextmanager
def told(part: str, in_full: str) -> Iterator[None]:
    """What goes wrong within is told on the page in a sentence, and in full in the log.

    `part` could not be drawn, in words for the page; `in_full` names it in the log.
    """
    try:
        yield
    except Exception:
        logger.exception("%s could not be drawn", in_full)
        st.error(f"{part} could not be drawn; the log of the server has the details.")


def draw() -> None:
    """One warning with every owner's lines and a button that dismisses it."""
    lines = [line for owned in st.session_state.get("notices", {}).values() for line in owned]
    if not lines:
        return
    with st.container(key="notices", horizontal=True, wrap=False, vertical_alignment="center"):
        heading = "This address asks for something that cannot be."
        st.warning("\n".join([heading, "", *(f"- {line}" for line in lines)]))
        st.button("Dismiss", key="dismiss_notices", on_click=_dismiss)


def _dismiss() -> None:
    st.session_state["notices"] = {}


def _code(value: Any) -> str:
    text = "".join(c if c.isprintable() else " " for c in str(value)).replace("`", "'").strip()
    if len(text) > LONGEST_VALUE:
        text = text[: LONGEST_VALUE - 1] + "…"
    return f"`{text}`" if text else "an empty value"
