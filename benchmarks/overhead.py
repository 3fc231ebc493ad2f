"""What looking on costs: metrics, snapshots, journal and checkpoints as a share of training."""

from __future__ import annotations

import tempfile
import time
from collections import defaultdict
from contextlib import contextmanager
from unittest.mock import patch

from benchmarks.table import show
from ncengine.config import RunConfig
from ncengine.jobs import job
from ncengine.jobs.reporter import Reporter
from ncengine.runs.identity import identify
from ncengine.runs.journal import Journal
from ncengine.runs.store import Store
from ncengine.training.train import Training

SETTINGS = {
    "RN1, L = 5, 3 seeds": RunConfig(depth=5),
    "RN1, L = 13, 3 seeds": RunConfig(depth=13),
    "RN1, L = 34, 3 seeds": RunConfig(depth=34),
    "RN1, L = 5, 5 seeds, Adam": RunConfig(depth=5, solver="Adam", seeds=5),
    "T11, L = 5, 1 seed": RunConfig(architecture="T11", depth=5, seeds=1),
}
WATCHED = {
    "layers": (Training, "_of_layers"),
    "metrics and snapshots": (Training, "_snapshot"),
    "journal": (Journal, "append"),
    "checkpoints": (Reporter, "checkpoint"),
    "status": (Reporter, "say"),
}


@contextmanager
def stopwatch(seconds: dict[str, float]):
    """Adds up the time spent in each watched method."""

    def timed(name, method):
        def wrapper(*args, **kwargs):
            start = time.perf_counter()
            try:
                return method(*args, **kwargs)
            finally:
                seconds[name] += time.perf_counter() - start

        return wrapper

    patches = [
        patch.object(owner, method, timed(name, getattr(owner, method)))
        for name, (owner, method) in WATCHED.items()
    ]
    for one in patches:
        one.start()
    try:
        yield
    finally:
        for one in patches:
            one.stop()


def main() -> None:
    """Print the share of each part."""
    rows = []
    for title, config in SETTINGS.items():
        seconds: dict[str, float] = defaultdict(float)
        with tempfile.TemporaryDirectory() as folder, stopwatch(seconds):
            job.run_job(identify(config), Store(folder))
            whole = Store(folder).open(config).seconds
        seconds["metrics and snapshots"] -= seconds["layers"]  # which they call
        shares = [f"{seconds[name] / whole:.2%}" for name in WATCHED]
        rows.append((title, f"{whole:.1f} s", *shares, f"{sum(seconds.values()) / whole:.2%}"))
    show("Cost of looking on, as a share of training", ("run", "time", *WATCHED, "all"), rows)
