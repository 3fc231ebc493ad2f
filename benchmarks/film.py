"""Films of the player: how long Chromium takes for ten seconds of the gallery's first run."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Page, sync_playwright

from app.commands.chromium import found
from app.commands.quiet import quieten
from benchmarks.table import show

SECONDS, TRIES = 10, 3
KINDS = (("mp4", "720p", 30), ("mp4", "720p", 60), ("mp4", "1080p", 30), ("mp4", "4k", 30),
         ("webp", "720p", 30))  # fmt: skip
SHOOT = """async (asked) => {
  const [player] = document[Symbol.for("nc-players")];
  const begun = performance.now();
  const { blob } = await player.filming.shoot(asked);
  return { seconds: (performance.now() - begun) / 1000, megabytes: blob.size / 1e6 };
}"""


def main() -> None:
    """Print seconds, the processor's seconds and megabytes of each kind of film."""
    os.environ.pop("NCENGINE_GALLERY", None)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        document = Path(folder) / "run.html"
        document.write_text(_document(), encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=found())
        try:
            page = browser.new_page(reduced_motion="reduce")
            page.goto(document.as_uri())
            page.wait_for_selector("[data-testid=nc-player][data-epoch]")
            rows = [_row(page, *kind) for kind in KINDS]
        finally:
            browser.close()
    show(
        f"Films of {SECONDS} s in Chromium without a GPU, best of {TRIES}",
        ("film", "seconds", "of the processor", "MB"),
        rows,
    )


def _document() -> str:
    quieten()
    from app.engine import runs
    from app.export import page
    from app.player.view import View
    from ncengine.config.gallery import first

    run = runs.look(first())
    return page.of_run(run, View(run.seeds_shown[0]))


def _row(page: Page, form: str, size: str, rate: int) -> tuple[Any, ...]:
    asked = {"over": "passes", "format": form, "size": size, "rate": rate, "seconds": SECONDS}
    tries = []
    for _ in range(TRIES):
        before = _processor()
        made = page.evaluate(SHOOT, asked)
        tries.append((made["seconds"], _processor() - before, made["megabytes"]))
    seconds, processor, megabytes = min(tries)
    name = f"{form.upper()}, {size}, {rate} a second"
    return name, f"{seconds:.1f}", f"{processor:.1f}", f"{megabytes:.1f}"


def _processor() -> float:
    """Seconds that this process and all that it started have taken of the processor."""
    mine = psutil.Process()
    times = [one.cpu_times() for one in (mine, *mine.children(recursive=True))]
    return sum(one.user + one.system for one in times)
