"""What Ctrl-C and a kill do to a server, its workers and their runs."""

import os
import signal
import subprocess
import sys

import pytest

from ncengine.jobs.queue import JobQueue
from ncengine.runs.run import Status
from ncengine.runs.store import Store
from tests.engine.test_store import LONG, is_alive, wait

# Longer than any test.
ENDLESS = LONG.with_(epochs=100_000)

SERVER = """
import sys, time, json
from ncengine.config import RunConfig
from ncengine.jobs.queue import JobQueue
from ncengine.runs.store import Store
queue = JobQueue(Store(sys.argv[2]))
queue.submit(RunConfig(**json.loads(sys.argv[1])))
time.sleep(600)
"""

pytestmark = pytest.mark.usefixtures("kept_workers")


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


@pytest.fixture
def queue(store):
    queue = JobQueue(store, workers=1)
    yield queue
    queue.close()


@pytest.fixture
def server(store):
    """A server that trains a run without end, in a process of its own."""
    command = [sys.executable, "-c", SERVER, ENDLESS.canonical_json(), store.root]
    process = subprocess.Popen(command)
    wait(lambda: store.open(ENDLESS).passes > 50)
    yield process
    process.kill()
    process.wait()


def test_a_worker_finishes_its_run_when_the_server_is_killed(store):
    process = subprocess.Popen([sys.executable, "-c", SERVER, LONG.canonical_json(), store.root])
    wait(lambda: store.open(LONG).passes > 50)
    worker = store.journal(LONG).status().pid
    process.kill()
    process.wait()
    assert store.open(LONG).status is Status.RUNNING
    wait(lambda: store.open(LONG).status is Status.DONE)
    wait(lambda: not is_alive(worker))


def test_a_server_that_alone_hears_ctrl_c_does_not_wait_for_its_runs(store, server):
    worker = store.journal(ENDLESS).status().pid
    server.send_signal(signal.SIGINT)
    server.wait(60)
    assert store.open(ENDLESS).status is Status.QUEUED
    assert store.journal(ENDLESS).has_checkpoint()
    wait(lambda: not is_alive(worker))


def test_ctrl_c_is_the_servers_to_hear_and_not_the_workers(store, queue, capfd):
    queue.submit(LONG)
    wait(lambda: store.open(LONG).passes > 20)
    worker = store.journal(LONG).status().pid
    for _ in range(20):
        os.kill(worker, signal.SIGINT)
    wait(lambda: store.open(LONG).status is Status.DONE)
    assert "KeyboardInterrupt" not in capfd.readouterr().err
