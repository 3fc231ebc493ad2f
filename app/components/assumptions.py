"""What the theorems assume, and whether it holds for what is picked."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import streamlit as st

from app.components import paper, text
from app.engine import data
from ncengine.config import RunConfig

# By whether it holds: the mark's name in the style sheet, and what a screen reader says.
MARKS = {True: ("holds", "holds"), False: ("fails", "does not hold"), None: ("unknown", "unknown")}
HEIGHT = 300


def draw(config: RunConfig) -> None:
    """The panel; a placeholder while the data are being read."""
    st.markdown("##### What the theorems assume")
    examination = data.examine(config)
    if examination is None:
        st.skeleton(height=HEIGHT)
        return
    no_data = "Cannot be told: there are no such data." if examination.problem else ""
    lines = "".join(
        _line(
            assumption.holds,
            assumption.title,
            assumption.reason if assumption.holds is not None else no_data or assumption.reason,
        )
        for assumption in examination.assumptions
    )
    st.html(f'<div class="assumptions" role="list">{lines}</div>')
    if examination.remark:
        st.caption(text.plain(examination.remark))
    paper.draw()
    if "reviews" in examination.facts:
        st.caption(told(examination.facts))


def told(facts: Mapping[str, int]) -> str:
    """What was found in making samples of reviews, as a sentence or two."""
    reviews, short, contradictory, identical = (
        f"{facts.get(name, 0):,}" if facts.get(name) else "none"
        for name in ("reviews", "too_short", "contradictory", "identical")
    )
    return (
        f"Of {reviews} reviews for training, {short} were left out as shorter than the context "
        f"and {contradictory} because their context ends a review of the other class too. Of the "
        f"samples, {identical} share their context with another one."
    )


def _line(holds: bool | None, title: str, reason: str) -> str:
    mark, spoken = MARKS[holds]
    return (
        f'<div role="listitem"><span class="mark {mark}" role="img" aria-label="{spoken}"></span>'
        f"<div><b>{_typeset(title)}.</b> {_typeset(reason)}</div></div>"
    )


def _typeset(words: str) -> str:
    return escape(words).replace("L*_GUFM", "L*<sub>GUFM</sub>")
