"""The player's files for the browser, as text."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent
# One ES module, made of files of one concept each: the last one holds the default export.
SCRIPTS = (
    "wire",
    "camera",
    "align",
    "clock",
    "permalink",
    "moment",
    "theme",
    "sprites",
    "scene",
    "way",
    "draw",
    "labels",
    "pointer",
    "screen",
    "panel",
    "player",
)


def text(*names: str) -> str:
    """The files of these names, one after another."""
    return "\n".join((_HERE / name).read_text(encoding="utf-8") for name in names)
