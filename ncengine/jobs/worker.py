"""What goes on in a worker process: one run after another, with manners."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from pathlib import Path

from ncengine.jobs import process_memory
from ncengine.jobs.ladder import climb
from ncengine.jobs.shards import cut
from ncengine.runs.disk import told_in_words
from ncengine.runs.identity import Identity
from ncengine.runs.store import Store

logger = logging.getLogger(__name__)

WORKER_NICENESS = 10
ORPHAN_SECONDS = 1.0  # how often a worker looks whether its server is still there


def be_a_good_worker(parent: int, niceness: int = WORKER_NICENESS) -> None:
    """In a worker: give way to others; end when the parent is gone and no run is in progress.

    Args:
        parent: the process that started this one, which may be gone already.
        niceness: how far to give way.
    """
    # Ctrl-C reaches this process too, at any moment, even amid garbage collection. It is for who
    # started this process, hears it as well, asks for a checkpoint, and ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Whoever watches comes first: the browser and the server need little, but need it soon.
    os.nice(niceness)

    def watch() -> None:
        while os.getppid() == parent or _busy.locked():
            time.sleep(ORPHAN_SECONDS)
        os._exit(0)

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()


def be_a_helper(parent: int) -> None:
    """In a process that helps another for a while, as much in a hurry as that one, which tells."""
    be_a_good_worker(parent, niceness=0)
    logging.getLogger("ncengine").addHandler(logging.NullHandler())


def be_a_ready_worker(parent: int) -> None:
    """In a worker that waits for runs: manners, and all loaded that training needs."""
    be_a_good_worker(parent)
    try:
        from ncengine.jobs import job  # noqa: F401

        process_memory.rehearse()
        process_memory.remember()
    except Exception:
        logger.warning("a worker could not rehearse; a run will tell why", exc_info=True)


# Held by a worker while it trains.
_busy = threading.Lock()


def run_in_worker(identity: Identity, root: str, workers: int, start: float) -> None:
    """What a worker process is asked to do with one run of the cache folder `root`.

    Args:
        identity: of the run.
        root: the cache folder.
        workers: how many processes were asked for it.
        start: what each of them costs, see `shards.cut`.

    Raises:
        NoRoom: nothing can be written to the cache.
    """
    from ncengine.jobs.job import run_job
    from ncengine.training.device import one_thread, pick_device

    one_thread()
    with _busy:
        try:
            device = pick_device().type
        except ValueError:
            device = "cpu"  # training says what is wrong with it
        with told_in_words(Path(root)):
            store = Store(root)

            def train(rung: Identity) -> None:
                run_job(rung, store, shards=cut(rung.config, workers, start, device))

            if climb(store, identity, train):
                train(identity)


def device_of_worker() -> str:
    """The device on which a worker computes, for a reader."""
    from ncengine.training.device import describe, pick_device

    return describe(pick_device())
