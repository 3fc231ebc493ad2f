"""The frame of all pages: page set-up, the experiment picker, navigation."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import streamlit as st

from app.browser import component as browser
from app.components import address, series, text
from app.engine import runs, warmup
from app.picker import picker
from app.views import depth, explore, library
from ncengine.config import RunConfig
from ncengine.runs.identity import Identity
from ncengine.runs.reasons import in_full

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
    of_run = st.Page(_explore, title="Explore", url_path="explore", default=True)
    of_depth = st.Page(_depth, title="Depth", url_path="depth")
    of_all = st.Page(_library, title="Library", url_path="library")
    pages = of_run, of_depth, of_all
    page = st.navigation(list(pages), position="hidden")
    # The page has a set of depths of its own.
    without = frozenset({"depth"}) if page.url_path == of_depth.url_path else frozenset()
    # With none of the parameters of all pages an address asks for nothing.
    bare = not address.read(explore.NAMES)
    picker.arrive(bare=bare, welcomes=page.url_path == of_run.url_path)
    if without and bare and picker.came_without_a_link():
        depth.open_at_first()
    picker.draw(without, lambda config: _links(config, *pages))
    st.session_state[_PAGES] = of_run
    browser.draw(player=page.url_path == of_run.url_path)
    page.run()


_PAGES = "frame:explore"


def _explore() -> None:
    explore.draw(picker.meant())


def _depth() -> None:
    depth.draw(picker.picked(), _open)


def _library() -> None:
    library.draw(_open)


def _open(what: RunConfig | Identity) -> None:
    """Show one run on Explore; one that is not what its configuration means here by its name.

    Streamlit adds the parameters to this page's address first and goes to the other page then: so
    that they hold the picture too, to which Back returns.
    """
    config = what.config if isinstance(what, Identity) else what
    query = {**config.query(), **series.last().query()}
    if isinstance(what, Identity) and runs.look(config).key != what.key:
        query[picker.RUN] = what.key
    st.switch_page(st.session_state[_PAGES], query_params=query)


def _links(config: RunConfig, of_run: Any, of_depth: Any, of_all: Any) -> None:
    """From page to page, with what is picked."""
    with st.container(horizontal=True, gap="small", key="pages"):
        st.page_link(of_run, label="Explore", query_params=config.query(), width="stretch")
        picture = {**config.query(), **series.last().query()}
        if picker.came_without_a_link():
            picture = depth.preset_query(depth.OPENS_ON)
        st.page_link(of_depth, label="Depth", query_params=picture, width="stretch")
        st.page_link(of_all, label="Library", query_params=config.query(), width="stretch")
