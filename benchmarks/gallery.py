"""What is shipped, in a real Chromium: the first page, the preset Instant, depths, the library."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.page import PICK
from benchmarks.table import show
from ncengine.config import RunConfig
from ncengine.config.gallery import first, row
from ncengine.runs.gallery import Gallery
from ncengine.runs.identity import identify
from ncengine.runs.index import Index
from tests.e2e.live_app import CHROMIUM_ARGUMENTS, LiveApp, chromium

SHIPPED = Path(__file__).resolve().parents[1] / "cache" / "gallery"
TRIES, RUNS = 5, 2000
# Long enough for workers to have loaded all, and for the film to have ended.
WARM = 12_000

# In every frame: whether another moment of the film is shown than in the one before; the time of
# the first two is kept, since the first frame that is drawn is no motion.
WATCH = """() => {
  const find = () => [...document.querySelectorAll('.st-key-player *')]
    .map((node) => node.shadowRoot?.querySelector('.nc')).find(Boolean);
  const seen = new Set();
  window.moved = null;
  const look = () => {
    const player = find();
    const [run, frame] = [player?.dataset.run, player?.dataset.frame];
    if (frame !== undefined && !(window.not && run?.startsWith(window.not))) seen.add(frame);
    if (seen.size >= 2) window.moved ??= performance.now();
    else requestAnimationFrame(look);
  };
  look();
}"""
PAINTED = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_ARGUMENTS)
        root = Path(folder)
        rows = [
            *_first_page(browser, root / "first"),
            *_instant(browser, root / "instant"),
            *_depths(browser, root / "depths"),
            _figure_1(browser, root / "figure"),
            _library(browser, root / "library"),
        ]
        browser.close()
    show("What is shipped", ("what", "measured", "wanted"), rows)


def _told(times: list[float], unit: str = "ms") -> str:
    if unit == "s":
        return f"{median(times):.1f} s ({max(times):.1f} s)"
    return f"{1000 * median(times):.0f} ms ({1000 * max(times):.0f} ms)"


def _first_page(browser: Browser, cache: Path) -> list[tuple]:
    """A server that has just started, an empty cache: until points move."""
    painted, started = [], []
    for n in range(3):
        app = _app(cache.with_name(f"{cache.name}-{n}"))
        try:
            begin = time.perf_counter()
            app.start().wait()
            with _page(browser) as page:
                page.add_init_script(f"({WATCH})()")
                page.goto(app.url())
                page.wait_for_function("() => window.moved")
                started.append(time.perf_counter() - begin)
                paint, moved = page.evaluate(PAINTED), page.evaluate("() => window.moved")
                painted.append((moved - paint) / 1000)
        finally:
            app.end()
    return [
        ("first paint to moving points, median (slowest) of 3", _told(painted, "s"), "3 s"),
        ("`streamlit run` to moving points, median (slowest) of 3", _told(started, "s"), ""),
    ]


def _instant(browser: Browser, cache: Path) -> list[tuple]:
    """From a click on Instant to the first moving points, and to the end of the training."""
    moving, ended = [], []
    for n in range(3):
        app = _app(cache.with_name(f"{cache.name}-{n}"))
        try:
            app.start().wait()
            with _page(browser) as page:
                page.goto(app.url())
                page.get_by_test_id("nc-player").wait_for()
                page.wait_for_timeout(WARM)
                page.evaluate(f"() => {{ window.not = '{identify(first()).key}'; }}")
                page.evaluate(WATCH)
                begin = page.evaluate(
                    "() => { const now = performance.now(); "
                    "document.querySelector('.st-key-preset_instant button').click(); return now; }"
                )
                page.wait_for_function("() => window.moved")
                moving.append((page.evaluate("() => window.moved") - begin) / 1000)
                done = page.locator(".st-key-facts").get_by_text("Done")
                done.wait_for()
                ended.append((page.evaluate("() => performance.now()") - begin) / 1000)
        finally:
            app.end()
    return [
        ("click on Instant to moving points, median (slowest) of 3", _told(moving), "700 ms"),
        ("click on Instant to the finished simplex, median (slowest) of 3", _told(ended), "4 s"),
    ]


def _depths(browser: Browser, cache: Path) -> list[tuple]:
    """Another depth on Explore, of two rows of the gallery."""
    found = []
    rows = {
        "first row": list(row("first")),
        "Figure 1, RN1 on MNIST": list(row("figure-1"))[:7],
    }
    app = _app(cache)
    try:
        app.start().wait()
        for title, configs in rows.items():
            with _page(browser) as page:
                page.goto(app.url(**configs[-1].query()))
                page.get_by_test_id("nc-player").wait_for()
                page.wait_for_timeout(WARM)
                for what, rounds in (("first time", 1), ("again", 2)):
                    times = [_step(page, one) for _ in range(rounds) for one in configs]
                    for n, part in enumerate(("its picture", "all that is drawn"), 1):
                        seconds = [one[n] / 1000 for one in times]
                        name = f"depth step, {title}, {what}, to {part}, median (slowest)"
                        found.append((name, _told(seconds), "300 ms"))
    finally:
        app.end()
    return found


def _step(page: Page, config: RunConfig) -> list[float]:
    page.wait_for_timeout(1200)
    return page.evaluate(PICK, [str(config.depth), identify(config).key])


def _figure_1(browser: Browser, cache: Path) -> tuple:
    """From a click on Depth, on the first page, to Figure 1."""
    times = []
    app = _app(cache)
    try:
        app.start().wait()
        for _ in range(TRIES):
            with _page(browser) as page:
                page.goto(app.url())
                page.get_by_test_id("nc-player").wait_for()
                page.wait_for_timeout(WARM)
                begin = time.perf_counter()
                page.get_by_role("link", name="Depth").click()
                page.locator(".st-key-depth_nc3 .mark-symbol path").nth(20).wait_for()
                times.append(time.perf_counter() - begin)
    finally:
        app.end()
    return ("click on Depth to Figure 1, median (slowest)", _told(times), "1 s")


def _library(browser: Browser, cache: Path) -> tuple:
    """From a click on Library to its table of many runs."""
    cache.mkdir(mode=0o700)
    index, shipped = Index(cache / "index.jsonl"), Gallery(SHIPPED).entries()
    for n in range(RUNS):
        entry = shipped[n % len(shipped)]
        index.add({**entry, "key": f"{n:020d}"})
    times = []
    app = _app(cache)
    try:
        app.start().wait()
        for _ in range(TRIES):
            with _page(browser) as page:
                page.goto(app.url())
                page.get_by_test_id("nc-player").wait_for()
                page.wait_for_timeout(WARM)
                begin = time.perf_counter()
                page.get_by_role("link", name="Library").click()
                page.get_by_text(f"{RUNS + len(shipped):,} runs").wait_for()
                page.locator("[data-testid=stDataFrame] canvas").first.wait_for()
                times.append(time.perf_counter() - begin)
    finally:
        app.end()
    return (f"click on Library to {RUNS:,} runs and more, median (slowest)", _told(times), "1 s")


def _app(cache: Path) -> LiveApp:
    """The app as it is shipped."""
    return LiveApp(cache, env={"NCENGINE_GALLERY": None})


@contextmanager
def _page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    try:
        yield context.new_page()
    finally:
        context.close()


if __name__ == "__main__":
    main()
