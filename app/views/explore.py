"""Explore: pick a network, train it, watch it collapse."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import streamlit as st

from app.charts import base, cosines, curves
from app.components import (
    address,
    assumptions,
    automatic,
    download,
    explanation,
    facts,
    notices,
    pulse,
    readouts,
    requests,
    samples,
    series,
    status,
    text,
    theory,
)
from app.components.shown import Shown, look
from app.engine import best_known, data, derived, pace, runs, shared, viewers
from app.export import shown as saved
from app.picker import other, picker
from app.player import on_page, view
from app.stage.presenting import AS_ITSELF, Stage
from app.views import layers, presented, welcome
from ncengine.analysis import over_seeds
from ncengine.catalogue.architectures import architecture_info
from ncengine.catalogue.datasets import dataset_info
from ncengine.config import RunConfig
from ncengine.runs.identity import Identity, identify
from ncengine.runs.run import Run, Status
from ncengine.theory.optimum import UNPROVED, least_name, why_no_figure

logger = logging.getLogger(__name__)

# Seconds between two looks at a run that moves, and at one that someone else may set going, as
# long as the server has time for them.
LIVE, IDLE = 0.5, 2.0
# Who has just asked for something waits for the answer: for so many seconds, looks come so soon.
EAGER, SOON = 5.0, 0.1
# The parts of the page that are drawn apart from the rest, and by which moment of the run each is
# known to be up to date.
PROGRESS, RECORD, WATCH = "live:progress", "live:record", "live:watch"
WELCOME = "live:welcome"
_HANDED = "live:handed"
MOMENT: dict[str, Callable[[Shown], Any]] = {
    PROGRESS: lambda shown: (shown.run.revision, shown.waits_for),
    RECORD: lambda shown: (shown.run.recorded, shown.has_just_begun),
}
# Its parameters in an address, and those of the pages on which it was opened.
NAMES = (*picker.NAMES, *view.NAMES, *view.PLAYER_NAMES, *series.NAMES, *other.NAMES)
# The player's share of the page, and that of the curves beside it.
HALVES = (1.25, 1)


def draw(
    spec: RunConfig | Identity,
    compare: Callable[[RunConfig | Identity], None],
    at: Stage = AS_ITSELF,
) -> None:
    """The page for the configuration that is picked, or for one very run, shown as `at` says.

    `compare` shows it beside another, which begins as the same.
    """
    shown = replace(_shown(spec), welcomes=False) if at.fills else _shown(spec)
    _hand_on(shown, (*[WELCOME] * shown.welcomes, PROGRESS, RECORD))
    run = shown.run
    config, now = run.config, run.status
    viewers.watches(config)
    view.current(view.of_run(run))
    notices.unknown_names(address.unknown((*NAMES, *theory.NAMES)))
    if at.fills:
        presented.title(text.unbroken_parts(config.title()))
    else:
        notices.draw()
    if shown.welcomes:
        st.fragment(_welcome, key=WELCOME)(spec, now)
    if not at.fills:
        _heading(shown, lambda: compare(spec))
    waits = _waits(run)
    st.fragment(_progress, key=PROGRESS)(spec, now, at)
    st.fragment(_record, key=RECORD)(spec, now, at)
    least = _interval(now, waits or shown.begins)
    pace.forget()
    if least is not None:
        st.fragment(_watch, key=WATCH)(spec, now, waits, run.points > 0, least)


def _shown(spec: RunConfig | Identity) -> Shown:
    return look(spec, welcomes=picker.came_without_a_link())


def _waits(run: Run) -> bool:
    """Whether its data are being read, or its best figure is being searched for."""
    # Not at hand for a shipped run are its data, whose samples are.
    reading = not run.shipped and data.examine(run.config) is None
    return reading or (run.points > 0 and best_known.is_awaited(run.config))


def _interval(now: Status, soon: bool) -> float | None:
    if now.busy or soon:
        return LIVE
    return None if now.finished else IDLE


def _heading(shown: Shown, compare: Callable[[], None]) -> None:
    run = shown.run
    config, now = run.config, run.status
    st.header(text.unbroken_parts(config.title()), anchor=False)
    with st.container(key="in_short"):
        st.markdown(explanation.in_short(config))
    parts = [*facts.where_from(run), f"{derived.parameter_count(config):,} parameters"]
    if len(config.seeds) > 1:
        parts[-1] += f" × {len(config.seeds)} seeds"
    parts += _differences(run)
    if now.finished:
        parts += facts.what_it_took(run) + facts.what_is_odd(shown)
    else:
        # Before there is a run, the estimate stands beside the button that starts one; while it is
        # trained, beside its progress.
        if now not in (Status.ABSENT, Status.RUNNING):
            parts += status.time_estimate(config, or_why_not=False)
        device = runs.jobs().device()
        if device is not None:
            parts.append(f"computing on {device}")
    with st.container(key="facts", horizontal=True, vertical_alignment="center"):
        st.caption(" · ".join(parts), width="stretch")
        status.draw_train_here(shown, picker.apply)
        if st.button("Compare with this", key="compare", help="Beside another run, on Compare."):
            compare()
        if run.points:
            explanation.draw_button(config, run.best_figure)


def _differences(run: Run) -> list[str]:
    """What tells this run apart from others of the same title, in the words of the picker."""
    config, differences = run.config, []
    for name, value in config.differences().items():
        if name == "epochs" and run.passes == value:
            continue  # what it took tells that
        label = config.params[name].label.lower()
        differences.append(f"{label} {text.unbroken(config.in_words(name))}")
    return [text.plain(difference) for difference in differences]


def _progress(spec: RunConfig | Identity, drawn: Status, at: Stage = AS_ITSELF) -> None:
    """What changes all the time while a run goes on, and costs little."""
    with pace.measured(), _told(spec):
        shown = _moved_on(spec, drawn, PROGRESS)
        if at.fills:
            presented.progress(shown, picker.apply)
        elif shown.lacks_data:
            download.draw(shown.run.config)
        else:
            status.draw(shown, picker.apply)


def _welcome(spec: RunConfig | Identity, drawn: Status) -> None:
    """The first page's picture, above all else."""
    with pace.measured(), _told(spec):
        run = _handed(spec, drawn, WELCOME).run
        welcome.draw(run, view.current(view.of_run(run)), picker.apply, picker.apply_instant)


def _record(spec: RunConfig | Identity, drawn: Status, at: Stage = AS_ITSELF) -> None:
    """What changes when a point or a snapshot is added."""
    with pace.measured(), _told(spec):
        shown = _moved_on(spec, drawn, RECORD)
        looked_at = view.current(view.of_run(shown.run))
        saved.shows(spec, shown.run, looked_at)
        if at.fills:
            presented.run(shown, looked_at, at)
        else:
            _body(shown, looked_at, at)


def _watch(
    spec: RunConfig | Identity, drawn: Status, waited: bool, begun: bool, least: float
) -> None:
    """What looks whether the run has moved, and draws nothing itself."""
    if drawn.busy and requests.seconds_since_the_last() < EAGER:
        least = min(least, SOON)
    pulse.draw(pace.next_look(least), lambda: _poll(spec, drawn, waited, begun))


def _poll(spec: RunConfig | Identity, drawn: Status, waited: bool, begun: bool) -> None:
    """Has what moved since it was drawn here drawn again, and leaves the rest as it is.

    With the first numbers it is another page: of these there are files and figures to be saved.
    """
    moved = [PROGRESS, RECORD]
    with pace.measured():
        try:
            shown = _shown(spec)
            run = shown.run
            viewers.watches(run.config)
            if shown.begins and automatic.start(run):
                st.rerun()
            if run.status is not drawn or (waited and not _waits(run)):
                st.rerun()
            if run.points and not begun:
                st.rerun()
            moved = [name for name in moved if st.session_state.get(name) != MOMENT[name](shown)]
            _hand_on(shown, moved)
        except Exception:
            logger.exception("The run %s could not be looked at", identify(spec).key)
    if moved:
        pulse.refresh([*moved, WATCH])
        # Not drawn now, for there was a click as well: what that led to is not to be seen yet.
        st.session_state[_HANDED] = {}


def _hand_on(shown: Shown, fragments: Iterable[str]) -> None:
    """Have the fragments that are drawn next draw this very run, and not look for themselves."""
    st.session_state[_HANDED] = dict.fromkeys(fragments, shown)


def _handed(spec: RunConfig | Identity, drawn: Status, name: str) -> Shown:
    """The run as the fragment of that name draws it now; another status is a page of its own."""
    shown = st.session_state.get(_HANDED, {}).pop(name, None) or _shown(spec)
    if shown.run.status is not drawn:
        st.rerun()
    return shown


def _moved_on(spec: RunConfig | Identity, drawn: Status, name: str) -> Shown:
    """The same, of which it is remembered how far it had come."""
    shown = _handed(spec, drawn, name)
    st.session_state[name] = MOMENT[name](shown)
    return shown


def _told(spec: RunConfig | Identity) -> AbstractContextManager[None]:
    return notices.told("This run", f"The run {identify(spec).key}")


def _body(shown: Shown, looked_at: view.View, at: Stage) -> None:
    run, player_first = shown.run, shown.has_just_begun
    if not run.points and not run.status.busy:
        _words(run.config)
        return
    readouts.draw(run)
    left, right = st.columns(HALVES, gap="medium")
    with left:
        if not shown.welcomes:
            on_page.draw_player(run, looked_at, presented.playing(at))
        if looked_at.beside == "layers":
            layers.draw_blocks(run, looked_at)
    with right:
        on_page.draw_controls(run, looked_at)
        on_page.draw_beside(view.of_run(run), looked_at)
        if player_first:
            st.skeleton(height=base.CURVE_HEIGHT)
        elif looked_at.beside == "layers":
            layers.draw(run, looked_at)
        else:
            _objective(run)
            _collapse(run, looked_at.test)
    # Below the player and the curves; on the first page in the player's place.
    below, beside = (left, right) if shown.welcomes else st.columns(HALVES, gap="medium")
    with below:
        if not player_first:
            _cosines(run, looked_at)
        assumptions.draw(run.config)
    with beside:
        if not player_first:
            _accuracy(run, looked_at.test)
        explanation.draw(run.config, run.best_figure)


def _words(config: RunConfig) -> None:
    """What there is to say before there is anything to draw."""
    left, right = st.columns(HALVES, gap="medium")
    with left:
        samples.draw(config)
        explanation.draw(config)
    with right:
        assumptions.draw(config)


def _objective(run: Run) -> None:
    table = shared.once(run, "objective", lambda: curves.objective_table(run))
    layers = architecture_info(run.config.architecture).has_network
    curves.draw_objective(table, layers, least_name(run.config), _several(run))
    if run.best_figure:
        st.caption(f"Dashed: {UNPROVED}.")


def _collapse(run: Run, test: bool) -> None:
    table = shared.once(run, ("collapse", test), lambda: curves.collapse_table(run, test))
    curves.draw_collapse(table, test, _several(run))


def _accuracy(run: Run, test: bool) -> None:
    table = shared.once(run, ("accuracy", test), lambda: curves.accuracy_table(run, test))
    curves.draw_accuracy(table, test, _several(run))
    if (over_seeds.mean_over_seeds(run, "accuracy") == 1).any():
        st.caption(
            "Training goes on at 100 %: the objective still falls, and much of the collapse comes "
            "only then."
        )


def _several(run: Run) -> bool:
    """Whether what is drawn are means over seeds."""
    return over_seeds.seeds_counted(run) > 1


def _cosines(run: Run, looked_at: view.View) -> None:
    st.markdown("##### Cosines between class means")
    if run.geometry is None or not len(run.geometry):
        st.skeleton(height=cosines.HEIGHT)
        return
    classes, r = run.config.classes, run.config.seeds.index(looked_at.seed)
    shown = view.shown_snapshot(run.geometry, r, looked_at.moment)
    if shown is None:
        st.info(on_page.nothing_to_show(looked_at))
        return
    means = run.geometry.class_means[shown, r]
    names = dataset_info(run.config.dataset).class_names[:classes]
    table = shared.once(
        run, ("cosines", shown, r), lambda: cosines.table(derived.cosines(means), names)
    )
    cosines.draw(table, names, not why_no_figure(run.config))
    passes = f"{run.geometry.epoch[shown]:,.0f}"
    st.caption(f"Seed {looked_at.seed}, pass {passes}. {_ideal(run)}")


def _ideal(run: Run) -> str:
    classes, without = run.config.classes, why_no_figure(run.config)
    if without and run.ideal:
        return f"The best known figure, not proved to be best: {run.ideal.words}."
    if without:
        return f"There is no ideal to compare them with: {without}."
    if classes == 2:
        return "The simplex of two classes: their means are opposite each other, at a cosine of −1."
    cosine = text.number(-1 / (classes - 1))
    return f"In a simplex every two classes meet at the same cosine, −1/(K − 1) = {cosine}."
