"""A disk that is full or read-only: what is finished is shown, what is not says why and goes on."""

import errno
import io
import os
import pickle
from concurrent.futures import Future

import pytest

from ncengine.jobs import adoption
from ncengine.jobs import queue as queues
from ncengine.jobs.foreground import run
from ncengine.jobs.job import run_job
from ncengine.jobs.queue import JobQueue, enqueue
from ncengine.runs import disk
from ncengine.runs.disk import NoRoom, has_room, why_not
from ncengine.runs.identity import identify
from ncengine.runs.journal import Journal
from ncengine.runs.run import Status
from ncengine.runs.store import Store
from tests.engine.test_faults import OTHER, accident, stopped  # noqa: F401
from tests.engine.test_store import LONG, QUICK, wait

FULL, READ_ONLY = errno.ENOSPC, errno.EROFS
WORDS = {FULL: "is full", READ_ONLY: "can only be read"}
# What takes nothing of the disk, and what a full one still lets happen.
REMOVES = ("unlink", "rmdir", "remove")
WRITES = ("mkdir", "replace", "rename", "symlink", "truncate")

pytestmark = pytest.mark.usefixtures("kept_workers")


@pytest.fixture
def fault():
    """Has nothing be written below a folder: `fault(root, errno)`, until `fault.ends()`."""

    patch = pytest.MonkeyPatch()

    class Fault:
        def __call__(self, root, number):
            self.root, self.number = str(root), number
            for name in WRITES + (REMOVES if number == READ_ONLY else ()):
                patch.setattr(os, name, self._refusing(getattr(os, name)))
            patch.setattr(io, "open", self._opening(io.open))
            patch.setattr("builtins.open", io.open)
            patch.setattr(os, "open", self._opening_low(os.open))

        def ends(self):
            patch.undo()

        def _refuse(self, path):
            if str(path).startswith(self.root):
                raise OSError(self.number, os.strerror(self.number), str(path))

        def _refusing(self, call):
            def refused(path, *rest, **named):
                # What is there already is said to be there, disk or no disk.
                if call.__name__ == "mkdir" and os.path.isdir(path):
                    return call(path, *rest, **named)
                self._refuse(path)
                return call(path, *rest, **named)

            return refused

        def _opening(self, call):
            def opened(file, mode="r", *rest, **named):
                if set(mode) & set("wax+"):
                    self._refuse(file)
                return call(file, mode, *rest, **named)

            return opened

        def _opening_low(self, call):
            def opened(path, flags, *rest, **named):
                new = flags & os.O_CREAT and not os.path.exists(path)
                writes = flags & (os.O_WRONLY | os.O_RDWR)
                if new or (writes and self.number == READ_ONLY):
                    self._refuse(path)
                return call(path, flags, *rest, **named)

            return opened

    yield Fault()
    patch.undo()


@pytest.mark.parametrize("number", WORDS)
@pytest.mark.parametrize("index", ["whole", "gone", "damaged"])
def test_a_server_starts_and_shows_all_that_is_finished(
    stopped,  # noqa: F811
    fault,
    monkeypatch,
    number,
    index,
):
    monkeypatch.setattr(queues, "ROOM_SECONDS", 0.0)
    monkeypatch.setattr(queues, "ADOPT_SECONDS", 0.05)
    if index == "gone":
        stopped.index.path.unlink()
    if index == "damaged":
        stopped.index.path.write_bytes(stopped.index.path.read_bytes()[:-50])
    asked, key = [], identify(LONG).key
    monkeypatch.setattr(JobQueue, "_work_on", lambda queue, one: asked.append(one) or [])
    fault(stopped.root, number)
    store = Store(stopped.root)
    queue = JobQueue(store, workers=1)
    try:
        assert store.open(OTHER).status is store.glance(OTHER).status is Status.DONE
        assert [entry["key"] for entry in store.list()] == [identify(OTHER).key]
        now = store.open(LONG)
        assert now.status is store.glance(LONG).status is Status.INTERRUPTED
        assert now.passes > 100 and now.points
        assert WORDS[number] in queue.waits_for_room(key)
        assert store.open(QUICK).status is Status.ABSENT
        with pytest.raises(OSError):
            queue.submit(QUICK)
        assert not asked
        fault.ends()
        wait(lambda: asked == [identify(LONG)])
        assert not queue.waits_for_room(key)
        assert store.open(LONG).status is Status.QUEUED
    finally:
        queue.close()


@pytest.mark.parametrize("number", WORDS)
def test_a_cache_in_which_nothing_is_yet_can_be_looked_at(tmp_path, fault, number):
    fault(tmp_path, number)
    store = Store(tmp_path)
    assert store.open(QUICK).status is store.glance(QUICK).status is Status.ABSENT
    assert store.list() == [] and store.journals() == []


class Filling:
    """A disk that fills once a run has written so many snapshots; `status` too, or not."""

    def __init__(self, monkeypatch, snapshots, status):
        self.left, self.status, self.full = snapshots, status, False
        append, change = Journal.append, Journal.change

        def appended(journal, arrays):
            self.left -= 1
            self.full = self.full or self.left < 0
            self._refuse()
            append(journal, arrays)

        def changed(journal, *what, **more):
            if self.status:
                self._refuse()
            return change(journal, *what, **more)

        monkeypatch.setattr(Journal, "append", appended)
        monkeypatch.setattr(Journal, "change", changed)

    def _refuse(self):
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")

    def empty(self):
        self.left, self.full = 10**9, False


@pytest.mark.parametrize("status", [False, True])
def test_a_disk_that_fills_in_the_middle_ends_a_training_with_its_reason(
    tmp_path, monkeypatch, status
):
    plain = run(QUICK, store=Store(tmp_path / "plain"), workers=1)
    store, filling = Store(tmp_path / "cache"), Filling(monkeypatch, 12, status)
    with pytest.raises(NoRoom, match="the disk that holds .*cache is full. What was trained"):
        run(QUICK, store=store, workers=1)
    now = store.open(QUICK)
    assert now.status is Status.INTERRUPTED and 0 < now.points < plain.points
    # Where a few bytes can still be written, they say why to whoever looks later.
    assert status or "is full" in now.error and "is full" in store.glance(QUICK).error
    filling.empty()
    again = run(QUICK, store=store, workers=1)
    assert again.status is Status.DONE and again.error is None
    for name, values in plain.curves.items():
        assert (values == again.curves[name]).all() or name.startswith("test_")


def test_a_result_that_finds_no_room_is_written_without_training_again(tmp_path, monkeypatch):
    from ncengine.jobs import job

    store = Store(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(
            "joblib.numpy_pickle.dump", lambda *_, **__: (_ for _ in ()).throw(OSError(28, "full"))
        )
        with pytest.raises(NoRoom):
            run_job(identify(QUICK), store)
    assert store.open(QUICK).status is Status.INTERRUPTED and "is full" in store.open(QUICK).error
    assert not list(store.root.rglob("output.pkl*"))
    monkeypatch.setattr(job, "Training", None)
    run_job(identify(QUICK), store)
    assert store.open(QUICK).status is Status.DONE


def test_a_server_has_a_run_go_on_once_there_is_room(tmp_path, monkeypatch):
    monkeypatch.setattr(queues, "ROOM_SECONDS", 0.0)
    monkeypatch.setattr(queues, "ADOPT_SECONDS", 0.05)
    room, asked, work_on = [], [], JobQueue._work_on
    monkeypatch.setattr(adoption, "has_room", lambda root, size: bool(room))

    def worked_on(queue, identity):
        asked.append(identity)
        if room:
            return work_on(queue, identity)
        failed = Future()
        failed.set_exception(pickle.loads(pickle.dumps(NoRoom("the disk is full"))))
        return [failed]

    monkeypatch.setattr(JobQueue, "_work_on", worked_on)
    store = Store(tmp_path)
    queue = JobQueue(store, workers=1)
    key = identify(QUICK).key
    try:
        queue.submit(QUICK)
        assert queue.waits_for_room(key) == "the disk is full"
        assert len(asked) == 1
        room.append(True)
        wait(lambda: store.open(QUICK).status is Status.DONE)
        assert not queue.waits_for_room(key)
        assert len(asked) == 2
    finally:
        queue.close()


def test_however_often_there_is_no_room_a_run_is_not_given_up(tmp_path, monkeypatch):
    store, filling = Store(tmp_path), Filling(monkeypatch, 5, False)
    monkeypatch.setattr(JobQueue, "_look_around", lambda queue: None)
    monkeypatch.setattr(adoption, "has_room", lambda root, size: True)

    def worked_on(queue, identity):
        done = Future()
        try:
            run_job(identity, store)
            done.set_result(None)
        except NoRoom as error:
            done.set_exception(error)
        return [done]

    monkeypatch.setattr(JobQueue, "_work_on", worked_on)
    queue = JobQueue(store, workers=1)
    try:
        queue.submit(QUICK)
        for _ in range(3 * adoption.MAX_ATTEMPTS):
            assert queue.waits_for_room(identify(QUICK).key)
            queue._adoption.of_held_up()
        filling.empty()
        queue._adoption.of_held_up()
        assert store.open(QUICK).status is Status.DONE
    finally:
        queue.close()


def without_room(root, monkeypatch):
    """A queue whose workers find no room, and which takes up nothing by itself."""
    monkeypatch.setattr(JobQueue, "_look_around", lambda queue: None)
    failed = Future()
    failed.set_exception(NoRoom("the disk is full"))
    monkeypatch.setattr(JobQueue, "_work_on", lambda queue, identity: [failed])
    return JobQueue(Store(root), workers=1)


def test_what_is_stopped_while_it_waits_for_room_stays_so(tmp_path, monkeypatch):
    queue = without_room(tmp_path, monkeypatch)
    try:
        queue.submit(QUICK)
        queue.cancel(QUICK)
        queue._adoption.of_held_up()
        assert not queue.waits_for_room(identify(QUICK).key)
        assert queue.store.open(QUICK).status is Status.CANCELLED
    finally:
        queue.close()


def test_what_stands_in_the_way_is_told_once(tmp_path, monkeypatch, caplog):
    """Also where there is room, and it is something else."""
    queue = without_room(tmp_path, monkeypatch)

    def refuse(*_, **__):
        raise OSError(errno.EIO, "Input/output error")

    try:
        queue.submit(QUICK)
        with monkeypatch.context() as patch:
            patch.setattr(adoption.Adoption, "_adopt", refuse)
            for _ in range(3):
                queue._adoption.of_held_up()
        assert queue.waits_for_room(identify(QUICK).key) == "input/output error"
        assert [m.partition(" waits: ")[2] for m in caplog.messages if " waits: " in m] == [
            "the disk is full",
            "input/output error",
        ]
        monkeypatch.setattr(JobQueue, "_work_on", lambda queue, identity: [Future()])
        queue._adoption.of_held_up()
        assert not queue.waits_for_room(identify(QUICK).key)
    finally:
        queue.close()


def test_what_is_taken_over_is_not_lost_to_a_full_disk(tmp_path, monkeypatch):
    store = Store(tmp_path)
    shorter, longer = QUICK.with_(solver="Adam"), QUICK.with_(solver="Adam", epochs=60)
    run(shorter, store=store, workers=1)
    enqueue(store, longer)
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "save_checkpoint", _full)
        with pytest.raises(NoRoom):
            run_job(identify(longer), store)
    assert store.ends.passes_before(identify(longer)) == 40
    assert store.journal(longer).shards() is None
    begun = []
    run_job(identify(longer), store, lambda passes, _: begun.append(passes))
    assert begun[0] > 40 and store.open(longer).status is Status.DONE


def _full(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_who_is_stopped_by_a_key_is_stopped_on_a_full_disk_too(tmp_path, monkeypatch):
    store = Store(tmp_path)

    def stop(passes, _):
        if passes >= 5:
            monkeypatch.setattr(Journal, "change", _full)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_job(identify(QUICK), store, stop)


def test_what_rests_on_a_read_only_disk_is_looked_at_without_a_warning(tmp_path, fault, caplog):
    store = Store(tmp_path)
    store.journal(QUICK).create(identify(QUICK).as_dict())
    store.journal(QUICK).change(Status.RUNNING)
    fault(tmp_path, READ_ONLY)
    try:
        assert store.is_free(QUICK) and store.open(QUICK).status is Status.INTERRUPTED
    finally:
        fault.ends()
    assert not caplog.messages


def test_half_a_file_does_not_stay_on_a_full_disk(tmp_path, monkeypatch):
    journal = Journal(tmp_path)
    monkeypatch.setattr("ncengine.runs.journal.record.write", _full)
    with pytest.raises(OSError):
        journal.save_checkpoint({})
    assert list(tmp_path.iterdir()) == []


def test_which_errors_say_that_nothing_can_be_written(tmp_path):
    inside, outside = tmp_path / "index.jsonl", "/data/mnist/labels"
    for number in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
        assert str(tmp_path) in why_not(OSError(number, "why"), tmp_path)
    assert "may not write" in why_not(PermissionError(errno.EACCES, "why", str(inside)), tmp_path)
    for other in (outside, f"{tmp_path}-2/labels", 7, None):
        assert not why_not(PermissionError(errno.EACCES, "why", other), tmp_path)
    assert not why_not(OSError(errno.EIO, "why"), tmp_path)
    assert not why_not(OSError("no such data"), tmp_path)


def test_room_is_looked_for_by_taking_it(tmp_path, monkeypatch):
    assert has_room(tmp_path, 10**6) and list(tmp_path.iterdir()) == []
    assert not has_room(tmp_path, 2**62) and list(tmp_path.iterdir()) == []
    monkeypatch.delattr(disk.os, "posix_fallocate")
    assert has_room(tmp_path, 10**6) and list(tmp_path.iterdir()) == []
    assert not has_room(tmp_path / "none")
