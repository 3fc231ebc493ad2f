"""The page in a real Chromium: its start, a cached pick, a live refresh, the player."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import mean, median
from urllib.parse import urlencode

from playwright.sync_api import Browser, Page, sync_playwright

import ncengine
from benchmarks.table import show
from ncengine.config import RunConfig, grid
from ncengine.config.fields import PAPER_DEPTHS
from ncengine.runs.identity import identify
from ncengine.runs.store import Store
from tests.e2e.live_app import CHROMIUM_ARGUMENTS, LiveApp, chromium, wait_until

DEPTHS = (2, 3, 5, 8)
PICKS = 8
EPOCHS = 200
# Of other samples than the default, which is to train from nothing here.
PICKED = {"epochs": EPOCHS, "data_seed": 1}
REFRESHES = 24
LIVE = {"solver": "Adam", "epochs": 100_000}

# Clicks a depth and asks every 20 ms whether heading, figures, charts and player are those of the
# run that was picked; gives the milliseconds until heading and figures are, until the player is,
# and until all of it is, one frame painted.
PICK = """async ([depth, run]) => {
  const find = (which) => document.querySelector(which);
  const charts = () => [...document.querySelectorAll('[data-testid=stVegaLiteChart] .marks')]
    .map((node) => node.tagName === 'CANVAS' ? node.toDataURL() : node.innerHTML);
  const player = () => [...document.querySelectorAll('.st-key-player *')]
    .map((node) => node.shadowRoot?.querySelector('.nc')).find(Boolean);
  const before = charts();
  const readouts = find('.readouts').innerHTML;
  const button = [...document.querySelectorAll('.st-key-field-depth button')]
    .find((node) => node.textContent.trim() === depth);
  const start = performance.now();
  const since = () => performance.now() - start;
  let figures = 0, picture = 0;
  button.click();
  for (;;) {
    await new Promise((resume) => setTimeout(resume, 20));
    const now = charts();
    if (find('h2').textContent.startsWith(`${depth}-`)
        && find('.readouts').innerHTML !== readouts) figures ||= since();
    if (player()?.dataset.run.startsWith(run)) picture ||= since();
    if (figures && picture && now.length === before.length
        && now.every((drawing, n) => drawing !== before[n])) break;
    if (since() > 20000) return null;
  }
  await new Promise(requestAnimationFrame);
  return [figures, picture, since()];
}"""


# Shows one snapshot a frame; gives the longest task that the browser had on its hands, of those
# above 50 ms, and otherwise the longest that it took to show a snapshot.
SCRUB = """async () => {
  const slider = [...document.querySelectorAll('.st-key-player *')]
    .map((node) => node.shadowRoot?.querySelector('input[type=range]')).find(Boolean);
  const nc1 = document.querySelectorAll('.readout .value')[2];
  let longest = 0;
  new PerformanceObserver((list) => {
    for (const task of list.getEntries()) longest = Math.max(longest, task.duration);
  }).observe({ entryTypes: ['longtask'] });
  const frames = Number(slider.max) + 1;
  const shown = new Set();
  for (let n = 0; n < frames; n++) {
    slider.value = n;
    slider.dispatchEvent(new Event('input', { bubbles: true }));
    const begin = performance.now();
    await new Promise(requestAnimationFrame);
    longest = Math.max(longest, performance.now() - begin);
    shown.add(nc1.textContent);
  }
  await new Promise((resume) => setTimeout(resume, 100));
  if (shown.size < frames / 3) throw new Error('the readouts did not follow');
  return { frames, longest };
}"""

# Clicks a norm on Depth, of which all is cached; gives the milliseconds until its series is named
# and drawn among the others.
DEPTH_PICK = """async ([norm, points]) => {
  const button = [...document.querySelectorAll('.st-key-field-norm button')]
    .find((node) => node.textContent.trim() === norm);
  const drawn = () => document.querySelector('.st-key-depth_nc1 svg.marks')?.innerHTML;
  const before = drawn();
  const start = performance.now();
  button.click();
  for (;;) {
    await new Promise((resume) => setTimeout(resume, 20));
    const marks = document.querySelectorAll('.st-key-depth_nc1 .mark-symbol path').length;
    if (document.querySelector('.series').textContent.includes(norm)
        && drawn() !== before && marks === points) break;
    if (performance.now() - start > 20000) return null;
  }
  await new Promise(requestAnimationFrame);
  return performance.now() - start;
}"""

# The objective has a number.
FIRST_POINT = "() => /\\d/.test(document.querySelector('.readouts .value')?.textContent ?? '')"
# The player's canvas is there, and something is painted on it.
FIRST_PICTURE = """() => {
  const canvas = [...document.querySelectorAll('.st-key-player *')]
    .map((node) => node.shadowRoot?.querySelector('canvas')).find(Boolean);
  if (!canvas?.width) return false;
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return data.some((value) => value > 0);
}"""


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        cache = Path(folder) / "cache"
        store = Store(cache)
        picks = [RunConfig(depth=depth, **PICKED) for depth in DEPTHS]
        for config in picks:
            ncengine.run(config, store=store)
        browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_ARGUMENTS)
        rows = [
            *_with_the_app(browser, cache, picks),
            _depth(browser, cache),
            *_first_points(browser, cache),
            _refresh(browser, cache),
            _player(browser, cache),
        ]
        browser.close()
    show("The page", ("what", "measured", "wanted"), rows)


def _with_the_app(browser: Browser, cache: Path, picks: list[RunConfig]) -> list[tuple]:
    app = LiveApp(cache)
    try:
        seconds = _first_page(browser, app)
        drawn = _picks(browser, app, picks)
        scrubbed = _scrub(browser, app, picks[-1])
        maps = Path(f"/proc/{app.process.pid}/maps")
        torch = maps.exists() and "libtorch" in maps.read_text()
    finally:
        app.end()
    return [
        ("`streamlit run` to first usable page", f"{seconds:.1f} s", "3 s"),
        *(
            (
                f"cached pick to {what}, median (slowest)",
                f"{median(times):.0f} ms ({max(times):.0f} ms)",
                wanted,
            )
            for times, what, wanted in zip(
                zip(*drawn, strict=True),
                ("its figures", "its picture", "all that is drawn"),
                ("300 ms", "500 ms", "500 ms"),
                strict=True,
            )
        ),
        scrubbed,
        ("server process has loaded torch", "yes" if torch else "no", "no"),
    ]


def _depth(browser: Browser, cache: Path) -> tuple:
    """From a pick on Depth to its picture of three series of seven depths and five seeds."""
    base = RunConfig(samples_per_class=10, width=8, epochs=30, seeds=5)
    cached = {"architecture": ["RN1", "RN2"], "norm": ["pre", "post"]}
    ncengine.sweep(grid(base, depth=PAPER_DEPTHS, **cached), store=Store(cache))
    fields = "samples_per_class=10;width=8;epochs=30;seeds=5;architecture=RN2"
    query = {"samples_per_class": 10, "width": 8, "epochs": 30, "seeds": 5}
    app = LiveApp(cache)
    try:
        app.start().wait()
        with _page(browser) as page:
            kept = f"{fields};norm=pre|{fields};norm=post"
            page.goto(f"{app.base}/depth?{urlencode({**query, 'norm': 'pre', 'kept': kept})}")
            page.locator(".st-key-depth_nc1 .mark-symbol path").nth(20).wait_for()
            found = []
            for n in range(PICKS):
                page.wait_for_timeout(1500)
                norm = ("post-LN", "pre-LN")[n % 2]
                found.append(page.evaluate(DEPTH_PICK, [norm, 3 * len(PAPER_DEPTHS)]))
    finally:
        app.end()
    return (
        "pick on Depth, 3 series of 7 depths and 5 seeds, to drawn, median (slowest)",
        f"{median(found):.0f} ms ({max(found):.0f} ms)",
        "1 s",
    )


def _first_page(browser: Browser, app: LiveApp) -> float:
    with _page(browser) as page:
        start = time.perf_counter()
        app.start().wait()
        page.goto(app.url())
        page.locator(".st-key-train button").wait_for()
        return time.perf_counter() - start


def _picks(browser: Browser, app: LiveApp, picks: list[RunConfig]) -> list[float]:
    with _page(browser) as page:
        page.goto(app.url(**PICKED, depth=picks[-1].depth))
        page.get_by_test_id("nc-player").wait_for()
        found = []
        for n in range(len(picks) + PICKS):
            page.wait_for_timeout(1500)
            config = picks[n % len(picks)]
            found.append(page.evaluate(PICK, [str(config.depth), identify(config).key]))
    # The first round fills the server's memory.
    return found[len(picks) :]


def _scrub(browser: Browser, app: LiveApp, config: RunConfig) -> tuple:
    """Readouts, lines and player over all snapshots, one a frame."""
    sent: list = []
    with _page(browser) as page:
        page.on("websocket", lambda socket: socket.on("framesent", lambda one: sent.append(one)))
        page.goto(app.url(**PICKED, depth=config.depth, epoch=EPOCHS))
        page.locator(".nc-moment").nth(2).wait_for()
        page.wait_for_timeout(2000)
        before = len(sent)
        found = page.evaluate(SCRUB)
        asked = len(sent) - before
    return (
        f"scrubbing over {found['frames']} snapshots: longest task, messages to the server",
        f"{found['longest']:.0f} ms, {asked}",
        "50 ms, 0",
    )


def _first_points(browser: Browser, cache: Path) -> list[tuple]:
    """From a click on Train to the first point on the page, for the default run."""
    found = {}
    for when, wanted in (("as early as can be", "4 s"), ("once workers are warm", "1 s")):
        app = LiveApp(cache.with_name(f"cache-{wanted[0]}"))
        try:
            app.start().wait()
            with _page(browser) as page:
                page.goto(app.url())
                page.locator(".st-key-train button").wait_for()
                if when != "as early as can be":
                    page.wait_for_timeout(12_000)
                start = time.perf_counter()
                page.locator(".st-key-train button").click()
                page.wait_for_function(FIRST_POINT)
                found["point", when] = time.perf_counter() - start, wanted
                page.wait_for_function(FIRST_PICTURE)
                found["picture", when] = time.perf_counter() - start, wanted
        finally:
            app.end()
    return [
        (f"click on Train to first {what}, {when}", f"{seconds:.1f} s", wanted)
        for (what, when), (seconds, wanted) in found.items()
    ]


def _refresh(browser: Browser, cache: Path) -> tuple:
    times = cache.with_name("times")
    script = Path(__file__).with_name("timed_app.py")
    app = LiveApp(cache, script=script, env={"PAGE_TIMES": str(times)})
    try:
        app.start().wait()
        with _page(browser) as page:
            page.goto(app.url(**LIVE))
            page.locator(".st-key-train button").click()
            page.get_by_test_id("nc-player").wait_for()

            def enough() -> bool:
                page.wait_for_timeout(500)
                return times.exists() and len(times.read_text().splitlines()) >= REFRESHES

            wait_until(enough, "too few refreshes", 120)
    finally:
        app.end()
    lines = [line.split() for line in times.read_text().splitlines()]
    # Those at the start import what later ones have.
    lines = lines[REFRESHES // 3 :]
    # The wall time grows with what training and browser take of the processor meanwhile.
    worked, passed = (1000 * mean(map(float, column)) for column in zip(*lines, strict=True))
    return (
        "server time of a live refresh, while a run trains",
        f"CPU {worked:.0f} ms, wall {passed:.0f} ms",
        "CPU 30 ms",
    )


def _player(browser: Browser, cache: Path) -> tuple:
    app = LiveApp(cache, script=Path(__file__).with_name("player_app.py"))
    try:
        app.start().wait()
        with _page(browser) as page:
            page.goto(app.base)
            player = page.get_by_test_id("nc-player")
            player.wait_for()
            # It plays once by itself, in about six seconds.
            page.wait_for_timeout(5000)
            fps, cost = (player.get_attribute(f"data-{name}") for name in ("fps", "frame-ms"))
    finally:
        app.end()
    what = "player, 2,000 points over 60 snapshots, 1280 × 720"
    return (what, f"{fps} frames/s, {cost} ms a frame", "60 frames/s")


@contextmanager
def _page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    try:
        yield context.new_page()
    finally:
        context.close()


if __name__ == "__main__":
    main()
