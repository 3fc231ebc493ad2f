"""Seeds spread over processes: the same results, however they are spread and whoever is killed."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from ncengine.config import RunConfig
from ncengine.costs.memory import memory_needed
from ncengine.datasets import load
from ncengine.jobs import shards as shards_module
from ncengine.jobs.foreground import run
from ncengine.jobs.job import run_job
from ncengine.jobs.queue import JobQueue
from ncengine.jobs.shards import COLD, WARM, cut, worker_count
from ncengine.runs.identity import identify
from ncengine.runs.run import Status
from ncengine.runs.store import Store
from ncengine.snapshots.names import OF_TEST, PER_SEED
from ncengine.training.device import pick_device
from ncengine.training.train import Training
from tests.engine.processes import start_training
from tests.engine.test_store import stop_in_the_middle, wait

CPU = "cpu"
SMALL = RunConfig(
    classes=3, samples_per_class=10, width=8, depth=3, epochs=60, warmup=10, seeds="3,1,4,5"
)
# Enough work for processes to be worth their start.
HEAVY = RunConfig(seeds=4, depth=13, samples_per_class=100, epochs=1000)
# Bytes of a process before there is a network.
OF_PROCESS = 700 * 2**20
# Caught in the middle, in two pieces.
LONG = SMALL.with_(epochs=2000, solver="Adam", seeds=2)
HALVES = [(0,), (1,)]

pytestmark = pytest.mark.usefixtures("kept_workers")


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


def assert_same(one, other):
    assert one.status == other.status
    assert one.passes == other.passes
    for name in ("epoch", *PER_SEED):
        np.testing.assert_allclose(
            one.curves[name], other.curves[name], rtol=2e-4, atol=1e-7, err_msg=name
        )
    np.testing.assert_array_equal(one.geometry.epoch, other.geometry.epoch)
    np.testing.assert_array_equal(one.geometry.sample_index, other.geometry.sample_index)
    for name in ("class_means", "classifier", "features", "test_features"):
        a, b = getattr(one.geometry, name), getattr(other.geometry, name)
        np.testing.assert_allclose(a, b, atol=5e-3, err_msg=name)


@pytest.mark.parametrize(
    "shards", [[(3, 1), (4, 5)], [(3,), (1,), (4,), (5,)], [(3, 1, 4), (5,)]], ids=str
)
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_results_do_not_depend_on_how_seeds_are_spread(tmp_path, shards, precision):
    config = SMALL.with_(precision=precision, epochs=20)
    runs = []
    for number, cut_so in enumerate(([config.seeds], shards)):
        store = Store(tmp_path / str(number))
        run_job(identify(config), store, shards=cut_so)
        runs.append(store.open(config))
    assert runs[1].curves["loss"].shape == (20, 4)
    assert_same(*runs)


def test_a_shard_that_rests_early_holds_its_last_values(tmp_path):
    # Free features come to rest each at its own time, long before the budget is spent.
    config = RunConfig(
        architecture="UFM", classes=3, width=6, samples_per_class=5, epochs=2000, seeds=3
    )
    store, together = Store(tmp_path / "cut"), Store(tmp_path / "whole")
    run_job(identify(config), store, shards=[(0,), (1,), (2,)])
    run_job(identify(config), together)
    spread, whole = store.open(config), together.open(config)
    parts = [len(_curves_of_one_seed(config, seed)) for seed in config.seeds]
    assert len(set(parts)) > 1, "all came to rest at once: this shows nothing"
    assert spread.passes == whole.passes < config.epochs
    for name in set(PER_SEED) - set(OF_TEST):
        np.testing.assert_allclose(
            spread.curves[name][-1], whole.curves[name][-1], rtol=1e-6, atol=1e-9, err_msg=name
        )
    assert np.isfinite(spread.curves["loss"]).all()


def _curves_of_one_seed(config, seed):
    training = Training(config, load(config), pick_device(), (seed,))
    return list(training.steps())


def test_a_run_is_cut_only_where_that_is_quicker():
    assert cut(HEAVY, 2, COLD, CPU) == [(0, 1), (2, 3)]
    assert cut(HEAVY, 16, WARM, CPU) == [(0,), (1,), (2,), (3,)]
    for config, workers, device in (
        (HEAVY, 1, CPU),
        (HEAVY, 2, "cuda"),
        (HEAVY.with_(seeds=1), 2, CPU),
        (HEAVY.with_(epochs=2), 2, CPU),
        (SMALL, 2, CPU),
    ):
        assert cut(config, workers, COLD, device) == [config.seeds]


@pytest.mark.parametrize("value", ["0", "two", "-1", "1.5", "9999"])
def test_an_odd_number_of_workers_is_refused(monkeypatch, value):
    monkeypatch.setenv("NCENGINE_WORKERS", value)
    with pytest.raises(ValueError, match=f"NCENGINE_WORKERS = '{value}': must be"):
        worker_count()
    with pytest.raises(ValueError, match="workers = 0"):
        run(SMALL, workers=0)


def test_there_are_no_more_processes_than_memory_holds(monkeypatch):
    monkeypatch.setattr(shards_module, "process_bytes", lambda: OF_PROCESS)
    for held, shards in (
        (memory_needed(HEAVY, OF_PROCESS, 4), [(0,), (1,), (2,), (3,)]),
        (memory_needed(HEAVY, OF_PROCESS, 4) - 1, [(0, 1), (2,), (3,)]),
        (memory_needed(HEAVY, OF_PROCESS, 2) - 1, [HEAVY.seeds]),
    ):
        monkeypatch.setattr(shards_module, "memory_here", lambda held=held: held)
        assert cut(HEAVY, 16, WARM, CPU) == shards


def test_a_killed_part_goes_on_from_its_checkpoint_to_the_same_result(store, tmp_path):
    expected = Store(tmp_path / "whole")
    run_job(identify(LONG), expected, shards=HALVES)
    first = start_training(store, LONG, HALVES)
    wait(lambda: len(store.journal(LONG).parts()) == 2)
    parts = store.journal(LONG).parts()
    wait(parts[0].has_checkpoint)
    # Stopped in the middle of its part, which it holds until it is killed.
    os.kill(first.pid, signal.SIGSTOP)
    second = start_training(store, LONG, HALVES)
    wait(lambda: parts[1].status() is not None and parts[1].status().passes > 20)
    assert [part.status().pid for part in parts] == [first.pid, second.pid]
    assert store.open(LONG).status is Status.RUNNING
    first.kill()
    first.join()
    # The other one takes up what the killed one left, and writes the result.
    second.join()
    assert second.exitcode == 0
    assert_same(store.open(LONG), expected.open(LONG))
    assert not store.journal(LONG).exists


def test_stopping_a_run_stops_all_its_parts(store):
    queue = JobQueue(store, workers=2)

    def in_halves(config):
        store.journal(config).create({**identify(config).as_dict(), "shards": HALVES})

    try:
        config = stop_in_the_middle(store, queue, LONG, before=in_halves)
        assert store.open(config).points > 0
        # Where one process is late, the other may have brought its own part to the end before.
        parts = store.journal(config).parts()
        assert all(part.has_checkpoint() or part.status().ended for part in parts)
        queue.submit(config)
        wait(lambda: store.open(config).status is Status.DONE)
        assert store.open(config).curves["epoch"][-1] == config.epochs
    finally:
        queue.close()


def test_a_core_that_is_free_takes_the_next_run(store):
    queue = JobQueue(store, workers=2)
    try:
        endless = LONG.with_(epochs=100_000, seeds=1)
        queue.submit(endless)
        queue.submit(SMALL)
        wait(lambda: store.open(SMALL).status is Status.DONE)
        assert store.open(endless).status is Status.RUNNING
    finally:
        queue.close()
    assert store.open(endless).status is Status.QUEUED


def test_a_failing_part_fails_the_run_with_its_reason(store, monkeypatch):
    monkeypatch.setenv("NCENGINE_DEVICE", "abacus")
    run_job(identify(LONG), store, shards=HALVES)
    failed = store.open(LONG)
    assert failed.status is Status.FAILED
    assert "must name a device" in failed.error
    monkeypatch.delenv("NCENGINE_DEVICE")
    short = LONG.with_(epochs=10)
    run_job(identify(short), store, shards=HALVES)
    assert store.open(short).status is Status.DONE


def test_a_script_without_a_main_guard_uses_several_processes(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import json, sys\n"
        "import ncengine\n"
        "config = ncengine.RunConfig(**json.loads(sys.argv[1]))\n"
        "print(ncengine.run(config, workers=2).machine['device'])\n"
    )
    # Begun in two parts, so that little work is enough for two processes.
    config, store = LONG.with_(epochs=1000), Store(tmp_path / "cache")
    store.journal(config).create({**identify(config).as_dict(), "shards": HALVES})
    done = subprocess.run(
        [sys.executable, str(script), config.canonical_json()],
        env={**os.environ, "NCENGINE_CACHE": str(tmp_path / "cache"), "NCENGINE_DEVICE": "cpu"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "CPU, 2 processes"
