"""Downloads, from servers on this machine that behave well, badly, or not at all."""

import hashlib
import io
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from ncengine import datasets
from ncengine.datasets.files import fetching

from .conftest import CONTENT, dead


@contextmanager
def server(behaviour="good", served=CONTENT):
    """Serves files under any folder; yields its address and the paths it was asked for."""
    asked, sent, silence = [], [], threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            content = served[self.path.rsplit("/", 1)[1]]
            if behaviour == "refuses":
                return self.send_error(500)
            body = bytes(len(content)) if behaviour == "wrong" else content
            self.send_response(200)
            if behaviour not in ("lengthless", "endless"):
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            half = behaviour in ("truncated", "silent")
            self.wfile.write(body[: len(body) // 2] if half else body)
            if behaviour == "endless":
                with suppress(OSError):
                    while not silence.is_set():
                        sent.append(self.wfile.write(bytes(2**16)))
            if behaviour == "silent":
                silence.wait(10)

        def log_message(self, *_):
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield (
            f"http://127.0.0.1:{httpd.server_port}/data",
            sent if behaviour == "endless" else asked,
        )
    finally:
        silence.set()
        httpd.shutdown()
        httpd.server_close()
        thread.join()


def left_in(folder):
    """What a download left in the data set's folder; no empty folder, and nothing beside it."""
    files = sorted(path.name for path in folder.iterdir()) if folder.exists() else []
    assert [path.name for path in folder.parent.iterdir()] == ["small"] * bool(files)
    return files


def test_files_arrive_whole_with_progress_over_all(folder, mirrors):
    seen = []
    with server() as (url, asked):
        mirrors(url)
        assert not datasets.is_available("small")
        assert datasets.download("small", lambda done, total: seen.append((done, total))) == folder
    assert asked == ["/data/first.gz", "/data/second.gz"]
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == CONTENT
    assert datasets.is_available("small")
    done = [first for first, _ in seen]
    assert {total for _, total in seen} == {301_000}
    assert done == sorted(done) and done[-1] == 301_000 and len(set(done)) > 4


def test_what_is_there_is_not_fetched_again_and_what_is_damaged_is(folder, mirrors):
    folder.mkdir()
    (folder / "first.gz").write_bytes(CONTENT["first.gz"])
    (folder / "second.gz").write_bytes(bytes(1_000))
    with server() as (url, asked):
        mirrors(url)
        datasets.download("small")
    assert asked == ["/data/second.gz"]
    assert (folder / "second.gz").read_bytes() == CONTENT["second.gz"]


@pytest.mark.parametrize("mode", [0o755, 0o700])
def test_files_are_for_all_who_can_use_the_folder(folder, mirrors, mode):
    folder.mkdir(mode)
    with server() as (url, _):
        mirrors(url)
        datasets.download("small")
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {mode & 0o666}


def refused(*_, **__):
    raise PermissionError(13, "Permission denied")


def test_a_folder_that_cannot_be_made_is_told_in_few_words(folder, mirrors, monkeypatch):
    mirrors("http://127.0.0.1:1")
    monkeypatch.setattr("os.mkdir", refused)
    with pytest.raises(datasets.DownloadError) as caught:
        datasets.download("small")
    assert caught.value.reasons == ["the folder cannot be written to (permission denied)"]


def test_a_folder_of_the_source_that_cannot_be_entered_is_told(folder, mirrors, monkeypatch):
    mirrors("/elsewhere")
    monkeypatch.setattr("pathlib.Path.stat", refused)
    with pytest.raises(datasets.DownloadError) as caught:
        datasets.download("small")
    assert caught.value.reasons == ["/elsewhere/first.gz: permission denied"]


@pytest.mark.parametrize("behaviour", ["wrong", "truncated", "refuses"])
def test_the_next_mirror_is_tried(folder, mirrors, behaviour):
    with server(behaviour) as (bad, asked), server() as (good, _):
        mirrors(bad, good)
        datasets.download("small")
    assert len(asked) == 2
    assert left_in(folder) == ["first.gz", "second.gz"]
    assert (folder / "first.gz").read_bytes() == CONTENT["first.gz"]


@pytest.mark.parametrize(
    "behaviour, reason",
    [
        ("wrong", "SHA-256 differs"),
        ("truncated", "the connection broke off"),
        ("refuses", "the server refused: 500"),
    ],
)
def test_a_mirror_that_fails_is_told_and_leaves_nothing(folder, mirrors, behaviour, reason):
    with server(behaviour) as (bad, _), dead() as closed:
        mirrors(bad, closed)
        with pytest.raises(datasets.DownloadError) as caught:
            datasets.download("small")
    error, text = caught.value, str(caught.value)
    assert (error.dataset, error.file, error.folder) == ("small", "first.gz", folder)
    assert f"{bad}/first.gz: " in error.reasons[0] and reason in error.reasons[0]
    assert (
        error.reasons[1] == f"{closed}/first.gz: nothing listens there: the connection was refused"
    )
    for part in ("Small", "first.gz", str(folder), reason, closed, "Digits, Gaussian clusters"):
        assert part in text
    assert left_in(folder) == [] and not datasets.is_available("small")


def test_no_network_is_told(folder, mirrors):
    mirrors("http://nowhere.invalid/")
    with pytest.raises(datasets.DownloadError, match="no network, or no such host"):
        datasets.download("small")


def test_an_unusable_address_is_told(folder, mirrors):
    mirrors("http://")
    with pytest.raises(datasets.DownloadError, match="not a usable address"):
        datasets.download("small")


class FullDisk(io.FileIO):
    """A file of which only the beginning still fits."""

    def write(self, content):
        if self.tell() > 100_000:
            raise OSError(28, "No space left on device")
        return super().write(content)


def fill_the_disk(monkeypatch):
    def open_full(path, mode):
        return FullDisk(path, mode.replace("b", ""))

    monkeypatch.setattr(fetching, "open", open_full, raising=False)


def test_a_full_disk_is_told_once_and_leaves_nothing(folder, mirrors, monkeypatch):
    fill_the_disk(monkeypatch)
    with server() as (url, asked):
        mirrors(url, url)
        with pytest.raises(datasets.DownloadError) as caught:
            datasets.download("small")
    assert caught.value.reasons == ["the disk is full"] and len(asked) == 1
    assert left_in(folder) == []


SETS = {
    "cifar10": {"cifar-10-python.tar.gz": CONTENT["first.gz"]},
    "imdb": {"aclImdb_v1.tar.gz": CONTENT["first.gz"]},
    "fashion-mnist": {
        file.name: np.random.default_rng(number).bytes(200_000)
        for number, file in enumerate(datasets.dataset_info("fashion-mnist").files)
    },
}


@pytest.fixture(params=SETS)
def published(request, monkeypatch, tmp_path):
    """A set of the catalogue, whose source is said to be other, smaller files."""
    monkeypatch.setenv("NCENGINE_DATA", str(tmp_path))
    monkeypatch.setattr(fetching, "TIMEOUT_SECONDS", 0.3)
    name = request.param
    hashes = " ".join(
        f"sha256:{hashlib.sha256(content).hexdigest()}" for content in SETS[name].values()
    )

    def point(*urls):
        variable = "NCENGINE_MIRROR_" + name.upper().replace("-", "_")
        monkeypatch.setenv(variable, " ".join(urls) + " " + hashes)

    return name, point


@pytest.mark.parametrize("behaviour", ["good", "lengthless"])
def test_other_files_by_address_and_hash(published, behaviour):
    name, point = published
    seen = []
    with server(behaviour, SETS[name]) as (url, _):
        point(url)
        assert not datasets.is_available(name)
        folder = datasets.download(name, lambda done, total: seen.append((done, total)))
    assert folder.name.startswith(name + "-")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == SETS[name]
    assert datasets.is_available(name)
    whole = sum(map(len, SETS[name].values()))
    assert seen[-1] == (whole, whole) and len(seen) > 4
    assert all(done <= total for done, total in seen)


@pytest.mark.parametrize(
    "behaviour, reason",
    [
        ("wrong", "what came is not the one NCENGINE_MIRROR_.* tells of: its SHA-256 differs"),
        ("truncated", "the connection broke off"),
        ("silent", "the server fell silent for 0.3 seconds"),
        ("refuses", "the server refused: 500"),
        ("dead", "nothing listens there: the connection was refused"),
        ("nowhere", "no network, or no such host"),
        ("full", "the disk is full"),
    ],
)
def test_each_failure_has_its_message_and_leaves_nothing(published, monkeypatch, behaviour, reason):
    name, point = published
    if behaviour == "full":
        fill_the_disk(monkeypatch)
    with server(behaviour, SETS[name]) as (url, _), dead() as closed:
        point({"dead": closed, "nowhere": "http://nowhere.invalid"}.get(behaviour, url))
        with pytest.raises(datasets.DownloadError, match=reason) as caught:
            datasets.download(name)
    assert len(caught.value.reasons) == 1
    assert caught.value.file == next(iter(SETS[name]))
    assert left_in(datasets.folder(name)) == [] and not datasets.is_available(name)


def test_files_that_came_before_a_failure_are_kept_whole(folder, mirrors):
    with server(served={"first.gz": CONTENT["first.gz"], "second.gz": b"other"}) as (url, _):
        mirrors(url)
        with pytest.raises(datasets.DownloadError, match="second.gz: what came is not the publish"):
            datasets.download("small")
    assert left_in(folder) == ["first.gz"]
    assert (folder / "first.gz").read_bytes() == CONTENT["first.gz"]


def test_a_folder_that_cannot_be_made_is_told(folder, mirrors, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("NCENGINE_DATA", str(tmp_path / "file"))
    with server() as (url, _):
        mirrors(url)
        with pytest.raises(datasets.DownloadError, match="cannot be written to"):
            datasets.download("small")


def test_progress_may_stop_it(folder, mirrors):
    class Stop(Exception):
        pass

    def stop(done, total):
        raise Stop

    with server() as (url, _):
        mirrors(url)
        with pytest.raises(Stop):
            datasets.download("small", stop)
    assert left_in(folder) == []


def test_a_bar_on_the_terminal(folder, mirrors, capsys):
    with server() as (url, _):
        mirrors(url)
        datasets.download("small", True)
    assert "Small: 100%" in capsys.readouterr().err


def test_mirrors_of_mnist(monkeypatch):
    monkeypatch.delenv("NCENGINE_MIRROR_MNIST", raising=False)
    assert datasets.mirrors("mnist") == (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    )
    monkeypatch.setenv("NCENGINE_MIRROR_MNIST", "http://a/b  http://c/")
    assert datasets.mirrors("mnist") == ("http://a/b/", "http://c/")


def test_a_mirror_that_never_ends_is_given_up_at_the_files_size(folder, mirrors):
    with server("endless") as (url, sent):
        mirrors(url)
        with pytest.raises(datasets.DownloadError, match="more than the 300,000 bytes"):
            datasets.download("small")
        # What was on its way when the line was cut, no more.
        assert sum(sent) < 16 * 2**20
    assert left_in(folder) == []


def test_a_mirror_that_is_too_slow_is_given_up(folder, mirrors, monkeypatch):
    monkeypatch.setattr(fetching, "SLOW_START_SECONDS", -1e9)
    with server() as (url, _):
        mirrors(url)
        with pytest.raises(datasets.DownloadError, match="so slowly"):
            datasets.download("small")


def test_two_who_want_the_same_file_fetch_it_once(folder, mirrors):
    with server() as (url, asked):
        mirrors(url)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(datasets.download, ["small"] * 4))
    assert sorted(asked) == ["/data/first.gz", "/data/second.gz"]
