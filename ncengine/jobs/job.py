"""What a worker process does with one configuration: train it, and keep its journal."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import torch

from ncengine.config import RunConfig
from ncengine.costs.memory import too_large
from ncengine.datasets import DatasetError, load
from ncengine.runs.assemble import stack_curves, stack_geometry
from ncengine.runs.journal import Journal
from ncengine.runs.run import Status
from ncengine.runs.store import Store
from ncengine.snapshots.names import GEOMETRY, SHOWN
from ncengine.training.device import describe, host, memory_of, pick_device
from ncengine.training.train import Training
from ncengine.version import ENGINE_VERSION

logger = logging.getLogger(__name__)

STATUS_EVERY = 0.4  # seconds
CHECKPOINT_EVERY = 5.0

# What can go wrong without a fault of the program; the message says all.
EXPECTED = (DatasetError, ValueError, OSError)

Progress = Callable[[int, int], None]


class Cancelled(Exception):
    """Somebody asked that the run stop; its checkpoint is written."""


class Paused(Exception):
    """The server is going down; the run goes on when one is up again."""


def run_job(
    config_json: str, root: str, progress: Progress | None = None, *, in_worker: bool = False
) -> None:
    """Bring one configuration to its end, unless it is there, or another process is at it.

    How it went is said in the journal; nothing is raised but KeyboardInterrupt. That one
    stops a run of a terminal as Stop does; a worker's is taken up by the next server.
    """
    store = Store(root)
    config = RunConfig(**json.loads(config_json))
    journal = store.journal(config)
    with store.lock(config) as mine:
        if not mine:
            return
        if store.has_result(config):
            store.settle(config)
            return
        said, wish = journal.status(), journal.wished()
        if wish == "cancel":
            journal.set_status(**{**said, "status": str(Status.CANCELLED)})
        if wish:
            return
        attempts = int(said.get("attempts", 0)) + 1
        report = _Reporter(journal, config, attempts, progress)
        try:
            _compute(store, config, report)
        except Cancelled:
            report.say(Status.CANCELLED)
        except Paused:
            journal.wish(None)
            report.say(Status.QUEUED, queued_at=0.0, attempts=attempts - 1)
        except KeyboardInterrupt:
            report.say(Status.INTERRUPTED if in_worker else Status.CANCELLED)
            raise
        except EXPECTED as error:
            logger.error("run %s failed: %s", config.key, _one_line(error))
            report.say(Status.FAILED, error=_one_line(error))
        except Exception as error:
            logger.exception("run %s failed", config.key)
            report.say(Status.FAILED, error=f"{type(error).__name__}: {_one_line(error)}")


def _compute(store: Store, config: RunConfig, report: _Reporter) -> None:
    _active[config.key] = report
    try:
        store.compute(config)
    finally:
        del _active[config.key]
    # joblib only warns where it cannot write, and the journal is all there is then.
    if not store.has_result(config):
        raise OSError(f"the result could not be written to {store.root}; is the disk full?")
    store.settle(config)


# The cached function takes only what names the result; what its run reports to comes this way.
_active: dict[str, _Reporter] = {}


def train_to_end(config_json: str, root: str) -> dict[str, np.ndarray]:
    """Train a configuration from its checkpoint, if any, to the end, keeping its journal.

    Returns:
        The arrays of `results.stack_curves` and, prefixed "geometry_", of `runs.Geometry`;
        "diverged" (R,), "passes", "seconds"; "machine" and "config", JSON text.
    """
    config = RunConfig(**json.loads(config_json))
    store = Store(root)
    report = _active.get(config.key) or _Reporter(store.journal(config), config, 1, None)
    journal = report.journal
    journal.create(config.model_dump(mode="json"))
    training = _resumed(config, report)
    for step in training.steps():
        if step.snapshot is not None:
            journal.append(step.snapshot)
        report.after(step.passes)
    snapshots, _ = journal.read()
    if not snapshots or int(snapshots[-1]["epoch"]) != training.passes:
        journal.drop_snapshots()
        raise OSError(f"the journal in {journal.folder} was damaged; train again")
    geometry = stack_geometry(snapshots, config)
    names = ("epoch", *GEOMETRY, *SHOWN)
    return {
        **stack_curves(snapshots),
        **{f"geometry_{name}": getattr(geometry, name) for name in names},
        "diverged": training.diverged.copy(),
        "passes": np.array(training.passes),
        "seconds": np.array(report.seconds),
        "machine": np.array(json.dumps(report.machine)),
        "config": np.array(config_json),
    }


def _resumed(config: RunConfig, report: _Reporter) -> Training:
    """The training, where its last checkpoint left it; from the start without a usable one."""
    device = pick_device()
    if reason := too_large(config, memory_of(device)):
        raise ValueError(reason)
    data = load(config)
    report.machine = _machine(device)
    state = report.journal.resume()
    if state is not None:
        try:
            training = Training(config, data, device)
            report.begin(training, state)
            return training
        except (KeyError, ValueError, TypeError, RuntimeError) as error:
            logger.warning("a checkpoint of %s does not fit and was dropped: %s", config.key, error)
            report.journal.drop_snapshots()
    training = Training(config, data, device)
    report.begin(training, None)
    return training


@dataclass
class _Reporter:
    """Says in the journal how the run goes, keeps checkpoints, and obeys wishes."""

    journal: Journal
    config: RunConfig
    attempts: int
    progress: Progress | None

    def __post_init__(self) -> None:
        self.machine: dict[str, Any] = {}
        self.seconds_before, self.passes, self.started_passes = 0.0, 0, 0
        self.started = time.monotonic()
        self.training: Training | None = None
        self.checkpoint_every = CHECKPOINT_EVERY
        self.last_status = self.last_checkpoint = time.monotonic()
        if not self.journal.exists:
            self.journal.create(self.config.model_dump(mode="json"))
        self.say(Status.RUNNING)

    @property
    def seconds(self) -> float:
        """Seconds of computing, of earlier attempts too."""
        return self.seconds_before + time.monotonic() - self.started

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
        """One pass is done."""
        self.passes = passes
        if self.progress:
            self.progress(passes, self.config.epochs)
        now = time.monotonic()
        wish = None
        if now - self.last_status >= STATUS_EVERY:
            self.last_status = now
            self.say(Status.RUNNING)
            wish = self.journal.wished()
        if wish or now - self.last_checkpoint >= self.checkpoint_every:
            self.checkpoint()
        _obey(wish)

    def checkpoint(self) -> None:
        """Keep what another process needs to go on."""
        if self.training is not None and self.training.passes:
            state = {**self.training.state(), "seconds": np.array(self.seconds)}
            begin = time.monotonic()
            self.journal.save_checkpoint(state)
            self.last_checkpoint = time.monotonic()
            # A large network's checkpoints must not eat the time that they protect.
            self.checkpoint_every = max(CHECKPOINT_EVERY, 250 * (self.last_checkpoint - begin))

    def say(self, status: Status, **more: Any) -> None:
        """Write the status."""
        done = self.passes - self.started_passes
        left = None
        if done and status is Status.RUNNING:
            each = (time.monotonic() - self.started) / done
            left = each * (self.config.epochs - self.passes)
        self.journal.set_status(
            **{
                "status": str(status),
                "passes": self.passes,
                "seconds": self.seconds,
                "seconds_left": left,
                "machine": self.machine,
                "attempts": self.attempts,
                "pid": os.getpid(),
                "parent": os.getppid(),
                **more,
            }
        )


def _obey(wish: str | None) -> None:
    if wish == "cancel":
        raise Cancelled
    if wish == "pause":
        raise Paused


def _machine(device: torch.device) -> dict[str, Any]:
    return {
        "device": describe(device),
        "host": host(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": ENGINE_VERSION,
    }


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or "no further message"
