"""How the page is shown: as itself, to an audience, or within another page.

The address says it: `present=1`; `story=NAME` and `step=N`; within another page, `show=PART` leaves
that part alone, and `autoplay=1` and `loop=1` set it in motion. Keys, clicks and clickers are heard
in the browser, see `browser/stage.js`, which asks here for another step.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import streamlit as st

from app.browser import component as browser
from app.components import address, notices
from app.player.view import PLAYER_NAMES
from app.stage import stories
from app.stage.story import COMPARE, DEPTH, EXPLORE, PAGES, RECORDED, THEORY, Step, Story
from ncengine.config.numbers import whole

OWNER = "stage"
NAMES = address.EVERYWHERE
# What of each page can be left alone within another page.
PARTS = {
    EXPLORE: ("player", "curves"),
    DEPTH: ("depth",),
    COMPARE: ("compare",),
    THEORY: ("theory",),
    RECORDED: ("player",),
}
_STATE = "stage:state"
_WANTED = "stage:wanted"
# What the address said before the last step was gone to, and when that was.
_LEFT = "stage:left"

T = TypeVar("T")

# Opens a page of that title at these parameters, and does not come back.
Open = Callable[[str, Mapping[str, str]], None]


@dataclass(frozen=True)
class Stage:
    """How the page is shown.

    Attributes:
        present: whether it fills the window, for an audience.
        name, step: which story is told, and which of its steps is shown, from 1; "" and 0: none.
        alone: the part of the page that is shown alone, within another page; "" for all of it.
        autoplay, loop: whether the player there plays by itself, and again and again.
    """

    present: bool = False
    name: str = ""
    step: int = 0
    alone: str = ""
    autoplay: bool = False
    loop: bool = False

    @property
    def fills(self) -> bool:
        """Whether player and chart fill the window, and nothing else is there."""
        return self.present or bool(self.alone)

    @property
    def story(self) -> Story | None:
        """The story that is told."""
        return stories.get(self.name) if self.name else None

    @property
    def shown(self) -> Step | None:
        """Its step that is shown."""
        story = self.story
        return story.steps[self.step - 1] if story and 0 < self.step <= len(story.steps) else None

    def part(self, page: str) -> str:
        """What of a page is shown alone: of a story's other pages, the first that can be."""
        parts = PARTS.get(page, ("",))
        return self.alone and (self.alone if self.alone in parts else parts[0])

    @property
    def label(self) -> str:
        """Tells the step apart from all others; "" without one."""
        return f"{self.name}:{self.step}" if self.shown else ""

    def query(self) -> dict[str, str]:
        """What the address says of it."""
        flags = {"present": self.present, "autoplay": self.autoplay, "loop": self.loop}
        values = {name: "1" for name, on in flags.items() if on}
        if self.name:
            values |= {"story": self.name, "step": str(self.step)}
        return values | ({"show": self.alone} if self.alone else {})


AS_ITSELF = Stage()


def arrive(page: str, open_page: Open) -> Stage:
    """How the page of that title is shown, after all that happened; goes to a step that is asked.

    Before all else that reads the address.
    """
    stage = _arrived(page)
    wanted: Stage | None = st.session_state.pop(_WANTED, None)
    if wanted is not None:
        stage = _go(wanted, page, open_page)
    if page not in PAGES:
        stage = replace(stage, present=False, alone="")
    st.session_state[_STATE] = stage
    return stage


def now() -> Stage:
    """How the page was shown last."""
    return st.session_state.get(_STATE, AS_ITSELF)


def is_embedded() -> bool:
    """Whether the page stands within another one."""
    return bool(st.context.is_embedded)


def begin(name: str, step: int = 1, *, present: bool = True) -> None:
    """Have a story told from a step on. For callbacks."""
    st.session_state[_WANTED] = Stage(present=present, name=name, step=step)


def present() -> None:
    """Have the page fill the window. For callbacks."""
    _fill(True, browser.address())


def end_story() -> None:
    """Have no story told any longer. For callbacks."""
    st.session_state[_WANTED] = replace(now(), name="", step=0)


def heard() -> None:
    """Take in what was asked for by a key or a click in the browser. For callbacks."""
    asked, said = browser.asked()
    if asked in ("present", "leave"):
        _fill(asked == "present", said)
    elif asked.isdigit():
        stage = now()
        if stage.story and 0 < int(asked) <= len(stage.story.steps):
            st.session_state[_WANTED] = replace(stage, step=int(asked))


def _fill(on: bool, said: Mapping[str, str] | None) -> None:
    """Have the page fill the window, or be itself again, at what the browser's address said."""
    st.session_state[_WANTED] = replace(now(), present=on)
    if said is not None:
        whole = {name: st.query_params.get_all(name) for name in st.query_params}
        st.query_params.from_dict(brought_to(whole, said))


def brought_to(query: Mapping[str, T], said: Mapping[str, str] | None) -> dict[str, T | str]:
    """The parameters, and of the player those of the browser's address, where that was told."""
    if said is None:
        return {**query}
    others = {name: value for name, value in query.items() if name not in PLAYER_NAMES}
    return {**others, **{name: said[name] for name in PLAYER_NAMES if name in said}}


def _arrived(page: str) -> Stage:
    query = address.arrival(OWNER, NAMES)
    if query is None:
        return now()
    if _has_just_left(query):
        # To the same step once more, unless another is asked for.
        st.session_state.setdefault(_WANTED, now())
        st.session_state[_STATE] = replace(now(), step=0)
        return now()
    stage, wrong = parse(query, page, embedded=is_embedded())
    notices.post(OWNER, wrong)
    address.accept(OWNER, NAMES)
    # With nothing beside it in the address, a step is gone to.
    if stage.shown and not [name for name in st.query_params if name not in NAMES]:
        st.session_state[_WANTED] = stage
    return stage


def _has_just_left(query: Mapping[str, str]) -> bool:
    """Whether the address is that of before the last step, of which nobody went Back to it.

    Anything else on the page that asks for something, before the browser has the step's address,
    brings the one before along.
    """
    left, at = st.session_state.get(_LEFT, (None, 0.0))
    recent = time.monotonic() - at < address.ECHO_SECONDS
    return query == left and recent and not address.went_through_history(OWNER)


def _go(stage: Stage, page: str, open_page: Open) -> Stage:
    """Show a step, or the same page otherwise."""
    step = stage.shown
    stays = stage.label == now().label and address.read(["step"])
    if step is None or stays:
        address.write(OWNER, NAMES, stage.query())
        return stage
    query = {**step.query, **stage.query()}
    if now().shown:
        st.session_state[_LEFT] = address.read(NAMES), time.monotonic()
    st.session_state[_STATE] = stage
    address.expect()
    if step.page != page:
        open_page(step.page, query)
    address.go(query)
    address.accept(OWNER, NAMES)
    return stage


def parse(query: Mapping[str, str], page: str, *, embedded: bool) -> tuple[Stage, list[str]]:
    """How an address asks for a page to be shown, and what was wrong with that, in words."""
    wrong: list[str] = []
    flags = {}
    for name in ("present", "autoplay", "loop"):
        value = query.get(name, "0")
        if value not in ("0", "1"):
            wrong.append(notices.wrong_value(name.capitalize(), value, "must be 1 or 0", "0"))
        flags[name] = value == "1"
    name, step = _step(query, wrong)
    alone = _part(query.get("show", ""), "" if name else page, embedded, wrong)
    return Stage(name=name, step=step, alone=alone, **flags), wrong


def _part(value: str, page: str, embedded: bool, wrong: list[str]) -> str:
    # A story goes from page to page.
    parts = PARTS.get(page, ()) if page else tuple(part for of in PARTS.values() for part in of)
    if not value or (value in parts and embedded):
        return value
    allowed = f"must be {' or '.join(parts)} on this page" if parts else "is for other pages"
    if value in parts:
        allowed = "leaves a part alone where embed=true stands beside it"
    wrong.append(notices.wrong_value("Show", value, allowed, "the whole page"))
    return ""


def _step(query: Mapping[str, str], wrong: list[str]) -> tuple[str, int]:
    name = query.get("story", "")
    if not name:
        if "step" in query:
            wrong.append(notices.wrong_value("Step", query["step"], "needs a story", "none"))
        return "", 0
    story = stories.get(name)
    if story is None:
        names = ", ".join(stories.shipped()) or "none is shipped"
        allowed = f"must be the name of a story ({names})"
        if name == stories.OWN:
            allowed = "lives in the session that made it, and in the file that was saved of it"
        wrong.append(notices.wrong_value("Story", name, allowed, "none"))
        return "", 0
    last = len(story.steps)
    try:
        step = whole(query.get("step", "1"))
        if not 1 <= step <= last:
            raise ValueError
    except ValueError:
        allowed = f"must be the number of a step, from 1 to {last}"
        wrong.append(notices.wrong_value("Step", query["step"], allowed, "1"))
        step = 1
    return name, step
