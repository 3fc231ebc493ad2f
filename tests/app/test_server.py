"""`ncengine app`: what it starts, and what it refuses; no server is started here."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from app.commands import server
from ncengine.cli.main import main

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def started(monkeypatch):
    """With what the server would have been started: the options, whether no browser is opened."""
    calls = []
    monkeypatch.setattr(server, "_serve", lambda config, headless: calls.append((config, headless)))
    monkeypatch.setenv("NCENGINE_CACHE", os.environ.get("NCENGINE_CACHE", ""))
    monkeypatch.delenv("NCENGINE_PUBLIC", raising=False)
    # Another server may listen where the app does by default.
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        monkeypatch.setattr(server, "FIRST_PORT", probe.getsockname()[1])
    handlers = logging.getLogger().handlers[:]
    yield calls
    logging.getLogger().handlers[:] = handlers


def test_the_whole_configuration_goes_along(started, capsys):
    assert main(["app"]) == 0
    ((config, headless),) = started
    file = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text("utf-8"))
    for name in ("font", "baseRadius", "fontFaces"):
        assert config[f"theme.{name}"] == file["theme"][name]
    dark = file["theme"]["dark"]
    assert config["theme.dark.linkColor"] == dark["linkColor"]
    assert config["theme.dark.sidebar.borderColor"] == dark["sidebar"]["borderColor"]
    for section in ("server", "browser", "client", "global"):
        for name, value in file[section].items():
            assert config[f"{section}.{name}"] == value
    assert config["server.port"] == server.FIRST_PORT and headless is False
    assert capsys.readouterr().err == ""


def test_streamlit_knows_every_option_that_is_passed(started):
    from streamlit.web.server.starlette.starlette_app import _validate_run_config

    main(["app", "--headless"])
    ((config, headless),) = started
    assert headless is True and _validate_run_config(config) == config


def test_the_next_port_is_taken_where_the_first_is_not_free(started, capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", server.FIRST_PORT))
        taken.listen()
        assert main(["app"]) == 0
    port = started[0][0]["server.port"]
    assert port > server.FIRST_PORT
    assert (
        capsys.readouterr().err == f"ncengine: port {server.FIRST_PORT} is taken, {port} is not\n"
    )


def test_a_port_that_was_asked_for_is_not_exchanged(started, capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", server.FIRST_PORT))
        taken.listen()
        assert main(["app", "--port", str(server.FIRST_PORT)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"ncengine: --port {server.FIRST_PORT}: cannot be listened on: ")
    assert "Errno" not in line and not started


OWN = ["localhost", "127.0.0.1"]


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ((), OWN),
        (("--host", "localhost"), OWN),
        (("--host", "0.0.0.0"), ["*"]),
        (("--host", "0.0.0.0", "--allowed-hosts", "a.example, *.b.example"),
         [*OWN, "a.example", "*.b.example"]),
        (("--host", "127.0.0.2"), [*OWN, "127.0.0.2"]),
        (("--allowed-hosts", "a.example"), [*OWN, "a.example"]),
    ],
    ids=str,
)  # fmt: skip
def test_it_answers_under_names_that_fit_its_address(started, options, names, monkeypatch):
    monkeypatch.setattr(server, "_try", lambda *_: None)  # not every machine has 127.0.0.2
    assert main(["app", *options]) == 0
    assert started[0][0]["server.allowedHosts"] == names
    assert started[0][0]["server.address"] == dict(zip(options, options[1:])).get("--host", OWN[1])


@pytest.mark.parametrize(
    ("host", "public", "warned"),
    [
        ("127.0.0.1", None, 0),
        ("127.0.0.2", None, 0),
        ("0.0.0.0", None, 1),
        ("0.0.0.0", "1", 0),
        ("0.0.0.0", " 1 ", 0),
    ],
)
def test_who_opens_it_to_others_is_warned_once(started, host, public, warned, monkeypatch, capsys):
    monkeypatch.setattr(server, "_try", lambda *_: None)
    if public:
        monkeypatch.setenv("NCENGINE_PUBLIC", public)
    assert main(["app", "--host", host]) == 0
    out = capsys.readouterr()
    assert out.err.count("Whoever reaches") == warned
    assert (f"Listening on {host}" in out.out) == (host == "0.0.0.0")


def test_the_cache_is_named_for_all_processes(started, tmp_path):
    folder = tmp_path / "new" / "cache"
    assert main(["app", "--cache", str(folder)]) == 0
    assert os.environ["NCENGINE_CACHE"] == str(folder) and folder.is_dir()


@pytest.mark.parametrize(
    ("option", "value", "allowed"),
    [
        ("--port", "0", "1 to 65535"),
        ("--port", "65536", "1 to 65535"),
        ("--port", "http", "1 to 65535"),
        ("--host", "", "an address of this machine"),
        ("--host", "no host", "an address of this machine"),
        ("--host", "192.0.2.1", "cannot be listened on"),
        ("--allowed-hosts", ",", "names with commas between"),
        ("--allowed-hosts", "a*.example", "names with commas between"),
        ("--allowed-hosts", "http://a.example", "names with commas between"),
        ("--cache", "", "must be a folder"),
        ("--cache", "/dev/null/cache", "must be a folder"),
    ],
)
def test_what_cannot_be_is_refused_by_name(started, option, value, allowed, capsys):
    assert main(["app", f"{option}={value}"]) in (1, 2)
    line = capsys.readouterr().err.splitlines()[0]
    assert line.startswith(f"ncengine: {option}") and allowed in line and "Errno" not in line
    assert value in line and not started


@pytest.mark.parametrize(
    "name", ["NCENGINE_PUBLIC", "NCENGINE_PUBLIC_SECONDS", "NCENGINE_QUEUE", "NCENGINE_WORKERS"]
)
def test_a_variable_that_sets_no_limit_is_refused_in_one_line(name, tmp_path):
    code = "import sys; from ncengine.cli.main import main; sys.exit(main(sys.argv[1:]))"
    env = os.environ | {name: "some", "NCENGINE_CACHE": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code, "app", "--headless"],
        env=env, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"ncengine: {name} = 'some': must be ")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="others have one always")
def test_a_browser_is_opened_where_there_is_a_display(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    opened = []
    monkeypatch.setattr(server, "_open", opened.append)
    monkeypatch.setattr(server.threading, "Thread", Now)
    server._say_where("127.0.0.1", 8501, False)
    monkeypatch.setenv("DISPLAY", ":0")
    server._say_where("127.0.0.1", 8501, True)
    assert opened == []
    server._say_where("127.0.0.1", 8501, False)
    assert opened == ["http://127.0.0.1:8501"]


class Now:
    """A thread that does at once what it is for."""

    def __init__(self, target, args, daemon):
        self.start = lambda: target(*args)
