"""A copy of app and engine, to which something is added by a recipe of CONTRIBUTING.md."""

from __future__ import annotations

import filecmp
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ncengine.config import RunConfig
from ncengine.jobs.foreground import run
from ncengine.runs.gallery import Gallery
from ncengine.runs.store import Store

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("app", "ncengine")
SHIPPED = ROOT / "cache" / "gallery"
# Trained by the engine as it is, before anything is added to it.
BEFORE = RunConfig(depth=3, width=8, classes=3, samples_per_class=10, epochs=50, seeds=(0, 1))

QUICK = (
    *("--depth", "3", "--width", "8", "--classes", "3", "--samples-per-class", "10"),
    *("--epochs", "60", "--seeds", "2"),
)

# Commands, among them tests, and then Explore with what stands in its address: all in one process,
# since most of the time it takes one to start. Of each its status and what it prints.
TRIED = """
import contextlib, io, json, sys
import pytest
from ncengine.cli.main import main as ncengine
def main(command):
    if command[0] != "pytest":
        return ncengine(command)
    return pytest.main(["-q", "-x", "-p", "no:cacheprovider", *command[1:]])
main_file, commands, address = sys.argv[1], *map(json.loads, sys.argv[2:])
said = []
for command in commands:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(command)
    said.append([status, out.getvalue(), err.getvalue()])
if address is not None:
    from streamlit.testing.v1 import AppTest
    at = AppTest.from_file(main_file, default_timeout=60)
    for name, value in address.items():
        at.query_params[name] = value
    at.run()
    assert not at.exception, at.exception
    assert not at.warning and not at.error, (at.warning, at.error)
    page = [one.value for one in [*at.header, *at.markdown, *at.caption]]
    page += [one.proto.body for one in at.get("html") if "readouts" in one.proto.body]
    page += [f"{one.key}: {one.options}" for one in at.button_group]
    said.append([0, chr(10).join(page), ""])
print(json.dumps(said))
"""


# What was there before anything was added.
LOOKS = (["list", "--json"], ["gallery", "list", "--json"])


class Said(NamedTuple):
    status: int
    out: str
    err: str


class House:
    """A copy of the sources, with a cache of its own.

    Args:
        folder: empty, which will hold it.
    """

    def __init__(self, folder: Path):
        self.folder, self.cache = folder, folder / "cache"
        run(BEFORE, store=Store(self.cache))
        passed_over = shutil.ignore_patterns("__pycache__")
        for package in (*PACKAGES, ".streamlit", "tests"):
            shutil.copytree(ROOT / package, folder / package, ignore=passed_over)
        for file in ("pyproject.toml", "README.md"):
            shutil.copy(ROOT / file, folder)

    def add(self, file: str, text: str) -> None:
        """A new file."""
        path = self.folder / file
        assert not path.exists()
        path.write_text(text, encoding="utf-8")

    def insert(self, file: str, *, before: str, text: str) -> None:
        """New lines in a file, before those that it holds once."""
        path = self.folder / file
        source = path.read_text(encoding="utf-8")
        assert source.count(before) == 1
        path.write_text(source.replace(before, text + before), encoding="utf-8")

    def changed(self) -> set[str]:
        """The files that differ from the sources, or are new."""
        changed, pairs = set(), [filecmp.dircmp(ROOT / p, self.folder / p) for p in PACKAGES]
        while pairs:
            pair = pairs.pop()
            names = {*pair.diff_files, *pair.right_only} - {"__pycache__"}
            changed |= {Path(pair.right, n).relative_to(self.folder).as_posix() for n in names}
            pairs += pair.subdirs.values()
        return changed

    def run(self, *arguments: str) -> str:
        """What Python prints there, given these arguments."""
        done = self._python(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            "PYTHONPATH": str(self.folder),
            "NCENGINE_CACHE": str(self.cache),
            "NCENGINE_GALLERY": str(SHIPPED),
            "NCENGINE_DEVICE": "cpu",
        }
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
        )

    def assert_all_is_as_before(self, listed: Said, shipped: Said, tested: Said) -> None:
        """What was trained is listed with the same figures, the gallery is whole, tests pass.

        Args:
            listed, shipped, tested: what `LOOKS` said, and then tests.
        """
        assert tested.status == 0, tested.out
        before = Store(self.cache).open(BEFORE, shipped=False).summary()
        entries = [json.loads(line) for line in listed.out.splitlines()]
        (found,) = (one for one in entries if one["key"] == before["key"])
        for now, then in zip(found["seeds"], before["seeds"], strict=True):
            assert then == {name: now[name] for name in then}
        assert len(shipped.out.splitlines()) == len(Gallery(SHIPPED).entries())
        assert not (self.cache / "results" / "damaged").exists()

    def tried(self, *commands: Sequence[str], address: dict[str, str] | None = None) -> list[Said]:
        """What the commands say there, and then, of an address, Explore."""
        main = str(self.folder / "app" / "main.py")
        done = self.run("-c", TRIED, main, json.dumps(commands), json.dumps(address))
        # A worker of the page that was about to begin says on the same output that all is over.
        (said,) = (line for line in done.splitlines() if line.startswith("[["))
        return [Said(*one) for one in json.loads(said)]
