"""Makes `player.webp` for the README: the player itself, filmed in Chromium.

python docs/film.py
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import ncengine  # noqa: E402
from ncengine.config import RunConfig  # noqa: E402
from ncengine.runs.store import Store  # noqa: E402
from tests.e2e.live_app import CHROMIUM_ARGUMENTS, LiveApp, chromium  # noqa: E402

CONFIG = RunConfig(classes=4, samples_per_class=100, depth=21, epochs=800, seeds=1)
WIDTH = 760
MILLISECONDS = 110


def main() -> None:
    """Train, open the page, step through the snapshots, and write the film."""
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "cache"
        ncengine.run(CONFIG, store=Store(cache))
        app = LiveApp(cache).start().wait()
        try:
            frames = film(app.url(**CONFIG.query(), epoch=1))
        finally:
            app.interrupt()
    small = [f.resize((WIDTH, f.height * WIDTH // f.width), Image.LANCZOS) for f in frames]
    times = [MILLISECONDS] * (len(small) - 1) + [2500]
    small[0].save(
        ROOT / "docs" / "player.webp",
        save_all=True,
        append_images=small[1:],
        duration=times,
        loop=0,
        quality=70,
    )


def film(url: str) -> list[Image.Image]:
    """A picture of the player at each snapshot."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium(), args=CHROMIUM_ARGUMENTS)
        page = browser.new_page(viewport={"width": 1600, "height": 1000}, color_scheme="dark")
        page.goto(url)
        player = page.get_by_test_id("nc-player")
        player.wait_for()
        page.wait_for_timeout(1500)
        frames, scrubber = [], page.get_by_test_id("nc-scrubber")
        for frame in range(int(player.get_attribute("data-frames"))):
            scrubber.fill(str(frame))
            scrubber.blur()
            page.wait_for_timeout(500)
            frames.append(Image.open(io.BytesIO(player.screenshot())).convert("RGB"))
        browser.close()
    return frames


if __name__ == "__main__":
    main()
