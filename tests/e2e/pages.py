"""What tests do with Explore, in words of the page."""

from __future__ import annotations

import base64
import re
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
from PIL import Image
from playwright.sync_api import Download, Locator, Page, expect

from app.charts.palette import CLASS_COLORS
from tests.e2e.live_app import LiveApp, wait_until

SMALL = {"dataset": "digits", "classes": 4, "samples_per_class": 20, "width": 8, "depth": 3}
FINISHED = {**SMALL, "classes": 5, "epochs": 120, "seeds": "0,1"}
EXACT = {**SMALL, "width": 4, "epochs": 120, "seeds": "1"}
# Goes on for as long as a test looks on, however fast the machine.
ENDLESS = {**SMALL, "solver": "Adam", "epochs": 100_000, "seeds": "1"}
PATIENCE = 30_000


def open_page(page: Page, app: LiveApp, **query: Any) -> Page:
    """Open Explore at these parameters and wait until all of it is there."""
    page.set_default_timeout(PATIENCE)
    page.goto(app.url(**query))
    expect(page.get_by_role("heading", level=2)).to_be_visible()
    expect_whole(page)
    return page


def expect_whole(page: Page) -> None:
    """The page is drawn, and what it does by itself in the browser has begun."""
    state = "data-test-script-state"
    expect(page.get_by_test_id("stApp")).to_have_attribute(state, "notRunning")
    page.wait_for_function("() => document[Symbol.for('nc-page')]")


def expect_rest(page: Page) -> None:
    """The server has been asked for nothing for a while: the page has come to rest."""
    page.evaluate(
        """() => new Promise((go) => {
          const app = document.querySelector("[data-testid=stApp]");
          let rests = 0;
          const look = () => {
            rests = app.dataset.testScriptState === "notRunning" ? rests + 1 : 0;
            if (rests > 8) go();
            else setTimeout(look, 100);
          };
          look();
        })"""
    )


def expect_heading(page: Page, words: str) -> None:
    """It is the heading of a run with these words; for a moment the one before is there too."""
    heading = page.get_by_role("heading", level=2)
    expect(heading.filter(has_text=words)).to_be_visible()
    expect(heading).to_have_count(1)


def query_of(page: Page) -> dict[str, str]:
    """What the address says."""
    # Asked of the page itself: Playwright's own `page.url` stands still while nothing is asked.
    url = page.evaluate("location.href")
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def expect_query(page: Page, name: str, value: str | None) -> None:
    wait_until(lambda: query_of(page).get(name) == value, f"{name} = {value} is not in the URL")


def field(page: Page, name: str) -> Locator:
    """The field of the picker for this parameter."""
    return page.locator(f".st-key-field-{name}")


def pick(page: Page, name: str, value: str) -> None:
    """Pick from a list by pointer."""
    opener = field(page, name).get_by_role("button", name="Open")
    opener.scroll_into_view_if_needed()
    # An open list closes when the page scrolls, and of scrolling a page hears a frame later.
    page.evaluate("() => new Promise((go) => requestAnimationFrame(() => setTimeout(go)))")
    opener.click()
    page.get_by_role("option", name=value, exact=True).click()


def pick_depth(page: Page, value: int) -> None:
    """Pick a depth, and wait for the heading to tell of it."""
    field(page, "depth").get_by_text(str(value), exact=True).click()
    expect_heading(page, f"{value}-RN1")


def train(page: Page) -> None:
    page.get_by_role("button", name=re.compile("^Train")).click()


def status(page: Page) -> Locator:
    """The line with progress and what can be done."""
    return page.locator(".st-key-status")


def expect_status(page: Page, words: str) -> None:
    expect(status(page)).to_contain_text(words, timeout=2 * PATIENCE)


def expect_done(page: Page, words: str = "") -> None:
    """The run came to its end, and the heading says what it took."""
    expect(page.locator(".st-key-facts")).to_contain_text(f"Done: {words}", timeout=2 * PATIENCE)


def passes(page: Page) -> int:
    """How many passes the page says are done."""
    found = re.search(r"([\d,]+) of [\d,]+ passes", status(page).inner_text())
    return int(found[1].replace(",", "")) if found else 0


def expect_progress(page: Page) -> None:
    """The page shows more passes after a while than now."""
    before = passes(page)
    wait_until(lambda: passes(page) > before, f"no pass after {before} was shown")


def player(page: Page) -> Locator:
    return page.get_by_test_id("nc-player")


def expect_frame(page: Page, frame: int) -> None:
    """The player rests at this snapshot."""
    expect(player(page)).to_have_attribute("data-frame", str(frame))


# A film that is over before a busy machine has looked was played all the same.
_LISTEN = """(node, name) => {
  node.heard = [];
  const hear = () => node.heard.push(node.getAttribute(name));
  new MutationObserver(hear).observe(node, { attributes: true, attributeFilter: [name] });
}"""


def expect_key_sets_going(page: Page, key: str, attribute: str = "data-playing") -> None:
    """The key begins what the attribute of the player tells of."""
    player(page).evaluate(_LISTEN, attribute)
    page.keyboard.press(key)
    heard = "node => node.heard.includes('true')"
    wait_until(lambda: player(page).evaluate(heard), f"{key} set nothing going")


def expect_space_plays_and_rests(page: Page) -> None:
    expect_key_sets_going(page, "Space")
    page.keyboard.press("Space")
    expect(player(page)).to_have_attribute("data-playing", "false")


def pixels(page: Page) -> str:
    """What is on the player's canvas."""
    return page.get_by_test_id("nc-canvas").evaluate("canvas => canvas.toDataURL()")


def expect_other_pixels(page: Page, before: str) -> str:
    """Wait until the canvas has changed, and come to rest; what it shows then."""
    wait_until(lambda: pixels(page) != before, "the canvas did not change")
    return at_rest(page)


def places(page: Page) -> np.ndarray:
    """(4, 2) where the colours of four classes are on the canvas at rest, in pixels."""
    return _places(at_rest(page), 4)


def places_of(page: Page, n: int, classes: int) -> np.ndarray:
    """(K, 2) the same on the canvas of the n-th player, which is at rest."""
    shown = page.get_by_test_id("nc-canvas").nth(n).evaluate("canvas => canvas.toDataURL()")
    return _places(shown, classes)


def _places(picture: str, classes: int) -> np.ndarray:
    content = base64.b64decode(picture.partition(",")[2])
    image = np.asarray(Image.open(BytesIO(content)).convert("RGB"), float)
    found = []
    for color in CLASS_COLORS[:classes]:
        wanted = [int(color[n : n + 2], 16) for n in (1, 3, 5)]
        near = np.argwhere(np.abs(image - wanted).sum(axis=-1) < 60)
        found.append(np.median(near, axis=0))
    return np.array(found)


def at_rest(page: Page) -> str:
    """Wait until the canvas has come to rest; what it shows then."""
    seen = [""]

    def rests() -> bool:
        seen.append(pixels(page))
        page.wait_for_timeout(60)
        return seen[-1] == seen[-2]

    wait_until(rests, "the canvas did not come to rest")
    return seen[-1]


def saved_by(page: Page, label: str) -> Download:
    """What a button saves."""
    expect_rest(page)
    with page.expect_download(timeout=60_000) as download:
        page.get_by_role("button", name=label).click()
    return download.value
