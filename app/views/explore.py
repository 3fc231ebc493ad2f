"""Explore: pick a network, train it, watch it collapse."""

from __future__ import annotations

import logging
from functools import lru_cache

import streamlit as st

from app.components import charts, engine, figures, notices, stage, text, training
from ncengine.config import RunConfig
from ncengine.datasets.registry import dataset_info
from ncengine.runs import Run, Status

logger = logging.getLogger(__name__)

# Seconds between two looks at a run that moves, and at one that someone else may set going.
LIVE, IDLE = 0.5, 2.0
# The player's share of the page, and that of the curves beside it.
HALVES = (1.25, 1)


def draw(config: RunConfig) -> None:
    """The page for the configuration that is picked."""
    status = engine.store().open(config).status
    stage.settle(config)
    notices.draw()
    _heading(config)
    st.fragment(_live, run_every=_interval(status))(config, status)


def _interval(status: Status) -> float | None:
    if status.busy:
        return LIVE
    return None if status in (Status.DONE, Status.DIVERGED) else IDLE


def _heading(config: RunConfig) -> None:
    st.header(config.title(), anchor=False)
    parts = [f"{engine.parameter_count(config):,} parameters"]
    if len(config.seeds) > 1:
        parts[0] += f" × {len(config.seeds)} seeds"
    parts.append(training.time_estimate(config))
    device = engine.jobs().device()
    if device is not None:
        parts.append(f"computing on {device}")
    st.caption(" · ".join(parts))


def _live(config: RunConfig, drawn: Status) -> None:
    """All that changes while a run goes on."""
    try:
        run = engine.store().open(config)
        if run.status is not drawn:
            st.rerun()
        _body(run)
    except Exception:
        logger.exception("The run %s could not be drawn", config.key)
        st.error("This run could not be drawn; the log of the server has the details.")


def _body(run: Run) -> None:
    view = stage.settle(run.config)
    if not run.points and not run.status.busy and engine.needs_download(run.config):
        training.draw_download(run.config)
        return
    training.draw(run)
    if not run.points and not run.status.busy:
        _explanation(run.config)
        return
    figures.draw(run)
    left, right = st.columns(HALVES, gap="medium")
    with left:
        stage.draw_player(run, view)
    with right:
        stage.draw_controls(run, view)
        charts.draw_objective(run)
        charts.draw_collapse(run)
    below, beside = st.columns(HALVES, gap="medium")
    with below:
        _cosines(run, view)
    with beside:
        _explanation(run.config)


def _cosines(run: Run, view: stage.View) -> None:
    st.markdown("##### Cosines between class means")
    if run.geometry is None or not len(run.geometry):
        st.skeleton(height=charts.HEATMAP_HEIGHT)
        return
    classes, r = run.config.classes, run.config.seeds.index(view.seed)
    shown = stage.shown_snapshot(run.geometry, r)
    if shown is None:
        st.info(stage.nothing_to_show(view))
        return
    means = run.geometry.class_means[shown, r]
    names = dataset_info(run.config.dataset).class_names[:classes]
    charts.draw_cosines(engine.cosines(means), names)
    st.caption(
        f"Seed {view.seed}, epoch {run.geometry.epoch[shown]:,.0f}. In a simplex every "
        f"two classes meet at the same cosine, −1/(K − 1) = {text.number(-1 / (classes - 1))}."
    )


def _explanation(config: RunConfig) -> None:
    with st.expander("What am I looking at?", expanded=True, key="explanation"):
        # One element, for the page to send one message and not one a paragraph at each refresh.
        st.markdown(_explained(config.width, config.nc2_name))


@lru_cache
def _explained(width: int, nc2: str) -> str:
    if nc2 == "nc2a":
        shape = "**NC2A: classes form a simplex.** The classifier's rows are all equally far apart."
        ideal = r"(I-\tfrac1K\mathbf{1}\mathbf{1}^\top)"
    else:
        shape = (
            "**NC2B: classes form an orthogonal frame.** The classifier's rows are at right angles."
        )
        ideal = "I"
    return "\n\n".join(
        [
            "The **features** of a sample are what the last linear layer sees of it: a point in "
            f"a space of {width} dimensions. Trained long enough, a deep network moves "
            "these points into a strikingly simple figure: **neural collapse**.",
            "**NC1: classes become points.** Spread within the classes against spread of the "
            "class means.",
            _formula(r"\mathrm{NC1}=\frac{\operatorname{tr}\Sigma_W}{\operatorname{tr}\Sigma_B}"),
            shape,
            _formula(
                rf"\mathrm{{{nc2.upper()}}}=\min_{{c\ge 0}}"
                rf"\frac{{\lVert WW^\top-c\,{ideal}\rVert_F}}{{\lVert WW^\top\rVert_F}}"
            ),
            "**NC3: samples meet their classifier.** Each feature points along the classifier "
            "row of its class.",
            _formula(r"\mathrm{NC3}=1-\frac{1}{N}\sum_{k,i}\cos(x_{ki},W_k)"),
            "**The floor.** The least objective that any such network can reach, in closed form; "
            "a collapsed one reaches it without hidden decay. No gap means globally optimal.",
            _formula(
                r"\mathcal{L}(\theta)=\mathcal{L}_{\mathrm{GUFM}}+\text{hidden decay}"
                r"\;\ge\;\mathcal{L}^*_{\mathrm{GUFM}}"
            ),
        ]
    )


def _formula(body: str) -> str:
    return f"$$\n{body}\n$$"
