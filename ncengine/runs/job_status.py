"""JobStatus: what the process that has a run in hand says of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from ncengine.runs.life import WRITTEN
from ncengine.runs.run import Status


@dataclass(frozen=True)
class JobStatus:
    """What is written of an unfinished run. `Store.tell` is the way to change it.

    Attributes:
        status: one of `life.WRITTEN`.
        passes: passes over the data done so far.
        seconds: seconds of computing so far, of earlier attempts too.
        seconds_left: estimate, while running; else None.
        queued_at: since when it waits its turn, in seconds since 1970.
        attempts: how often it was begun since it was asked for.
        error: one line for a reader, when failed.
        machine: facts on where it is computed, see `Run.machine`.
        pid, parent: the process that trains it, and the one that started that.
        owner: the process in whose queue it waits.
        sweep: names the sweep that it was asked for as a part of; empty where it was not.
        ended: whether training has come to its end, so that only the result is to be written.
    """

    status: Status
    passes: int = 0
    seconds: float = 0.0
    seconds_left: float | None = None
    queued_at: float = 0.0
    attempts: int = 0
    error: str | None = None
    machine: Mapping[str, Any] = field(default_factory=dict)
    pid: int | None = None
    parent: int | None = None
    owner: int | None = None
    sweep: str = ""
    ended: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Values that JSON can hold; `from_dict` reads them back."""
        return {**asdict(self), "status": str(self.status)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> JobStatus:
        """What `as_dict` gave; names that are unknown here are passed over.

        Raises:
            ValueError: there is no status in it, or a number is none; says which.
        """
        if values.get("status") not in WRITTEN:
            raise ValueError(f"status = {values.get('status')!r}")
        for name, fits in _CHECKS.items():
            if name in values and not fits(values[name]):
                raise ValueError(f"{name} = {values[name]!r}")
        known = {f.name: values[f.name] for f in fields(cls) if f.name in values}
        return cls(**{**known, "status": Status(values["status"])})


def lives(process: int | None) -> bool:
    """Whether there is a process of that number on this machine."""
    if process is None:
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # it is another user's
    return True


def is_amount(value: Any) -> bool:
    """Whether a value that was read is a number to calculate with, and not below 0."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and 0 <= value < MOST


def _is_whole(value: Any) -> bool:
    return is_amount(value) and value == int(value)


def _is_machine(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(text, str) for text in value.values())


def _or_none(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or fits(value)


# Anybody may have written to the file: a number is one to calculate with.
MOST = 1e15
_CHECKS: dict[str, Callable[[Any], bool]] = {
    "passes": _is_whole,
    "seconds": is_amount,
    "seconds_left": _or_none(is_amount),
    "queued_at": is_amount,
    "attempts": lambda value: value == -1 or _is_whole(value),
    "error": _or_none(lambda value: isinstance(value, str)),
    "machine": _is_machine,
    "pid": _or_none(_is_whole),
    "parent": _or_none(_is_whole),
    "owner": _or_none(_is_whole),
    "ended": lambda value: isinstance(value, bool),
}
