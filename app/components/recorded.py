"""Which recording the page Recorded shows, and how an address holds it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import streamlit as st

from app.components import address

OWNER = "recorded"
KEY, FIGURES = "recorded", "figures"
NAMES = (KEY, FIGURES)
_STATE = "recorded:shown"
# Letters and numbers of a figure's name, and how many figures an address may ask for.
MOST_FIGURES = 10


@dataclass(frozen=True)
class Shown:
    """What the page shows.

    Attributes:
        key: of the recording; "" for the list of all.
        figures: those that were picked to be drawn over its steps; empty for the usual ones.
    """

    key: str = ""
    figures: tuple[str, ...] = ()

    def query(self) -> dict[str, str]:
        """What the address says of it."""
        query = {KEY: self.key} if self.key else {}
        if self.figures:
            query[FIGURES] = ",".join(self.figures)
        return query


def current() -> Shown:
    """What is shown after all that happened: what was picked here, else a changed address."""
    query = address.arrival(OWNER, NAMES)
    if query is not None:
        st.session_state[_STATE] = parse(query)
    show(last())
    return last()


def last() -> Shown:
    """What was shown last, or is shown first."""
    return st.session_state.get(_STATE, Shown())


def show(shown: Shown) -> None:
    """Have the page show this, and its address say so."""
    st.session_state[_STATE] = shown
    address.write(OWNER, NAMES, shown.query())


def open_one(key: str) -> None:
    """Have it show another recording, or with "" the list."""
    show(Shown(key))


def pick(figures: tuple[str, ...]) -> None:
    """Have these figures drawn."""
    show(replace(last(), figures=figures))


def is_key(text: str) -> bool:
    """Whether a recording could be called so."""
    return bool(re.fullmatch("[0-9a-f]{20}", text))


def parse(query: Mapping[str, str]) -> Shown:
    """What an address asks for. Whether there is such a recording, the page sees itself."""
    names = query.get(FIGURES, "").split(",")[:MOST_FIGURES]
    return Shown(query.get(KEY, ""), tuple(dict.fromkeys(filter(None, names))))
