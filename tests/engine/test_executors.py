"""Pools of processes end when they are told to, with all that waits for them."""

import threading
import time

import pytest

from ncengine.jobs.executors import Helpers, end_workers, local_executor
from tests.engine.test_store import wait

MANY = 6  # more than loky hands on to one process and holds ready for it


@pytest.fixture
def accidents(monkeypatch):
    """What threads end by."""
    seen = []
    monkeypatch.setattr(threading, "excepthook", seen.append)
    return seen


def sleep(sign):
    sign.touch()
    time.sleep(600)


@pytest.mark.parametrize("withdrawn", [False, True])
@pytest.mark.parametrize("kind", ["helpers", "workers"])
def test_what_waits_does_not_keep_a_pool_from_ending(kind, withdrawn, accidents, tmp_path):
    sign = tmp_path / "begun"
    if kind == "helpers":
        helpers = Helpers(1)
        futures, end = helpers.ask(MANY, sleep, sign), helpers.end
    else:
        pool = local_executor(1)
        futures = [pool.submit(sleep, sign) for _ in range(MANY)]

        def end():
            end_workers(1)

    wait(sign.exists)
    if withdrawn:
        assert any([future.cancel() for future in futures])
    end()
    assert all(future.done() for future in futures)
    assert accidents == []
