"""The page Theory in a real Chromium: how soon a part is drawn after its slider's move."""

from __future__ import annotations

from statistics import median
from urllib.parse import urlencode

from playwright.sync_api import Page

from benchmarks.browser import shipped_page
from benchmarks.table import show
from tests.e2e.live_app import LiveApp

SIZE = {"width": 1280, "height": 800}
# Of each part the sliders that are moved, and from where: usual values, and the largest.
MOVES = (
    ("floor", "weight_decay", ""),
    ("floor", "classes", ""),
    ("floor", "weight_decay", "classes=12;width=11"),
    ("floor", "weight_decay", "classes=12;width=64"),
    ("floor", "weight_decay", "classes=12;width=8;loss=MSE"),
    ("floor", "weight_decay", "classes=12;width=64;loss=MSE;weight_decay=0.0001"),
    ("floor", "ratio", "classes=10;width=64"),
    ("proof", "travel", ""),
    ("proof", "seed", ""),
    ("proof", "seed", "classes=10;per_class=3;width=16"),
    ("proof", "weight_decay", "classes=10;per_class=3;width=16;travel=100000;settle=100000"),
    ("shortcut", "delta", ""),
    ("shortcut", "seed", "classes=10;per_class=3;width=16"),
    ("layers", "stretch", ""),
    ("layers", "blocks", ""),
)
# Milliseconds from the key until the script is done, the figures are others and no chart has an
# earlier one to give way to: then two more frames.
WATCH = """() => {
  [window.took, window.pressed] = [null, null];
  const seen = () => [...document.querySelectorAll(".readouts, .st-key-theory_unequal svg.marks")]
    .map((node) => node.dataset.moments ?? node.innerHTML).join();
  const state = () => document.querySelector("[data-testid=stApp]").dataset.testScriptState;
  const before = [seen(), document.querySelector("[data-testid=stMain]").innerText].join();
  const drawn = () => state() === "notRunning" && !document.querySelector("[data-stale=true]")
    && [seen(), document.querySelector("[data-testid=stMain]").innerText].join() !== before;
  const look = () => requestAnimationFrame(() => {
    if (window.pressed === null || !drawn()) look();
    else requestAnimationFrame(() => { window.took = performance.now() - window.pressed; });
  });
  let ran = false;
  new MutationObserver(() => { ran ||= state() === "running"; if (ran) look(); })
    .observe(document.querySelector("[data-testid=stApp]"), { attributes: true });
}"""
HEAR = "addEventListener('keydown', (event) => { window.pressed ??= event.timeStamp; }, true);"
TIMES = 5


def main() -> None:
    """Print how long moves take, of each part, at usual values and at the largest."""
    with shipped_page(SIZE, HEAR) as (page, app):
        rows = [_moved(page, app, *move) for move in MOVES]
    show(
        "The page Theory: milliseconds from a slider's move until all is drawn",
        ("part", "slider", "at", "first", "median of the others", "slowest"),
        rows,
    )


def _moved(page: Page, app: LiveApp, part: str, slider: str, at: str) -> list[str]:
    page.goto(f"{app.base}/theory?{urlencode({'part': part, **({'at': at} if at else {})})}")
    handle = page.locator(f".st-key-theory-{part}-{slider} input[type=range]")
    handle.focus()
    handle.press("Shift")
    page.wait_for_timeout(3000)
    took = []
    for n in range(TIMES):
        page.evaluate(WATCH)
        handle.press("ArrowLeft" if n % 2 else "ArrowRight")
        page.wait_for_function("() => window.took !== null", timeout=60_000)
        took.append(float(page.evaluate("window.took")))
        page.wait_for_timeout(500)
        if n % 2 == 0 and slider == "seed":
            # A seed that was not there before.
            page.evaluate(WATCH)
            handle.press("ArrowRight")
            page.wait_for_function("() => window.took !== null", timeout=60_000)
            page.wait_for_timeout(500)
    first, *others = took
    return [
        part,
        slider,
        at or "usual",
        f"{first:.0f}",
        f"{median(others):.0f}",
        f"{max(took):.0f}",
    ]
