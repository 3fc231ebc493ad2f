"""The life of a run: where it stands, what can happen to it, and who may say that it did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import Any

from ncengine.runs.run import Status

# What is written in a journal; where else a run may stand is told by locks and results.
WRITTEN = frozenset({Status.QUEUED, Status.RUNNING, Status.CANCELLED, Status.FAILED})


class Event(StrEnum):
    """What happens to a run.

    `ASKED`: it is put at the end of the queue.
    `TAKEN_UP`: a server has it in its queue from now on, where it was left.
    `WITHDRAWN`: it is stopped while nobody trains it.
    `GIVEN_UP`: it cannot be trained, or not in so many attempts; an error says why.
    `BEGUN`: a process trains a part of it, or writes its result.
    `ADVANCED`: more of it is trained.
    `TRAINED`: so is all of it; the result is to be written.
    `STUCK`: nothing can be written for now.
    `PAUSED`: the server goes down; the next one goes on.
    `STOPPED`: who trains it has stopped, as requested.
    `BROKEN`: training failed; an error says why.
    `UNREADABLE`: its result is there, and cannot be shown.
    """

    ASKED = auto()
    TAKEN_UP = auto()
    WITHDRAWN = auto()
    GIVEN_UP = auto()
    BEGUN = auto()
    ADVANCED = auto()
    TRAINED = auto()
    STUCK = auto()
    PAUSED = auto()
    STOPPED = auto()
    BROKEN = auto()
    UNREADABLE = auto()


class Who(Enum):
    """Who may say that something happened: any process, or one that holds a lock of the run."""

    ANYONE = auto()
    HOLDER = auto()


@dataclass(frozen=True)
class Row:
    """What an event makes of a run.

    Attributes:
        who: may say so.
        before: where the run may stand; elsewhere the event is too late, and changes nothing.
        after: what is written in its journal.
        facts: what else becomes of its `JobStatus`.
    """

    who: Who
    before: frozenset[Status]
    after: Status
    facts: Mapping[str, Any]


def _row(who: Who, before: str, after: Status, **facts: Any) -> Row:
    return Row(who, frozenset(map(Status, before.split())), after, facts)


_A, _H = Who.ANYONE, Who.HOLDER
LIFE: Mapping[Event, Row] = {
    Event.ASKED: _row(
        _A,
        "absent queued interrupted cancelled failed",
        Status.QUEUED,
        attempts=0,
        error=None,
        pid=None,
        parent=None,
        seconds_left=None,
    ),
    Event.TAKEN_UP: _row(_A, "queued interrupted", Status.QUEUED),
    # Not of one that failed: why it did would be lost.
    Event.WITHDRAWN: _row(_A, "absent queued interrupted", Status.CANCELLED),
    Event.GIVEN_UP: _row(_A, "absent queued interrupted cancelled failed", Status.FAILED),
    # Who begins may do so after any end but a result: that is what training anew is.
    Event.BEGUN: _row(
        _H,
        "absent queued running cancelled failed",
        Status.RUNNING,
        error=None,
        seconds_left=None,
    ),
    # Before a pass is done nobody can tell how long the rest takes.
    Event.ADVANCED: _row(_H, "running", Status.RUNNING, error=None, ended=False, seconds_left=None),
    Event.TRAINED: _row(_H, "running", Status.RUNNING, error=None, ended=True, seconds_left=None),
    Event.STUCK: _row(_H, "running", Status.RUNNING, seconds_left=None),
    # Of several processes the first stops the run, and the others stop with it.
    Event.PAUSED: _row(_H, "running queued", Status.QUEUED, queued_at=0.0, seconds_left=None),
    Event.STOPPED: _row(_H, "running queued", Status.CANCELLED, error=None, seconds_left=None),
    Event.BROKEN: _row(_H, "running queued failed", Status.FAILED, seconds_left=None),
    Event.UNREADABLE: _row(_H, "done", Status.FAILED),
}


def standing(written: Status | None, *, trained: bool, has_result: bool) -> Status:
    """Where a run stands; its result goes before what was written of it last.

    Args:
        written: in its journal; None where there is none.
        trained: whether a process holds one of its locks.
        has_result: whether its result is there, whole or not.
    """
    if has_result:
        return Status.DONE
    if written is None:
        return Status.ABSENT
    if written is Status.RUNNING and not trained:
        return Status.INTERRUPTED
    return written
