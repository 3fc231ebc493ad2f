"""What came of a finished run, in a sentence, and what to try next."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, sqrt
from typing import Any

import streamlit as st

from app.components import requests, text
from app.engine import data, runs
from ncengine.analysis.outcome import Outcome, outcome, worth_a_try
from ncengine.analysis.over_seeds import NOT_CONVERGED
from ncengine.config import RunConfig
from ncengine.runs.run import Run

# The word for NC1 up to so much.
WORDS = (
    (1e-3, "Collapsed"),
    (1e-2, "Nearly collapsed"),
    (1e-1, "Partly collapsed"),
    (1.0, "Hardly collapsed"),
    (inf, "Not collapsed"),
)
MOST_TRIES = 3


def draw(run: Run, pick: Callable[[RunConfig], None]) -> None:
    """The sentence, with what stands against collapse, beside buttons that `pick` another run."""
    came = outcome(run)
    examined = data.examine(run.config)
    failing = [one for one in examined.assumptions if one.holds is False] if examined else []
    with st.container(key="outcome", horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(sentence(came), width="stretch")
        with st.container(key="next", horizontal=True, width="content", gap="xsmall"):
            names = frozenset(one.name for one in failing)
            for changes in worth_a_try(run.config, came, names)[:MOST_TRIES]:
                _button(run.config, changes, pick)
    if failing:
        with st.container(key="against"):
            reason = text.plain(failing[0].reason)
            st.markdown(f":orange-badge[:material/warning: Against it] {reason}")


def sentence(came: Outcome) -> str:
    """What came of it, as Markdown."""
    if came.worse_than_none:
        return (
            "**It went wrong**: the objective ended above that of weights that are all zero, "
            "which answers the same to every sample."
        )
    return f"{_collapse(came.nc1)} {_objective(came)}"


def _collapse(nc1: float | None) -> str:
    if nc1 is None:
        return "**Whether it collapsed cannot be told.**"
    if nc1 > NOT_CONVERGED:
        return "**Not collapsed**: the classes fell onto one point."
    word = next(word for most, word in WORDS if nc1 <= most)
    return (
        f"**{word}**: samples lie {_about(sqrt(nc1))} as far from their class’s mean as the "
        "classes from the centre."
    )


def _objective(came: Outcome) -> str:
    if came.at_floor:
        return "The objective ended at the floor."
    how = "with no way further down" if came.rested else "settled"
    how = "still falling" if came.falling else how
    if came.above_floor is None:
        return f"The objective ended {how}."
    if came.above_floor < 1:
        return f"The objective ended {_about(came.above_floor)} above the floor, {how}."
    return f"The objective ended at {text.number(1 + came.above_floor)} times the floor, {how}."


def _about(share: float) -> str:
    """A share of 1 as a percentage of two significant digits."""
    return text.percent(share) if share >= 0.995 else f"{100 * share:.2g} %"


def _button(config: RunConfig, changes: dict[str, Any], pick: Callable[[RunConfig], None]) -> None:
    ((name, value),) = changes.items()
    changed = config.with_(**changes)
    label, why = _SAID[name](value)
    goes_on = name == "epochs" and runs.passes_before(changed) > 0
    if goes_on:
        label, why = f"Go on to {value:,} passes", f"{why} Goes on from where this one ended."
    st.button(
        label,
        key=f"next-{name}",
        help=why,
        on_click=_picked,
        args=(changed, pick, goes_on),
    )


def _picked(config: RunConfig, pick: Callable[[RunConfig], None], starts: bool) -> None:
    pick(config)
    if starts:
        requests.submit(config)
    # The page, not just what is around the button: the picker has to show it too.
    st.rerun()


_SAID: dict[str, Callable[[Any], tuple[str, str]]] = {
    "depth": lambda value: (f"Deeper: L = {value}", "The theorems bring collapse with depth."),
    "epochs": lambda value: (f"{value:,} passes", "The objective was still falling."),
    "learning_rate": lambda value: (
        f"Rate {value:g}",
        "Steps that are too long lead away from the optimum.",
    ),
    "width": lambda value: (f"Wider: d = {value}", "The figure needs the room."),
    "decay_schedule": lambda value: (
        f"Decay {value}",
        "What the theorems ask of an architecture with two linear layers a block.",
    ),
}
