"""The frame of all pages: page set-up, the experiment picker, navigation."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.navigation.page import StreamlitPage

from app.browser import component as browser
from app.components import address, recorded, series, served, text, theory
from app.engine import runs, visitors, warmup
from app.export import button, numbers, print_button
from app.picker import other, picker
from app.stage import controls, presenting, story
from app.stage.presenting import Stage
from app.views import compare, depth, explore, library, presented, presets, stories
from ncengine.config import RunConfig
from ncengine.reasons import in_full
from ncengine.runs.identity import Identity

logger = logging.getLogger(__name__)

HERE = Path(__file__).resolve().parent


def draw() -> None:
    """Draw the picker, then the page that is open, or say what stands in the way of both."""
    try:
        _draw()
    except OSError as error:
        logger.exception("The cache cannot be used")
        st.error(f"**The cache folder cannot be used.** {text.plain(in_full(error))}")
    except Exception:
        # Streamlit's own signals (rerun, stop) are not of this class, and pass.
        logger.exception("The page could not be drawn")
        st.error(
            "Something went wrong while drawing this page; the log has the details. "
            "Reload the page, or pick the preset “Default”."
        )


def _draw() -> None:
    st.set_page_config(
        page_title="Neural Collapse Explorer",
        page_icon="🔺",
        layout="wide",
        initial_sidebar_state="auto",
    )
    st.html(HERE / "static" / "app.css")
    warmup.start()
    visitors.page_begins()
    pages = {
        title: st.Page(draw, title=title, url_path=title.lower(), default=draw is _explore)
        for title, (draw, _) in _PAGES.items()
    }
    page = st.navigation(list(pages.values()), position="hidden")
    explores, of_depths = page is pages["Explore"], page is pages["Depth"]
    compares = page is pages["Compare"]
    at = presenting.arrive(page.title, lambda title, query: _go(pages[title], query))
    # With none of the parameters of all pages an address asks for nothing.
    bare = not address.read((*explore.NAMES, *compare.NAMES))
    picker.arrive(bare=bare, welcomes=explores)
    if of_depths and bare and picker.came_without_a_link():
        presets.open_at_first()
    # Depth has a set of depths of its own.
    without = frozenset({"depth"}) if of_depths else frozenset()
    if page is pages["Recorded"]:
        recorded.current()  # what there is to share depends on it
    files: list[DeltaGenerator | None] = []

    def links(config: RunConfig) -> None:
        files.append(_links(config, pages, page.title, at))

    if at.fills:
        st.html(HERE / "static" / "stage.css")
        if at.alone:
            st.html(HERE / "static" / "embedded.css")
        (other if compares else picker).take()
    elif compares:
        other.draw(links)
    elif page in (pages["Theory"], pages["Recorded"]):
        picker.draw_links(links)
    else:
        picker.draw(without, links)
    st.session_state[_OPENED] = pages
    on_stage = {
        "can": page.title in story.PAGES and not at.alone,
        "present": at.present,
        "alone": bool(at.alone),
        "step": at.step if at.shown else 0,
        "steps": len(at.story.steps) if at.story else 0,
    }
    browser.draw(
        page=page.title,
        player=page.title in _WITH_PLAYER,
        stage=on_stage,
        on_asked=presenting.heard,
    )
    if at.shown and at.fills:
        # Below the page by its style, and before it in time: a run may be cut short by the next.
        presented.caption(at)
    page.run()
    for place in filter(None, files):
        with place:
            _draw_files(page.title)


# Pages by title, to be gone to.
_OPENED = "frame:pages"
_WITH_PLAYER = frozenset({"Explore", "Compare", "Theory", "Recorded"})


def _explore() -> None:
    explore.draw(picker.meant(), lambda spec: _open_pair(spec, spec), presenting.now())


def _compare() -> None:
    compare.draw(picker.meant(), other.meant(), _open, presenting.now())


def _depth() -> None:
    depth.draw(picker.picked(), _open, presenting.now())


def _theory() -> None:
    # With it comes scipy, which no other page has to wait for.
    from app.views import theory as theory_page

    theory_page.draw(_open_of_theory, _open_sweep, presenting.now())


def _recorded() -> None:
    from app.views import recorded as recorded_page

    recorded_page.draw(presenting.now())


def _library() -> None:
    library.draw(_open, _open_pair)


def _go(page: StreamlitPage, query: Mapping[str, str]) -> None:
    st.switch_page(page, query_params=dict(query))


def _open(spec: RunConfig | Identity, kept: Mapping[str, str] | None = None) -> None:
    """Show one run on Explore; one that is not what its configuration means here by its name.

    Streamlit adds the parameters to this page's address first and goes to the other page then: so
    that they hold what Back returns to: `kept`, else the picture.
    """
    query = {**_query(spec, picker.RUN), **(series.last().query() if kept is None else kept)}
    st.switch_page(st.session_state[_OPENED]["Explore"], query_params=query)


def _open_of_theory(config: RunConfig) -> None:
    """Show a run on Explore, from the page Theory, to whose part Back returns."""
    _open(config, theory.last().query())


def _open_sweep(name: str) -> None:
    """Show a sweep on Depth, from the page Theory, whose part Back returns to (see `_open`)."""
    query = {**presets.query_of(name), **theory.last().query()}
    st.switch_page(st.session_state[_OPENED]["Depth"], query_params=query)


def _open_pair(left: RunConfig | Identity, right: RunConfig | Identity) -> None:
    """Show two runs on Compare, each as `_open` does."""
    named = runs.look(_config(right)).key != right.key if isinstance(right, Identity) else False
    query = {**_query(left, picker.RUN), **other.query_of(right if named else _config(right))}
    st.switch_page(st.session_state[_OPENED]["Compare"], query_params=query)


def _query(spec: RunConfig | Identity, run: str) -> dict[str, str]:
    """What an address says of a run; its key, under `run`, if its configuration means another."""
    config = _config(spec)
    query = config.query()
    if isinstance(spec, Identity) and runs.look(config).key != spec.key:
        query[run] = spec.key
    return query


def _config(spec: RunConfig | Identity) -> RunConfig:
    return spec.config if isinstance(spec, Identity) else spec


def _picture(config: RunConfig) -> dict[str, str]:
    """The address of Depth: of the picture that was looked at last."""
    if picker.came_without_a_link():
        return presets.query_of(presets.OPENS_ON)
    return {**config.query(), **series.last().query()}


# By title, what draws the page, and the address of what is picked that a link to it carries.
_PAGES: dict[str, tuple[Callable[[], None], Callable[[RunConfig], dict[str, str]]]] = {
    "Explore": (_explore, RunConfig.query),
    "Compare": (_compare, lambda config: {**config.query(), **other.query()}),
    "Depth": (_depth, _picture),
    "Theory": (_theory, lambda config: {**config.query(), **theory.last().query()}),
    "Library": (_library, RunConfig.query),
    "Stories": (stories.draw, RunConfig.query),
    "Recorded": (_recorded, lambda config: {**config.query(), **recorded.last().query()}),
}


def _links(
    config: RunConfig, pages: Mapping[str, StreamlitPage], here: str, at: Stage
) -> DeltaGenerator | None:
    """From page to page, with what is picked; to an audience; and for whom the server is there.

    Gives the place for the page's files.
    """
    with st.container(horizontal=True, gap="small", key="pages"):
        for title, (_, query) in _PAGES.items():
            st.page_link(pages[title], label=title, query_params=query(config), width="stretch")
    files = controls.draw(here, at)
    served.draw()
    return files


def _draw_files(here: str) -> None:
    """What saves the page as a file: whole, a figure of it, or its numbers."""
    if here == "Explore":
        button.draw_run(picker.meant())
        numbers.draw(picker.meant())
    elif here == "Depth":
        button.draw_picture()
    elif here == "Compare":
        button.draw_pair()
    elif here == "Recorded":
        button.draw_recording()
        numbers.draw_recording()
    print_button.draw(here)
