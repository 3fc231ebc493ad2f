"""What several tests share: a small data set to download, an address without a server, workers."""

import hashlib
import socket
import time
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from types import MappingProxyType

import numpy as np
import pytest
from joblib.externals.loky import ProcessPoolExecutor, get_reusable_executor

from ncengine.catalogue import datasets as catalogue
from ncengine.config import RunConfig
from ncengine.jobs import executors, queue
from ncengine.jobs.foreground import run as train
from ncengine.runs.gallery import Gallery
from ncengine.runs.store import Store
from ncengine.runs.whole import save
from tests.engine import processes

CONTENT = {
    "first.gz": np.random.default_rng(0).bytes(300_000),
    "second.gz": np.random.default_rng(1).bytes(1_000),
}
# A run that is taken along, small enough to be damaged a thousand times.
SMALL = RunConfig(classes=3, samples_per_class=8, width=6, depth=3, epochs=30, seeds=2)


@contextmanager
def dead():
    """An address at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """A catalogue with one small data set of two files, and an empty folder for it."""
    remote = tuple(
        catalogue.RemoteFile(name, hashlib.sha256(content).hexdigest(), len(content))
        for name, content in CONTENT.items()
    )
    small = replace(
        catalogue.DATASETS["mnist"], name="small", title="Small", files=remote, base_urls=()
    )
    known = MappingProxyType({**catalogue.DATASETS, "small": small})
    monkeypatch.setattr(catalogue, "DATASETS", known)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("NCENGINE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "data").mkdir()
    return tmp_path / "data" / "small"


@pytest.fixture
def mirrors(monkeypatch):
    return lambda *urls: monkeypatch.setenv("NCENGINE_MIRROR_SMALL", " ".join(urls))


@pytest.fixture
def kept_workers(monkeypatch):
    """Workers that have nothing to do outlive a queue that is closed, and serve the next test's."""

    def end(workers):
        deadline, waiting = time.monotonic() + 5, executors.local_executor(workers)
        while waiting._pending_work_items and time.monotonic() < deadline:
            time.sleep(0.02)
        if waiting._pending_work_items:
            executors.end_workers(workers)

    monkeypatch.setattr(queue, "end_workers", end)


@pytest.fixture(autouse=True)
def _pools_ready_at_once(monkeypatch):
    """Workers and helpers begin without loading torch anew; those of a command line load it."""

    def reusable(max_workers, **options):
        return processes.pool(get_reusable_executor, max_workers, **options)

    monkeypatch.setattr(executors, "get_reusable_executor", reusable)
    monkeypatch.setattr(
        executors, "ProcessPoolExecutor", partial(processes.pool, ProcessPoolExecutor)
    )


class _KeptPool:
    """A pool of processes that outlives who asked for it, unless it has been left with work."""

    _pools: dict = {}

    def __init__(self, count, **options):
        self.count = count
        if count not in self._pools:
            self._pools[count] = processes.pool(ProcessPoolExecutor, count, **options)

    def submit(self, function, *arguments):
        return self._pools[self.count].submit(function, *arguments)

    def __getattr__(self, name):
        return getattr(self._pools[self.count], name)

    def shutdown(self, **how):
        if self._pools[self.count]._pending_work_items:
            self._pools.pop(self.count).shutdown(**how)


@pytest.fixture
def kept_helpers(monkeypatch):
    """Helpers with nothing to do serve the next test's sweeps, and hear none of its variables."""
    monkeypatch.setattr(executors, "ProcessPoolExecutor", _KeptPool)


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """`SMALL` as it was trained; read, and never changed, by several files of tests."""
    return train(SMALL, store=Store(tmp_path_factory.mktemp("trained"), Gallery(None)))


@pytest.fixture(scope="session")
def content(trained, tmp_path_factory):
    """The bytes of its file."""
    return save(trained, tmp_path_factory.mktemp("whole") / "run.npz").read_bytes()
