"""Param: how one field of the schema is read, checked, written as text and shown."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from ncengine.config.numbers import real, whole
from ncengine.config.steps import parsed

MAX_SEEDS = 32
MAX_STEPS = 16
SHOWN_CHARACTERS = 80


@dataclass(frozen=True)
class Problem:
    """What is wrong with one field: its name, the value given, what is allowed."""

    field: str
    value: Any
    allowed: str

    @property
    def shown(self) -> str:
        """The value as Python writes it, on one line, cut short where it is long."""
        try:
            text = " ".join(repr(self.value).split())
        except ValueError:  # of whole numbers, Python writes no more than some thousand digits
            return "a number of too many digits"
        return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"

    def __str__(self) -> str:
        return f"{self.field} = {self.shown}: {self.allowed}"


class ConfigError(ValueError):
    """A configuration that cannot be. `problems` lists every field at fault."""

    def __init__(self, problems: list[Problem]):
        self.problems = problems
        super().__init__("; ".join(str(problem) for problem in problems))


def _always(_: Mapping[str, Any]) -> bool:
    return True


def _fold(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())


@dataclass(frozen=True)
class Param:
    """How a field is read, checked and shown.

    Attributes:
        name: short name on a widget, without its letter.
        help: one or two sentences, in the paper's notation.
        group: heading under which the picker shows it.
        kind: "choice", "int", "float", "bool", "seeds", or "steps" (see `config.steps`).
        choices: value -> text shown, of all values for kind "choice", else of those with a name.
        low, high: inclusive bounds, for numbers.
        suggested: values a picker offers first.
        letter: the paper's letter for it, such as L; empty where it has none.
        widget: how a picker shows it where its kind does not say: "slider", over
            the suggested values; "pills", one click a suggested value and one for
            any other; empty for a list, or a box where there is nothing to list.
        advanced: whether the picker tucks it away.
        applies: whether the field matters, given the other values. A field
            that does not apply takes its default and is left out of the key.
    """

    name: str
    help: str
    group: str
    kind: str
    choices: Mapping[Any, str] = field(default_factory=dict)
    low: float = -math.inf
    high: float = math.inf
    suggested: tuple = ()
    letter: str = ""
    widget: str = ""
    advanced: bool = False
    applies: Callable[[Mapping[str, Any]], bool] = _always

    @property
    def label(self) -> str:
        """The name on a widget, with the letter if it has one: "Depth L"."""
        return f"{self.name} {self.letter}" if self.letter else self.name

    @property
    def is_list(self) -> bool:
        """Whether commas in its text part what belongs together."""
        return self.kind in ("seeds", "steps")

    @property
    def allowed(self) -> str:
        """What values are allowed, as the end of a sentence."""
        if self.kind == "choice":
            return "must be one of " + ", ".join(str(choice) for choice in self.choices)
        if self.kind == "bool":
            return "must be true or false"
        if self.kind == "seeds":
            return (
                f"must be a number of seeds from 1 to {MAX_SEEDS}, or a list of at most "
                f"{MAX_SEEDS} different whole numbers from {int(self.low)} to {int(self.high)}"
            )
        if self.kind == "steps":
            return (
                "must be depths up to this one's, none of them twice at one λ, such as 2, 3 or, of "
                f"a λ that falls to this one's, 3@0.02; at most {MAX_STEPS}"
            )
        if self.kind == "float":
            return f"must be a number from {self.low:g} to {self.high:g}"
        if self.low == self.high:
            return f"must be {self.low}"
        return f"must be a whole number from {self.low} to {self.high}"

    def parse(self, value: Any) -> Any:
        """The value in the field's own type, from a value, also of numpy's types, or from text.

        Raises ValueError or TypeError for anything else.
        """
        parsers = {
            "choice": self._parse_choice,
            "bool": _parse_bool,
            "int": self._parse_number,
            "float": self._parse_number,
            "seeds": self._parse_seeds,
            "steps": _parse_steps,
        }
        return parsers[self.kind](_unwrapped(value))

    def nearest(self, value: Any) -> Any | None:
        """The allowed value nearest to a number that is out of bounds; None where there is none."""
        if self.kind not in ("int", "float"):
            return None
        try:
            number = real(value) if isinstance(value, str) else float(value)
        except (TypeError, ValueError, OverflowError):
            return None
        if math.isnan(number):
            return None
        number = min(max(number, self.low), self.high)
        return round(number) if self.kind == "int" else number

    def _parse_choice(self, value: Any) -> Any:
        for choice in self.choices:
            # Folded, the text of a number would lose its point and its sign.
            if isinstance(choice, str):
                same = isinstance(value, str) and _fold(value) == _fold(choice)
            else:
                same = _number(value) == choice
            if same:
                return choice
        raise ValueError

    def _parse_number(self, value: Any) -> float | int:
        number = _number(value)
        if not self.low <= number <= self.high:
            raise ValueError
        if self.kind == "float":
            return number
        if number != int(number):
            raise ValueError
        return int(number)

    def _parse_seeds(self, value: Any) -> tuple[float | int, ...]:
        if isinstance(value, str):
            text = value.strip()
            if "," not in text and "-" in text:
                start, last = (whole(part) for part in text.split("-"))
                if last - start >= MAX_SEEDS:
                    raise ValueError
                value = range(start, last + 1)
            else:
                parts = [whole(part) for part in text.split(",") if part.strip()]
                value = parts if "," in text else parts[0]
        if isinstance(value, bool):
            raise ValueError
        if isinstance(value, int):
            if not 1 <= value <= MAX_SEEDS:
                raise ValueError
            return tuple(range(value))
        # One too many tells enough of what may have no end.
        seeds = tuple(self._parse_number(_unwrapped(seed)) for seed in islice(value, MAX_SEEDS + 1))
        if not 1 <= len(seeds) <= MAX_SEEDS or len(set(seeds)) != len(seeds):
            raise ValueError
        return seeds


def _parse_steps(value: Any) -> str:
    """As they were written: what they mean depends on other fields, see `config.steps.read`."""
    if not isinstance(value, str):
        raise TypeError
    if value.count(",") >= MAX_STEPS:
        raise ValueError
    if value.strip():
        parsed(value)
    return value.strip()


def _unwrapped(value: Any) -> Any:
    """Python's own value of a numpy scalar; anything else as it is."""
    return value.item() if getattr(value, "ndim", None) == 0 else value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError
    return (
        real(value) if isinstance(value, str) else float(value)
    ) + 0.0  # -0.0 becomes the 0.0 that it equals


def _parse_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.casefold() in ("true", "1", "yes", "on"):
        return True
    if isinstance(value, str) and value.casefold() in ("false", "0", "no", "off"):
        return False
    raise ValueError


def as_text(value: Any) -> str:
    """A field's value as text that its `Param` reads back."""
    if isinstance(value, tuple):
        if value == tuple(range(len(value))):
            return str(len(value))
        return ",".join(map(str, value)) + ("," if len(value) == 1 else "")
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)
