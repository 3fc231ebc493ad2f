"""Explore: pick a network, train it, watch it collapse."""

from __future__ import annotations

import logging

import streamlit as st

from app.charts import cosines, curves
from app.components import (
    assumptions,
    download,
    explanation,
    notices,
    readouts,
    status,
    text,
)
from app.engine import data, derived, runs
from app.player import stage, view
from ncengine.catalogue.datasets import dataset_info
from ncengine.config import RunConfig
from ncengine.runs.identity import identify
from ncengine.runs.run import Run, Status

logger = logging.getLogger(__name__)

# Seconds between two looks at a run that moves, and at one that someone else may set going.
LIVE, IDLE = 0.5, 2.0
# The player's share of the page, and that of the curves beside it.
HALVES = (1.25, 1)


def draw(config: RunConfig) -> None:
    """The page for the configuration that is picked."""
    now = runs.store().open(config).status
    view.current(config)
    notices.draw()
    _heading(config, now)
    reading = data.examine(config) is None
    st.fragment(_live, run_every=_interval(now, reading))(config, now, reading)


def _interval(now: Status, reading: bool) -> float | None:
    if now.busy or reading:
        return LIVE
    return None if now in (Status.DONE, Status.DIVERGED) else IDLE


def _heading(config: RunConfig, now: Status) -> None:
    st.header(config.title(), anchor=False)
    parts = [f"{derived.parameter_count(config):,} parameters"]
    if len(config.seeds) > 1:
        parts[0] += f" × {len(config.seeds)} seeds"
    # Before there is a run, the estimate stands beside the button that starts one.
    if now is not Status.ABSENT:
        parts.append(status.time_estimate(config))
    device = runs.jobs().device()
    if device is not None:
        parts.append(f"computing on {device}")
    st.caption(" · ".join(parts))


def _live(config: RunConfig, drawn: Status, was_reading: bool) -> None:
    """All that changes while a run goes on."""
    try:
        run = runs.store().open(config)
        if run.status is not drawn or was_reading and data.examine(config):
            st.rerun()
        _body(run)
    except Exception:
        logger.exception("The run %s could not be drawn", identify(config).key)
        st.error("This run could not be drawn; the log of the server has the details.")


def _body(run: Run) -> None:
    looked_at = view.current(run.config)
    if not run.points and not run.status.busy and data.needs_download(run.config):
        download.draw(run.config)
        _words(run.config)
        return
    status.draw(run)
    if not run.points and not run.status.busy:
        _words(run.config)
        return
    if run.status is Status.DIVERGED:
        _diverged(run, looked_at)
        return
    readouts.draw(run)
    left, right = st.columns(HALVES, gap="medium")
    with left:
        stage.draw_player(run, looked_at)
    with right:
        stage.draw_controls(run, looked_at)
        curves.draw_objective(run)
        curves.draw_collapse(run, looked_at.test)
    below, beside = st.columns(HALVES, gap="medium")
    with below:
        _cosines(run, looked_at)
        assumptions.draw(run.config)
    with beside:
        curves.draw_accuracy(run, looked_at.test)
        explanation.draw(run.config)


def _diverged(run: Run, looked_at: view.View) -> None:
    """Where no seed is left to take means over: no readouts or curves, all of which are means."""
    left, right = st.columns(HALVES, gap="medium")
    with left:
        stage.draw_player(run, looked_at)
    with right:
        stage.draw_controls(run, looked_at)
        assumptions.draw(run.config)


def _words(config: RunConfig) -> None:
    """What there is to say before there is anything to draw."""
    left, right = st.columns(HALVES, gap="medium")
    with left:
        explanation.draw(config)
    with right:
        assumptions.draw(config)


def _cosines(run: Run, looked_at: view.View) -> None:
    st.markdown("##### Cosines between class means")
    if run.geometry is None or not len(run.geometry):
        st.skeleton(height=cosines.HEIGHT)
        return
    classes, r = run.config.classes, run.config.seeds.index(looked_at.seed)
    shown = view.shown_snapshot(run.geometry, r)
    if shown is None:
        st.info(stage.nothing_to_show(looked_at))
        return
    means = run.geometry.class_means[shown, r]
    names = dataset_info(run.config.dataset).class_names[:classes]
    cosines.draw(derived.cosines(means), names)
    st.caption(f"Seed {looked_at.seed}, pass {run.geometry.epoch[shown]:,.0f}. {_ideal(classes)}")


def _ideal(classes: int) -> str:
    if classes == 2:
        return "The simplex of two classes: their means are opposite each other, at a cosine of −1."
    cosine = text.number(-1 / (classes - 1))
    return f"In a simplex every two classes meet at the same cosine, −1/(K − 1) = {cosine}."
