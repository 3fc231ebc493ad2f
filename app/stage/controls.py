"""What leads to an audience, in the sidebar of every page: present, stories, share."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from urllib.parse import urlencode, urlsplit

import streamlit as st
from pydantic import ValidationError
from streamlit.delta_generator import DeltaGenerator

from app.browser import component as browser
from app.components import code, recorded, series, text, theory, theory_code
from app.picker import other, picker
from app.player import view
from app.player.view import PLAYER_NAMES
from app.stage import presenting, stories
from app.stage.presenting import PARTS, Stage
from app.stage.story import (
    COMPARE,
    DEPTH,
    EXPLORE,
    MOST_CAPTION,
    PAGES,
    RECORDED,
    THEORY,
    Step,
    StoryError,
    first_reason,
)

# Pixels of a frame that holds a part of a page.
FRAME_WIDTH, FRAME_HEIGHT = 960, 600
_CAPTION, _NOTES = "stage:caption", "stage:notes"
# What an address says of how a page is shown goes into no story.
_ALONE = {
    THEORY: (*theory.NAMES, *PLAYER_NAMES),
    RECORDED: (*recorded.NAMES, *view.NAMES, *PLAYER_NAMES),
}
_OF_NO_STEP = frozenset({*presenting.NAMES, picker.RUN, other.RUN})


def draw(page: str, at: Stage) -> DeltaGenerator | None:
    """Present, add to a story, share; and of a story that is told here, the step and its end.

    Gives the place within Share for what saves the page as a file, which is known once the page is
    drawn; None where it cannot be shared.
    """
    if page not in PAGES or (page == RECORDED and not recorded.last().key):
        return None
    with st.container(horizontal=True, gap="xsmall", key="stage_controls"):
        st.button(
            "Present",
            key="present",
            on_click=presenting.present,
            width="stretch",
            help="Player and chart fill the window, for an audience: key P. Escape comes back; F "
            "is the full screen, B blacks it.",
        )
        with (
            st.popover("Story", width="stretch", key="add_to_story"),
            st.container(key="stage_add"),
        ):
            _add(page)
        with st.popover("Share", width="stretch", key="share"), st.container(key="stage_share"):
            files = st.container(key="stage_files")
            _share(page)
    if at.shown is not None and at.story is not None:
        _told(at)
    return files


def _told(at: Stage) -> None:
    """Which story is told on this page, which is not presented."""
    story, step = at.story, at.shown
    if story is None or step is None:
        return
    with st.container(border=True, key="told"):
        st.markdown(f"**{text.plain(story.title)}**, step {at.step} of {len(story.steps)}")
        if step.notes and not presenting.is_embedded():
            st.caption(text.plain(step.notes))
        with st.container(horizontal=True, gap="xsmall"):
            st.button(
                "Present from here",
                key="present_from_here",
                on_click=presenting.begin,
                args=(at.name, at.step),
            )
            st.button("Leave the story", key="leave_story", on_click=presenting.end_story)


def _add(page: str) -> None:
    """Take what is shown, as it stands, into the visitor's own story."""
    st.markdown("**Add this view to a story**: what you see, at its moment and from its side.")
    st.text_area(
        "Caption, two lines at most",
        key=_CAPTION,
        max_chars=MOST_CAPTION,
        height=80,
        help="What the audience reads.",
    )
    st.text_area("Notes for yourself", key=_NOTES, height=80, help="Never on what is presented.")
    st.button("Add", key="add_step", type="primary", on_click=_added, args=(page,))
    count = len(stories.draft().steps)
    if wrong := st.session_state.pop("stage:wrong", ""):
        st.caption(f":red[{text.plain(wrong)}]")
    elif count:
        st.caption(f"Your story has {count} step{'s' * (count > 1)}: see the page Stories.")


def _added(page: str) -> None:
    values = st.session_state
    try:
        said = {"caption": values.get(_CAPTION, ""), "notes": values.get(_NOTES, "")}
        stories.add(Step.model_validate({"page": page, "query": _query(page), **said}))
    except StoryError as error:
        values["stage:wrong"] = str(error)
    except ValidationError as error:
        values["stage:wrong"] = first_reason(error)
    else:
        values[_CAPTION] = values[_NOTES] = ""


def _query(page: str) -> dict[str, str]:
    """What the address says of what is shown, and what it means where it says less."""
    said = {name: st.query_params[name] for name in st.query_params if name not in _OF_NO_STEP}
    if page != DEPTH:
        said = presenting.brought_to(said, browser.address())
    pictured = series.last().query() if page == DEPTH else {}
    paired = other.query() if page == COMPARE else {}
    if page in _ALONE:
        # What is picked for other pages is nothing to it.
        return {n: v for n, v in said.items() if n in _ALONE[page]}
    return {**picker.picked().query(), **pictured, **paired, **said}


def _share(page: str) -> None:
    """The page's address, and what puts a part of it into another page."""
    st.markdown("The address of what is shown:")
    st.code(_address(page, {}), language=None, wrap_lines=True)
    for part in PARTS[page]:
        named = f"the {part}" if part in ("player", "curves") else "the picture"
        st.markdown(f"As a part of another page, {named} alone:")
        more = {"embed": "true", "show": part} | ({"autoplay": "1"} if part == "player" else {})
        st.code(frame(_address(page, more)), language="html", wrap_lines=True)
    st.caption(
        "A page that others see in a frame needs a server that they can reach: this one listens to "
        "its own machine alone, unless it was started otherwise."
    )
    if page == EXPLORE:
        code.draw(picker.meant())
    elif page == COMPARE:
        code.draw_pair(picker.meant(), other.meant())
    elif page == THEORY:
        theory_code.draw(theory.last())
    elif page == RECORDED:
        code.draw_recording(recorded.last().key)


def _address(page: str, more: Mapping[str, str]) -> str:
    query = {n: v for n, v in _query(page).items() if n not in presenting.NAMES}
    base = urlsplit(st.context.url or "http://127.0.0.1:8501/")
    return base._replace(query=urlencode({**query, **more}), fragment="").geturl()


def frame(address: str) -> str:
    """The line of HTML that shows an address within a page."""
    return (
        f'<iframe src="{escape(address)}" width="{FRAME_WIDTH}" height="{FRAME_HEIGHT}" '
        'allow="fullscreen" title="Neural Collapse Explorer"></iframe>'
    )
