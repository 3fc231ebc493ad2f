"""Theory: the floor, the proofs at work, one layer or two. What can be moved, moves."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from app.charts import lines as charts
from app.components import address, notices, paper, readings, series, text, theory
from app.components.theory import FLOOR, LAYERS, PROOF, SHORTCUT, Values
from app.export import shown as saved
from app.player.view import PLAYER_NAMES, wrong_start
from app.stage.presenting import AS_ITSELF, Stage
from app.theory import film, floor, one_or_two, parts, proof, shortcut
from app.theory.seen import Seen
from app.views import presented
from ncengine.config import PARAMS, RunConfig

# Its parameters in an address, and those of the pages that it leads to, see `frame`.
NAMES = (*PARAMS, *series.NAMES, *theory.NAMES, *PLAYER_NAMES)


def draw(
    open_run: Callable[[RunConfig], None],
    open_sweep: Callable[[str], None],
    at: Stage = AS_ITSELF,
) -> None:
    """The page, shown as `at` says.

    Args:
        open_run: shows a run on its own page.
        open_sweep: shows a sweep, by its name, on Depth.
        at: how it is shown.
    """
    shown = theory.current()
    part, values = shown.part, shown.of(shown.part)
    notices.unknown_names(address.unknown(NAMES))
    started = address.read(PLAYER_NAMES) if shown.classes else {}
    notices.post("theory:player", wrong_start(started, shown.classes))
    if at.fills:
        presented.title(parts.TITLES[part])
        _presented(_seen(part, values), at)
        return
    notices.draw()
    with st.container(
        horizontal=True, vertical_alignment="center", gap="small", key="theory_heading"
    ):
        st.header("The theory, in motion", anchor=False, width="stretch")
        theory.draw_part(shown, parts.TITLES)
    st.markdown(parts.PARTS[part].LEAD)
    parts.PARTS[part].controls(values)
    with notices.told("This part of the page", "A part of Theory"):
        seen = _seen(part, values)
        if seen is not None:
            saved.shows_theory(parts.TITLES[part], seen)
            _draw(seen, at)
            below: dict[str, Callable[[Values], list[charts.Chart]]] = {
                FLOOR: partial(floor.below, open_run=open_run),
                PROOF: proof.below,
                SHORTCUT: shortcut.below,
                LAYERS: partial(one_or_two.below, open_sweep=open_sweep),
            }
            saved.shows_theory(parts.TITLES[part], seen, below[part](values))
    paper.draw()


def _seen(part: str, values: Values) -> Seen | None:
    try:
        return parts.seen(part, values)
    except ValueError as error:
        st.warning(f"There is no such network: {text.plain(str(error))}. Another seed may do.")
        return None


def _draw(seen: Seen, at: Stage) -> None:
    if seen.film is None:
        readings.draw(None, seen.readings)
        left, right = st.columns(2, gap="medium")
        with left:
            charts.draw(seen.chart)
        with right:
            charts.draw(seen.second)
        return
    left, right = st.columns((1.5, 1), gap="medium")
    with left:
        film.draw(seen.film, presented.playing(at))
    with right:
        readings.draw(seen.film, seen.readings)
        charts.draw(seen.chart)
        charts.draw(seen.second)


def _presented(seen: Seen | None, at: Stage) -> None:
    """Player, figures and a chart for an audience."""
    if seen is None:
        return
    if seen.film is not None and at.alone:
        film.draw(seen.film, presented.playing(at))
        return
    if seen.film is None:
        with st.container(key="presented_panel"):
            readings.draw(None, seen.readings, presented=True)
            with st.container(key="presented_chart"):
                charts.draw(seen.chart, fills=True)
        return
    left, right = st.columns((1.5, 1), gap="medium")
    with left:
        film.draw(seen.film, presented.playing(at))
    with right, st.container(key="presented_beside"):
        readings.draw(seen.film, seen.readings[:2], presented=True)
        with st.container(key="presented_chart"):
            charts.draw(seen.chart, fills=True)
