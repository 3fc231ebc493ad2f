"""The wheel, built from this repository, and the app that was installed of it."""

from __future__ import annotations

import site
import subprocess
import sys
from pathlib import Path

from tests.e2e.live_app import ROOT, LiveApp

# Of the repository, or of who runs the tests, and not for who only installed the wheel.
OURS = ("PYTHONPATH", "NCENGINE_CACHE", "NCENGINE_GALLERY", "NCENGINE_DATA", "XDG_CACHE_HOME")


def built(folder: Path) -> Path:
    """The wheel, built into the folder with what is installed here."""
    _run("-m", "hatchling", "build", "-t", "wheel", "-d", str(folder), cwd=ROOT)
    (wheel,) = folder.glob("*.whl")
    return wheel


def environment(folder: Path, wheel: Path) -> Path:
    """An environment with the wheel; gives the folder of its commands.

    All that the wheel requires is lent from this one, whose own links to a repository are not
    followed: Python reads these in an environment's own folder alone.
    """
    _run("-m", "venv", "--without-pip", str(folder))
    (own,) = folder.glob("lib/python3*/site-packages")
    (own / "lent.pth").write_text("\n".join(site.getsitepackages()), encoding="utf-8")
    commands = folder / "bin"
    pip = ("-m", "pip", "--disable-pip-version-check", "--python", str(commands / "python"))
    _run(*pip, "install", "--quiet", "--no-index", "--no-deps", str(wheel))
    return commands


def _run(*arguments: str, cwd: Path | None = None) -> None:
    done = subprocess.run([sys.executable, *arguments], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


class InstalledApp(LiveApp):
    """`ncengine app` of an environment, started from the root folder by who was never here.

    Args:
        commands: the folder of the environment's commands.
        home: the folder of who starts it.
        options: more of the command line.
    """

    folder = Path("/")

    def __init__(self, commands: Path, home: Path, *options: str):
        super().__init__(home / "unused", env={**dict.fromkeys(OURS), "HOME": str(home)})
        home.mkdir()
        self.commands, self.home, self.mark = commands, home, f"HOME={home}"
        self.options = options

    def command(self) -> list[str]:
        ncengine = str(self.commands / "ncengine")
        return [ncengine, "app", "--port", str(self.port), "--headless", *self.options]

    def run(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One of the environment's commands, to its end."""
        return subprocess.run(
            [str(self.commands / name), *arguments],
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
        )
