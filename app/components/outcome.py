"""What came of a finished run, in a sentence, and what to try next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import streamlit as st

from app.components import requests, text
from app.components.shown import Shown
from app.engine import data, public, runs
from ncengine.analysis.bounds import Bound
from ncengine.analysis.outcome import objective_of, outcome, outcome_of
from ncengine.analysis.worth_a_try import worth_a_try
from ncengine.config import RunConfig
from ncengine.runs.run import Run, Status

MOST_TRIES = 3


def draw(shown: Shown, pick: Callable[[RunConfig], None]) -> None:
    """The sentence, with what stands against collapse, beside buttons that `pick` another run."""
    run = shown.run
    came = outcome(run)
    examined = data.examine(run.config)
    failing = (
        [assumption for assumption in examined.assumptions if assumption.holds is False]
        if examined
        else []
    )
    failing.sort(key=lambda assumption: assumption.name != "width")
    with st.container(key="outcome", horizontal=True, vertical_alignment="center", gap="small"):
        sentence = f"**{came.verdict}**: {came.reason}"
        st.markdown(sentence, width="stretch")
        with st.container(key="next", horizontal=True, width="content", gap="xsmall"):
            names = frozenset(assumption.name for assumption in failing)
            for changes in worth_a_try(run.config, came, names)[:MOST_TRIES]:
                _button(run, changes, pick)
    if failing:
        with st.container(key="against"):
            reason = text.plain(failing[0].reason)
            st.markdown(f":orange-badge[:material/warning: Against it] {reason}")
    if shown.convicted_by:
        _not_at_its_optimum(run, shown.convicted_by, pick)


def troubles(run: Run) -> tuple[str, ...]:
    """What has to be said of some of its seeds, as Markdown; before its end, which diverged."""
    if run.status in (Status.ABSENT, Status.QUEUED, Status.DIVERGED):
        return ()
    came = outcome_of(run.summary())
    if run.status is not Status.DONE:
        came = replace(came, worse=(), not_converged=None)
    return came.troubles


def _not_at_its_optimum(run: Run, least: Bound, pick: Callable[[RunConfig], None]) -> None:
    """Why it is not, and a button that trains it from the network that proves it."""
    with st.container(key="convicted", horizontal=True, vertical_alignment="center", gap="small"):
        badge = ":orange-badge[:material/trending_down: Not at its optimum]"
        why = least.sentence(run.config, objective_of(run.summary()) or 0.0)
        st.markdown(f"{badge} {text.plain(why)}", width="stretch")
        if start := least.start(run.config):
            refused = text.plain(public.why_not_train([start]))
            st.button(
                "Start from there",
                key="next-start",
                disabled=bool(refused),
                help=refused
                or f"Trains {text.plain(start.title())}: it ends at most where that one is.",
                on_click=_picked,
                args=(start, pick, True),
            )


def _button(run: Run, changes: dict[str, Any], pick: Callable[[RunConfig], None]) -> None:
    ((name, value),) = changes.items()
    changed = run.config.with_(**changes)
    label, why = _SAID[name](value)
    goes_on = name == "epochs" and runs.goes_on(run, changed)
    if goes_on:
        label, why = f"Go on to {value:,} passes", f"{why} Goes on from where this one ended."
    refused = text.plain(public.why_not_train([changed])) if goes_on else ""
    st.button(
        label,
        key=f"next-{name}",
        disabled=bool(refused),
        help=refused or why,
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
    "depth": lambda value: (
        f"Deeper: L = {value}",
        "The paper finds that collapse tightens with depth.",
    ),
    "epochs": lambda value: (
        f"{value:,} passes",
        "With more passes the objective would fall further.",
    ),
    "learning_rate": lambda value: (
        f"Rate {value:g}",
        "Steps that are too long lead away from the optimum.",
    ),
    "solver": lambda value: (
        value,
        "Looks at the curvature, and so comes nearer to the optimum in as many passes.",
    ),
    "width": lambda value: (f"Wider: d = {value}", "The ideal figure needs the room."),
    "decay_schedule": lambda value: (
        f"Decay {value}",
        "What the theorems ask of an architecture with two linear layers a block.",
    ),
}
