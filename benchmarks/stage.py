"""Stories in a real Chromium: how soon a step is drawn after the key, and if all is ever gone."""

from __future__ import annotations

from io import BytesIO
from statistics import median
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Page

from app.stage import stories
from benchmarks.browser import shipped_page
from benchmarks.table import show
from tests.e2e.live_app import LiveApp

SIZE = {"width": 1280, "height": 720}
# On a page that is presented; of Theory, in all parts but the last.
PLAYERS = {"Explore": 1, "Depth": 0, "Compare": 2, "Theory": 1}
# Told of the step that is wanted, looks at each frame whether caption, player and chart are its
# own and the script is done; keeps the milliseconds since the key.
WATCH = """(wanted) => {
  [window.took, window.pressed] = [null, null];
  const said = (node) => node?.innerText.replace(/\\s+/g, ' ').trim();
  const drawn = () => {
    if (document.querySelector('[data-testid=stApp]').dataset.testScriptState !== 'notRunning'
        || said(document.querySelector('.story-caption p')) !== wanted.caption) return false;
    const chart = document.querySelector('.st-key-presented_chart svg.marks');
    if (wanted.page !== 'Compare' && !chart) return false;
    const players = [...(document[Symbol.for('nc-players')] ?? [])];
    const here = players.filter(({ root, step }) => root.isConnected && step === wanted.label);
    return here.length === wanted.players;
  };
  const look = () => {
    if (window.pressed !== null && drawn()) window.took = performance.now() - window.pressed;
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""
# Before the page's own scripts, which take the keys.
HEAR = "addEventListener('keydown', (event) => { window.pressed = event.timeStamp; }, true);"


def main() -> None:
    """Print how long steps take, forward and back, of each story that is shipped."""
    with shipped_page(SIZE, HEAR) as (page, app):
        rows = [_walk(page, app, name) for name in stories.shipped()]
    show(
        "Steps of stories: milliseconds from the key until all of a step is drawn",
        ("story", "steps", "forward, median", "slowest", "back, median", "slowest", "empty frames"),
        rows,
    )


def _walk(page: Page, app: LiveApp, name: str) -> tuple[Any, ...]:
    story = stories.get(name)
    assert story is not None
    page.goto(f"http://127.0.0.1:{app.port}/?story={name}&step=1&present=1")
    page.wait_for_selector(".st-key-presented_chart svg.marks")
    page.wait_for_timeout(2000)
    last = len(story.steps)
    forward = [_step(page, name, n, "PageDown") for n in range(2, last + 1)]
    back = [_step(page, name, n, "PageUp") for n in range(last - 1, 0, -1)]
    empty = sum(_empty_frames(page, name, n) for n in range(2, last + 1))
    times = [f"{number:.0f}" for of in (forward, back) for number in (median(of), max(of))]
    return (story.title, last, *times, empty)


def _step(page: Page, name: str, n: int, key: str) -> float:
    """Goes to step n; milliseconds until it is drawn."""
    _watch(page, name, n)
    page.keyboard.press(key)
    page.wait_for_function("() => window.took !== null")
    took = page.evaluate("() => window.took")
    _finish(page)
    page.wait_for_timeout(800)
    return took


def _watch(page: Page, name: str, n: int) -> None:
    story = stories.get(name)
    assert story is not None
    step = story.steps[n - 1]
    wanted = {
        "caption": " ".join(step.caption.split()), "page": step.page, "label": f"{name}:{n}",
        "players": 0 if step.query.get("part") == "layers" else PLAYERS[step.page],
    }  # fmt: skip
    page.evaluate(WATCH, wanted)


def _finish(page: Page) -> None:
    """What plays would take the next key for itself."""
    page.evaluate(
        "() => [...(document[Symbol.for('nc-players')] ?? [])].forEach((one) => one.finish())"
    )


def _empty_frames(page: Page, name: str, n: int) -> int:
    """Goes to step n; on how many pictures of the way there is nothing where the figure is."""
    story = stories.get(name)
    assert story is not None
    same_page = story.steps[n - 2].page == story.steps[n - 1].page
    _watch(page, name, n)
    page.keyboard.press("PageDown")
    empty = 0
    clip = {"x": 60, "y": 130, "width": 620, "height": 400}
    while page.evaluate("() => window.took === null"):
        pixels = np.asarray(Image.open(BytesIO(page.screenshot(clip=clip))).convert("L"), float)
        empty += bool(same_page and pixels.std() < 1)
    _finish(page)
    page.wait_for_timeout(800)
    return empty
