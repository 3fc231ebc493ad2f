"""Figures that follow the player's moment, of what is no run: a row of them, as HTML."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Protocol

import numpy as np
import streamlit as st

from app.components.readouts import Readout, cell


class Film(Protocol):
    """What the player shows, by its name, and where its frames are, in whatever they count."""

    @property
    def name(self) -> str: ...

    @property
    def at(self) -> np.ndarray: ...


@dataclass(frozen=True)
class Reading:
    """A figure at each of the player's frames, in words; `last` is the one that stands there."""

    label: str
    shown: Sequence[str]
    help: str
    note: str = ""

    @property
    def last(self) -> str:
        """Of the last frame."""
        return self.shown[-1]


def draw(
    film: Film | None,
    readings: Sequence[Reading],
    *,
    presented: bool = False,
    across: bool = False,
) -> None:
    """Figures that follow the player's moment: in one row `across` the page, or as they fit."""
    st.html(html(film, readings, presented=presented, across=across))


def html(
    film: Film | None, readings: Sequence[Reading], *, presented: bool, across: bool = False
) -> str:
    """HTML of the row."""
    none = np.zeros(0)
    cells = "".join(
        cell(n, Readout(r.label, r.last, r.note, r.help, "", none, none), course=False)
        for n, r in enumerate(readings)
    )
    kind = "readouts" + " presented" * presented + " of-film" * (not (presented or across))
    if film is None:
        return f'<div class="{kind}">{cells}</div>'
    shown = [list(one.shown) for one in readings]
    moments = {"run": film.name, "epoch": film.at.tolist(), "shown": shown}
    words = escape(json.dumps(moments, ensure_ascii=False))
    return f'<div class="{kind}" data-moments="{words}">{cells}</div>'
