"""Downloads, from servers on this machine that behave well, badly, or not at all."""

import hashlib
import socket
import threading
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType

import numpy as np
import pytest

from ncengine import datasets
from ncengine.datasets import registry

CONTENT = {
    "first.gz": np.random.default_rng(0).bytes(300_000),
    "second.gz": np.random.default_rng(1).bytes(1_000),
}


@contextmanager
def server(behaviour="good"):
    """Serves CONTENT under any folder; yields its address and the paths it was asked for."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            content = CONTENT[self.path.rsplit("/", 1)[1]]
            if behaviour == "refuses":
                return self.send_error(500)
            body = bytes(len(content)) if behaviour == "wrong" else content
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if behaviour == "truncated" else body)

        def log_message(self, *_):
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{httpd.server_port}/data", asked
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join()


@contextmanager
def dead():
    """An address at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """A registry with one small data set of two files, and an empty folder for it."""
    remote = tuple(
        registry.RemoteFile(name, hashlib.sha256(content).hexdigest(), len(content))
        for name, content in CONTENT.items()
    )
    small = replace(
        registry.DATASETS["mnist"], name="small", title="Small", files=remote, base_urls=()
    )
    known = MappingProxyType({**registry.DATASETS, "small": small})
    monkeypatch.setattr(registry, "DATASETS", known)
    for variable in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("NCENGINE_DATA", str(tmp_path))
    return tmp_path / "small"


@pytest.fixture
def mirrors(monkeypatch):
    return lambda *urls: monkeypatch.setenv("NCENGINE_MIRROR_SMALL", " ".join(urls))


def left_in(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


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
    assert error.reasons[1] == f"{closed}/first.gz: the server does not answer"
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


def test_a_full_disk_is_told_once_and_leaves_nothing(folder, mirrors, monkeypatch):
    import pooch

    def full(self, url, output_file, pooch):
        with open(output_file, "wb") as stream:
            stream.write(b"begun")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", full)
    mirrors("http://127.0.0.1:1", "http://127.0.0.1:2")
    with pytest.raises(datasets.DownloadError) as caught:
        datasets.download("small")
    assert caught.value.reasons == ["the disk is full"]
    assert left_in(folder) == []


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
