"""Compare in a browser: one camera, one clock, and each class at one place in both players."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

import numpy as np
import pytest
from playwright.sync_api import expect

import ncengine
from app.picker import other
from ncengine.config import RunConfig
from ncengine.runs.store import Store
from tests.e2e.live_app import LiveApp, wait_until
from tests.e2e.pages import FINISHED, PATIENCE, expect_rest, expect_whole, places_of, query_of

LEFT = RunConfig(**FINISHED)
RIGHT = LEFT.with_(norm="post")
SHORT = RIGHT.with_(epochs=40)
# How the rotation of a class's place is told: both pictures are as large.
NEAR = 12  # pixels


@pytest.fixture(scope="module")
def trained(app: LiveApp) -> Iterator[LiveApp]:
    """Two more runs in the app's cache: another network, and the same with fewer passes."""
    for config in (RIGHT, SHORT):
        ncengine.run(config, store=Store(app.cache))
    yield app


def players(page):
    return page.get_by_test_id("nc-player")


def frame(page, n):
    return int(players(page).nth(n).get_attribute("data-frame"))


def epoch(page, n):
    return int(players(page).nth(n).get_attribute("data-epoch"))


def last(page, n):
    return int(players(page).nth(n).get_attribute("data-frames")) - 1


def ready(page):
    expect(players(page)).to_have_count(2)
    for n in (0, 1):
        wait_until(
            lambda n=n: players(page).nth(n).get_attribute("data-frame") is not None, "no player"
        )
    expect_whole(page)


def press(page, n, share):
    """Press the scrubber of the n-th player at a share of its length."""
    box = page.get_by_test_id("nc-scrubber").nth(n).bounding_box()
    page.mouse.click(box["x"] + share * box["width"], box["y"] + box["height"] / 2)


# Both canvases at each of so many frames: whether they were alike, and how many pictures.
WATCH = """async (frames) => {
  const all = (root, found) => {
    for (const node of root.querySelectorAll("*")) {
      if (node.dataset?.testid === "nc-canvas") found.push(node);
      if (node.shadowRoot) all(node.shadowRoot, found);
    }
    return found;
  };
  const [left, right] = all(document, []);
  window.seen = { alike: 0, unlike: 0, pictures: new Set() };
  const look = () => {
    const [a, b] = [left.toDataURL(), right.toDataURL()];
    window.seen[a === b ? "alike" : "unlike"]++;
    window.seen.pictures.add(a);
    if (--frames) requestAnimationFrame(look);
    else window.seen.done = true;
  };
  requestAnimationFrame(look);
}"""


def seen(page):
    page.wait_for_function("window.seen.done")
    return page.evaluate("[seen.alike, seen.unlike, seen.pictures.size]")


def drag(page, n, dx):
    box = page.get_by_test_id("nc-canvas").nth(n).bounding_box()
    # Where nothing is to be pointed at, which would be marked in one of them alone.
    x, y = box["x"] + 30, box["y"] + 150
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 9):
        page.mouse.move(x + dx * step / 8, y)
        page.wait_for_timeout(30)
    page.mouse.up()
    page.mouse.move(5, 5)


def test_one_camera_and_one_clock_for_both(page, trained):
    """The same run at both sides: whatever happens, both show the same picture in each frame."""
    open_same(page, trained)
    for n in (1, 0):
        page.evaluate(WATCH, 40)
        drag(page, n, 120)
        alike, unlike, pictures = seen(page)
        assert unlike == 0 and alike == 40 and pictures >= 4, (n, alike, unlike, pictures)
        page.evaluate(WATCH, 30)
        press(page, n, 0.3 + 0.2 * n)
        page.mouse.move(5, 5)
        alike, unlike, _ = seen(page)
        assert unlike == 0 and frame(page, 0) == frame(page, 1) > 0
    wait_until(lambda: "camera" in query_of(page), "the pose is not in the URL")
    page.get_by_test_id("nc-view-2d").nth(1).click()
    for n in (0, 1):
        expect(players(page).nth(n)).to_have_attribute("data-view", "2d")
    wait_until(lambda: query_of(page).get("view") == "2d", "the view is not in the URL")
    shown, asked = frame(page, 0), query_of(page)
    assert int(asked["epoch"]) == epoch(page, 0)
    page.reload()
    ready(page)
    for n in (0, 1):
        expect(players(page).nth(n)).to_have_attribute("data-frame", str(shown))
        expect(players(page).nth(n)).to_have_attribute("data-view", "2d")
    assert query_of(page) == asked


def open_same(page, app):
    page.set_default_timeout(PATIENCE)
    page.goto(f"{app.base}/compare?{urlencode(LEFT.query())}")
    ready(page)


def test_keys_act_once_and_what_is_hidden_is_hidden_in_both(page, trained):
    page.goto(f"{trained.base}/compare?{urlencode({**LEFT.query(), 'other': other.as_one(RIGHT)})}")
    ready(page)
    end = last(page, 0)
    assert frame(page, 0) == end
    page.keyboard.press("ArrowLeft")
    expect(players(page).nth(0)).to_have_attribute("data-frame", str(end - 1))
    assert epoch(page, 1) == epoch(page, 0)
    page.get_by_test_id("nc-class-2").nth(1).click()
    page.get_by_test_id("nc-layer-samples").nth(0).click()
    for n in (0, 1):
        expect(page.get_by_test_id("nc-class-2").nth(n)).to_have_attribute("aria-pressed", "false")
        chip = page.get_by_test_id("nc-layer-samples").nth(n)
        expect(chip).to_have_attribute("aria-pressed", "false")
    wait_until(lambda: query_of(page).get("hidden") == "2", "what is hidden is not in the URL")


@pytest.mark.parametrize("clock", ["pass", "share"])
def test_runs_of_unequal_budgets_keep_in_step(page, trained, clock):
    asked = {**LEFT.query(), "other": other.as_one(SHORT), "clock": clock}
    page.goto(f"{trained.base}/compare?{urlencode(asked)}")
    ready(page)
    for n in (0, 1):
        press(page, n, 0.4 + 0.2 * n)
        wait_until(lambda: in_step(page, clock), "the players are not in step")
        assert 0 < frame(page, n) < last(page, n)
    page.get_by_test_id("nc-scrubber").nth(0).focus()
    page.keyboard.press("End")
    expect(players(page).nth(0)).to_have_attribute("data-epoch", str(LEFT.epochs))
    expect(players(page).nth(1)).to_have_attribute("data-epoch", str(SHORT.epochs))
    page.get_by_test_id("nc-scrubber").nth(1).focus()
    page.keyboard.press("End")
    expect(players(page).nth(1)).to_have_attribute("data-epoch", str(SHORT.epochs))
    if clock == "share":
        assert epoch(page, 0) == LEFT.epochs
    else:
        wait_until(lambda: in_step(page, clock), "the players are not in step")


def in_step(page, clock):
    """Whether both are at one pass, or at one share of their frames, as near as snapshots are."""
    if clock == "share":
        shares = [frame(page, n) / last(page, n) for n in (0, 1)]
        return abs(shares[0] - shares[1]) <= 1 / last(page, 1)
    return abs(np.log((epoch(page, 0) + 1) / (epoch(page, 1) + 1))) < 0.2


def test_picking_redraws_the_page_and_back_undoes_it_in_one_step(page, trained):
    asked = {**LEFT.query(), "other": other.as_one(RIGHT)}
    page.goto(f"{trained.base}/compare?{urlencode(asked)}")
    ready(page)
    page.get_by_role("button", name="Swap").click()
    wait_until(lambda: query_of(page)["other"] == other.as_one(LEFT), "nothing was swapped")
    assert query_of(page)["norm"] == "post"
    page.locator(".st-key-compare-depth-right").get_by_text("5", exact=True).click()
    deeper = other.as_one(LEFT.with_(depth=5))
    wait_until(lambda: query_of(page)["other"] == deeper, "no other depth")
    expect(page.get_by_text("Nothing to see before it is trained.")).to_be_visible()
    expect(players(page)).to_have_count(1)
    # Back that is pressed while a page is drawn can be lost to Streamlit.
    expect_rest(page)
    page.go_back()
    ready(page)
    expect_rest(page)
    assert (query_of(page)["norm"], query_of(page)["other"]) == ("post", other.as_one(LEFT))
    page.go_back()
    wait_until(lambda: query_of(page)["other"] == other.as_one(RIGHT), "Back did not swap")
    assert query_of(page)["norm"] == "pre"
    ready(page)


def test_two_rows_of_the_library_are_compared(page, trained):
    page.goto(f"{trained.base}/library")
    table = page.get_by_test_id("stDataFrame")
    expect(table).to_be_visible()
    comparing = page.locator(".st-key-library_actions").get_by_role("button", name="Compare")
    box = table.bounding_box()
    for row, able in ((0, False), (1, True)):
        page.mouse.click(box["x"] + 16, box["y"] + 62 + 52 * row)
        expect(page.get_by_text("No row is picked.")).to_have_count(0)
        expect(comparing).to_be_enabled(enabled=able)
    comparing.click()
    ready(page)
    assert query_of(page)["other"]


@pytest.mark.parametrize("view", ["3d", "2d"])
def test_classes_lie_at_the_same_places_in_both(page, trained, view):
    asked = {**LEFT.query(), "other": other.as_one(RIGHT), "drawn": "means", "view": view}
    page.goto(f"{trained.base}/compare?{urlencode(asked)}")
    ready(page)
    left, right = (places_of(page, n, LEFT.classes) for n in (0, 1))
    spread = np.linalg.norm(left - left.mean(axis=0), axis=1).max()
    assert spread > 5 * NEAR
    assert np.abs(left - right).max() < NEAR, (left, right)
