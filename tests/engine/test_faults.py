"""Files that cannot be read, and processes that are gone: one run suffers, the others do not."""

import errno
import json
import os
import shutil
import subprocess
import sys

import joblib
import pytest

from ncengine.cli.main import main
from ncengine.jobs.adoption import Adoption
from ncengine.jobs.ending import mend_index
from ncengine.jobs.foreground import run
from ncengine.jobs.job import run_job
from ncengine.jobs.queue import JobQueue, QueueFull, enqueue, longest_queue
from ncengine.runs import private
from ncengine.runs.identity import identify
from ncengine.runs.run import Status
from ncengine.runs.store import Store, UnsafeCache
from tests.engine.processes import start_training
from tests.engine.test_store import LONG, QUICK, wait

OTHER = QUICK.with_(depth=4)

pytestmark = pytest.mark.usefixtures("kept_workers")


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


@pytest.fixture(scope="module")
def accident(tmp_path_factory):
    """The folder of a cache with a run that was killed in the middle, and one that is done."""
    store = Store(tmp_path_factory.mktemp("accident") / "cache")
    run(OTHER, store=store)
    process = start_training(store, LONG)
    wait(lambda: store.open(LONG).passes > 100 and store.journal(LONG).has_checkpoint())
    process.kill()
    process.join()
    return store.root


@pytest.fixture
def stopped(accident, tmp_path):
    """A copy of it for each test to damage."""
    return Store(shutil.copytree(accident, tmp_path / "cache"))


def replace_by_folder(path):
    """What nobody can read or write as a file, the superuser neither."""
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    (path / "inside").mkdir(parents=True)


@pytest.mark.parametrize(
    "name", ["status.json", "asked.json", "snapshots", "checkpoint", "request"]
)
def test_a_file_of_a_journal_that_cannot_be_read_concerns_that_run_alone(stopped, name):
    replace_by_folder(stopped.journal(LONG).folder / name)
    looks = Store(stopped.root)
    seen = looks.open(LONG)
    if name in ("status.json", "snapshots"):
        assert seen.status is Status.FAILED
        assert name in seen.error
    assert looks.open(OTHER).status is Status.DONE
    assert looks.open(QUICK).status is Status.ABSENT
    looks.journals()
    queue = JobQueue(looks, workers=1)
    try:
        queue.submit(QUICK)
        wait(lambda: looks.open(QUICK).status is Status.DONE)
    finally:
        queue.close()


@pytest.mark.parametrize("name", ["snapshots", "checkpoint", "request"])
def test_trying_again_puts_right_what_cannot_be_read(stopped, name):
    replace_by_folder(stopped.journal(LONG).folder / name)
    finished = run(LONG, store=stopped)
    assert finished.status is Status.DONE
    assert finished.passes == LONG.epochs


def test_a_lock_that_cannot_be_opened_takes_no_page_down(stopped):
    replace_by_folder(stopped.root / "locks" / f"{identify(LONG).key}-0.lock")
    assert Store(stopped.root).open(LONG).status is Status.INTERRUPTED
    assert Store(stopped.root).open(OTHER).status is Status.DONE


def test_a_note_of_joblibs_that_is_a_folder_is_put_right(stopped):
    (note,) = stopped.root.rglob("func_code.py")
    replace_by_folder(note)
    assert Store(stopped.root).open(OTHER).status is Status.DONE
    assert note.is_file()


@pytest.mark.parametrize(
    "edit",
    [
        {"passes": -1},
        {"passes": 1e300},
        {"passes": 2.5},
        {"seconds_left": "soon"},
        {"error": 3},
        {"machine": {"device": 5}},
        {"machine": "CPU"},
        {"ended": "yes"},
        {"pid": "1"},
    ],
    ids=str,
)
def test_a_status_edited_by_hand_is_passed_over(stopped, edit):
    path = stopped.journal(LONG).folder / "status.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **edit}))
    assert stopped.journal(LONG).status() is None
    assert Store(stopped.root).open(LONG).status is Status.ABSENT


SERVER = """
import json, sys, time
from ncengine.config import RunConfig
from ncengine.jobs.queue import JobQueue
from ncengine.runs.store import Store, UnsafeCache
queue = JobQueue(Store(sys.argv[1]), workers=1)
for config in sys.argv[2:]:
    queue.submit(RunConfig(**json.loads(config)))
print("ready", flush=True)
time.sleep(600)
"""


def test_a_live_server_takes_over_what_waits_for_one_that_is_gone(store):
    command = [sys.executable, "-c", SERVER, str(store.root)]
    endless = LONG.with_(epochs=100_000)
    owner = subprocess.Popen(
        [*command, endless.canonical_json(), QUICK.canonical_json()], stdout=subprocess.PIPE
    )
    assert owner.stdout.readline() == b"ready\n"
    queue = JobQueue(store, workers=1)
    try:
        # It waits for its owner as long as that lives.
        wait(lambda: store.open(endless).status is Status.RUNNING)
        assert store.open(QUICK).status is Status.QUEUED
        owner.kill()
        owner.wait()
        wait(lambda: store.open(QUICK).status is Status.DONE)
    finally:
        store.journal(endless).request("cancel")
        queue.close()
        wait(lambda: store.is_free(endless))


def test_a_run_that_kills_its_workers_is_given_up(store):
    queue = JobQueue(store, workers=1)
    endless = LONG.with_(epochs=100_000)
    killed = []

    def kill_it_once_more():
        job = store.journal(endless).status()
        if job and job.status is Status.RUNNING and job.passes and job.pid not in killed:
            os.kill(job.pid, 9)
            killed.append(job.pid)
        return job and job.status is Status.FAILED

    try:
        queue.submit(endless)
        wait(kill_it_once_more)
        assert len(killed) == 3
    finally:
        queue.close()


def test_the_queue_has_a_length(store, monkeypatch):
    monkeypatch.setenv("NCENGINE_QUEUE", "3")
    for depth in (5, 6, 7):
        enqueue(store, QUICK.with_(depth=depth))
    # Nobody works on them: what waits is another server's, which lives.
    monkeypatch.setattr(Adoption, "of_everything", lambda adoption: None)
    queue = JobQueue(store, workers=1)
    try:
        with pytest.raises(QueueFull, match="3 runs wait already.*NCENGINE_QUEUE"):
            queue.submit(QUICK)
        assert store.open(QUICK).status is Status.ABSENT
    finally:
        queue.close()


@pytest.mark.parametrize("value", ["0", "many", "-3"])
def test_an_odd_length_of_the_queue_is_refused(monkeypatch, value):
    monkeypatch.setenv("NCENGINE_QUEUE", value)
    with pytest.raises(ValueError, match=f"NCENGINE_QUEUE = '{value}': must be"):
        longest_queue()


def test_a_request_to_stop_a_run_that_nobody_trains_is_granted(store):
    enqueue(store, QUICK)
    store.journal(QUICK).request("cancel")
    run_job(identify(QUICK), store)
    assert store.open(QUICK).status is Status.CANCELLED


@pytest.mark.parametrize("damage", [None, "folder", "garbage", "half a line"])
def test_an_index_that_is_gone_or_damaged_hides_no_run(stopped, damage):
    path = stopped.index.path
    if damage == "folder":
        replace_by_folder(path)
    elif damage is None:
        path.unlink()
    else:
        path.write_text({"garbage": "\x00\x01\n", "half a line": path.read_text()[:50]}[damage])
    store = Store(stopped.root)
    assert store.index.is_damaged
    assert store.list() == []
    mend_index(store)
    assert [entry["key"] for entry in store.list()] == [identify(OTHER).key]
    assert not Store(stopped.root).index.is_damaged


def test_a_new_cache_is_closed_to_others_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        store = Store(tmp_path / "cache")
        run(QUICK, store=store)
    finally:
        os.umask(before)
    results = store.root / "results"
    for path in (store.root, results, *results.rglob("*")):
        assert path.name == "func_code.py" or path.stat().st_mode & 0o077 == 0
    assert store.open(QUICK).status is Status.DONE


def test_a_checkout_that_its_group_may_write_to_is_closed_to_it(tmp_path):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache").chmod(0o775)
    Store(tmp_path / "cache")
    assert (tmp_path / "cache").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("which", [".", "results", "results/joblib", "results/joblib/ncengine"])
def test_results_that_others_may_have_planted_are_refused(stopped, which, monkeypatch, capsys):
    (stopped.root / which).chmod(0o777)
    with pytest.raises(UnsafeCache, match="chmod -R go-w .* makes nothing good that was planted"):
        Store(stopped.root)
    monkeypatch.setenv("NCENGINE_CACHE", str(stopped.root))
    assert main(["list"]) == 1
    assert "others may write to" in capsys.readouterr().err


@pytest.mark.parametrize("what", ["folder", "file"])
def test_a_result_that_is_a_link_to_elsewhere_is_not_followed(stopped, what):
    (path,) = stopped.root.rglob("output.pkl")
    linked = path if what == "file" else path.parent
    elsewhere = stopped.root / "elsewhere"
    linked.rename(elsewhere)
    linked.symlink_to(elsewhere)
    seen = Store(stopped.root).open(OTHER)
    assert seen.status is Status.FAILED and "symbolic link" in seen.error
    assert elsewhere.exists()
    assert run(OTHER, store=Store(stopped.root)).status is Status.DONE
    assert elsewhere.exists()


class Trap:
    """What says so when it is unpickled."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return open, (str(self.trace), "w")


def open_to_others(path):
    path.chmod(path.stat().st_mode | 0o020)


def owned_by_another(path):
    os.chown(path, 12345, -1)


SPOILT = {
    "others may write to": open_to_others,
    "belongs to another user": owned_by_another,
}


@pytest.mark.parametrize("what", ["folder", "file"])
@pytest.mark.parametrize("words", SPOILT)
def test_a_result_that_others_may_have_planted_is_not_unpickled(stopped, tmp_path, what, words):
    if words == "belongs to another user" and os.getuid():
        pytest.skip("takes a superuser")
    (path,) = stopped.root.rglob("output.pkl")
    whole, trace = path.read_bytes(), tmp_path / "unpickled"
    joblib.dump(Trap(trace), path)
    trace.unlink(missing_ok=True)
    SPOILT[words](path if what == "file" else path.parent)
    store = Store(stopped.root)
    seen = store.open(OTHER)
    assert seen.status is store.glance(OTHER).status is Status.FAILED
    assert words in seen.error and "Remove it" in seen.error
    assert list(store.results.all()) == []
    with pytest.raises(UnsafeCache, match=words):
        store.results.load(identify(OTHER))
    # By joblib's own hand neither.
    call = store.results._call_id(identify(OTHER))
    with pytest.raises(UnsafeCache, match=words):
        store.results._cached._load_item(call)
    assert path.exists() and not trace.exists()
    # Who trains it again gets a result of their own in its place.
    assert run(OTHER, store=store).status is Status.DONE
    assert path.read_bytes() != whole or path.stat().st_uid == os.getuid()
    assert path.stat().st_mode & 0o077 == 0 and not trace.exists()


def test_what_is_put_in_a_files_place_while_it_is_opened_is_not_read(stopped, monkeypatch):
    (path,) = stopped.root.rglob("output.pkl")
    store = Store(stopped.root)
    assert store.results.has(identify(OTHER))
    # Between the look at its name and its opening.
    monkeypatch.setattr(private, "check", lambda *paths: open_to_others(path))
    with pytest.raises(UnsafeCache, match="others may write to"):
        store.results.load(identify(OTHER))


def test_a_result_that_cannot_be_read_for_now_is_not_dropped(stopped, monkeypatch):
    store = Store(stopped.root)

    def too_many_files(*_):
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(store.results, "load", too_many_files)
        seen = store.open(OTHER)
    assert seen.status is Status.FAILED and "too many open files" in seen.error
    assert store.open(OTHER).status is Status.DONE
