"""Recorded: networks of one's own, live while they are trained, or brought as files."""

from __future__ import annotations

from functools import partial

import streamlit as st

from app.charts import cosines, lines
from app.charts import modules as of_modules
from app.components import address, notices, pulse, readings, recorded, text
from app.engine import pace
from app.engine import recorded as engine
from app.engine.limits import limits
from app.export import shown as saved
from app.player import on_page, view
from app.recorded import angles, bring, curves, figures, how_to, modules, table, words
from app.recorded.seen import Seen, class_names, message, projection, subject
from app.stage.presenting import AS_ITSELF, Stage
from app.views import presented
from ncengine.config import PARAMS
from ncengine.runs.recorded import Recording

# Seconds between looks at what is being recorded, and at whether anything is.
LIVE, IDLE = 1.0, 3.0
BODY, LIST, WATCH = "recorded:body", "recorded:list", "recorded:watch"
_MOMENT, _JUDGED, _DRAWN = (f"recorded:{name}" for name in ("moment", "judged", "drawn"))
NAMES = (*PARAMS, *recorded.NAMES, *view.NAMES, *view.PLAYER_NAMES)
HALVES = (1.25, 1)
EVERY_HEIGHT = 400


def draw(at: Stage = AS_ITSELF) -> None:
    """The page: a recording, shown as `at` says, or the list of all."""
    shown = recorded.current()
    notices.unknown_names(address.unknown(NAMES))
    found = engine.look(shown.key) if shown.key else None
    _say_what_is_wrong(shown, found)
    if found is None:
        _all(at)
        return
    if not at.fills:
        notices.draw()
        _heading(found)
        bring.tell()
    else:
        presented.title(found.about.name)
    st.fragment(_body, key=BODY)(found.key, at)
    pace.forget()
    if not found.ended:
        st.fragment(_watch, key=WATCH)(found.key, len(found.steps) > 0)


def _say_what_is_wrong(shown: recorded.Shown, found: Recording | None) -> None:
    """Of the address, before notices are drawn: what of it cannot be shown, once."""
    if found is not None:
        view.current(subject(found))
    judged = (shown, found is None)
    if st.session_state.get(_JUDGED) == judged:
        return
    st.session_state[_JUDGED] = judged
    said = []
    if found is not None:
        there = set(curves.offered(found))
        wrong = [name for name in shown.figures if name not in there]
        allowed = "must be names of figures that it has, with commas between"
        if wrong and len(found.steps):
            used = "the others" if len(wrong) < len(shown.figures) else "the usual ones"
            said.append(notices.wrong_value("Figures", ",".join(wrong), allowed, used))
    elif shown.key:
        allowed = "must be the key of a recording in this cache"
        said.append(notices.wrong_value("Recorded", shown.key, allowed, "the list of all"))
    notices.post(recorded.OWNER, said)


# The list.


def _all(at: Stage) -> None:
    if at.fills:
        presented.title("Networks of your own")
        return
    notices.draw()
    st.header("Networks of your own", anchor=False)
    st.markdown(
        "Two lines in any training loop record how a network collapses: it is shown here while it "
        "is trained, with the player, its figures and its layers."
    )
    with notices.told("The list", "The list of recordings"):
        st.fragment(_list, key=LIST)()
    st.markdown("##### Files of your own")
    bring.draw(_open)
    st.markdown("##### How to record your own")
    how_to.draw("" if limits() else str(engine.folder()))
    pace.forget()
    st.fragment(_watch_all, key=WATCH)()


def _list() -> None:
    with pace.measured():
        found = engine.headers()
        st.session_state[_MOMENT] = found
        if not found:
            st.info("Nothing is recorded yet. Below is how it is done.")
            return
        table.draw(found, _open)


def _open(key: str) -> None:
    _turn_to(key)
    st.rerun()


def _turn_to(key: str) -> None:
    """Have the page show another recording, or with "" the list, as one step for Back."""
    with address.at_once():
        view.forget()
        recorded.open_one(key)


def _watch_all() -> None:
    pulse.draw(pace.next_look(IDLE), _poll_all)


def _poll_all() -> None:
    if engine.headers() != st.session_state.get(_MOMENT):
        pulse.refresh([LIST, WATCH])


# A recording.


def _heading(recording: Recording) -> None:
    with st.container(
        horizontal=True, vertical_alignment="center", gap="small", key="recorded_heading"
    ):
        st.header(words.title(recording.about), anchor=False, width="stretch")
        st.button(
            "All recordings",
            key="recorded:all",
            on_click=_turn_to,
            args=("",),
        )


def _watch(key: str, begun: bool) -> None:
    found = engine.look(key)
    least = LIVE if found is not None and found.live else IDLE
    pulse.draw(pace.next_look(least), partial(_poll, key, begun))


def _poll(key: str, begun: bool) -> None:
    with pace.measured():
        found = engine.look(key)
        # With the first numbers it is another page: of these there are files to be saved.
        if found is None or found.ended or (len(found.steps) and not begun):
            st.rerun()
        moved = engine.moment(found) != st.session_state.get(_MOMENT)
    if moved:
        pulse.refresh([BODY, WATCH])


def _body(key: str, at: Stage) -> None:
    with pace.measured(), notices.told("This recording", f"The recording {key}"):
        found = engine.look(key)
        if found is None:
            st.rerun()
        st.session_state[_MOMENT] = engine.moment(found)
        seen = Seen(found, view.current(subject(found)))
        saved.shows_recording(seen)
        if at.fills:
            _presented(seen, at)
        else:
            _draw(seen, at)


def _draw(seen: Seen, at: Stage) -> None:
    recording, looked_at = seen.recording, seen.looked_at
    with st.container(key="facts"):
        st.caption(" · ".join(words.facts(recording)))
    if not len(recording.steps):
        st.info("Nothing is measured yet: the first snapshot is awaited.")
        return
    readings.draw(seen, figures.row(seen), across=True)
    for line in filter(None, (words.ideal(recording.about), words.floor(recording.about))):
        st.caption(line)
    left, right = st.columns(HALVES, gap="medium")
    with left:
        _player(seen, at)
        film = projection(seen)
        if film is not None:
            st.caption(words.of_film(recording, film))
    with right:
        if film is not None:
            _view_controls(seen)
        on_page.draw_beside(subject(recording), looked_at)
        if looked_at.beside == "layers":
            modules.draw(seen)
        elif len(recording.steps) > 1:
            lines.draw(curves.collapse(recording))
        if len(recording.steps) > 1:
            _picked(recording)
        else:
            st.info(words.ONE_SNAPSHOT)
    below, beside = st.columns(HALVES, gap="medium")
    with below:
        _cosines(seen)
    with beside:
        _every(seen)


def _view_controls(seen: Seen) -> None:
    about, names = subject(seen.recording), class_names(seen.recording)
    with st.container(horizontal=True, vertical_alignment="bottom", key="view_controls"):
        on_page.draw_seed_and_basis(about, seen.looked_at)
        promised = "Their ideal is an equilateral triangle or a regular tetrahedron."
        on_page.draw_focus(about, seen.looked_at, names, promised)


def _player(seen: Seen, at: Stage) -> None:
    with st.container(key="stage"):
        shown = message(seen, presented.playing(at))
        if shown is None:
            st.info(words.no_points(seen.recording))
            return
        from app.player.component import player

        player(shown, key="player", height=on_page.PLAYER_HEIGHT)


def _picked(recording: Recording) -> None:
    """Any of its figures over the steps."""
    there = curves.offered(recording)
    picked = curves.chosen(recording)
    st.session_state["recorded:figures"] = st.session_state[_DRAWN] = picked
    st.multiselect(
        "Figures",
        there,
        key="recorded:figures",
        format_func=curves.title_of,
        max_selections=recorded.MOST_FIGURES,
        on_change=address.if_picked(recorded.OWNER, _figures_changed),
        label_visibility="collapsed",
        placeholder="any that was recorded",
    )
    if picked:
        lines.draw(curves.picked(recording, picked))


def _every(seen: Seen) -> None:
    """All that was measured at the player's moment."""
    st.markdown("##### Every figure")
    g = curves.at_moment(seen)
    st.dataframe(
        curves.every(seen.recording, g),
        hide_index=True,
        height=EVERY_HEIGHT,
        key="recorded:every",
        column_config={"what it is": st.column_config.TextColumn(width="large")},
    )
    st.caption(f"At step {text.place(float(seen.recording.steps[g]))}.")


def _figures_changed() -> None:
    """Somebody picked others; a browser may say once more what the page has set itself."""
    picked = st.session_state["recorded:figures"]
    if recorded.last().key and picked != st.session_state.get(_DRAWN):
        recorded.pick(tuple(picked))


def _cosines(seen: Seen) -> None:
    g = angles.snapshot(seen)
    if g is None or seen.recording.geometry is None:
        return
    st.markdown("##### Cosines between class means, about their centre")
    cosines.draw(*angles.drawn(seen, g))
    st.caption(f"At step {text.place(float(seen.recording.geometry.epoch[g]))}.")


# For an audience.


def _presented(seen: Seen, at: Stage) -> None:
    if at.alone:
        _player(seen, at)
        return
    left, right = st.columns((1.5, 1), gap="medium")
    with left:
        _player(seen, at)
    with right, st.container(key="presented_beside"):
        readings.draw(seen, figures.few(seen), presented=True)
        with st.container(key="presented_chart"):
            if seen.looked_at.beside == "layers":
                of_modules.draw(*modules.drawn(seen), fills=True)
            elif len(seen.recording.steps) > 1:
                lines.draw(curves.collapse(seen.recording), fills=True)
