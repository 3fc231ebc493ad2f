"""What a process does with one run: train it, and keep its journal."""

from __future__ import annotations

import json
import logging

import numpy as np

from ncengine.costs.memory import too_large
from ncengine.datasets import DatasetError, load
from ncengine.jobs.listing import file_away
from ncengine.jobs.reporter import Cancelled, Paused, Progress, Reporter
from ncengine.runs.assemble import stack_curves, stack_geometry
from ncengine.runs.identity import Identity, identify
from ncengine.runs.run import Status
from ncengine.runs.store import Store
from ncengine.snapshots.names import GEOMETRY, SHOWN, Arrays
from ncengine.training.device import memory_of, pick_device
from ncengine.training.train import Training

logger = logging.getLogger(__name__)

# What can go wrong without a fault of the program; the message says all.
EXPECTED = (DatasetError, ValueError, OSError)


def run_job(
    identity: Identity, store: Store, progress: Progress | None = None, *, in_worker: bool = False
) -> None:
    """Bring one run to its end, unless it is there, or another process is at it.

    How it went is said in the journal; nothing is raised but KeyboardInterrupt. That one
    stops a run of a terminal as Stop does; a worker's is taken up by the next server.
    """
    journal = store.journal(identity)
    with store.lock(identity) as mine:
        if not mine or file_away(store, identity):
            return
        wish, before = journal.wished(), journal.status()
        if wish == "cancel":
            journal.change(Status.CANCELLED)
        if wish:
            return
        attempts = before.attempts if before else 0
        report = Reporter(journal, identity, attempts + 1, progress)
        try:
            _compute(store, identity, report)
        except Cancelled:
            report.say(Status.CANCELLED)
        except Paused:
            journal.wish(None)
            report.say(Status.QUEUED)
            # It was its turn, and this was no failed attempt.
            journal.change(Status.QUEUED, queued_at=0.0, attempts=attempts)
        except KeyboardInterrupt:
            report.say(Status.INTERRUPTED if in_worker else Status.CANCELLED)
            raise
        except EXPECTED as error:
            logger.error("run %s failed: %s", identity.key, _one_line(error))
            report.say(Status.FAILED, error=_one_line(error))
        except Exception as error:
            logger.exception("run %s failed", identity.key)
            report.say(Status.FAILED, error=f"{type(error).__name__}: {_one_line(error)}")


def _compute(store: Store, identity: Identity, report: Reporter) -> None:
    here = identify(identity.config)
    if here != identity:
        raise ValueError(
            f"this run was asked for of engine version {identity.engine_version} and the data "
            f"“{identity.data_checksum}”, but here are version {here.engine_version} and "
            f"“{here.data_checksum}”"
        )
    store.results.compute(identity, lambda: train_to_end(identity, report))
    # joblib only warns where it cannot write, and the journal is all there is then.
    if not file_away(store, identity):
        raise OSError(f"the result could not be written to {store.root}; is the disk full?")


def train_to_end(identity: Identity, report: Reporter) -> Arrays:
    """Train a run from its checkpoint, if any, to the end, keeping its journal.

    Returns:
        The arrays of `assemble.stack_curves` and, prefixed "geometry_", of `Geometry`;
        "diverged" (R,), "passes", "seconds"; "machine" and "config", JSON text.
    """
    journal = report.journal
    journal.create(identity.as_dict())
    training = _resumed(identity, report)
    for step in training.steps():
        if step.snapshot is not None:
            journal.append(step.snapshot)
        report.after(step.passes)
    snapshots, _ = journal.read()
    if not snapshots or int(snapshots[-1]["epoch"]) != training.passes:
        journal.drop_snapshots()
        raise OSError(f"the journal in {journal.folder} was damaged; train again")
    geometry = stack_geometry(snapshots, identity.config)
    names = ("epoch", *GEOMETRY, *SHOWN)
    return {
        **stack_curves(snapshots),
        **{f"geometry_{name}": getattr(geometry, name) for name in names},
        "diverged": training.diverged.copy(),
        "passes": np.array(training.passes),
        "seconds": np.array(report.seconds),
        "machine": np.array(json.dumps(report.machine)),
        "config": np.array(identity.config_json),
    }


def _resumed(identity: Identity, report: Reporter) -> Training:
    """The training, where its last checkpoint left it; from the start without a usable one."""
    config = identity.config
    device = pick_device()
    if reason := too_large(config, memory_of(device)):
        raise ValueError(reason)
    data = load(config)
    report.computes_on(device)
    state = report.journal.resume()
    if state is not None:
        try:
            training = Training(config, data, device)
            report.begin(training, state)
            return training
        except (KeyError, ValueError, TypeError, RuntimeError) as error:
            logger.warning(
                "a checkpoint of %s does not fit and was dropped: %s", identity.key, error
            )
            report.journal.drop_snapshots()
    training = Training(config, data, device)
    report.begin(training, None)
    return training


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or "no further message"
