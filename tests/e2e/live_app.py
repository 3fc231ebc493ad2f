"""The app as a reader starts it: a server in a process of its own, and a real Chromium."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
MAC_CHROME = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
CHROMIUM_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A page lives for seconds: to compile its scripts well takes more than it saves.
    "--js-flags=--no-opt --no-maglev",
]


# The first of them that there is. One without windows takes a third less of the processor.
BROWSERS = (
    "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome",
    "google-chrome-stable",
)  # fmt: skip


def chromium() -> str | None:
    """The path of a Chromium or Chrome of this machine; None without one."""
    for name in BROWSERS:
        if found := shutil.which(name):
            return found
    return MAC_CHROME if Path(MAC_CHROME).exists() else None


def wait_until(happened: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    """Wait for a condition. Raises TimeoutError, which says `what` did not happen."""
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            raise TimeoutError(f"after {seconds:g} s: {what}")
        time.sleep(0.05)


class LiveApp:
    """`streamlit run app/main.py` on a port and a cache folder of its own.

    Args:
        cache: the folder of runs.
        script: what Streamlit runs, by default the app.
        env: variables set beside those of this process; None takes one away.
    """

    folder = ROOT  # in which it is started

    def __init__(
        self,
        cache: Path,
        script: Path = ROOT / "app" / "main.py",
        env: Mapping[str, str | None] | None = None,
    ):
        self.cache, self.script = cache, script
        data = {"NCENGINE_DATA": str(DATA)} if DATA.exists() else {}
        changed = {"NCENGINE_CACHE": str(cache), **data, **(env or {})}
        self.env = {k: v for k, v in {**os.environ, **changed}.items() if v is not None}
        self.mark = f"NCENGINE_CACHE={cache}"  # of its processes' environment, and no other's
        self.log = cache.with_suffix(".log")
        self.port = free_port()
        self.process: subprocess.Popen | None = None

    def command(self) -> list[str]:
        """What starts the server."""
        command = [sys.executable, "-m", "streamlit", "run", str(self.script)]
        options = {"server.port": self.port, "server.headless": "true"}
        for name, value in options.items():
            command += [f"--{name}", str(value)]
        return command

    def start(self) -> LiveApp:
        """Start the server; it may not answer yet."""
        with self.log.open("ab") as log:
            # In a session of its own, so that a signal to its group is what Ctrl-C sends.
            self.process = subprocess.Popen(
                self.command(),
                cwd=self.folder,
                env=self.env,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self

    def wait(self) -> LiveApp:
        """Wait until the server answers."""
        wait_until(self.is_healthy, f"the server did not answer; its log:\n{self.said()}")
        return self

    def is_healthy(self) -> bool:
        """Whether the server answers. Raises RuntimeError where it has ended."""
        if self.process.poll() is not None:
            raise RuntimeError(f"the server ended; its log:\n{self.said()}")
        try:
            with urllib.request.urlopen(f"{self.base}/_stcore/health", timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def url(self, **query: object) -> str:
        """The page's address with these parameters."""
        return f"{self.base}/?{urlencode(query)}"

    def said(self) -> str:
        """The server's log."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def interrupt(self) -> int:
        """Ctrl-C; gives the server's exit status."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(timeout=30)

    def processes(self) -> set[int]:
        """Living processes that work on this cache: server, workers, orphans. Linux only."""
        mark = self.mark.encode()
        return {pid for pid in _process_ids() if mark in _environment(pid) and _lives(pid)}

    def end(self) -> None:
        """Make sure that nothing is left of it."""
        for pid in self.processes() | {self.process.pid}:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait(timeout=30)


def free_port() -> int:
    """A TCP port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _process_ids() -> list[int]:
    proc = Path("/proc")
    names = (path.name for path in proc.iterdir()) if proc.exists() else ()
    return [int(name) for name in names if name.isdigit()]


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
