"""Reporter: says in the journal how a run goes, keeps checkpoints, and obeys wishes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

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


class Reporter:
    """Stands between a training and whoever looks on.

    Args:
        journal: of the run.
        identity: of the run.
        attempts: how often it was begun since it was asked for, this time counted.
        progress: called with (passes done, budget) as it trains.
    """

    def __init__(
        self, journal: Journal, identity: Identity, attempts: int, progress: Progress | None
    ):
        self.journal, self.identity = journal, identity
        self.attempts, self.progress = attempts, progress
        self.machine: dict[str, Any] = {}
        self.seconds_before, self.passes, self.started_passes = 0.0, 0, 0
        self.started = time.monotonic()
        self.training: Training | None = None
        self.checkpoint_every = CHECKPOINT_EVERY
        self.last_status = self.last_checkpoint = time.monotonic()
        if not journal.exists:
            journal.create(identity.as_dict())
        self.say(Status.RUNNING)

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
        }

    def begin(self, training: Training, state: dict[str, np.ndarray] | None) -> None:
        """Training is about to start, from a checkpoint's state if there is one."""
        if state is not None:
            training.restore(state)
        self.training = training
        self.started = time.monotonic()
        if state is not None:
            self.seconds_before = float(state["seconds"])
            self.passes = self.started_passes = training.passes
        self.say(Status.RUNNING)

    def after(self, passes: int) -> None:
        """One pass is done. Raises Cancelled or Paused where that is wished."""
        self.passes = passes
        if self.progress:
            self.progress(passes, self.identity.config.epochs)
        now = time.monotonic()
        wish = None
        if now - self.last_status >= STATUS_EVERY:
            self.last_status = now
            self.say(Status.RUNNING)
            wish = self.journal.wished()
        if wish or now - self.last_checkpoint >= self.checkpoint_every:
            self.checkpoint()
        if wish == "cancel":
            raise Cancelled
        if wish == "pause":
            raise Paused

    def checkpoint(self) -> None:
        """Keep what another process needs to go on."""
        if self.training is not None and self.training.passes:
            state = {**self.training.state(), "seconds": np.array(self.seconds)}
            begin = time.monotonic()
            self.journal.save_checkpoint(state)
            self.last_checkpoint = time.monotonic()
            # A large network's checkpoints must not eat the time that they protect.
            self.checkpoint_every = max(CHECKPOINT_EVERY, 250 * (self.last_checkpoint - begin))

    def say(self, status: Status, *, error: str | None = None) -> None:
        """Say how the run stands."""
        done = self.passes - self.started_passes
        left = None
        if done and status is Status.RUNNING:
            each = (time.monotonic() - self.started) / done
            left = each * (self.identity.config.epochs - self.passes)
        self.journal.change(
            status,
            passes=self.passes,
            seconds=self.seconds,
            seconds_left=left,
            machine=self.machine,
            attempts=self.attempts,
            pid=os.getpid(),
            parent=os.getppid(),
            error=error,
        )
