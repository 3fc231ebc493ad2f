"""What goes on in a worker process: one run after another, with manners."""

from __future__ import annotations

import os
import threading
import time

from ncengine.runs.identity import Identity
from ncengine.runs.store import Store

WORKER_NICENESS = 10
ORPHAN_SECONDS = 1.0  # how often a worker looks whether its server is still there


def be_a_good_worker() -> None:
    """In a worker: give way to others; end when the server is gone and no run is in progress."""
    parent = os.getppid()
    # Whoever looks on comes first: the browser and the server take little, but want it soon.
    os.nice(WORKER_NICENESS)

    def watch() -> None:
        while os.getppid() == parent or _busy.locked():
            time.sleep(ORPHAN_SECONDS)
        os._exit(0)

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()


# Held by a worker while it trains.
_busy = threading.Lock()


def run_in_worker(identity: Identity, root: str) -> None:
    """What a worker process is asked to do with one run of the cache folder `root`."""
    from ncengine.jobs.job import run_job
    from ncengine.training.device import leave_a_core

    leave_a_core()
    with _busy:
        run_job(identity, Store(root), in_worker=True)


def device_of_worker() -> str:
    """The device on which a worker computes, for a reader."""
    from ncengine.training.device import describe, leave_a_core, pick_device

    leave_a_core()
    return describe(pick_device())
