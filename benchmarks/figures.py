"""How long a figure for a paper takes: by a command, and in a process that has made one before."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from app.commands.quiet import quieten
from benchmarks.table import show
from ncengine.config.gallery import first
from ncengine.runs.identity import identify

REPEATS = 5
# What is shipped, so that nothing is trained.
ASKED = {
    "depth": ("figure-1",),
    "curves": (),
    "layers": (),
    "map": (),
    "cosines": (),
    "player": (),
}
FORMS = {"pdf": None, "svg": None, "png": 3840}


def main() -> None:
    """Print seconds of each kind."""
    os.environ.pop("NCENGINE_GALLERY", None)
    quieten()
    with tempfile.TemporaryDirectory() as folder:
        cold = {kind: _cold(kind, Path(folder)) for kind in ASKED}
    show(
        "Figures for a paper: seconds, by a command and within a process",
        ("figure", "command, PDF", "of processor", "PDF", "SVG", "PNG, 3,840 pixels across"),
        [(kind, *cold[kind], *_warm(kind)) for kind in ASKED],
    )


def _key() -> str:
    """The run of the gallery that is shown first."""
    from app.engine import runs

    run = runs.look(first())
    return run.key or identify(first()).key


def _cold(kind: str, folder: Path) -> tuple[str, str]:
    """Seconds of `ncengine figure` until it is done, the middle one of several times.

    And of the processor on average, which a busy machine gives it late.
    """
    named = ASKED[kind] or (_key(),)
    file = folder / f"{kind}.pdf"
    command = [sys.executable, "-m", "ncengine.cli", "figure", kind, *named, "--out", str(file)]
    before = _of_processor()
    took = _typical(lambda: subprocess.run(command, check=True, capture_output=True))
    return f"{took:.2f}", f"{(_of_processor() - before) / REPEATS:.2f}"


def _of_processor() -> float:
    """Seconds that all commands so far took of it."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _warm(kind: str) -> list[str]:
    """Seconds of the same where the program is there and has made one, by form."""
    from app.engine import runs
    from app.export import press, printable
    from app.player.view import View
    from app.views import presets

    def make() -> printable.Printable:
        if kind == "depth":
            base, picture = presets.of("figure-1", False)
            return printable.of_picture(picture.series(base), picture)
        run = runs.look(first())
        name = "collapse" if kind == "curves" else kind
        return printable.of_run(run, name, View(run.seeds_shown[0]))

    def write(form: str, pixels: int | None) -> Callable[[], bytes]:
        return lambda: press.pressed(make().svg("double"), form, pixels)

    made = {form: write(form, pixels) for form, pixels in FORMS.items()}
    made["svg"]()
    return [f"{_typical(one):.3f}" for one in made.values()]


def _typical(do: Callable[[], object]) -> float:
    took = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        do()
        took.append(time.perf_counter() - begin)
    return median(took)
