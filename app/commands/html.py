"""`ncengine export --html`: a run as one HTML file, as the page saves it."""

from __future__ import annotations

from pathlib import Path

from app.commands.quiet import quieten
from ncengine.runs.run import Run


def save(run: Run, path: str) -> Path:
    """Write the file; gives its path. Raises ValueError for another ending, or OSError."""
    file = Path(path)
    if file.suffix.lower() != ".html":
        raise ValueError(f"--html {path}: must end in .html")
    quieten()
    from app.export import page
    from app.player.view import View

    file.write_text(page.of_run(run, View(run.seeds_shown[0])), encoding="utf-8")
    return file
