"""Reporter: says in the journal how a run goes, keeps checkpoints, and does as it is requested."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from ncengine.costs.memory import keeps_parameters
from ncengine.runs.ends import leaves_an_end
from ncengine.runs.identity import Identity
from ncengine.runs.journal import Journal
from ncengine.runs.life import Event
from ncengine.runs.run import Status
from ncengine.runs.store import Store
from ncengine.training.device import describe, host
from ncengine.version import ENGINE_VERSION

if TYPE_CHECKING:
    import torch

    from ncengine.training.train import Training

STATUS_EVERY = 0.4  # seconds
CHECKPOINT_EVERY = 5.0

Progress = Callable[[int, int], None]


class Cancelled(Exception):
    """Somebody asked that the run stop; its checkpoint is written."""


class Paused(Exception):
    """The server is going down; the run goes on when one is up again."""


class Halted(Exception):
    """Another process that trains a part of the run has failed, or was stopped."""


class Reporter:
    """Stands between the training of a shard and whoever looks on.

    Args:
        store: where the run is kept.
        identity: of the run.
        journal: of the shard; the run's own where it is in one piece, or only its result is to be
            written.
        attempts: how often the run was begun since it was asked for, this time counted.
        progress: called with (passes done, budget) as it trains.
    """

    def __init__(
        self,
        store: Store,
        identity: Identity,
        journal: Journal,
        attempts: int,
        progress: Progress | None = None,
    ):
        self.store, self.identity, self.journal = store, identity, journal
        self.run = store.journal(identity)
        self.attempts, self.progress = attempts, progress
        # Whether this is a shard of several, which says of itself what it does, and of the run
        # what concerns all.
        self.in_pieces = journal.folder != self.run.folder
        self.machine: dict[str, Any] = {}
        self.seconds_before, self.passes, self.started_passes = 0.0, 0, 0
        self.started, self.started_busy = time.monotonic(), time.process_time()
        self.training: Training | None = None
        self.checkpoint_every = CHECKPOINT_EVERY
        self.last_status = self.last_checkpoint = time.monotonic()
        store.tell(identity, Event.BEGUN, attempts=attempts, **_this_process())
        if self.in_pieces:
            store.tell(identity, Event.BEGUN, part=journal, **_this_process())

    @property
    def seconds(self) -> float:
        """Seconds of computing, of earlier attempts too."""
        return self.seconds_before + time.monotonic() - self.started

    def computes_on(self, device: torch.device) -> None:
        """Take down where the training computes."""
        self.machine = {
            "device": describe(device),
            "host": host(),
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "version": ENGINE_VERSION,
            "processes": str(len(self.run.parts())),
        }

    def _busy(self) -> float:
        """The share of this attempt's time in which this process had a processor."""
        passed = time.monotonic() - self.started
        return min(1.0, (time.process_time() - self.started_busy) / passed) if passed > 0 else 1.0

    def begin(self, training: Training, state: dict[str, np.ndarray] | None) -> None:
        """Training is about to start, from a checkpoint's state if there is one."""
        if state is not None:
            training.restore(state)
        self.training = training
        self.started, self.started_busy = time.monotonic(), time.process_time()
        if state is not None:
            self.seconds_before = float(state["seconds"])
            self.passes = self.started_passes = training.passes
        self.say(Event.ADVANCED)

    def after(self, passes: int) -> None:
        """One pass is done. Raises Cancelled, Paused or Halted where that is requested."""
        self.passes = passes
        if self.progress and not self.in_pieces:
            self.progress(passes, self.identity.config.budget)
        now = time.monotonic()
        request = None
        if now - self.last_status >= STATUS_EVERY:
            self.last_status = now
            self.say(Event.ADVANCED)
            request = self.run.requested() or self._ended_elsewhere()
        if request or now - self.last_checkpoint >= self.checkpoint_every:
            self.checkpoint()
        if request is not None:
            raise _REQUESTS[request]

    def _ended_elsewhere(self) -> str | None:
        """For a shard: whether the run has been stopped; tells of its progress on the way."""
        if not self.in_pieces:
            return None
        if self.progress:
            going = [status for status in (part.status() for part in self.run.parts()) if status]
            passes = min(
                (status.passes for status in going if not status.ended), default=self.passes
            )
            self.progress(passes, self.identity.config.budget)
        job = self.run.status()
        stopped = job is not None and job.status in (Status.FAILED, Status.CANCELLED)
        return "halt" if stopped else None

    def checkpoint(self) -> None:
        """Keep what another process needs to go on."""
        if self.training is not None and self.training.passes:
            begin = time.monotonic()
            self._save(self.training.state())
            self.last_checkpoint = time.monotonic()
            # A large network's checkpoints must not eat the time that they protect.
            self.checkpoint_every = max(CHECKPOINT_EVERY, 250 * (self.last_checkpoint - begin))

    def _save(self, state: dict[str, Any]) -> None:
        self.journal.save_checkpoint({**state, "seconds": np.array(self.seconds)})

    def say(self, event: Event) -> None:
        """Say that the shard's training has ADVANCED, or is TRAINED, and how far it has come."""
        facts: dict[str, Any] = {
            "passes": self.passes,
            "seconds": self.seconds,
            "machine": self.machine,
            "attempts": self.attempts,
            **_this_process(),
        }
        done = self.passes - self.started_passes
        if done and event is Event.ADVANCED:
            each = (time.monotonic() - self.started) / done
            facts["seconds_left"] = each * (self.identity.config.budget - self.passes)
        self.store.tell(self.identity, event, part=self.journal, **facts)

    def end(self) -> None:
        """Training has come to its end; its last state stays, for a longer one to go on from."""
        if self.training is not None:
            if self.training.device.type == "cpu":
                self.machine |= {"busy": f"{self._busy():.2f}"}
            state, config = self.training.state(), self.identity.config
            # As much for each seed of the other shards.
            share = len(self.training.config.seeds) / len(config.seeds)
            total = sum(np.asarray(value).nbytes for value in state.values()) / share
            if leaves_an_end(config, int(total)):
                self._save(state)
            if keeps_parameters(config):
                self.journal.save_parameters(self.training.parameters())
        self.say(Event.TRAINED)

    def stop(self, event: Event, **facts: Any) -> None:
        """The run stops here, for the time being or for good; a shard says so for all of it."""
        if self.training is not None:
            self.say(Event.ADVANCED)
        if event is Event.PAUSED:
            facts["attempts"] = self.attempts - 1  # this was no failed one
        for part in self._journals():
            self.store.tell(self.identity, event, part=part, **facts)

    def interrupt(self, why: str) -> None:
        """Nothing can be written for now: the run is left as it is, and says why if it can."""
        for part in self._journals():
            with suppress(OSError):
                self.store.tell(self.identity, Event.STUCK, part=part, error=why)

    def _journals(self) -> list[Journal]:
        """That of the shard, and the run's own."""
        return [self.journal, self.run] if self.in_pieces else [self.run]


def _this_process() -> dict[str, Any]:
    return {"pid": os.getpid(), "parent": os.getppid()}


_REQUESTS = {"cancel": Cancelled, "pause": Paused, "halt": Halted}
