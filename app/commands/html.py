"""`ncengine export --html`: a run or a story as one HTML file, as the page saves it."""

from __future__ import annotations

from pathlib import Path

from app.commands.quiet import quieten
from app.commands.told import story_of
from ncengine.cli.written import ENDINGS, check_ending
from ncengine.runs.journal import write_atomically
from ncengine.runs.run import Run


def save(run: Run, path: str) -> Path:
    """Write the file; gives its path. Raises ValueError for another ending, or OSError."""
    file = _file(path)
    quieten()
    from app.export import page
    from app.player.view import View

    write_atomically(file, page.of_run(run, View(run.seeds_shown[0])).encode())
    return file


def save_story(name: str, path: str) -> Path:
    """The same of a story, see `told.story_of`."""
    file = _file(path)
    quieten()
    from app.export import page

    write_atomically(file, page.of_story(story_of(name)).encode())
    return file


def _file(path: str) -> Path:
    check_ending("html", path, ENDINGS["html"])
    return Path(path)
