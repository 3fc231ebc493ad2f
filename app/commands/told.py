"""Which story is meant on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.stage.story import Story


def story_of(name: str) -> Story:
    """A story that is shipped, or the file of one (`.json`). Raises ValueError, OSError."""
    from app.stage import stories
    from app.stage.story import StoryError, read
    from ncengine.runs.places import require_file

    if name in (shipped := stories.shipped()):
        return shipped[name]
    if not name.endswith(".json"):
        known = ", ".join(shipped)
        raise ValueError(f"--story {name}: must be one of {known}, or a file that ends in .json")
    require_file(Path(name))
    try:
        return read(Path(name).read_bytes())
    except StoryError as error:
        raise ValueError(f"--story {name}: {error}") from error
