"""A Dask cluster in processes of its own: what it is asked for, what dies, what is not shared."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partialmethod
from importlib import import_module
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np
import pytest

import ncengine
from ncengine.config import RunConfig, grid
from ncengine.jobs import cluster as jobs_cluster
from ncengine.jobs.cluster import run_on_cluster, scheduler
from ncengine.jobs.queue import JobQueue
from ncengine.runs.identity import Identity, identify
from ncengine.runs.run import Status
from ncengine.runs.store import Store
from tests.engine.processes import start

distributed = pytest.importorskip("distributed", reason="the extra [cluster] is not installed")

BASE = RunConfig(classes=3, samples_per_class=20, width=16, epochs=120, solver="Adam", seeds=2)
# The last goes on for long enough to be caught at it, on a fast machine too.
CONFIGS = [*grid(BASE, depth=[2, 3, 5]), BASE.with_(depth=8, epochs=500)]

# For so many seconds a worker that ends waits for what it has begun, where this variable says it.
WAITS = "TEST_WORKER_WAITS"


class Cluster:
    """A scheduler and workers, each in a process of its own."""

    def __init__(self, folder: Path):
        self.folder, self.workers = folder, []
        file = folder / "scheduler.json"
        options = ("--port", "0", "--no-dashboard", "--scheduler-file", str(file))
        self.scheduler = start(_run_dask, "scheduler", options, folder / "scheduler.log")
        wait(file.exists)
        self.address = json.loads(file.read_text())["address"]

    def worker(self, **environment: str) -> BaseProcess:
        options = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--death-timeout", "60")
        name = f"worker-{len(list(self.folder.iterdir()))}"
        local = ("--local-directory", str(self.folder / name))
        log = self.folder / f"{name}.log"
        found = start(_run_dask, "worker", (self.address, *options, *local), log, **environment)
        self.workers.append(found)
        return found

    def wait_for_workers(self) -> None:
        """Until all that were started take part."""
        with distributed.Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(len(self.workers), timeout=120)

    def end_workers(self) -> None:
        """End them, and wait until the scheduler has heard of it."""
        for process in self.workers:
            process.kill()
            process.join()
        self.workers.clear()
        with distributed.Client(self.address, set_as_default=False) as client:
            wait(lambda: not client.scheduler_info()["workers"])


def _run_dask(what: str, options: tuple[str, ...], log: Path) -> None:
    with log.open("wb") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    if waits := os.environ.get(WAITS):
        distributed.Worker.close = partialmethod(distributed.Worker.close, timeout=float(waits))
    import_module(f"distributed.cli.dask_{what}").main(options)


def wait(happened, seconds=180):
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture(scope="module")
def whole_cluster(tmp_path_factory) -> Iterator[Cluster]:
    found = Cluster(tmp_path_factory.mktemp("cluster"))
    yield found
    found.scheduler.kill()


@pytest.fixture
def cluster(whole_cluster, monkeypatch) -> Iterator[Cluster]:
    """One that has no workers yet."""
    monkeypatch.setenv("NCENGINE_SCHEDULER", whole_cluster.address)
    yield whole_cluster
    whole_cluster.end_workers()


@pytest.fixture(scope="module")
def expected(tmp_path_factory) -> dict:
    """What the runs come to without a cluster, by depth."""
    table = ncengine.sweep(CONFIGS, 2, store=Store(tmp_path_factory.mktemp("alone")))
    return {depth: rows["loss"].to_numpy() for depth, rows in table.groupby("depth")}


def assert_is(table, expected):
    for depth, losses in expected.items():
        np.testing.assert_array_equal(table[table["depth"] == depth]["loss"], losses)


def test_a_killed_worker_loses_nothing_and_nothing_is_computed_twice(cluster, tmp_path, expected):
    store = Store(tmp_path / "cache")
    workers = [cluster.worker(), cluster.worker()]
    written, killed = {}, []

    def kill_one(progress):
        results = {p: p.stat().st_mtime for p in (store.root / "results").rglob("output.pkl")}
        for path, changed in results.items():
            # What is finished stays as it is.
            assert written.setdefault(path, changed) == changed
        pids = {worker.pid for worker in workers}
        for _, journal in store.journals():
            for part in journal.parts():
                status = part.status()
                # Live: its journal lies in the cache of who asked.
                if not killed and written and status and status.pid in pids and status.passes > 20:
                    os.kill(status.pid, signal.SIGKILL)
                    killed.append(status.pid)

    ended = []
    table = ncengine.sweep(CONFIGS, progress=kill_one, store=store, on_end=ended.append)
    assert killed
    assert sorted(run.config.depth for run in ended) == [2, 3, 5, 8]
    assert all(run.status is Status.DONE for run in ended)
    assert_is(table, expected)
    assert not list((store.root / "cluster").iterdir())


def test_where_the_cache_is_not_shared_results_come_back(cluster, tmp_path, expected, monkeypatch):
    # A worker on another machine finds nothing under the path of who asks; here, the token is
    # not found in the folder that the path leads to.
    monkeypatch.setattr("ncengine.jobs.cluster.TOKENS", "elsewhere")
    store = Store(tmp_path / "cache")
    own = [str(tmp_path / f"own-{n}") for n in range(2)]
    for folder in own:
        cluster.worker(NCENGINE_CACHE=folder)
    table = ncengine.sweep(CONFIGS, store=store)
    assert_is(table, expected)
    for config in CONFIGS:
        assert store.open(config).status is Status.DONE
        assert not store.journal(config).exists
        # Each was computed by one of them.
        assert sum(Store(folder).results.has(identify(config)) for folder in own) == 1
    assert len(store.list()) == 4


def test_the_app_asks_the_cluster_too(cluster, tmp_path):
    cluster.worker()
    queue = JobQueue(Store(tmp_path / "cache"))
    try:
        assert cluster.address in queue.device()
        queue.submit_all(CONFIGS[:2])
        wait(lambda: all(queue.store.open(c).status is Status.DONE for c in CONFIGS[:2]))
    finally:
        queue.close()


def test_a_worker_with_other_data_refuses_and_another_does_it(cluster, tmp_path, monkeypatch):
    from .originals import original

    folder = original("mnist", "train-images-idx3-ubyte.gz")
    if folder is None:
        pytest.skip("no original MNIST files here; NC_TEST_DATA names their folder")
    monkeypatch.setenv("NCENGINE_DATA", str(tmp_path / "none"))
    cluster.worker()
    monkeypatch.setenv("NCENGINE_DATA", str(folder.parent))
    cluster.worker()
    cluster.wait_for_workers()  # with one alone, all have refused
    config = RunConfig(dataset="mnist", samples_per_class=5, width=8, epochs=20, seeds=2)
    ended = []
    sweep = grid(config, depth=[2, 3])
    ncengine.sweep(sweep, store=Store(tmp_path / "cache"), on_end=ended.append)
    assert [run.status for run in ended] == [Status.DONE] * 2


def test_where_all_refuse_the_reason_is_told(cluster, tmp_path, monkeypatch):
    cluster.worker(NCENGINE_DATA=str(tmp_path / "none"))
    # A worker of another version of the engine computes other numbers.
    import ncengine.runs.identity as identity

    monkeypatch.setattr(identity, "ENGINE_VERSION", "0")
    ended = []
    ncengine.sweep([BASE], store=Store(tmp_path / "cache"), on_end=ended.append)
    (run,) = ended
    assert run.status is Status.FAILED
    assert "asked for of engine version 0" in run.error


def test_an_answer_that_never_comes_holds_up_no_other(cluster, tmp_path, monkeypatch):
    """As of a client that is closed while it fetches one."""
    cluster.worker()
    first = jobs_cluster.Cluster(cluster.address, Store(tmp_path / "first"))
    result, waits, never = distributed.Future.result, threading.Event(), threading.Event()

    def fetched(future, *arguments):
        if future.client is first._client:
            waits.set()
            never.wait()
        return result(future, *arguments)

    monkeypatch.setattr(distributed.Future, "result", fetched)
    first.work_on(identify(BASE))
    assert waits.wait(180)
    first.end()
    ended = []
    ncengine.sweep([BASE], store=Store(tmp_path / "second"), on_end=ended.append)
    assert [run.status for run in ended] == [Status.DONE]
    never.set()


def test_a_scheduler_that_is_not_there_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("NCENGINE_SCHEDULER", "tcp://127.0.0.1:1")
    monkeypatch.setattr("ncengine.jobs.cluster.CONNECT_SECONDS", 1)
    with pytest.raises(OSError, match="NCENGINE_SCHEDULER = 'tcp://127.0.0.1:1': must be where"):
        ncengine.sweep([BASE], store=Store(tmp_path))
    queue = JobQueue(Store(tmp_path))
    try:
        with pytest.raises(OSError, match="none answers there"):
            queue.submit(BASE)
    finally:
        queue.close()


@pytest.mark.parametrize("address", ["nonsense", "ftp://host:8786", "tls://127.0.0.1:1"])
def test_an_address_that_cannot_be_is_told_in_one_line(address, tmp_path):
    done = _sweep_in_a_terminal(tmp_path, address)
    out, err = done.communicate()
    assert (done.returncode, out) == (1, "")
    (line,) = err.splitlines()
    assert line.startswith(f"ncengine: NCENGINE_SCHEDULER = {address!r}: must be where a Dask")


def test_nothing_waits_for_a_cluster_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setenv("NCENGINE_SCHEDULER", "nonsense")
    queue = JobQueue(Store(tmp_path))
    try:
        with pytest.raises(OSError, match="NCENGINE_SCHEDULER = 'nonsense'"):
            queue.submit(CONFIGS[1])
        assert queue.store.open(CONFIGS[1]).status is Status.ABSENT
        assert not queue.store.journal(CONFIGS[1]).exists
    finally:
        queue.close()


def test_without_workers_it_says_what_it_waits_for_and_goes_on_when_one_comes(cluster, tmp_path):
    process = _sweep_in_a_terminal(tmp_path / "cache", cluster.address)
    assert process.stderr is not None
    queue = JobQueue(Store(tmp_path / "server"))
    try:
        assert queue.waits_for == ""
        queue.submit(CONFIGS[1])
        said = f"the Dask scheduler at {cluster.address} has no workers; it goes on when one comes"
        assert process.stderr.readline().startswith(f"ncengine: training waits: {said}")
        wait(lambda: queue.waits_for.startswith(said))
        assert queue.store.open(CONFIGS[1]).status is Status.QUEUED
        cluster.worker()
        assert process.stderr.readline().startswith("ncengine: training goes on")
        out, err = process.communicate()
        assert (process.returncode, err) == (0, "")
        assert out.splitlines()[-1] == "1 run: 1 done"
        wait(lambda: queue.store.open(CONFIGS[1]).status is Status.DONE)
        wait(lambda: queue.waits_for == "")
    finally:
        queue.close()
        process.kill()


def test_a_run_that_lost_the_only_worker_waits_and_goes_on_when_one_comes(cluster, tmp_path):
    run = BASE.with_(depth=8, epochs=500)
    lost = cluster.worker()
    queue = JobQueue(Store(tmp_path / "cache"))
    try:
        queue.submit(run)
        wait(lambda: queue.store.open(run).passes > 20)
        lost.kill()
        wait(lambda: queue.store.open(run).status is Status.QUEUED)
        assert queue.waits_for and queue.store.open(run).passes > 0
        cluster.worker()
        wait(lambda: queue.store.open(run).status is Status.DONE)
    finally:
        queue.close()


def test_a_scheduler_that_is_gone_in_the_middle_is_told_once(tmp_path):
    own = Cluster(tmp_path)
    # Longer than it takes to see that the scheduler is gone, and less than dask's half a minute.
    own.worker(**{WAITS: "12"})
    store = Store(tmp_path / "cache")
    process = _sweep_in_a_terminal(store.root, own.address, "--epochs 100000 --solver Adam")
    try:
        wait(lambda: any(journal.status() for _, journal in store.journals()))
        own.scheduler.kill()
        out, err = process.communicate()
    finally:
        process.kill()
        own.workers[0].kill()
    (line,) = err.splitlines()
    assert (process.returncode, out) == (1, "")
    assert line.startswith(f"ncengine: the Dask scheduler at {own.address} does not answer any")


def _sweep_in_a_terminal(
    cache: Path, address: str, budget: str = "--epochs 20"
) -> subprocess.Popen[str]:
    tiny = f"--classes 3 --samples-per-class 6 --width 6 --seeds 1 --depth 2 {budget}"
    return subprocess.Popen(
        [sys.executable, "-m", "ncengine.cli", "sweep", *tiny.split()],
        env={**os.environ, "NCENGINE_CACHE": str(cache), "NCENGINE_SCHEDULER": address},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_without_a_scheduler_there_is_no_cluster(monkeypatch):
    monkeypatch.delenv("NCENGINE_SCHEDULER", raising=False)
    assert scheduler() is None


def test_what_a_worker_does_not_understand_it_refuses(monkeypatch):
    class Here:
        address = "tcp://here"

    monkeypatch.setattr("distributed.get_worker", lambda: Here)
    asked = identify(BASE).as_dict()
    newer = {**asked, "config": {**asked["config"], "temperature": 3}}
    answer = run_on_cluster(newer, "/nowhere", "token", 1)
    assert "temperature" in answer["refused"] and answer["worker"] == "tcp://here"
    other = Identity(BASE, "other data", identify(BASE).engine_version).as_dict()
    assert "“other data”" in run_on_cluster(other, "/nowhere", "token", 1)["refused"]


def test_what_a_worker_brings_tells_that_there_is_one_whenever_it_was_last_seen(caplog):
    """It may have come, done all, and told so between two looks."""
    made = jobs_cluster.Cluster.__new__(jobs_cluster.Cluster)
    made.address, made._guard, made.waits_for = "tcp://x:1", threading.RLock(), ""
    made._last_seen = time.monotonic() - 2 * jobs_cluster.WITHOUT_SECONDS
    for _ in range(2):
        made._wait_if_alone()
    assert "no workers" in made.waits_for
    made._go_on()
    made._wait_if_alone()
    assert made.waits_for == ""
    told = [record.message.partition(":")[0] for record in caplog.records]
    assert told == ["training waits", "training goes on"]
