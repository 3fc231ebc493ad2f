"""The wheel: how large it is, and how soon an app that was installed of it moves."""

from __future__ import annotations

import tempfile
import time
import zipfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from benchmarks.table import show
from tests.e2e import installed
from tests.e2e.installed import InstalledApp
from tests.e2e.live_app import CHROMIUM_ARGUMENTS, chromium

STARTS = 3
# Looks at each frame whether the player's picture is another one than when it was first there.
MOVES = """() => new Promise((go) => {
  const find = (node) => node?.querySelector('[data-testid=nc-canvas]')
    ?? [...(node?.querySelectorAll('*') ?? [])].map((one) => one.shadowRoot && find(one.shadowRoot))
      .find(Boolean);
  let first = null;
  const look = () => {
    const now = find(document.querySelector('.st-key-player'))?.toDataURL();
    first ??= now ?? null;
    if (now && now !== first) go();
    else requestAnimationFrame(look);
  };
  look();
})"""


def main() -> None:
    """Print the wheel's size, and the seconds of starts by who was never here."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wheel = installed.built(folder)
        _show_size(wheel)
        show_starts(installed.environment(folder / "venv", wheel))


def show_starts(commands: Path) -> None:
    """Of an environment with the wheel, whose commands lie there."""
    with tempfile.TemporaryDirectory() as folder:
        rows = [_start(commands, Path(folder) / f"home-{n}") for n in range(STARTS)]
    show(
        "`ncengine app` from `/`, a new home and a new browser each: seconds",
        ("until the server answers", "from then until the gallery moves"),
        [tuple(f"{seconds:.1f}" for seconds in row) for row in rows],
    )


def _show_size(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        sizes = {one.filename: one.compress_size for one in archive.infolist()}
    gallery = sum(size for name, size in sizes.items() if "/cache/gallery/" in name)
    whole = wheel.stat().st_size
    rows = [(f"{size / 1e6:.2f}" for size in (whole, gallery, whole - gallery))]
    show("The wheel: MB", ("whole", "gallery", "all else"), [tuple(row) for row in rows])


def _start(commands: Path, home: Path) -> tuple[float, float]:
    app = InstalledApp(commands, home)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium(), args=[a for a in CHROMIUM_ARGUMENTS if "js-flags" not in a]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        begun = time.perf_counter()
        try:
            app.start().wait()
            answered = time.perf_counter()
            page.goto(app.base)
            page.evaluate(MOVES)
            return answered - begun, time.perf_counter() - answered
        finally:
            browser.close()
            app.end()
