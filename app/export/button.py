"""The buttons that save a run or a story as one HTML file, which is made when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import streamlit as st

from app.browser import component as browser
from app.engine import runs
from app.export import page
from app.player.view import PLAYER_NAMES, View
from app.stage.story import Story
from ncengine.config import RunConfig
from ncengine.runs.identity import Identity
from ncengine.runs.run import Run

LABEL = "Save as one HTML file"
HELP = (
    "Player, figures and curves in one file, for any browser: without server, network or account."
)
_SHOWN = "export:shown"


@dataclass
class _Shown:
    """What the session looks at; changed as it looks on, also after the button was drawn."""

    asked: RunConfig | Identity | None = None
    run: Run | None = None
    looked_at: View | None = None


def shows(asked: RunConfig | Identity, run: Run, looked_at: View) -> None:
    """Let the button know what is looked at now, and what was asked for."""
    shown = _shown()
    shown.asked = asked
    shown.run, shown.looked_at = run, looked_at


def draw_run(spec: RunConfig | Identity) -> None:
    """The button for the run that Explore shows."""
    config = spec.config if isinstance(spec, Identity) else spec
    # At a glance: the page opens its run itself, and once.
    now, shown = runs.glance(config), _shown()
    # As it was in the browser when what holds the button was opened.
    said = browser.address()

    def file() -> str:
        if shown.run is not None and shown.looked_at is not None and shown.asked == spec:
            return page.of_run(shown.run, _brought_to(shown.looked_at, said))
        run = runs.look(spec)
        return page.of_run(run, View(run.seeds_shown[0]))

    nothing = not (now.status.finished or now.passes)
    st.download_button(
        LABEL,
        data="" if nothing else file,
        file_name=page.file_name(config.title()),
        mime="text/html",
        key="save_html",
        on_click="ignore",
        disabled=nothing,
        help="There is nothing to be seen of it yet." if nothing else HELP,
    )


def draw_story(story: Story | None, key: str) -> None:
    """The button for a story; None is one that has no steps yet."""
    st.download_button(
        LABEL,
        data="" if story is None else lambda: page.of_story(story),
        file_name=page.file_name(story.title if story else ""),
        mime="text/html",
        key=key,
        on_click="ignore",
        disabled=story is None,
        help="All steps in one file, for any browser: without server, network or account.",
    )


def _brought_to(looked_at: View, said: Mapping[str, str] | None) -> View:
    """The view as the browser's address says, where it was told."""
    if said is None:
        return looked_at
    start = tuple((name, said[name]) for name in PLAYER_NAMES if name in said)
    return replace(looked_at, start=start, moment=said.get("epoch", ""))


def _shown() -> _Shown:
    return st.session_state.setdefault(_SHOWN, _Shown())
