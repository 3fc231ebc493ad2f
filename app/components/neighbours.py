"""Runs that start from the networks which prove that others are at no optimum."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import streamlit as st

from app.charts.depth import Finished
from app.components import requests, series, text
from app.components.series import Series
from app.engine import data, public, sweep
from ncengine.config import RunConfig
from ncengine.config.fields import NEIGHBOUR

_STARTED = "neighbours:started"


def started(configs: Collection[RunConfig]) -> tuple[RunConfig, ...]:
    """Those that this session had started in place of some of `configs`."""
    asked = st.session_state.get(_STARTED, ())
    return tuple(config for config in asked if config.from_random in configs)


def draw(shown: Sequence[Series], finished: Sequence[Sequence[Finished]]) -> None:
    """Which runs start from another's network, and a button to start those that are to be."""
    told = []
    for label, runs in zip(series.labels(shown), finished, strict=True):
        at = [_place(config) for config, _, _ in runs if config.start == NEIGHBOUR]
        if at:
            told.append(f"{text.plain(label)} at {', '.join(at)}")
    if told:
        st.caption(
            "**Started from a neighbour’s network**, and so no higher than that proves to be "
            f"reachable: {'; '.join(told)}."
        )
    starts = sweep.starts(run for runs in finished for run in runs)
    able = [config for config in starts if not data.needs_download(config)]
    if not able:
        return
    refused = text.plain(public.why_not_train(able))
    st.button(
        f"Start {len(able)} from a neighbour’s network" if len(able) > 1 else "Start it from there",
        key="from-neighbours",
        icon=":material/call_split:",
        on_click=_start,
        args=(able,),
        disabled=bool(refused),
        help=refused
        or "Trains once more, from the network that proves it to be at no optimum, what is drawn "
        "hollow: it ends at most where that one is. Of two runs the lower one is then drawn.",
    )


def _place(config: RunConfig) -> str:
    *_, (_, decay) = config.steps
    other = f", λ = {config.weight_decay:g}" if decay != config.weight_decay else ""
    return f"L = {config.depth}{other}"


def _start(configs: Sequence[RunConfig]) -> None:
    asked = st.session_state.get(_STARTED, ())
    st.session_state[_STARTED] = tuple(dict.fromkeys([*asked, *configs]))
    requests.submit_all(configs)
    # The page, not just the panels: how far they have come is told above.
    st.rerun()
