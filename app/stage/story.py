"""A story: what a speaker steps through before an audience, as a JSON file."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from app.components import recorded, series, theory
from app.picker import other
from app.player import view
from app.player.wire import CLOCK, CLOCKS, MAX_CLASSES
from ncengine.config import PARAMS, RunConfig
from ncengine.reasons import reason

VERSION = 1
# Of a caption: characters, and how long a line may be, in heights of its letters, to fit on two
# lines of the narrowest window that is presented in.
MOST_CAPTION, MOST_WIDTH = 170, 60.0
MOST_NOTES, MOST_TITLE, MOST_STEPS, MOST_BYTES = 4000, 100, 200, 2**20
EXPLORE, DEPTH, COMPARE, THEORY, RECORDED = PAGES = (
    "Explore", "Depth", "Compare", "Theory", "Recorded"
)  # fmt: skip
NOTHING, *_ = PLAYS = ("nothing", "training", "layers")

Query = Mapping[str, str]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Step(_Strict):
    """One step of a story: what a page shows, and what is said of it.

    Attributes:
        page: one of `PAGES`.
        query: the page's address: its parameters, without those of the story.
        caption: at most two lines, for the audience.
        notes: for the speaker; they are never on the page that is presented.
        plays: what the player plays when the step is come to, one of `PLAYS`: the training, from
            its first snapshot to the moment of the address, or the way through the layers.
    """

    page: Literal["Explore", "Depth", "Compare", "Theory", "Recorded"]
    query: dict[str, str] = Field(default_factory=dict)
    caption: str = ""
    notes: str = Field("", max_length=MOST_NOTES)
    plays: Literal["nothing", "training", "layers"] = "nothing"

    @field_validator("caption")
    @classmethod
    def _fits(cls, caption: str) -> str:
        if caption.count("\n") > 1:
            raise ValueError(f"must be at most two lines, and has {caption.count(chr(10)) + 1}")
        if len(caption) > MOST_CAPTION:
            raise ValueError(f"must be at most {MOST_CAPTION} characters, and has {len(caption)}")
        if width_of(caption) > MOST_WIDTH:
            raise ValueError("must fit on two lines, and is too long for them")
        return caption

    @field_validator("query")
    @classmethod
    def _means_something(cls, query: dict[str, str], info: Any) -> dict[str, str]:
        page = info.data.get("page")
        if page is not None and (wrong := wrong_in(page, query)):
            raise ValueError(wrong)
        return query


class Story(_Strict):
    """A title, and the steps in their order."""

    version: Literal[1] = 1
    title: Annotated[str, Field(max_length=MOST_TITLE)]
    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=MOST_STEPS)]

    @field_validator("title")
    @classmethod
    def _says_something(cls, title: str) -> str:
        if not title.strip():
            raise ValueError("must not be empty")
        return title

    def as_json(self) -> str:
        """The file, which `read` reads back."""
        return json.dumps(self.model_dump(mode="json"), ensure_ascii=False, indent=1) + "\n"


def width_of(caption: str) -> float:
    """About how long the longer of its two lines is, in heights of its letters."""
    lines = caption.split("\n")
    longest = max(sum(map(_letter_width, line)) for line in lines)
    # One that is broken where there is a blank is not broken in its middle.
    return longest if len(lines) > 1 else longest / 2 + 4


def _letter_width(letter: str) -> float:
    if unicodedata.east_asian_width(letter) in "WF":
        return 1.0
    if letter in "ijltfrI.,:;'|!()[] -":
        return 0.33
    return 0.9 if letter in "mwMW@—%" else 0.68 if letter.isupper() else 0.56


class StoryError(ValueError):
    """A file is no story; the message names step and field."""


def read(content: bytes) -> Story:
    """The story of a file. Raises StoryError, whose message names step and field."""
    if len(content) > MOST_BYTES:
        raise StoryError(f"The file has {len(content):,} bytes, and may have {MOST_BYTES:,}.")
    try:
        # For where a file is no JSON; what it says twice would otherwise be lost without a word.
        parsed = json.loads(content.decode("utf-8-sig"), object_pairs_hook=_each_once)
        return Story.model_validate_json(json.dumps(parsed))
    except ValidationError as error:
        raise StoryError(" ".join(map(_sentence, _of_interest(error)[:5]))) from error
    except (ValueError, RecursionError) as error:
        raise StoryError(f"The file is no story in JSON: {reason(error)}.") from error


def first_reason(error: ValidationError) -> str:
    """Why a step is none, in words, where its field is known."""
    return str(error.errors()[0]["msg"]).removeprefix("Value error, ")


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice[:60]!r} is there twice in one object")
    return found


def _of_interest(error: ValidationError) -> list[Mapping[str, Any]]:
    """Its errors; that there is no step left where some are wrong is none."""
    errors = error.errors()
    within = any(len(one["loc"]) > 1 for one in errors)
    return [one for one in errors if not (within and one["type"] == "too_short")]


def _sentence(error: Mapping[str, Any]) -> str:
    """One of pydantic's errors: step, field, value, and what is allowed."""
    place = [part for part in error["loc"] if part != "steps" or len(error["loc"]) == 1]
    parts = [f"step {part + 1}" if isinstance(part, int) else str(part) for part in place]
    where = ", ".join(parts) or "the file"
    what = _WORDS.get(error["type"], str(error["msg"])).removeprefix("Value error, ")
    if error["type"] == "literal_error" and error["loc"] == ("version",):
        what = f"must be {VERSION}: another version of the Explorer wrote this"
    given = error["input"]
    shown = "" if isinstance(given, dict | list) else f" = {_short(given)}"
    return f"{where[0].upper()}{where[1:]}{shown}: {what[0].lower()}{what[1:].rstrip('.')}."


# What pydantic finds wrong, for who writes a story and no program.
_WORDS = {
    "extra_forbidden": "is no field here",
    "missing": "is missing",
    "string_type": "must be text",
    "tuple_type": "must be a list of steps",
    "dict_type": "must be an object, of a page's parameters",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "too_short": "must be one or more",
    "too_long": f"must be at most {MOST_STEPS}",
}


def _short(value: Any) -> str:
    words = repr(value)
    return words if len(words) <= 60 else f"{words[:59]}…"


def wrong_in(page: str, query: Query) -> str:
    """What is wrong with an address of a page, by name of the parameter; "" where nothing is."""
    names = {name for group in NAMES[page] for name in group}
    unknown = [name for name in query if name not in names]
    if unknown:
        return f"{_short(unknown[0])} is no parameter of {page}"
    config, problems = RunConfig.nearest({n: v for n, v in query.items() if n in PARAMS})
    for problem in problems:
        return f"{problem.field} = {_short(problem.value)} {problem.allowed}"
    return next(filter(None, (check(query, config) for check in _CHECKS[page])), "")


def _wrong_view(query: Query, config: RunConfig) -> str:
    own = {name: value for name, value in query.items() if name in view.NAMES}
    _, wrong = view.parse(own, view.of_config(config))
    players = {name: value for name, value in query.items() if name in view.PLAYER_NAMES}
    return _plain([*wrong, *view.wrong_start(players, config.classes)])


def _wrong_picture(query: Query, _: RunConfig) -> str:
    own = {name: value for name, value in query.items() if name in series.NAMES}
    return _plain(series.parse(own)[1])


def _wrong_pair(query: Query, config: RunConfig) -> str:
    clock = query.get(CLOCK, CLOCKS[0])
    if clock not in CLOCKS:
        return f"{CLOCK} = {_short(clock)} must be {' or '.join(CLOCKS)}"
    own = {name: value for name, value in query.items() if name == other.OTHER}
    return _plain(other.read(own, config)[2])


def _wrong_theory(query: Query, _: RunConfig) -> str:
    own = {name: value for name, value in query.items() if name in theory.NAMES}
    shown, wrong = theory.parse(own)
    players = {name: value for name, value in query.items() if name in view.PLAYER_NAMES}
    return _plain([*wrong, *view.wrong_start(players, shown.classes)])


def _wrong_recorded(query: Query, _: RunConfig) -> str:
    if not recorded.is_key(query.get(recorded.KEY, "")):
        return f"{recorded.KEY} must be the key of a recording"
    # Of how many classes it is, only that very recording tells.
    most = view.Subject(MAX_CLASSES, (0,), (0,), True, unit="step")
    own = {name: value for name, value in query.items() if name in view.NAMES}
    players = {name: value for name, value in query.items() if name in view.PLAYER_NAMES}
    return _plain([*view.parse(own, most)[1], *view.wrong_start(players, MAX_CLASSES, most.unit)])


def _plain(wrong: list[str]) -> str:
    """The first of these lines, which are written for the page."""
    return wrong[0].partition("; showing")[0].replace("**", "").replace("`", "'") if wrong else ""


# The parameters of each page, and what is asked of their values.
NAMES: dict[str, tuple[tuple[str, ...], ...]] = {
    EXPLORE: (tuple(PARAMS), view.NAMES, view.PLAYER_NAMES, series.NAMES),
    DEPTH: (tuple(PARAMS), series.NAMES),
    COMPARE: (tuple(PARAMS), (other.OTHER, CLOCK), view.NAMES, view.PLAYER_NAMES),
    THEORY: (theory.NAMES, view.PLAYER_NAMES),
    RECORDED: (recorded.NAMES, view.NAMES, view.PLAYER_NAMES),
}
_CHECKS: dict[str, tuple[Callable[[Query, RunConfig], str], ...]] = {
    EXPLORE: (_wrong_view, _wrong_picture),
    DEPTH: (_wrong_picture,),
    COMPARE: (_wrong_view, _wrong_pair),
    THEORY: (_wrong_theory,),
    RECORDED: (_wrong_recorded,),
}
