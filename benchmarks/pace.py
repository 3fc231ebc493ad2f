"""What spreading seeds over processes brings, and what happens beside other work: as ratios."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time

from benchmarks.table import show

RUN = ("--architecture", "RN1", "--depth", "13", "--samples-per-class", "100", "--seeds", "4")
BUSY = "while True: pass"


def train(*options: str) -> subprocess.Popen:
    """A training in a terminal, with a cache of its own."""
    folder = tempfile.mkdtemp()
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "NCENGINE_"))}
    command = [sys.executable, "-m", "ncengine.cli", "train", *RUN, *options, "--json"]
    return subprocess.Popen(
        command, env={**environment, "NCENGINE_CACHE": folder}, stdout=subprocess.DEVNULL
    )


def seconds(*trainings: tuple[str, ...]) -> float:
    """How long it takes until all of the trainings, begun at once, have ended."""
    began = time.monotonic()
    for process in [train(*options) for options in trainings]:
        if process.wait():
            raise RuntimeError("a training failed")
    return time.monotonic() - began


def main() -> None:
    """Print the times and their ratios."""
    single = seconds(("--workers", "1"))
    spread = seconds(())
    two = seconds((), ())
    busy = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(os.cpu_count() or 1)]
    try:
        beside = seconds(())
    finally:
        for process in busy:
            process.kill()
    show(
        "Pace: four seeds of RN1, L = 13, digits 10 × 100, 1,000 passes, from a terminal",
        ("what", "seconds", "ratio", "to", "wanted"),
        [
            ("one process of one thread", f"{single:.1f}", "1", "", ""),
            ("spread over all cores", f"{spread:.1f}", f"{spread / single:.2f}", "one", "0.6"),
            ("two such runs at once", f"{two:.1f}", f"{two / spread:.2f}", "spread", "2.3"),
            ("beside busy cores", f"{beside:.1f}", f"{beside / spread:.2f}", "spread", "3"),
        ],
    )
