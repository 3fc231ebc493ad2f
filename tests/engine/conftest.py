"""What several tests of downloads share: a small data set, and an address without a server."""

import hashlib
import socket
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest

from ncengine.catalogue import datasets as catalogue

CONTENT = {
    "first.gz": np.random.default_rng(0).bytes(300_000),
    "second.gz": np.random.default_rng(1).bytes(1_000),
}


@contextmanager
def dead():
    """An address at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """A catalogue with one small data set of two files, and an empty folder for it."""
    remote = tuple(
        catalogue.RemoteFile(name, hashlib.sha256(content).hexdigest(), len(content))
        for name, content in CONTENT.items()
    )
    small = replace(
        catalogue.DATASETS["mnist"], name="small", title="Small", files=remote, base_urls=()
    )
    known = MappingProxyType({**catalogue.DATASETS, "small": small})
    monkeypatch.setattr(catalogue, "DATASETS", known)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("NCENGINE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "data").mkdir()
    return tmp_path / "data" / "small"


@pytest.fixture
def mirrors(monkeypatch):
    return lambda *urls: monkeypatch.setenv("NCENGINE_MIRROR_SMALL", " ".join(urls))
