"""Reporter: says in the journal how a run goes, keeps checkpoints, and does as it is requested."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from ncengine.runs.ends import leaves_an_end
from ncengine.runs.identity import Identity
from ncengine.runs.journal import Journal
from ncengine.runs.run import Status
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
        run: the journal of the run.
        journal: that of the shard; the run's own where it is in one piece.
        identity: of the run.
        attempts: how often the run was begun since it was asked for, this time counted.
        progress: called with (passes done, budget) as it trains.
        training_is_over: whether only the result is to be written.
    """

    def __init__(
        self,
        run: Journal,
        journal: Journal,
        identity: Identity,
        attempts: int,
        progress: Progress | None,
        *,
        training_is_over: bool = False,
    ):
        self.run, self.journal, self.identity = run, journal, identity
        self.attempts, self.progress = attempts, progress
        self.in_pieces = len(run.parts()) > 1
        self.machine: dict[str, Any] = {}
        self.seconds_before, self.passes, self.started_passes = 0.0, 0, 0
        self.started, self.started_busy = time.monotonic(), time.process_time()
        self.training: Training | None = None
        self.checkpoint_every = CHECKPOINT_EVERY
        self.last_status = self.last_checkpoint = time.monotonic()
        if training_is_over:
            run.change(Status.RUNNING, error=None)
            return
        if self.in_pieces:
            journal.create(identity.as_dict())
            run.change(Status.RUNNING, attempts=attempts, error=None)
        self.say()

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
        self.say()

    def after(self, passes: int) -> None:
        """One pass is done. Raises Cancelled, Paused or Halted where that is requested."""
        self.passes = passes
        if self.progress and not self.in_pieces:
            self.progress(passes, self.identity.config.budget)
        now = time.monotonic()
        request = None
        if now - self.last_status >= STATUS_EVERY:
            self.last_status = now
            self.say()
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
            going = [one for one in (part.status() for part in self.run.parts()) if one]
            passes = min((one.passes for one in going if not one.ended), default=self.passes)
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

    def say(self, *, ended: bool = False) -> None:
        """Say how far the shard's training has come."""
        done = self.passes - self.started_passes
        left = None
        if done and not ended:
            each = (time.monotonic() - self.started) / done
            left = each * (self.identity.config.budget - self.passes)
        self.journal.change(
            Status.RUNNING,
            passes=self.passes,
            seconds=self.seconds,
            seconds_left=left,
            machine=self.machine,
            attempts=self.attempts,
            pid=os.getpid(),
            parent=os.getppid(),
            ended=ended,
            error=None,
        )

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
        self.say(ended=True)

    def stop(self, status: Status, error: str | None = None) -> None:
        """The run stops here, for the time being or for good; a shard says so for all of it."""
        if self.training is not None:
            self.say()
        changes: dict[str, Any] = {"error": error, "seconds_left": None}
        if status is Status.QUEUED:
            # It was its turn, and this was no failed attempt.
            changes |= {"queued_at": 0.0, "attempts": self.attempts - 1}
        if self.in_pieces:
            self.journal.change(status, **changes)
        self.run.change(status, **changes)

    def interrupt(self, why: str) -> None:
        """Nothing can be written for now: the run is left as it is, and says why if it can."""
        for journal in (self.journal, self.run) if self.in_pieces else (self.run,):
            with suppress(OSError):
                journal.change(Status.RUNNING, error=why, seconds_left=None)


_REQUESTS = {"cancel": Cancelled, "pause": Paused, "halt": Halted}
