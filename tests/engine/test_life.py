"""The life of a run: every row of its table, and processes that interrupt each other or die."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, nullcontext, suppress

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ncengine.config import RunConfig
from ncengine.jobs.adoption import Adoption
from ncengine.jobs.job import run_job
from ncengine.jobs.queue import enqueue
from ncengine.jobs.stop import stop
from ncengine.runs import store as stores
from ncengine.runs.gallery import Gallery
from ncengine.runs.identity import identify
from ncengine.runs.life import LIFE, Event, Who
from ncengine.runs.run import Status
from ncengine.runs.store import Store

CONFIG = RunConfig(
    dataset="gaussian",
    classes=2,
    samples_per_class=4,
    width=2,
    depth=2,
    architecture="RN1",
    solver="Adam",
    epochs=4,
    seeds=(0,),
)
IDENTITY = identify(CONFIG)

# What becomes of a run that stands there; "-" where nothing does. Who holds no lock of it may send
# the events of the first half.
STATES = "absent    queued    running   interrupted cancelled failed    done"
TABLE = """
asked       queued    queued    -         queued      queued    queued    -
taken_up    -         queued    -         queued      -         -         -
withdrawn   cancelled cancelled -         cancelled   -         -         -
given_up    failed    failed    -         failed      failed    failed    -
begun       running   running   running   running     running   running   -
advanced    -         -         running   running     -         -         -
trained     -         -         running   running     -         -         -
stuck       -         -         running   running     -         -         -
paused      -         queued    queued    queued      -         -         -
stopped     -         cancelled cancelled cancelled   -         -         -
broken      -         failed    failed    failed      -         failed    -
unreadable  -         -         -         -           -         -         failed
"""
ROWS = [line.split() for line in TABLE.strip().splitlines()]
CASES = [
    (event, state, after)
    for event, *afters in ROWS
    for state, after in zip(STATES.split(), afters, strict=True)
]


@pytest.fixture
def make(tmp_path):
    """Processes that look at one cache; a run that is shipped is none of their concern."""
    return lambda: Store(tmp_path / "cache", Gallery(tmp_path / "none"))


@contextmanager
def that_stands(store, other, state):
    """A run in that state, of which `other` is the process that trains it."""
    written = {"interrupted": "running", "absent": None, "done": "running"}.get(state, state)
    if written is not None:
        store.journal(CONFIG).create(IDENTITY.as_dict())
        store.journal(CONFIG).change(Status(written), error="what was before")
    if state == "done":
        run_job(IDENTITY, store)
    trained = other.lock(CONFIG, 0) if state == "running" else nullcontext()
    with trained:
        assert store.standing(CONFIG) == state
        yield


def test_the_table_names_all_that_can_happen():
    assert {event for event, *_ in ROWS} == set(map(str, Event)) == set(map(str, LIFE))


@pytest.mark.parametrize("event, state, after", CASES)
def test_what_an_event_makes_of_a_run(make, event, state, after):
    mine, other = make(), make()
    event, free = Event(event), LIFE[Event(event)].who is Who.ANYONE
    with that_stands(mine, other if free else mine, state):
        before = mine.job(IDENTITY.key)
        # Who holds the lock of a run that rests is about to begin, or to say how that ended.
        held = nullcontext() if free or state == "running" else mine.lock(CONFIG, 0)
        with held:
            assert mine.tell(CONFIG, event, error="now") is (after != "-")
            written = mine.job(IDENTITY.key)
            if after == "-":
                assert written == before
            else:
                assert written.status == after and written.error == "now"
        line = mine.line.keys()
        assert line == ([IDENTITY.key] if written and written.status == "queued" else [])


@pytest.mark.parametrize("event", [event for event in Event if LIFE[event].who is Who.HOLDER])
def test_only_who_holds_a_lock_may_say_what_training_does(make, event):
    with that_stands(make(), make(), "running"), pytest.raises(RuntimeError, match="no lock"):
        make().tell(CONFIG, event)


def test_who_goes_on_has_no_time_left_to_tell_before_a_pass_is_done(make):
    store = make()
    with that_stands(store, make(), "interrupted"), store.lock(CONFIG, 0):
        for event in (Event.BEGUN, Event.ADVANCED):
            store.journal(CONFIG).change(Status.RUNNING, seconds_left=99.0)
            assert store.tell(CONFIG, event)
            assert store.job(IDENTITY.key).seconds_left is None
        store.tell(CONFIG, Event.ADVANCED, seconds_left=5.0)
        assert store.job(IDENTITY.key).seconds_left == 5.0


def test_who_writes_the_result_is_seen_at_it(make):
    """The lock of the run as a whole, for that of the shard is let go before."""
    store = make()
    with that_stands(store, make(), "interrupted"), make().lock(CONFIG):
        assert store.standing(CONFIG) is Status.RUNNING


def test_a_shard_says_of_itself_what_does_not_concern_the_others(make):
    store = make()
    run = store.journal(CONFIG)
    run.create({**IDENTITY.as_dict(), "shards": [[0], [1]]})
    run.change(Status.RUNNING, passes=0)
    first, second = run.parts()
    with store.lock(CONFIG, 0):
        assert store.tell(CONFIG, Event.BEGUN, part=first)
        assert store.tell(CONFIG, Event.ADVANCED, part=first, passes=3)
    assert (first.status().passes, run.status().passes, second.status()) == (3, 0, None)
    assert store.line.keys() == []


# Processes that come between.


class Killed(BaseException):
    """The process is gone: what it had not written it does not write any more."""


class _Between:
    """What happens just before each write of a process: by number, something to call."""

    def __init__(self, root, happens):
        self.root, self.happens, self.count, self.dead = str(root), dict(happens), 0, False

    def before_a_write(self):
        if self.dead:
            raise Killed
        what = self.happens.pop(self.count, None)
        self.count += 1
        if what == "kill":
            self.dead = True
            raise Killed
        if what is not None:
            with_nobody_between(what)


_at_work: list[_Between] = []
_WRITES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate")


def _hear(event, arguments):
    if not _at_work or event not in ("open", *_WRITES):
        return
    if event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR):
        return
    between, path = _at_work[-1], arguments[0]
    if isinstance(path, (str, bytes, os.PathLike)):
        path = os.fsdecode(path)
        # Locks are the operating system's, and so is what becomes of them.
        if path.startswith(between.root) and "/locks" not in path:
            between.before_a_write()


sys.addaudithook(_hear)


def with_nobody_between(call):
    """As another process does, which is not held up itself."""
    suspended, _at_work[:] = _at_work[:], []
    try:
        call()
    finally:
        _at_work[:] = suspended


@contextmanager
def process(root, happens):
    """A process that may be interrupted, or killed, before any of its writes."""
    _at_work.append(_Between(root, happens))
    try:
        # A lock that somebody holds, or a folder that is gone, is told to who asked.
        with suppress(Killed, OSError):
            yield _at_work[-1]
    finally:
        _at_work.pop()


def _taken_up(store):
    """What a new server takes up, and sends to its workers."""
    sent = []
    Adoption(store, sent.append, nullcontext(), lambda: False).of_everything()
    return sent


ACTIONS = {
    "ask": lambda store: enqueue(store, CONFIG),
    "work": lambda store: run_job(IDENTITY, store),
    "stop": lambda store: stop(store, [IDENTITY], 0.0),
    "take up": _taken_up,
    "look": lambda store: store.open(CONFIG),
}
between = st.dictionaries(st.integers(0, 40), st.sampled_from(["kill", *ACTIONS]), max_size=3)
steps = st.lists(st.tuples(st.sampled_from([*ACTIONS]), between), min_size=1, max_size=6)


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("expected"))
    run_job(IDENTITY, store)
    return store.open(CONFIG)


@pytest.fixture
def impatient(monkeypatch):
    """Nobody waits for a lock that is held: who holds it cannot go on meanwhile."""
    lock = Store.lock
    monkeypatch.setattr(
        Store, "lock", lambda store, what, shard=None, patience=0.0: lock(store, what, shard, 0.0)
    )
    monkeypatch.setattr(stores, "PATIENCE", 0.0)


@given(steps)
@example([("ask", {2: "kill"}), ("work", {})])
@example([("ask", {}), ("work", {9: "stop", 12: "kill"}), ("take up", {})])
@example([("ask", {}), ("work", {9: "kill"}), ("stop", {})])
@settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_whoever_comes_between_or_is_killed_no_run_is_lost(
    tmp_path_factory, impatient, expected, steps
):
    root = tmp_path_factory.mktemp("life")
    nothing = Gallery(root / "none")
    begun, wishes = [], []  # in the order in which they were begun, and came to their end

    def act(name):
        begun.append(name)
        ACTIONS[name](Store(root, nothing))
        wishes.append(name)

    was_done = False
    for name, happens in steps:
        calls = {
            number: what if what == "kill" else lambda what=what: quietly(act, what)
            for number, what in happens.items()
        }
        with process(root, calls):
            act(name)
        store = Store(root, nothing)
        now = store.open(CONFIG)
        # What is written where nobody is at work any more.
        assert now.status is not Status.RUNNING
        assert not was_done or now.status is Status.DONE
        was_done = now.status is Status.DONE
        glance = store.glance(CONFIG)
        assert (glance.status, glance.passes) == (now.status, now.passes)

    store = Store(root, nothing)
    before = store.standing(CONFIG)
    sent = _taken_up(store)
    assert store.line.keys() == [IDENTITY.key] * (store.standing(CONFIG) is Status.QUEUED)
    stopped = "stop" in begun
    if before in (Status.QUEUED, Status.INTERRUPTED):
        assert sent == [IDENTITY] or stopped or store.job(IDENTITY.key).attempts >= 3
    if stopped and wishes[-1:] == ["stop"] and begun[-1] == "stop":
        assert sent == []  # nobody who comes later takes it for one that was merely left
    for identity in sent:
        run_job(identity, store)
    end = store.open(CONFIG)
    assert end.status in (Status.DONE, Status.CANCELLED, Status.ABSENT, Status.INTERRUPTED)
    assert end.status is not Status.CANCELLED or stopped
    if end.status is Status.DONE:
        assert not store.journal(CONFIG).exists and IDENTITY.key in store.index
        for name, values in expected.curves.items():
            np.testing.assert_array_equal(end.curves[name], values)


def test_who_is_killed_before_it_heard_of_a_stop_is_not_taken_up(tmp_path, impatient):
    """Wherever that is: the next server does not go on with what somebody stopped."""
    taken_up, number, reached = [], 0, True
    while reached:
        root = tmp_path / str(number)
        store = Store(root, Gallery(tmp_path / "none"))
        enqueue(store, CONFIG)
        heard = {number: lambda store=store: stop(store, [IDENTITY], 0.0), number + 1: "kill"}
        with process(root, heard) as between:
            run_job(IDENTITY, Store(root, store.gallery))
        reached = between.count > number
        taken_up.append(_taken_up(store))
        number += 1
    assert number > 20 and [n for n, sent in enumerate(taken_up) if sent] == []


def quietly(call, *arguments):
    """Of a process whose errors concern nobody else."""
    with suppress(OSError):
        call(*arguments)
