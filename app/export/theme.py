"""The app's theme, for what leaves the app."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

_CONFIG = Path(__file__).resolve().parents[2] / ".streamlit" / "config.toml"


@cache
def theme() -> dict[str, Any]:
    """The app's theme, as its configuration has it."""
    return tomllib.loads(_CONFIG.read_text(encoding="utf-8"))["theme"]
