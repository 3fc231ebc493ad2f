"""What a process does with a run: train what of it nobody trains yet, and keep its journal."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial

import numpy as np

from ncengine.config import RunConfig
from ncengine.costs.memory import device_memory_needed, memory_needed, too_large
from ncengine.datasets import DatasetError, load
from ncengine.jobs.ending import file_away, write_result
from ncengine.jobs.process_memory import process_bytes
from ncengine.jobs.reporter import Cancelled, Halted, Paused, Progress, Reporter
from ncengine.reasons import reason
from ncengine.runs.disk import NoRoom, told_in_words, why_not
from ncengine.runs.identity import Identity, differs_here
from ncengine.runs.job_status import lives
from ncengine.runs.journal import Journal
from ncengine.runs.life import Event
from ncengine.runs.run import Status
from ncengine.runs.store import Store
from ncengine.snapshots.measure import as_planned
from ncengine.snapshots.names import Arrays
from ncengine.snapshots.plan import layer_passes, snapshot_passes
from ncengine.training.device import memory_of, pick_device
from ncengine.training.train import Training, is_over

logger = logging.getLogger(__name__)

# What can go wrong without a fault of the program; the message says all.
EXPECTED = (DatasetError, ValueError, OSError)

Shards = list[tuple[int, ...]]


def run_job(
    identity: Identity,
    store: Store,
    progress: Progress | None = None,
    *,
    shards: Shards | None = None,
) -> None:
    """Work on a run until nothing of it is left to take up; whoever comes last writes the result.

    Any number of processes may do this with the same run: each takes shards that no other trains.
    How it went is said in the journal; nothing is raised but KeyboardInterrupt, which stops the
    run as Stop does, and what keeps anything from being said in a journal.

    Args:
        identity: of the run.
        store: where its journal and result are kept.
        progress: called with (passes done, budget) as it trains.
        shards: how the run is cut if that is not decided yet; by default it stays in one piece.

    Raises:
        NoRoom: nothing can be written to the cache. The run is left as it is.
    """
    with told_in_words(store.root):
        _work_on(identity, store, progress, shards)


def _work_on(
    identity: Identity, store: Store, progress: Progress | None, shards: Shards | None
) -> None:
    journal = store.journal(identity)
    if journal.requested() == "cancel":
        store.tell(identity, Event.WITHDRAWN)  # who trains a part of it stops, and says so, itself
    with store.lock(identity) as mine:
        attempts = _begin(identity, store, shards) if mine else None
    if attempts is None:
        return
    train = partial(_train_what_is_free, identity, store, attempts, progress)
    # Again and again until nothing is left: another process may die and leave its shard.
    while True:
        # First the shards that nobody trains; only then wait for one that somebody trains.
        ended = train(patience=0.0) or train(patience=1.0)
        if not ended:
            break
        if False in ended:
            return
    with store.lock(identity) as mine:
        if mine and all(map(_has_ended, journal.parts())) and not store.results.has(identity):
            report = Reporter(store, identity, journal, attempts)
            _go_through(report, store, partial(write_result, store, identity, journal))


def _begin(identity: Identity, store: Store, shards: Shards | None) -> int | None:
    """Decide how the run is cut; gives which attempt this is, or None where there is no work."""
    if file_away(store, identity):
        return None
    journal = store.journal(identity)
    if store.results.has(identity):
        # It is there, and cannot be shown: to train it once more would not change that.
        error = store.open(identity, shipped=False).error
        store.tell(identity, Event.UNREADABLE, error=error)
        return None
    before = journal.status()
    if journal.requested():
        return None
    if journal.shards() is None:
        end = store.ends.before(identity)
        decided = (end and end.shards()) or shards or [identity.config.seeds]
        journal.create({**identity.as_dict(), "shards": decided})
        if end is not None:
            try:
                _take_over(end, journal, identity)
            except OSError:
                with suppress(OSError):  # a full disk; with room again it is taken over then
                    journal.create(identity.as_dict())
                raise
    if before is None:
        return 1
    return before.attempts + (before.status is not Status.RUNNING)


def _take_over(end: Journal, journal: Journal, identity: Identity) -> None:
    """Have a run begin where a shorter one ended: its snapshots and checkpoints, shard by shard.

    A shard of which something is damaged begins anew.

    Args:
        end: the journal of the shorter run, see `runs.ends`.
        journal: of the longer one, cut into the same shards, and nothing in it yet.
        identity: of the longer one.
    """
    for old, new in zip(end.parts(), journal.parts(), strict=True):
        state = old.resume()
        if state is None:
            continue
        if new.folder != journal.folder:
            new.create(identity.as_dict())
        for snapshot in _as_planned(old.read()[0], identity.config, is_over(state)):
            new.append(snapshot)
        new.save_checkpoint(state)


def _as_planned(snapshots: Sequence[Arrays], config: RunConfig, over: bool) -> Iterator[Arrays]:
    """Those snapshots, as a training of that configuration takes them.

    The shorter training took one at its last pass, which for the longer one is a pass like any
    other, unless training was over by then.
    """
    metrics, geometry = snapshot_passes(config.budget)
    means, features = layer_passes(config)
    for snapshot in snapshots:
        passes = int(snapshot["epoch"])
        if over and snapshot is snapshots[-1]:
            yield snapshot
        elif passes in metrics:
            yield as_planned(
                snapshot,
                geometry=passes in geometry,
                means=passes in means,
                features=passes in features,
            )


def _train_what_is_free(
    identity: Identity,
    store: Store,
    attempts: int,
    progress: Progress | None,
    *,
    patience: float,
) -> list[bool]:
    """Train each shard that nobody trains, up to one that stops; gives which came to their end.

    It waits `patience` seconds for a lock, which somebody may hold only to look; who trains a shard
    holds its lock for longer.
    """
    journal, ended = store.journal(identity), []
    for number, (part, seeds) in enumerate(
        zip(journal.parts(), journal.shards() or (), strict=True)
    ):
        if patience and _is_trained(part):
            continue
        with store.lock(identity, number, patience) as mine:
            # Whoever held the lock before may have finished the run, and its journal may be gone.
            if mine and not _has_ended(part) and not store.results.has(identity):
                report = Reporter(store, identity, part, attempts, progress)
                ended.append(_go_through(report, store, partial(_train, report, store, seeds)))
        if False in ended:
            break
    return ended


def _go_through(report: Reporter, store: Store, work: Callable[[], None]) -> bool:
    """Do the work and say in the journal how it ended; gives whether it came to its end.

    Raises:
        NoRoom: nothing can be written. The run says so if it can, and is left as it is.
    """
    try:
        with told_in_words(store.root):
            return _done(report, store, work)
    except NoRoom as error:
        report.interrupt(error.why)
        raise


def _done(report: Reporter, store: Store, work: Callable[[], None]) -> bool:
    key = report.identity.key
    try:
        work()
        return True
    except Halted:
        pass  # another process has said why
    except Cancelled:
        report.stop(Event.STOPPED)
    except Paused:
        report.stop(Event.PAUSED)
    except KeyboardInterrupt:
        with suppress(OSError):  # who is stopped is not kept by a full disk
            report.stop(Event.STOPPED)
        raise
    except EXPECTED as error:
        if isinstance(error, OSError) and why_not(error, store.root):
            raise
        logger.error("run %s failed: %s", key, reason(error))
        report.stop(Event.BROKEN, error=reason(error))
    except Exception as error:
        logger.exception("run %s failed", key)
        report.stop(Event.BROKEN, error=f"{type(error).__name__}: {reason(error)}")
    return False


def _is_trained(part: Journal) -> bool:
    """Whether a living process says that it trains the part: not one that just looks at it."""
    status = part.status()
    return status is not None and status.status is Status.RUNNING and lives(status.pid)


def _has_ended(part: Journal) -> bool:
    status = part.status()
    return status is not None and status.ended


def _train(report: Reporter, store: Store, seeds: tuple[int, ...]) -> None:
    """Train one shard from its checkpoint, if any, to the end, keeping its journal."""
    if reason := differs_here(report.identity):
        raise ValueError(reason)
    journal = report.journal
    training = _resumed(report, seeds, _of_origin(store, report.identity, seeds))
    for step in training.steps():
        if step.snapshot is not None:
            journal.append(step.snapshot)
        report.after(step.passes)
    report.end()


def _resumed(report: Reporter, seeds: tuple[int, ...], origin: np.ndarray | None) -> Training:
    """The training, where its last checkpoint left it; from the start without a usable one."""
    config = report.identity.config
    device = pick_device()
    processes = len(report.run.shards() or [seeds])
    on_device = device.type != "cpu"
    if on_device:
        needed = device_memory_needed(config)
    else:
        needed = memory_needed(config, process_bytes(), processes)
    if reason := too_large(config, memory_of(device), needed):
        raise ValueError(reason)
    data = load(config)
    make = partial(Training, config, data, device, seeds, origin)
    report.computes_on(device)
    state = report.journal.resume()
    if state is not None:
        try:
            training = make()
            report.begin(training, state)
            return training
        except (KeyError, ValueError, TypeError, RuntimeError) as error:
            key = report.identity.key
            logger.warning("a checkpoint of %s does not fit and was dropped: %s", key, error)
            report.journal.drop_snapshots()
    training = make()
    report.begin(training, None)
    return training


def _of_origin(store: Store, identity: Identity, seeds: tuple[int, ...]) -> np.ndarray | None:
    """(R, P) parameters of the run from which these seeds start; None where they start anew."""
    origin = identity.origin
    if origin is None:
        return None
    if not store.results.has(origin):
        raise ValueError(f"the run that it starts from is not there: {origin.config.title()}")
    parameters = store.results.load(origin).get("last_parameters")
    if parameters is None:
        raise ValueError(
            f"the run that it starts from kept no parameters: {origin.config.title()}. Remove that "
            "run, and it is trained anew"
        )
    return parameters[[origin.config.seeds.index(seed) for seed in seeds]]
