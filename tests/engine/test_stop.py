"""Runs that train or wait are listed, and stopped by who did not begin them."""

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import Future

import pytest

from ncengine.cli.main import main
from ncengine.jobs.queue import JobQueue, enqueue
from ncengine.jobs.stop import going, stop
from ncengine.runs.identity import identify
from ncengine.runs.run import Status
from ncengine.runs.store import Store
from tests.engine.test_store import ENDLESS, QUICK, wait


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("NCENGINE_CACHE", str(tmp_path))
    return Store(tmp_path)


TRAIN = """
import json, sys
from ncengine.config import RunConfig
from ncengine.jobs.foreground import run
from ncengine.runs.store import Store
run(RunConfig(**json.loads(sys.argv[2])), store=Store(sys.argv[1]), workers=2)
"""


def test_what_helps_a_terminal_that_was_killed_is_listed_and_stopped(store, capsys):
    # In two pieces, however little there is to train.
    cut = {**identify(ENDLESS).as_dict(), "shards": [[0], [1]]}
    store.journal(ENDLESS).create(cut)
    command = [sys.executable, "-c", TRAIN, str(store.root), ENDLESS.canonical_json()]
    terminal = subprocess.Popen(command, start_new_session=True)
    key = identify(ENDLESS).key

    def helpers():
        jobs = [part.status() for part in store.journal(ENDLESS).parts()]
        return {job.pid for job in jobs if job and job.passes} - {terminal.pid}

    try:
        wait(lambda: store.open(ENDLESS).passes > 5 and len(helpers()) == 1)
        os.kill(terminal.pid, signal.SIGKILL)
        terminal.wait()
        # What helped it trains on.
        assert not store.is_free(ENDLESS)
        main(["list"])
        assert key in capsys.readouterr().out
        main(["list", "--json"])
        (said,) = map(json.loads, capsys.readouterr().out.splitlines())
        assert (said["key"], said["status"]) == (key, "running")
        assert [one["seed"] for one in said["seeds"]] == [0, 1] and said["outcome"] is None
        assert main(["stop", key[:6]]) == 0
        assert f"{key}  stopped" in capsys.readouterr().out
        assert store.is_free(ENDLESS) and store.open(ENDLESS).status is Status.CANCELLED
        assert store.journal(ENDLESS).has_checkpoint() or store.open(ENDLESS).points
    finally:
        store.journal(ENDLESS).request("cancel")
        wait(lambda: store.is_free(ENDLESS))
    main(["list"])
    assert key not in capsys.readouterr().out


def test_what_waits_in_another_servers_queue_is_stopped(store, monkeypatch, capsys):
    asked = []

    def never_done(queue, identity):
        asked.append(identity)
        return [Future()]

    monkeypatch.setattr(JobQueue, "_work_on", never_done)
    queue = JobQueue(store, workers=1)
    try:
        for depth in (3, 4):
            queue.submit(QUICK.with_(depth=depth))
        first, second = (identify(QUICK.with_(depth=depth)) for depth in (3, 4))
        assert list(going(store)) == [first.key, second.key]
        assert main(["stop", second.key]) == 0
        assert list(going(store)) == [first.key]
        assert store.open(second).status is Status.CANCELLED
        assert store.line.keys() == [first.key]
    finally:
        queue.close()


def test_keys_that_name_no_run_or_several_are_refused(store, capsys, monkeypatch):
    assert main(["stop", "abc"]) == 2
    assert "'abc': must be of a run, and none trains or waits now" in capsys.readouterr().err
    configs = [QUICK.with_(data_seed=n) for n in range(17)]
    for config in configs:
        enqueue(store, config)
    keys = [identify(config).key for config in configs]
    (twice, *_) = [one for one in "0123456789abcdef" if sum(k.startswith(one) for k in keys) > 1]
    for wrong, words in ((twice, "how one key alone begins"), ("xyz", "some of"), ("", "some of")):
        assert main(["stop", wrong]) == 2
        assert words in capsys.readouterr().err
    assert len(going(store)) == 17
    assert main(["stop", keys[0].upper(), keys[1]]) == 0
    assert len(going(store)) == 15


def test_blanks_are_the_key_of_no_run(store, capsys):
    enqueue(store, QUICK)
    assert main(["stop", " "]) == 2
    assert "' ': must be some of" in capsys.readouterr().err
    assert list(going(store)) == [identify(QUICK).key]


def test_one_that_does_not_stop_at_once_is_told(store, monkeypatch):
    enqueue(store, QUICK)
    monkeypatch.setattr(store, "is_free", lambda identity: False)
    assert stop(store, [identify(QUICK)], 0.0) == [identify(QUICK).key]
    assert store.journal(QUICK).requested() == "cancel"
