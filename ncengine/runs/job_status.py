"""JobStatus: what the process that has a run in hand says of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from ncengine.runs.run import Status


@dataclass(frozen=True)
class JobStatus:
    """How an unfinished run stands. `Journal.change` is the way to change it.

    Attributes:
        status: see `Status`.
        passes: passes over the data done so far.
        seconds: seconds of computing so far, of earlier attempts too.
        seconds_left: estimate, while running; else None.
        queued_at: since when it waits its turn, in seconds since 1970.
        attempts: how often it was begun since it was asked for.
        error: one line for a reader, when failed.
        machine: facts on where it is computed, see `Run.machine`.
        pid, parent: the process that trains it, and the one that started that.
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

    def as_dict(self) -> dict[str, Any]:
        """Values that JSON can hold; `from_dict` reads them back."""
        return {**asdict(self), "status": str(self.status)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> JobStatus:
        """What `as_dict` gave; names that are unknown here are passed over.

        Raises:
            ValueError: there is no status in it, or a number is none; says which.
        """
        if values.get("status") not in set(Status):
            raise ValueError(f"status = {values.get('status')!r}")
        for name in ("passes", "seconds", "attempts", "queued_at"):
            if not _is_number(values.get(name, 0)):
                raise ValueError(f"{name} = {values[name]!r}")
        if not isinstance(values.get("machine", {}), Mapping):
            raise ValueError(f"machine = {values['machine']!r}")
        known = {one.name: values[one.name] for one in fields(cls) if one.name in values}
        return cls(**{**known, "status": Status(values["status"])})


def _is_number(value: Any) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and math.isfinite(value)
