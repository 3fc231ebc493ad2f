"""Compare: two runs side by side, whose players move as one, and what came of their difference."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from html import escape
from typing import Any

import streamlit as st

from app.charts import compare as charts
from app.components import address, notices, pair, pulse, readouts, status, text
from app.components.shown import Shown, look
from app.engine import best_known, data, pace, viewers
from app.export import shown as saved
from app.picker import other, picker
from app.player import on_page, view
from app.player.on_page import Beside
from app.player.wire import CLOCK, CLOCKS, Group
from app.stage.presenting import AS_ITSELF, Stage
from app.views import presented
from ncengine.analysis import comparison
from ncengine.config import PARAMS, RunConfig
from ncengine.runs.identity import Identity
from ncengine.runs.run import Run

logger = logging.getLogger(__name__)

# Seconds between two looks at runs that move, and at others.
LIVE, IDLE = 0.7, 2.5
SIDES_PROGRESS, BODY, WATCH = "compare:progress", "compare:body", "compare:watch"
# How both players keep in step; the choice of the page, "" for what fits the budgets.
CLOCK_OWNER = "compare:clock"
CLOCK_WIDGET, CLOCK_SHOWN = "compare:clock_widget", "compare:clock_shown"
CLOCK_NAMES = {"pass": "By pass", "share": "By share of the run"}
NAMES = (*picker.NAMES, *other.NAMES, *view.NAMES, *view.PLAYER_NAMES, CLOCK)
# The players in the browser go by the first name.
GROUP, PLAYERS = "compare", ("player", "player_right")

_APPLY = {"left": picker.apply, "right": other.apply}
_OWNER = {"left": picker.OWNER, "right": other.OWNER}

Spec = RunConfig | Identity
Specs = tuple[Spec, Spec]
# What of two runs is drawn apart from the rest, and by which moment it is known to be up to date.
MOMENT: dict[str, Callable[[Shown], Any]] = {
    SIDES_PROGRESS: lambda shown: (shown.run.revision, shown.waits_for, shown.stopping),
    BODY: lambda shown: shown.run.recorded,
}


def draw(left: Spec, right: Spec, explore: Callable[[Spec], None], at: Stage = AS_ITSELF) -> None:
    """The page for the two runs, shown as `at` says; `explore` shows one on its own page."""
    specs = left, right
    both = look(left), look(right)
    viewers.watches(*(shown.run.config for shown in both))
    notices.unknown_names(address.unknown(NAMES))
    clock = _clock(both)
    view.current(view.of_run(both[0].run))
    if at.fills:
        presented.title(" · ".join(pair.names(both[0].run, both[1].run)))
    else:
        notices.draw()
        _heading(both, clock)
        st.fragment(_sides, key=SIDES_PROGRESS)(specs, explore)
    st.fragment(_body, key=BODY)(specs, clock, at)
    least = _interval(both)
    pace.forget()
    if least is not None:
        drawn = _drawn(both)
        st.fragment(_watch, key=WATCH)(specs, drawn, least)


def _told() -> AbstractContextManager[None]:
    return notices.told("This part of the page", "A part of Compare")


# What is picked.


def _heading(both: Sequence[Shown], clock: str) -> None:
    left, right = (shown.asked for shown in both)
    with st.container(
        horizontal=True, vertical_alignment="center", gap="small", key="compare_heading"
    ):
        st.header("Two runs side by side", anchor=False, width="stretch")
        st.segmented_control(
            "Clock",
            CLOCKS,
            key=CLOCK_WIDGET,
            format_func=CLOCK_NAMES.__getitem__,
            required=True,
            label_visibility="collapsed",
            help="By pass: both players are at the same pass over the data, and the one with the "
            "smaller budget rests at its end. By share: both are as far on their own way.",
        )
        st.button("Swap", key="compare:swap", on_click=other.swap, help="Left becomes right.")
        names = comparison.differing([left, right])
        names = [name for name in names if name in right.params]
        with st.popover("Take over all but …", disabled=not names, key="take_over"):
            st.markdown("The right side becomes the left one, but for")
            for name in names:
                st.button(
                    PARAMS[name].label,
                    key=f"take_over:{name}",
                    on_click=other.take_over_all_but,
                    args=(name,),
                    width="stretch",
                )


def _clock(both: Sequence[Shown]) -> str:
    """How the players keep in step: what was picked, else what fits the budgets."""
    budgets = {shown.run.config.budget for shown in both}
    usual = "pass" if len(budgets) == 1 else "share"
    picked = st.session_state.get(CLOCK_WIDGET)
    before = st.session_state.get(CLOCK_OWNER, "")
    shown = st.session_state.get(CLOCK_SHOWN)
    has_picked = picked is not None and shown is not None and picked != shown
    if has_picked and not address.went_through_history(CLOCK_OWNER):
        before = picked
    else:
        query = address.arrival(CLOCK_OWNER, [CLOCK])
        if query is not None:
            before, wrong = _read_clock(query, usual)
            notices.post(CLOCK_OWNER, wrong)
    chosen = "" if before == usual else before
    address.write(CLOCK_OWNER, [CLOCK], {CLOCK: chosen} if chosen else {})
    clock = chosen or usual
    st.session_state[CLOCK_OWNER] = chosen
    st.session_state[CLOCK_SHOWN] = st.session_state[CLOCK_WIDGET] = clock
    return clock


def _read_clock(query: Mapping[str, str], usual: str) -> tuple[str, list[str]]:
    asked = query.get(CLOCK, "")
    if asked in ("", *CLOCKS):
        return asked, []
    allowed = f"must be {' or '.join(CLOCKS)}"
    return "", [notices.wrong_value("Clock", asked, allowed, CLOCK_NAMES[usual].lower())]


# How each side stands.


def _sides(specs: Specs, explore: Callable[[Spec], None]) -> None:
    with pace.measured(), _told():
        both = look(specs[0]), look(specs[1])
        st.session_state[SIDES_PROGRESS] = _moment(SIDES_PROGRESS, both)
        same = " Pick another for the right side: its depth below, the rest in the sidebar."
        words = comparison.sentence(both[0].run, both[1].run)
        st.markdown(text.plain(words + same * (both[0].run.key == both[1].run.key)))
        with st.container(key="compare_sides"):
            columns = st.columns(2, gap="medium")
            for column, side, spec, shown in zip(columns, pair.SIDES, specs, both, strict=True):
                with column:
                    _side(side, spec, shown, explore)


def _side(side: str, spec: Spec, shown: Shown, explore: Callable[[Spec], None]) -> None:
    config = shown.asked
    with st.container(
        horizontal=True, wrap=False, vertical_alignment="center", key=f"compare_title_{side}"
    ):
        st.subheader(text.plain(text.unbroken_parts(config.title())), anchor=False, width="stretch")
        if st.button("Explore", key=f"explore:{side}", help="This run on its own page."):
            explore(spec)
    if "depth" in config.params:
        _depths(side, config)
    status.draw_brief(shown, f":{side}", partial(_pick, side))


def _depths(side: str, config: RunConfig) -> None:
    """One click a depth, of those that are offered and the one that is shown."""
    key, label = f"compare:depth:{side}", config.params["depth"].label
    st.session_state[key] = config.depth
    with st.container(
        horizontal=True, vertical_alignment="center", gap="small", key=f"compare_depth_{side}"
    ):
        st.markdown(text.plain(label), width="content")
        st.segmented_control(
            label,
            sorted({*config.params["depth"].suggested, config.depth}),
            key=key,
            required=True,
            label_visibility="collapsed",
            on_change=address.if_picked(_OWNER[side], _pick_depth),
            args=(side, config),
        )


def _pick_depth(side: str, config: RunConfig) -> None:
    _pick(side, config.with_(depth=st.session_state[f"compare:depth:{side}"]))


def _pick(side: str, config: RunConfig) -> None:
    """Have a side show another run. For callbacks."""
    _APPLY[side](config)
    # The page, not just the fragment around the button: pickers, players and figures follow.
    st.rerun()


# The players, the curves and the figures.


def _body(specs: Specs, clock: str, at: Stage) -> None:
    with pace.measured(), _told():
        both = look(specs[0]), look(specs[1])
        st.session_state[BODY] = _moment(BODY, both)
        left, right = (shown.run for shown in both)
        if not left.points and not right.points:
            if at.fills:
                with st.container(key="presented_panel"):
                    st.markdown(text.plain(comparison.sentence(left, right)))
            return
        looked_at = view.current(view.of_run(left))
        saved.shows_pair(left, right, looked_at, clock)
        draw_players(left, right, looked_at, clock, at)
        if at.fills:
            return
        on_page.draw_controls(left, looked_at)
        draw_figures(left, right)


def draw_players(
    left: Run, right: Run, looked_at: view.View, clock: str, at: Stage = AS_ITSELF
) -> None:
    """The players of both, in the same directions, above the figures at the moment they show."""
    views = (
        view.fit(looked_at, view.of_run(left)),
        view.fit(looked_at, view.of_run(right)),
    )
    onto, names = on_page.onto((left, right), views), pair.names(left, right)
    with st.container(key="compare_players"):
        for n, (column, run) in enumerate(
            zip(st.columns(2, gap="medium"), (left, right), strict=True)
        ):
            with column:
                # Where the players stand one below the other.
                if not at.fills:
                    st.html(f'<p class="side">{escape(names[n])}</p>')
                beside = Beside(PLAYERS[n], Group(GROUP, n, clock), onto[n])
                if run.points or run.status.busy:
                    on_page.draw_player(run, views[n], presented.playing(at), beside)
                    if at.fills:
                        presented.figures(run, views[n])
                    else:
                        readouts.draw_few(run)
                else:
                    st.html('<p class="nothing-yet">Nothing to see before it is trained.</p>')


def draw_figures(left: Run, right: Run) -> None:
    """Their curves over each other, and where they stand."""
    names = pair.names(left, right)
    strokes = zip(("solid", "dashed"), names, strict=True)
    legend = "".join(f'<span class="{kind}">{escape(name)}</span>' for kind, name in strokes)
    with st.container(key="compare_curves"):
        st.html(f'<p class="strokes">{legend}</p>')
        charts.draw_pair(dict(zip(names, (left, right), strict=True)))
    pair.draw_table(left, right, names)


# What looks whether anything has moved.


def _moment(part: str, both: Sequence[Shown]) -> tuple[Any, ...]:
    return tuple(MOMENT[part](shown) for shown in both)


def _drawn(both: Sequence[Shown]) -> tuple[Any, ...]:
    """What the page was drawn for: how both stand, and whether their best figures are known.

    And whether they have numbers, of which there are files and figures to be saved.
    """
    return tuple(
        (shown.run.status, shown.run.points > 0, shown.run.best_figure is not None)
        for shown in both
    )


def _interval(both: Sequence[Shown]) -> float | None:
    awaited = best_known.is_awaited(*(shown.run.config for shown in both if shown.run.points))
    if awaited or any(shown.run.status.busy or _reading(shown) for shown in both):
        return LIVE
    return None if all(shown.run.status.finished for shown in both) else IDLE


def _reading(shown: Shown) -> bool:
    """Whether its data are being read, before which it cannot be trained."""
    finished = shown.run.status.finished
    return not finished and not shown.lacks_data and data.examine(shown.run.config) is None


def _watch(specs: Specs, drawn: tuple, least: float) -> None:
    pulse.draw(pace.next_look(least), partial(_poll, specs, drawn))


def _poll(specs: Specs, drawn: tuple) -> None:
    """Has what moved since it was drawn here drawn again, and leaves the rest as it is."""
    moved = [SIDES_PROGRESS, BODY]
    with pace.measured():
        try:
            both = look(specs[0]), look(specs[1])
            viewers.watches(*(shown.run.config for shown in both))
            if _drawn(both) != drawn:
                st.rerun()
            moved = [part for part in moved if st.session_state.get(part) != _moment(part, both)]
        except Exception:
            logger.exception("The runs that are compared could not be looked at")
    if moved:
        pulse.refresh([*moved, WATCH])
