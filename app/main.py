"""The app: page set-up, the experiment picker, navigation."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

# `streamlit run app/main.py` puts app/ on the path, not the folder above it, from which
# the app's own modules are imported as `app.…`.
HERE = Path(__file__).resolve().parent
if str(HERE.parent) not in sys.path:
    sys.path.insert(0, str(HERE.parent))

import streamlit as st  # noqa: E402
from streamlit import net_util  # noqa: E402

from app.browser import component as browser  # noqa: E402
from app.components import series, text  # noqa: E402
from app.engine import runs, warmup  # noqa: E402
from app.picker import picker  # noqa: E402
from app.views import depth, explore, library  # noqa: E402
from ncengine.config import RunConfig  # noqa: E402
from ncengine.runs.identity import Identity  # noqa: E402

logger = logging.getLogger(__name__)

# To judge a request of a page from elsewhere, Streamlit would ask a machine outside for this one's
# address. It has none that the app listens on.
net_util.get_external_ip = lambda: None


def main() -> None:
    """Draw the picker, then the page that is open."""
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
    picker.arrive(explore.NAMES)
    if without and picker.came_without_a_link():
        depth.open_at_first()
    picker.draw(without, lambda config: _links(config, *pages))
    st.session_state[_PAGES] = of_run
    browser.draw(player=page.url_path == of_run.url_path)
    page.run()


_PAGES = "main:explore"


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


try:
    main()
except OSError as error:
    logger.exception("The cache cannot be used")
    st.error(f"**The cache folder cannot be used.** {text.plain(str(error))}")
except Exception:
    # Streamlit's own signals (rerun, stop) are not of this class, and pass.
    logger.exception("The page could not be drawn")
    st.error(
        "Something went wrong while drawing this page; the log has the details. "
        "Reload the page, or pick the preset “Default”."
    )
