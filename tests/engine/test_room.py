"""Room for new runs: what goes where results take too much of the disk, and what never does."""

from __future__ import annotations

import os
from datetime import datetime

import pytest

from ncengine.config import RunConfig
from ncengine.jobs.foreground import run
from ncengine.jobs.queue import enqueue
from ncengine.jobs.room import NOW, make_room, taken
from ncengine.runs.gallery import Gallery
from ncengine.runs.identity import identify
from ncengine.runs.last_seen import EVERY, LastSeen
from ncengine.runs.life import Event
from ncengine.runs.run import Status
from ncengine.runs.store import Store
from ncengine.runs.whole import save

TINY = RunConfig(classes=2, samples_per_class=8, width=2, depth=2, epochs=6, warmup=0, seeds=1)
CONFIGS = [TINY.with_(data_seed=seed) for seed in range(4)]
KEYS = [identify(config).key for config in CONFIGS]
LATER = 10 * NOW


class Clock:
    """Seconds since 1970, as the test has them."""

    def __init__(self, now: float):
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "cache", Gallery(None))
    for config in CONFIGS:
        run(config, store=store)
    return store


@pytest.fixture
def seen(store):
    """A while after all of them came to their end; each was seen, in an order of its own."""
    ended = max(datetime.fromisoformat(entry["date"]).timestamp() for entry in store.list())
    clock = Clock(ended + LATER)
    seen = LastSeen(store.root / "seen", clock)
    for key in (KEYS[2], KEYS[0], KEYS[3], KEYS[1]):
        clock.now += 2 * EVERY
        seen.mark(key)
    clock.now += LATER
    return seen


def here(store):
    """Keys of what can be opened and is whole; list, results and a new look at the folder agree."""
    found = {key for key, config in zip(KEYS, CONFIGS, strict=True) if _is_whole(store, config)}
    assert found == {entry["key"] for entry in store.list()}
    again = Store(store.root, Gallery(None))
    assert found == {entry["key"] for entry in again.list()}
    return found


def _is_whole(store, config):
    run = store.open(config)
    return run.status is Status.DONE and run.passes == config.epochs and run.geometry is not None


def bytes_of(store):
    """All files but those that are no run's: counted another way than by the engine."""
    rest = ("index.jsonl", "locks", "seen", "waiting", "imported")
    paths = (path for path in store.root.rglob("*") if path.is_file())
    of_runs = (p for p in paths if p.relative_to(store.root).parts[0] not in rest)
    return sum(path.stat().st_size for path in of_runs)


def test_what_fits_stays(store, seen):
    assert taken(store) == bytes_of(store)
    assert make_room(store, seen, bytes_of(store))
    assert here(store) == {*KEYS}


def test_what_was_seen_least_recently_goes_first_and_no_more_than_has_to(store, seen):
    left, order = {*KEYS}, [KEYS[2], KEYS[0], KEYS[3], KEYS[1]]
    for gone in order:
        assert make_room(store, seen, bytes_of(store) - 1)
        left.remove(gone)
        assert here(store) == left
        assert not (store.ends.folder / identify(CONFIGS[KEYS.index(gone)]).trajectory).exists()


def test_one_that_nobody_saw_goes_by_its_end(store, seen):
    for key in KEYS[:3]:
        seen.forget(key)
    make_room(store, seen, bytes_of(store) - 1)
    assert here(store) == {*KEYS[1:]}  # the first that was trained


def test_what_is_seen_now_or_has_just_ended_stays_however_little_room_there_is(store, seen):
    seen.mark(KEYS[2])
    assert not make_room(store, seen, 1)
    assert here(store) == {KEYS[2]}
    run(CONFIGS[0], store=store)
    assert not make_room(store, LastSeen(store.root / "seen"), 1)
    assert KEYS[0] in here(store)


def test_what_others_want_kept_and_what_the_host_imported_stays(store, seen, tmp_path):
    save(store.open(CONFIGS[1]), tmp_path / "run.npz")
    store.imported.add(tmp_path / "run.npz")
    assert not make_room(store, seen, 1, lambda key: key == KEYS[0])
    assert here(store) == {KEYS[0], KEYS[1]}
    assert store.imported.entry(KEYS[1]) is not None


def test_what_a_waiting_run_starts_from_or_goes_on_from_stays(store, seen):
    deeper = CONFIGS[0].with_(depth=3, start="neighbour", via="2")
    longer = CONFIGS[1].with_(epochs=9)
    assert identify(deeper).origin.key == KEYS[0]
    assert store.ends.passes_before(identify(longer)) == CONFIGS[1].epochs
    for config in (deeper, longer):
        enqueue(store, config)
    assert not make_room(store, seen, 1)
    assert here(store) == {KEYS[0], KEYS[1]}
    assert store.ends.passes_before(identify(longer)) == CONFIGS[1].epochs
    assert [store.standing(config) for config in (deeper, longer)] == [Status.QUEUED] * 2


def stop(store, config, at):
    """Leave what a training leaves that was stopped, written at that time."""
    enqueue(store, config)
    store.tell(config, Event.WITHDRAWN)
    folder = store.journal(config).folder
    (folder / "checkpoint").write_bytes(bytes(10_000))
    os.utime(folder, (at, at))


def test_what_was_stopped_goes_as_well_and_what_waits_or_trains_does_not(store, seen):
    stopped, waits, trains = (TINY.with_(data_seed=seed) for seed in (7, 8, 9))
    long_ago = seen.now() - 5 * LATER
    stop(store, stopped, long_ago)
    for config in (waits, trains):
        enqueue(store, config)
        os.utime(store.journal(config).folder, (long_ago, long_ago))
    with store.lock(trains, 0):
        store.tell(trains, Event.BEGUN)
        os.utime(store.journal(trains).folder, (long_ago, long_ago))
        assert make_room(store, seen, bytes_of(store) - 1)
        assert here(store) == {*KEYS}
        assert not store.journal(stopped).exists
        assert not make_room(store, seen, 1)
        assert store.standing(waits) is Status.QUEUED
        assert store.standing(trains) is Status.RUNNING
    assert here(store) == set()


def test_a_part_that_has_not_stopped_yet_is_waited_for(store, seen):
    stopping = TINY.with_(data_seed=7)
    stop(store, stopping, seen.now() - 5 * LATER)
    with store.lock(stopping, 0):
        make_room(store, seen, 1)
        assert store.journal(stopping).exists
    make_room(store, seen, 1)
    assert not store.journal(stopping).exists


def test_a_look_is_written_once_in_a_while(tmp_path):
    clock = Clock(1e9)
    seen = LastSeen(tmp_path / "seen", clock)
    assert seen.when("abc") == 0
    for now, written in ((1e9, 1e9), (1e9 + EVERY / 2, 1e9), (1e9 + EVERY, 1e9 + EVERY)):
        clock.now = now
        seen.mark("abc")
        assert seen.when("abc") == written
    seen.mark("../outside")
    assert [path.name for path in tmp_path.rglob("*")] == ["seen", "abc"]
    seen.forget("abc")
    assert seen.when("abc") == 0
