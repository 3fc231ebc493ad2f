"""The player with the choices it leaves to the server: seed, basis, focus classes, test data."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from app.charts import palette
from app.components import readouts, samples, text
from app.engine import data, derived, shared
from app.player.view import BASES, BESIDE, FOCUS_SIZES, NAMES, PLAYER_NAMES, Subject, View, of_run
from app.player.wire import PLAYS, About, Group, Playing, Trajectory, pack
from ncengine.analysis.outcome import outcome
from ncengine.catalogue.datasets import dataset_info
from ncengine.runs.run import Geometry, Run, Status
from ncengine.theory.optimum import why_no_figure

PLAYER_HEIGHT = 600


def draw_controls(run: Run, view: View) -> None:
    """Seed, basis, focus and test data in one row beside the player."""
    config = run.config
    info = dataset_info(config.dataset)
    promised = (
        "Their ideal is their part of the best figure that is known."
        if why_no_figure(config)
        else "Their ideal is an equilateral triangle or a regular tetrahedron."
    )
    with st.container(horizontal=True, vertical_alignment="bottom", key="view_controls"):
        draw_seed_and_basis(of_run(run), view)
        st.session_state["view:test"] = view.test
        reason = of_run(run).no_test_data
        st.toggle(
            "Test data",
            key="view:test",
            disabled=bool(reason),
            help=reason
            or "Shows samples that training never saw: rings in the player, dashed lines in the "
            "charts.",
        )
        if info.kind == "text" and not run.shipped:
            samples.draw_switch(config)
        draw_focus(of_run(run), view, info.class_names, promised)


def draw_seed_and_basis(subject: Subject, view: View) -> None:
    """Which network is looked at, where there are several, and from which side."""
    st.session_state["view:seed"] = view.seed
    st.session_state["view:basis"] = view.basis
    if len(subject.shown) > 1:
        st.segmented_control(
            "Seed",
            subject.shown,
            key="view:seed",
            required=True,
            help="Which of the networks, trained side by side, is looked at.",
        )
    st.segmented_control(
        "Axes of snapshot",
        tuple(BASES),
        format_func=BASES.__getitem__,
        key="view:basis",
        required=True,
        help="From which side the points are seen, which live in more dimensions than a "
        "screen has: along the axes on which the class means spread most. Those of the last "
        "snapshot for the whole film and all layers, or the own ones of each snapshot and each "
        "layer, aligned to its neighbour.",
    )


def draw_focus(subject: Subject, view: View, class_names: Sequence[str], promised: str) -> None:
    """Which classes are focused on, where there are more than are seen without loss.

    `promised` says what their ideal is.
    """
    st.session_state["view:focus"] = list(view.picked)
    if subject.classes <= max(FOCUS_SIZES):
        return
    st.pills(
        "Focus on 3 or 4 classes",
        tuple(range(subject.classes)),
        selection_mode="multi",
        format_func=class_names.__getitem__,
        key="view:focus",
        help=f"Projects on the span of exactly these classes' means. {promised}",
    )
    missing = min(FOCUS_SIZES) - len(view.picked)
    if view.picked and missing > 0:
        st.caption(f"Pick {missing} more to focus on them.")


def draw_beside(subject: Subject, view: View) -> None:
    """What stands beside the player: curves of training, or every layer."""
    if not subject.layers:
        return
    st.session_state["view:beside"] = view.beside
    st.segmented_control(
        "Beside the player",
        BESIDE,
        format_func={"training": "Training", "layers": "Layers"}.__getitem__,
        key="view:beside",
        required=True,
        label_visibility="collapsed",
    )


@dataclass(frozen=True)
class Beside:
    """What a player has to know where others stand beside it on the page.

    Attributes:
        key: its own name on the page.
        group: whom it moves with.
        onto: (K, 3) where its classes are to lie, as `places` gives; None where they like.
    """

    key: str
    group: Group
    onto: np.ndarray | None = None


def draw_player(
    run: Run, view: View, playing: Playing = PLAYS, beside: Beside | None = None
) -> None:
    """The player on the run's geometry; a placeholder of the same size before there is any."""
    key = "player" if beside is None else beside.key
    with st.container(key="stage" if beside is None else f"stage_{key}"):
        if run.geometry is None or not len(run.geometry):
            st.skeleton(height=PLAYER_HEIGHT)
            return
        shown = message(run, view, playing, beside)
        if shown is None:
            st.info(nothing_to_show(view))
            return
        # Only where it is drawn is the component registered, which takes a server.
        from app.player.component import player

        player(shown, key=key, height=PLAYER_HEIGHT)


def places(run: Run, view: View) -> np.ndarray | None:
    """(K, 3) where the class means come to lie in the player; None where there are none."""
    if run.geometry is None or not len(run.geometry):
        return None
    config = run.config
    r, focus = config.seeds.index(view.seed), view.focus(config.classes)
    means = derived.project(run, run.geometry, r, view.basis, focus).means
    return means[-1] if len(means) else None


def figures(run: Run, view: View) -> str:
    """HTML of the figures that matter to an audience, which follow the player's moment."""
    angles = {}
    if run.geometry is not None and len(run.geometry):
        r, focus = run.config.seeds.index(view.seed), view.focus(run.config.classes)
        projection = derived.project(run, run.geometry, r, view.basis, focus)
        angles = dict(zip(projection.epoch.tolist(), projection.angle_error.tolist(), strict=True))
    return readouts.figures(run, angles)


def nothing_to_show(view: View) -> str:
    """What to say of a seed that has no snapshot with numbers in it."""
    return (
        f"Seed {view.seed} diverged before its first snapshot: its numbers grew beyond all "
        "bounds, and there is nothing to draw. Pick another seed, or a lower learning rate."
    )


def onto(
    both: tuple[Run, Run], views: tuple[View, View]
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Where the classes of each are to come to lie: where those of the other are, if it rests.

    A run that is trained moves at every look: it is turned onto the other, and not the other way.
    """
    left, right = both
    if left.config.classes != right.config.classes or views[0].picked != views[1].picked:
        return None, None
    if left.status.busy and not right.status.busy:
        return places(right, views[1]), None
    return None, places(left, views[0])


def message(
    run: Run, view: View, playing: Playing = PLAYS, beside: Beside | None = None
) -> bytes | None:
    """What the player draws; None where no snapshot of the seed has numbers in it."""
    geometry = run.geometry
    if geometry is None or not len(geometry):
        return None
    shown = len(geometry), view.seed, view.basis, view.focus(run.config.classes), view.test
    at_hand = run.shipped or data.examine(run.config) is not None
    # What the gallery ships was chosen to be shown to anyone.
    words = run.shipped or view.texts
    onto = None if beside is None or beside.onto is None else beside.onto.tobytes()
    group = None if beside is None else beside.group
    key = ("player", shown, at_hand, words, view.start, playing, group, onto)
    return shared.once(run, key, lambda: _packed(run, geometry, view, words, playing, beside))


def _packed(
    run: Run, geometry: Geometry, view: View, words: bool, playing: Playing, beside: Beside | None
) -> bytes | None:
    config, test = run.config, view.test
    r, focus = config.seeds.index(view.seed), view.focus(config.classes)
    onto = None if beside is None else beside.onto
    projection = derived.project(run, geometry, r, view.basis, focus, onto)
    if not len(projection.epoch):
        return None
    captions = data.captions(run, test) if words else None
    # Beside another, whose layers are others, a player shows the last one alone.
    trajectories = _trajectories(run, geometry, view, r) if beside is None else []
    return pack(
        projection,
        _about(run, view, playing, None if beside is None else beside.group),
        test=test,
        thumbnails=data.thumbnails(run, test),
        captions=captions and [text.ending(caption) for caption in captions],
        trajectories=trajectories,
    )


def _about(run: Run, view: View, playing: Playing, group: Group | None) -> About:
    config = run.config
    return About(
        run=run.key,
        class_names=dataset_info(config.dataset).class_names[: config.classes],
        colors=palette.CLASS_COLORS[: config.classes],
        but_for_depth=_but_for_depth(run),
        title=config.title(),
        depth=config.depth if "depth" in config.params else None,
        outcome=_outcome(run),
        live=run.status.busy,
        start=dict(view.start),
        query=config.query(),
        asking=(*NAMES, *PLAYER_NAMES),
        playing=playing,
        group=group,
    )


def _outcome(run: Run) -> str:
    if run.status is not Status.DONE:
        return ""
    came = outcome(run)
    return f"{came.verdict}: {came.reason}"


def _but_for_depth(run: Run) -> str:
    fields = run.config.set_fields()
    fields.pop("depth", None)
    return json.dumps(fields, sort_keys=True)


def _trajectories(run: Run, geometry: Geometry, view: View, r: int) -> list[Trajectory]:
    """The trajectories through the layers of a run at rest: live, all would change at each look."""
    if run.layers is None or run.status.busy or run.layers.class_means.shape[2] < 2:
        return []
    focus = view.focus(run.config.classes)
    trajectories = derived.trajectories(run, geometry, run.layers, r, view.basis, focus)
    return [Trajectory(epoch, run.layers.index, projection) for epoch, projection in trajectories]
