"""Store, queue and workers: what must hold when processes are killed and files are damaged."""

import json
import logging
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from ncengine.config import RunConfig
from ncengine.jobs import queue as queues
from ncengine.jobs.executors import end_workers
from ncengine.jobs.foreground import run
from ncengine.jobs.queue import JobQueue
from ncengine.runs.identity import identify
from ncengine.runs.run import Status
from ncengine.runs.store import Store
from ncengine.snapshots.names import PER_SEED
from ncengine.snapshots.plan import snapshot_passes
from tests.engine.processes import start, start_training

QUICK = RunConfig(classes=3, samples_per_class=10, width=8, depth=3, epochs=40, warmup=10, seeds=2)
# Long enough to be caught in the middle.
LONG = QUICK.with_(epochs=3000, solver="Adam", depth=4)
# Stopped by the test, however fast or busy the machine.
ENDLESS = LONG.with_(epochs=100_000)

pytestmark = pytest.mark.usefixtures("kept_workers")


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


@pytest.fixture
def queue(store):
    # One process, so that one run follows another.
    queue = JobQueue(store, workers=1)
    yield queue
    queue.close()


def wait(condition, seconds=180):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.05)


def stop_in_the_middle(store, queue, config, before=lambda config: None):
    """Submit a run and stop it; a longer one where a fast machine was done before it heard."""
    before(config)
    queue.submit(config)
    wait(lambda: store.open(config).passes > 20)
    queue.cancel(config)
    wait(lambda: store.is_free(config))
    wait(lambda: store.open(config).status in (Status.CANCELLED, Status.DONE))
    if store.open(config).status is Status.CANCELLED:
        return config
    return stop_in_the_middle(store, queue, config.with_(epochs=2 * config.epochs), before)


def is_alive(pid):
    """Whether a process runs; one that ended and was not waited for does not."""
    try:
        if Path("/proc/self/stat").exists():
            return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
        os.kill(pid, 0)
    except (FileNotFoundError, ProcessLookupError):
        return False
    return True


def assert_same(a, b):
    assert a.status == b.status
    for name in ("epoch", *PER_SEED):
        np.testing.assert_allclose(a.curves[name], b.curves[name], rtol=1e-6, err_msg=name)
    np.testing.assert_allclose(a.geometry.class_means, b.geometry.class_means, atol=1e-5)


def test_a_run_is_computed_once_and_then_comes_from_the_cache(store):
    assert store.open(QUICK).status is Status.ABSENT
    first = run(QUICK, store=store)
    assert first.status is Status.DONE
    assert first.passes == 40
    assert first.curves["nc1"].shape == (len(snapshot_passes(40)[0]), 2)
    np.testing.assert_allclose(first.curves["gap"], first.curves["loss"] - first.floor)
    before = sorted(p.stat().st_mtime_ns for p in store.root.rglob("output.pkl"))
    again = run(QUICK, store=Store(store.root))
    assert before == sorted(p.stat().st_mtime_ns for p in store.root.rglob("output.pkl"))
    assert_same(first, again)
    assert not store.journal(QUICK).exists
    assert [entry["key"] for entry in store.list()] == [identify(QUICK).key]


def test_the_summary_holds_plain_json_values(store):
    summary = run(QUICK, store=store).summary()
    json.dumps(summary, allow_nan=False)
    seed = summary["seeds"][1]
    assert seed["seed"] == 1
    assert seed["loss"] == pytest.approx(seed["fit"] + seed["decay_hidden"] + seed["decay_last"])
    assert seed["gap"] == pytest.approx(seed["loss"] - summary["floor"])
    assert set(PER_SEED) < set(seed)


@pytest.mark.parametrize("damage", ["truncate", "garbage", "empty", "other pickle"])
def test_a_damaged_result_is_noticed_logged_and_computed_again(store, caplog, damage):
    first = run(QUICK, store=store)
    (path,) = store.root.rglob("output.pkl")
    whole = path.read_bytes()
    import pickle

    written = {
        "truncate": whole[: len(whole) // 2],
        "garbage": os.urandom(300),
        "empty": b"",
        "other pickle": pickle.dumps({"epoch": 3}),
    }[damage]
    path.write_bytes(written)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert Store(store.root).open(QUICK).status is Status.ABSENT
    # It lies where it can be looked at, and is told of once.
    (aside,) = (store.root / "results" / "damaged").iterdir()
    assert aside.read_bytes() == written
    assert caplog.text.count("damaged and was set aside") == 1 == caplog.text.count(str(aside))
    assert identify(QUICK).key in caplog.text
    assert_same(first, run(QUICK, store=Store(store.root)))
    assert aside.read_bytes() == written


def test_no_flipped_bit_of_a_result_is_shown_as_right(store):
    run(QUICK, store=store)
    (path,) = store.root.rglob("output.pkl")
    whole = path.read_bytes()
    right = Store(store.root).open(QUICK)
    rng, dropped = np.random.default_rng(0), 0
    for _ in range(300):
        bit = int(rng.integers(8 * len(whole)))
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(changed)
        seen = Store(store.root).open(QUICK)
        if seen.status is Status.ABSENT:
            dropped += 1
            continue
        # A bit that carries nothing, such as one of the pickle's memo: all is as it was.
        assert seen.summary() == right.summary()
        for name in ("class_means", "features", "classifier", "sample_index"):
            np.testing.assert_array_equal(
                getattr(seen.geometry, name), getattr(right.geometry, name)
            )
        for name, values in right.curves.items():
            np.testing.assert_array_equal(seen.curves[name], values)
    assert dropped > 200


def test_a_killed_training_goes_on_from_its_checkpoint_to_the_same_result(store, tmp_path):
    expected = run(LONG, store=Store(tmp_path / "whole"))
    process = start_training(store, LONG)
    wait(lambda: store.open(LONG).passes > 250 and store.journal(LONG).has_checkpoint())
    assert store.open(LONG).status is Status.RUNNING
    process.kill()
    process.join()
    interrupted = store.open(LONG)
    assert interrupted.status is Status.INTERRUPTED
    assert 0 < interrupted.points < expected.points
    kept = int(store.journal(LONG).resume()["passes"])
    assert kept > 0
    seen = []
    finished = run(LONG, store=store, progress=lambda passes, _: seen.append(passes))
    assert seen[0] == kept + 1
    assert_same(finished, expected)


def test_a_checkpoint_that_does_not_fit_means_from_the_start(store, caplog):
    journal = store.journal(QUICK)
    journal.create(identify(QUICK).as_dict())
    journal.change(Status.RUNNING)
    journal.save_checkpoint({"passes": np.array(7)})
    with caplog.at_level(logging.WARNING):
        finished = run(QUICK, store=store)
    assert "does not fit" in caplog.text
    assert finished.curves["epoch"][0] == 1
    assert finished.passes == 40


def test_processes_asked_for_the_same_configuration_compute_it_once(store):
    config = LONG.with_(epochs=800)
    processes = [start(run_here, config, store.root) for _ in range(3)]
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert store.open(config).status is Status.DONE
    lines = (store.root / "index.jsonl").read_text().splitlines()
    assert len(lines) == 1


def run_here(config, root):
    run(config, store=Store(root))


def test_a_failed_run_says_why_and_can_be_tried_again(store, monkeypatch):
    monkeypatch.setenv("NCENGINE_DEVICE", "abacus")
    with pytest.raises(RuntimeError, match="NCENGINE_DEVICE = 'abacus'"):
        run(QUICK, store=store)
    assert store.open(QUICK).status is Status.FAILED
    assert "must name a device" in store.open(QUICK).error
    monkeypatch.delenv("NCENGINE_DEVICE")
    assert run(QUICK, store=store).status is Status.DONE


def test_the_queue_trains_one_after_another_and_knows_places(store, queue):
    others = [QUICK.with_(depth=depth) for depth in (4, 5)]
    for config in (ENDLESS, *others):
        queue.submit(config)
        queue.submit(config)
    wait(lambda: store.open(ENDLESS).status is Status.RUNNING)
    # It leaves the line a moment after it has said so.
    wait(lambda: [store.open(config).place for config in others] == [1, 2])
    queue.cancel(others[0])
    assert store.open(others[0]).status is Status.CANCELLED
    assert store.open(others[1]).place == 1
    queue.cancel(ENDLESS)
    wait(lambda: store.open(ENDLESS).status is Status.CANCELLED)
    assert store.open(ENDLESS).points > 0
    wait(lambda: store.open(others[1]).status is Status.DONE)
    assert store.open(others[0]).status is Status.CANCELLED
    queue.warm_up()
    wait(queue.device)


def test_a_cancelled_run_goes_on_where_it_was(store, queue):
    config = stop_in_the_middle(store, queue, LONG)
    stopped = store.open(config)
    assert stopped.points > 0
    queue.submit(config)
    assert store.open(config).points >= stopped.points
    wait(lambda: store.open(config).status is Status.DONE)
    assert store.open(config).curves["epoch"][-1] == config.epochs


def test_a_killed_worker_does_not_take_the_queue_with_it_and_its_run_goes_on(store, queue):
    queue.submit(LONG)
    queue.submit(QUICK)
    wait(lambda: store.open(LONG).status is Status.RUNNING and store.open(LONG).passes > 50)
    os.kill(store.journal(LONG).status().pid, signal.SIGKILL)
    wait(lambda: store.open(LONG).status is Status.INTERRUPTED)
    wait(lambda: store.open(QUICK).status is Status.DONE)
    wait(lambda: store.open(LONG).status is Status.DONE)


def test_what_waited_when_a_server_ended_is_taken_up_by_the_next(store, monkeypatch):
    monkeypatch.setattr(queues, "end_workers", end_workers)
    first = JobQueue(store, workers=1)
    first.submit(LONG)
    first.submit(QUICK)
    wait(lambda: store.open(LONG).passes > 50)
    first.close()
    assert store.open(LONG).status is Status.QUEUED
    assert store.open(LONG).points > 0
    assert store.open(QUICK).status is Status.QUEUED
    second = JobQueue(store, workers=1)
    try:
        wait(lambda: store.open(QUICK).status is Status.DONE)
        assert store.open(LONG).status is Status.DONE
    finally:
        second.close()


def test_a_server_that_closes_leaves_anothers_queue_alone(store, queue):
    queue.submit(LONG)
    queue.submit(QUICK)
    wait(lambda: store.open(LONG).passes > 50)
    second = """
import sys
from ncengine.jobs.queue import JobQueue
from ncengine.runs.store import Store
JobQueue(Store(sys.argv[1])).close()
"""
    subprocess.run([sys.executable, "-c", second, str(store.root)], check=True)
    wait(lambda: store.open(LONG).status is Status.DONE)
    wait(lambda: store.open(QUICK).status is Status.DONE)


def test_a_result_that_cannot_be_written_is_no_result(store, monkeypatch):
    import joblib.numpy_pickle

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(joblib.numpy_pickle, "dump", full)
        with pytest.raises(OSError, match="is full. What was trained is kept"):
            run(QUICK, store=store)
    assert store.open(QUICK).status is Status.INTERRUPTED
    assert store.list() == []
    assert run(QUICK, store=store).status is Status.DONE


@pytest.mark.parametrize(
    "damage",
    [b"\xff\xfe\x00", b"# first line: x\n", b"", b"# first line: 7\ndef compute(): pass\n"],
)
def test_a_damaged_note_of_joblibs_does_not_break_the_store(store, damage, caplog):
    first = run(QUICK, store=store)
    (note,) = store.root.rglob("func_code.py")
    note.write_bytes(damage)
    code = (
        "import sys, json; from ncengine.config import RunConfig;"
        "from ncengine.runs.store import Store;"
        "print(Store(sys.argv[2]).open(RunConfig(**json.loads(sys.argv[1]))).status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, QUICK.canonical_json(), str(store.root)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "done"
    assert_same(first, run(QUICK, store=store))


def test_a_journal_beside_a_result_goes_and_the_result_is_listed(store):
    run(QUICK, store=store)
    store.index.replace([])
    # Its process was killed between the two.
    store.journal(QUICK).create(identify(QUICK).as_dict())
    store.journal(QUICK).change(Status.RUNNING)
    queue = JobQueue(store)
    queue.close()
    assert not store.journal(QUICK).exists
    assert [entry["key"] for entry in store.list()] == [identify(QUICK).key]


def test_many_threads_can_look_at_once(store):
    run(QUICK, store=store)
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: store.open(QUICK).status, range(64)))
    assert set(statuses) == {Status.DONE}


def test_an_unreadable_line_of_the_index_is_passed_over(store):
    run(QUICK, store=store)
    with (store.root / "index.jsonl").open("a") as file:
        file.write('{"key": "half')
    assert [entry["key"] for entry in Store(store.root).list()] == [identify(QUICK).key]


def test_opening_a_run_does_not_load_torch(store):
    run(QUICK, store=store)
    code = (
        "import sys, json; from ncengine.config import RunConfig;"
        "from ncengine.runs.store import Store;"
        "run = Store(sys.argv[2]).open(RunConfig(**json.loads(sys.argv[1])));"
        "assert run.status == 'done', run.status; assert 'torch' not in sys.modules"
    )
    subprocess.run(
        [sys.executable, "-c", code, QUICK.canonical_json(), str(store.root)], check=True
    )
