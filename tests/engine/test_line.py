"""The line of waiting runs: its order, and what a look at one of them reads."""

import random

import pytest

from ncengine.config import RunConfig
from ncengine.jobs.queue import JobQueue, enqueue
from ncengine.runs.identity import identify
from ncengine.runs.journal import Journal
from ncengine.runs.line import Line
from ncengine.runs.run import Status
from ncengine.runs.store import Store

MANY = [RunConfig(depth=depth, epochs=40) for depth in range(2, 42)]


@pytest.fixture
def line(tmp_path):
    return Line(tmp_path / "waiting")


def test_the_line_is_ordered_by_time_however_it_was_entered(line):
    times = [0.0, 3.5, 20.0, 999.25, 1.7e9, 1.7e9 + 1e-3]
    for since in random.Random(0).sample(times, len(times)):
        line.enter(f"run{times.index(since)}", since)
    assert line.keys() == [f"run{place}" for place in range(len(times))]


def test_who_enters_again_has_one_place_and_who_leaves_none(line):
    for key, since in (("a", 1.0), ("b", 2.0), ("a", 3.0)):
        line.enter(key, since)
    assert line.keys() == ["b", "a"]
    line.leave("b")
    line.leave("nobody")
    assert line.keys() == ["a"]


def test_a_status_moves_a_run_in_and_out_of_the_line(tmp_path, line):
    journal = Journal(tmp_path / "journal" / "key", line)
    journal.create({})
    journal.change(Status.QUEUED, queued_at=5.0)
    assert line.keys() == ["key"]
    journal.change(Status.RUNNING, passes=3)
    assert line.keys() == []
    assert journal.status().queued_at == 5.0
    journal.change(Status.QUEUED)
    journal.remove()
    assert line.keys() == []


def test_a_look_at_one_waiting_run_reads_no_other_ones_journal(tmp_path, monkeypatch):
    store = Store(tmp_path)
    for config in MANY:
        enqueue(store, config)
    read = []
    for name in ("status", "asked", "read"):
        before = getattr(Journal, name)

        def counted(journal, *arguments, before=before):
            read.append(journal.folder.name)
            return before(journal, *arguments)

        monkeypatch.setattr(Journal, name, counted)
    assert store.open(MANY[30]).place == 31
    assert set(read) == {identify(MANY[30]).key}


def test_a_new_queue_puts_right_what_a_killed_process_left_in_the_line(tmp_path):
    store = Store(tmp_path)
    # Killed between saying that it stopped and leaving the line, and one that has no journal.
    stopped, waiting = MANY[0], MANY[1]
    enqueue(store, stopped)
    store.journal(stopped).change(Status.CANCELLED)
    store.line.enter(identify(stopped).key, 1.0)
    store.line.enter("gone", 2.0)
    enqueue(store, waiting)
    assert store.open(waiting).place == 3
    queue = JobQueue(store)
    try:
        assert store.line.keys() in ([identify(waiting).key], [])
    finally:
        queue.close()
