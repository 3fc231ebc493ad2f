"""The buttons that save what a page shows, or a story, as one HTML file, made when asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from app.browser import component as browser
from app.components.series import METRICS
from app.engine import runs, sweep
from app.engine.files import AsTyped
from app.export import page
from app.export.placed import here
from app.export.recorded import of_recording
from app.export.shown import brought_to, shown
from app.player.view import View
from app.stage.story import Story
from ncengine.config import RunConfig
from ncengine.runs.identity import Identity

LABEL = "Save as one HTML file"
HELP = (
    "Player, figures and curves in one file, for any browser: without server, network or account."
)
HELP_PICTURE = "The picture in one file, for any browser: without server, network or account."
NOTHING = "There is nothing to be seen of it yet."


def draw_run(spec: RunConfig | Identity) -> None:
    """The button for the run that Explore shows."""
    config = spec.config if isinstance(spec, Identity) else spec
    # At a glance: the page opens its run itself, and once.
    now, seen = runs.glance(config), shown()
    # As it was in the browser when what holds the button was opened.
    said, server = browser.address(), here()

    def file() -> str:
        if seen.run is not None and seen.looked_at is not None and seen.asked == spec:
            return page.of_run(seen.run, brought_to(seen.looked_at, said), server)
        run = runs.look(spec)
        return page.of_run(run, View(run.seeds_shown[0]), server)

    there = now.status.finished or bool(now.passes)
    _draw(file if there else None, page.file_name(config.title()), HELP)


def draw_picture() -> None:
    """The button for the picture that Depth shows."""
    seen = shown()
    if seen.picture is None:
        return
    config, picture = seen.picture
    there = any(
        point.finished
        for point in sweep.look(c for family in picture.series(config) for c in family.grid)
    )

    server = here()

    def file() -> str:
        return page.of_picture(*(seen.picture or (config, picture)), server)

    name = page.file_name(f"{METRICS[picture.metric]} over depth")
    _draw(file if there else None, name, HELP_PICTURE)


def draw_pair() -> None:
    """The button for the two runs that Compare shows."""
    seen = shown()
    if seen.pair is None or seen.looked_at is None:
        return
    left, right, looked_at = *seen.pair, seen.looked_at
    said, server = browser.address(), here()

    def file() -> str:
        pair, view = seen.pair or (left, right), seen.looked_at or looked_at
        return page.of_pair(*pair, brought_to(view, said), seen.clock, server)

    there = bool(left.points and right.points)
    name = page.file_name(f"{left.config.title()} and {right.config.title()}")
    _draw(file if there else None, name, HELP)


def draw_recording() -> None:
    """The button for the recording that Recorded shows."""
    seen = shown().recorded
    if seen is None:
        return
    said, server = browser.address(), here()

    def file() -> str:
        now = shown_now.recorded or seen
        return of_recording(replace(now, looked_at=brought_to(now.looked_at, said)), server)

    shown_now = shown()
    there = len(seen.recording.steps) > 0
    _draw(file if there else None, page.file_name(seen.recording.about.name), HELP)


def draw_story(story: Story | None, key: str) -> None:
    """The button for a story; None is one that has no steps yet."""
    st.download_button(
        LABEL,
        data="" if story is None else AsTyped(lambda: page.of_story(story)),
        file_name=page.file_name(story.title if story else ""),
        mime="text/html",
        key=key,
        on_click="ignore",
        disabled=story is None,
        help="All steps in one file, for any browser: without server, network or account.",
    )


def _draw(file: Callable[[], str] | None, name: str, help: str) -> None:
    """The button; None is a file of which there is nothing yet."""
    st.download_button(
        LABEL,
        data=file or "",
        file_name=name,
        mime="text/html",
        key="save_html",
        on_click="ignore",
        disabled=file is None,
        help=NOTHING if file is None else help,
    )
