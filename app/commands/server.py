"""`ncengine app`: the app's own server, started from any folder."""

from __future__ import annotations

import argparse
import errno
import ipaddress
import logging
import os
import socket
import sys
import threading
import tomllib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from ncengine.reasons import why
from ncengine.runs.places import CACHE_VARIABLE

HERE = "127.0.0.1"
FIRST_PORT, MOST_TRIED, LAST_PORT = 8501, 100, 65535
SCRIPT = Path(__file__).resolve().parents[1] / "main.py"
CONFIG = SCRIPT.parents[1] / ".streamlit" / "config.toml"
PUBLIC_VARIABLE = "NCENGINE_PUBLIC"

logger = logging.getLogger(__name__)


def add_command(commands: Any) -> None:
    """Add the command to argparse's."""
    parser = commands.add_parser(
        "app",
        help="start the app, and open it in a browser",
        description="Start the app, and open it in a browser. Ctrl-C ends it. It answers this "
        "machine alone, under its own names, unless --host says otherwise.",
    )
    parser.set_defaults(command=_app)
    parser.add_argument(
        "--port",
        type=_port,
        help=f"the port, 1 to {LAST_PORT} (default: {FIRST_PORT}, or the next that is free)",
    )
    parser.add_argument(
        "--host",
        type=_host,
        default=HERE,
        metavar="ADDRESS",
        help=f"the address to listen on (default: {HERE}); 0.0.0.0 is every one of this machine, "
        "and whoever reaches it can use the app",
    )
    parser.add_argument(
        "--allowed-hosts",
        type=_names,
        default=(),
        metavar="NAME,…",
        help="the names under which it answers too (default: the address itself; with 0.0.0.0 "
        "any name)",
    )
    parser.add_argument(
        "--cache", metavar="FOLDER", help=f"where results are kept, as {CACHE_VARIABLE} names it"
    )
    parser.add_argument("--headless", action="store_true", help="open no browser")


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= LAST_PORT):
        raise argparse.ArgumentTypeError(f"{text:.80}: must be a whole number, 1 to {LAST_PORT}")
    return int(text)


def _host(text: str) -> str:
    try:
        socket.getaddrinfo(text or " ", None)
    except (OSError, UnicodeError):
        raise argparse.ArgumentTypeError(
            f"{text:.80}: must be an address of this machine, such as {HERE} or 0.0.0.0"
        ) from None
    return text


def _names(text: str) -> tuple[str, ...]:
    """Names with commas between, `*.` before one for all below it, or `*` for any."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    plain = [name.removeprefix("*.") if name != "*" else "any" for name in names]
    if not names or any(set(name) & set("*/@ ") for name in plain):
        raise argparse.ArgumentTypeError(
            f"{text:.80}: must be names with commas between, such as class.example,*.lab.example"
        )
    return names


def _app(options: argparse.Namespace) -> int:
    try:
        _start(options)
    except KeyboardInterrupt:  # before the server itself hears of it
        return 130
    return 0


def _start(options: argparse.Namespace) -> None:
    if options.cache is not None:
        os.environ[CACHE_VARIABLE] = str(_folder(options.cache))
    port = _free_port(options.host, options.port)
    config = dict(_flat(tomllib.loads(CONFIG.read_text(encoding="utf-8"))))
    allowed = _allowed(options.host, options.allowed_hosts, config["server.allowedHosts"])
    config |= {
        # Which Streamlit takes for granted where it lies in no folder called site-packages.
        "global.developmentMode": False,
        "server.address": options.host,
        "server.port": port,
        "server.allowedHosts": allowed,
        "server.headless": True,  # what opens is said and done here
        "logger.hideWelcomeMessage": True,
    }
    _log_to_the_terminal()
    if not _is_loopback(options.host):
        _tell_who_reaches_it(options.host, allowed)
    _serve(config, options.headless)


def _folder(text: str) -> Path:
    """The folder for results, which is made if need be. Raises ValueError."""
    try:
        if not text.strip():
            raise RuntimeError("it has no name")
        folder = Path(text).expanduser().resolve()
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError) as error:
        raise ValueError(
            f"--cache {text}: must be a folder, or one that can be made: {why(error)}"
        ) from error
    return folder


def _free_port(host: str, asked: int | None) -> int:
    """The port asked for, else the first that is free. Raises ValueError."""
    last = FIRST_PORT + MOST_TRIED - 1
    for port in [asked] if asked else range(FIRST_PORT, last + 1):
        try:
            _try(host, port)
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES) and not asked:
                continue
            field = f"--port {port}" if error.errno != errno.EADDRNOTAVAIL else f"--host {host}"
            raise ValueError(f"{field}: cannot be listened on: {why(error)}") from error
        if not asked and port != FIRST_PORT:
            print(f"ncengine: port {FIRST_PORT} is taken, {port} is not", file=sys.stderr)
        return port
    raise ValueError(f"--port: {FIRST_PORT} to {last} are all taken; name one that is free")


def _try(host: str, port: int) -> None:
    """Listen there for a moment. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        if os.name == "posix":  # elsewhere it would take a port from who has it
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        probe.listen()


def _flat(section: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Every option by its whole name, such as `theme.light.primaryColor`."""
    for name, value in section.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield above + name, value


def _allowed(host: str, asked: Sequence[str], own: Sequence[str]) -> list[str]:
    """The names under which the server answers; under none other, where one is asked for."""
    if _is_every(host) and not asked:
        return ["*"]
    named = [] if _is_every(host) or host in own else [host]
    return [*own, *named, *asked]


def _is_every(host: str) -> bool:
    return host in ("0.0.0.0", "::")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _log_to_the_terminal() -> None:
    """With the time, and with what a page does not say: where an accident came from."""
    logging.basicConfig(
        format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.WARNING, force=True
    )
    # That it starts and ends is said here, or goes without saying.
    logging.getLogger("uvicorn.error").addFilter(lambda one: one.levelno >= logging.WARNING)


def _tell_who_reaches_it(host: str, allowed: Sequence[str]) -> None:
    names = "any name" if "*" in allowed else ", ".join(allowed)
    print(f"Listening on {host}, and answering under {names}.", flush=True)
    if os.environ.get(PUBLIC_VARIABLE, "").strip() != "1":
        logger.warning(
            "Whoever reaches %s can use this app as you do: train, stop and delete runs.", host
        )


def _serve(config: dict[str, Any], headless: bool) -> None:
    """Until it is ended. Options in the folder or home of who starts it must not win over these."""
    import streamlit as st

    from app.engine import server

    @asynccontextmanager
    async def lifespan(app: object) -> AsyncIterator[None]:
        async with server.ended_by_a_key(app):
            host = config["server.address"]
            # While the browser loads the page's scripts.
            threading.Thread(target=_load, name="load", daemon=True).start()
            _say_where(HERE if _is_every(host) else host, config["server.port"], headless)
            yield

    # Streamlit would look for options and modules beside the command that was typed.
    sys.argv = [str(SCRIPT)]
    st.App(SCRIPT, middleware=server.guard(), lifespan=lifespan).run(config=config)


def _load() -> None:
    """What the first page would wait for."""
    import app.frame  # noqa: F401, I001

    import altair  # noqa: F401
    import pandas  # noqa: F401


def _say_where(host: str, port: int, headless: bool) -> None:
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    print(f"The Neural Collapse Explorer is at {url}; Ctrl-C ends it.", flush=True)
    if not headless and _has_a_display():
        # Some browsers keep who starts them waiting.
        threading.Thread(target=_open, args=[url], daemon=True).start()


def _has_a_display() -> bool:
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _open(url: str) -> None:
    import webbrowser

    webbrowser.open(url)
