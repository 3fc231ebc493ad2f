"""Which stories there are: those that are shipped, and the one that a visitor makes."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import streamlit as st

from app.stage.story import MOST_STEPS, Step, Story, StoryError, read

logger = logging.getLogger(__name__)

SHIPPED = Path(__file__).resolve().parents[2] / "cache" / "stories"
# The name of the visitor's own, which lives in the session and in files that are saved of it.
OWN = "own"
_OWN = "stories:own"


@dataclass(frozen=True)
class Draft:
    """A story in the making, which may have no steps yet."""

    title: str = "My story"
    steps: tuple[Step, ...] = ()

    @property
    def story(self) -> Story | None:
        """What it is as a story; None before it has a step."""
        if not self.steps:
            return None
        return Story(title=self.title or "A story", steps=self.steps)


def shipped() -> dict[str, Story]:
    """By name, in the order of their files."""
    return _read_all(SHIPPED)


def get(name: str) -> Story | None:
    """The story of that name; None where there is none."""
    return draft().story if name == OWN else shipped().get(name)


def draft() -> Draft:
    """The visitor's own."""
    return st.session_state.get(_OWN, Draft())


def put(changed: Draft) -> None:
    """Keep the visitor's own."""
    st.session_state[_OWN] = changed


def add(step: Step) -> None:
    """Append a step to the visitor's own. Raises StoryError where it has as many as it may."""
    now = draft()
    if len(now.steps) >= MOST_STEPS:
        raise StoryError(f"The story has {MOST_STEPS} steps, and may have no more.")
    put(replace(now, steps=(*now.steps, step)))


def move(n: int, by: int) -> None:
    """Move step number n, from 0, by so many places in the visitor's own."""
    steps = list(draft().steps)
    steps.insert(n + by, steps.pop(n))
    put(replace(draft(), steps=tuple(steps)))


def remove(n: int) -> None:
    """Take step number n, from 0, out of the visitor's own."""
    steps = draft().steps
    put(replace(draft(), steps=steps[:n] + steps[n + 1 :]))


def change(n: int, step: Step) -> None:
    """Put another step in the place of number n, from 0, of the visitor's own."""
    steps = draft().steps
    put(replace(draft(), steps=(*steps[:n], step, *steps[n + 1 :])))


@lru_cache
def _read_all(folder: Path) -> dict[str, Story]:
    found = {}
    for path in sorted(folder.glob("*.json")):
        try:
            found[path.stem.partition("-")[2] or path.stem] = read(path.read_bytes())
        except (OSError, StoryError):
            logger.exception("The story %s was passed over", path.name)
    return found
