"""Whom the server answers, and how it ends in the middle of a run."""

from __future__ import annotations

import base64
import http.client
import os
import socket
import sys
from pathlib import Path

import pytest
import streamlit

from ncengine.config import RunConfig
from ncengine.runs.run import Status
from ncengine.runs.store import Store
from tests.e2e.conftest import assert_ends_cleanly
from tests.e2e.live_app import ROOT, LiveApp
from tests.e2e.pages import (
    ENDLESS,
    expect_progress,
    open_page,
    train,
)


def asleep(app: LiveApp) -> socket.socket:
    """A reader that has asked for a large file, has taken its beginning, and takes no more."""
    scripts = Path(streamlit.__file__).with_name("static").glob("static/js/*.js")
    largest = max(scripts, key=lambda file: file.stat().st_size)
    channel = socket.socket()
    channel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    channel.connect(("127.0.0.1", app.port))
    channel.sendall(f"GET /static/js/{largest.name} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert b" 200 " in channel.recv(20)
    return channel


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_ctrl_c_ends_a_server_in_the_middle_of_a_run_without_a_trace(tmp_path, page):
    app = LiveApp(tmp_path / "cache", env={"NCENGINE_WORKERS": "1"}).start().wait()
    try:
        open_page(page, app, **ENDLESS)
        train(page)
        expect_progress(page)
        page.goto("about:blank")
        with asleep(app):
            assert_ends_cleanly(app)
        # For the next server to take up.
        assert Store(app.cache).open(RunConfig(**ENDLESS)).status is Status.QUEUED
    finally:
        app.end()


def handshake(app: LiveApp, host: str, origin: str) -> str:
    """The status line with which the server answers who wants to open a page's channel."""
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [
        "GET /_stcore/stream HTTP/1.1",
        f"Host: {host}",
        f"Origin: {origin}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {key}",
    ]
    with socket.create_connection(("127.0.0.1", app.port), timeout=20) as channel:
        channel.sendall("\r\n".join([*lines, "", ""]).encode())
        return channel.makefile("rb").readline().decode().strip()


def test_only_pages_under_this_machines_own_names_are_served(app):
    for name in ("localhost", "127.0.0.1"):
        host = f"{name}:{app.port}"
        assert " 101 " in handshake(app, host, f"http://{host}")
    # Its own name made to lead here: Origin and Host agree, and are foreign.
    host = f"rebound.example:{app.port}"
    assert " 403 " in handshake(app, host, f"http://{host}")
    assert " 403 " in handshake(app, f"localhost:{app.port}", "http://foreign.example")


FONT = "/app/static/inter-latin-wght-normal.woff2"


def asked(app: LiveApp, path: str, host: str) -> int:
    """The status with which the server answers who asks for a path under that name."""
    channel = http.client.HTTPConnection("127.0.0.1", app.port, timeout=20)
    try:
        channel.putrequest("GET", path, skip_host=True)
        channel.putheader("Host", host)
        channel.endheaders()
        return channel.getresponse().status
    finally:
        channel.close()


@pytest.mark.parametrize("path", ["/", "/depth", "/_stcore/health", "/_stcore/host-config", FONT])
def test_nothing_is_answered_under_another_name(app, path):
    port = app.port
    for own in (f"localhost:{port}", f"127.0.0.1:{port}", "LocalHost", "127.0.0.1"):
        assert asked(app, path, own) == 200
    near = ("localhost.rebound.example", "xlocalhost", f"localhost@rebound.example:{port}")
    for foreign in (f"rebound.example:{port}", "rebound.example", "0.0.0.0", "", *near):
        assert asked(app, path, foreign) == 400


class Elsewhere(LiveApp):
    """`ncengine app`."""

    def command(self) -> list[str]:
        code = "from ncengine.cli import program; program()"
        return [sys.executable, "-c", code, "app", "--headless", "--port", str(self.port)]


def test_it_starts_wherever_streamlit_is_installed(tmp_path):
    # As `pip install --target` does it; of a folder of another name Streamlit takes it that it is
    # being developed there, and refuses every port.
    folder = tmp_path / "packages"
    folder.mkdir()
    (folder / "streamlit").symlink_to(Path(streamlit.__file__).parent)
    env = {"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}
    app = Elsewhere(tmp_path / "cache", env=env)
    try:
        app.start().wait()
        assert app.interrupt() == 0
    finally:
        app.end()
