"""The gallery in a browser: the first page moves, depths are stepped through, all with no cache."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from ncengine.config.gallery import first
from ncengine.config.presets import instant_preset
from tests.e2e.conftest import assert_ends_cleanly
from tests.e2e.live_app import LiveApp, wait_until
from tests.e2e.pages import (
    PATIENCE,
    at_rest,
    expect_done,
    expect_heading,
    expect_query,
    open_page,
    pixels,
    places,
    player,
    query_of,
)

SHOWN = first().query()


@pytest.fixture(scope="module")
def shipped(tmp_path_factory, executable: str) -> Iterator[LiveApp]:
    """A server with what is shipped, an empty cache and no data set."""
    folder = tmp_path_factory.mktemp("gallery")
    env = {"NCENGINE_GALLERY": None, "NCENGINE_DATA": str(folder / "data")}
    app = LiveApp(folder / "cache", env=env)
    app.start().wait()
    try:
        yield app
        assert_ends_cleanly(app)
    finally:
        app.end()


@pytest.fixture
def welcome(page: Page, shipped: LiveApp) -> Page:
    page.set_default_timeout(PATIENCE)
    page.goto(shipped.url())
    expect(player(page)).to_be_visible()
    return page


def depth(page: Page, value: int) -> None:
    """Pick a depth, and wait for the heading to tell of it."""
    page.locator(".st-key-field-depth").get_by_text(str(value), exact=True).click()
    expect_heading(page, f"{value}-RN1")


def frame(page: Page) -> int:
    return int(player(page).get_attribute("data-frame") or 0)


def test_the_first_page_moves_by_itself(moving: Page, welcome: Page):
    before = pixels(welcome)
    wait_until(lambda: pixels(welcome) != before, "nothing moved")
    expect(welcome.get_by_text("Watch a network tidy up")).to_be_visible()
    box = player(welcome).bounding_box()
    width, height = 1280, 800
    assert box["width"] > 0.6 * width and box["y"] + box["height"] <= height
    assert query_of(welcome) == {}
    # No formulas before a picture.
    assert welcome.locator(".katex").count() == 0 or all(
        formula.bounding_box()["y"] > box["y"] for formula in welcome.locator(".katex").all()[:1]
    )


def test_an_address_copied_from_the_first_page_holds_all_of_it(welcome: Page, shipped: LiveApp):
    welcome.get_by_test_id("nc-view-2d").click()
    expect_query(welcome, "view", "2d")
    for name, value in first().query().items():
        expect_query(welcome, name, value)
    # It is the first page still, with nothing more to go back to.
    welcome.get_by_role("button", name="Deeper", exact=True).click()
    expect_query(welcome, "depth", "34")
    welcome.go_back()
    expect_query(welcome, "depth", str(first().depth))
    expect_heading(welcome, f"{first().depth}-RN1")


def test_what_is_to_be_tried_is_one_click_away(welcome: Page):
    welcome.get_by_role("button", name="Deeper", exact=True).click()
    expect_heading(welcome, "34-RN1")
    expect(welcome.locator(".st-key-facts")).to_contain_text("From the gallery")
    expect_query(welcome, "depth", "34")
    welcome.go_back()
    expect_heading(welcome, "5-RN1")


def test_ones_own_is_trained_from_a_click_and_comes_to_its_end(welcome: Page, shipped: LiveApp):
    welcome.get_by_role("button", name="Train your own").click()
    expect_done(welcome, "1,000 passes")
    expect_query(welcome, "classes", str(instant_preset().classes))
    # Trained here, it is there at once the next time.
    open_page(welcome, shipped, **instant_preset().query())
    expect_done(welcome, "1,000 passes")


def test_depths_are_stepped_through_at_the_same_moment_and_place(page: Page, shipped: LiveApp):
    pose = "0.905_0.101_0.402_0.101_1.3_0_0"
    open_page(page, shipped, **SHOWN, camera=pose, show="means")
    player(page).focus()
    page.keyboard.press("End")
    before = places(page)
    assert np.ptp(before, axis=0).min() > 100
    at = frame(page)
    poses = {pose}
    for value in (8, 34, 2):
        depth(page, value)
        expect_query(page, "depth", str(value))
        # Each depth has axes of its own; the address says so once the viewer rests.
        wait_until(lambda: query_of(page)["camera"] not in poses, "the same camera")
        poses.add(query_of(page)["camera"])
        assert np.abs(places(page) - before).max() < 25, value
        assert frame(page) == at
    # The address holds what is seen: it opens on the same picture.
    page.reload()
    expect(player(page)).to_be_visible()
    player(page).focus()
    page.keyboard.press("End")
    assert np.abs(places(page) - before).max() < 25


def test_who_looks_back_stays_there_and_who_looks_at_the_end_at_the_end(
    page: Page, shipped: LiveApp
):
    open_page(page, shipped, **SHOWN, epoch="100")
    at_rest(page)
    middle = frame(page)
    depth(page, 8)
    at_rest(page)
    assert frame(page) == middle > 0
    player(page).focus()
    page.keyboard.press("End")
    at_rest(page)
    end = frame(page)
    assert end > middle
    depth(page, 13)
    at_rest(page)
    assert frame(page) == end
    expect_query(page, "epoch", None)


def test_depth_opens_on_figure_1(welcome: Page):
    welcome.get_by_role("link", name="Depth").click()
    expect(welcome.get_by_text("Figure 1: ResNets")).to_be_visible()
    expect(welcome.locator("[data-testid=stVegaLiteChart] .mark-symbol").first).to_be_attached()
    expect_query(welcome, "dataset", "mnist")


def test_the_library_shows_what_is_shipped_and_opens_it(welcome: Page):
    welcome.get_by_role("link", name="Library").click()
    table = welcome.get_by_test_id("stDataFrame")
    expect(table).to_be_visible()
    welcome.get_by_label("Find", exact=True).fill("gallery 34 mnist 500")
    welcome.get_by_label("Find", exact=True).press("Enter")
    expect(welcome.get_by_text("1 of ")).to_be_visible()
    box = table.bounding_box()
    # The box at the left of the first row: the table is drawn on a canvas.
    welcome.mouse.click(box["x"] + 16, box["y"] + 62)
    opening = welcome.locator(".st-key-library_actions").get_by_role("button", name="Open")
    expect(opening).to_be_enabled()
    opening.click()
    expect_heading(welcome, "34-RN1")


def test_nothing_is_asked_of_the_network(page: Page, shipped: LiveApp):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(shipped.url())
    expect(player(page)).to_be_visible()
    at_rest(page)
    hosts = {urlsplit(url).hostname for url in asked if url.startswith("http")}
    assert hosts == {"127.0.0.1"} or hosts == {"localhost"}


def test_an_address_that_only_tracks_is_the_first_page_and_back_leads_to_it(page, shipped):
    page.set_default_timeout(PATIENCE)
    page.goto(shipped.url(utm_source="x", fbclid="y"))
    film = page.get_by_text("Watch a network tidy up")
    expect(film).to_be_visible()
    expect(page.locator(".st-key-notices")).to_have_count(0)
    assert query_of(page) == {"utm_source": "x", "fbclid": "y"}
    depth(page, 8)
    expect(film).to_have_count(0)
    page.go_back()
    expect(film).to_be_visible()
    page.go_forward()
    expect_heading(page, "8-RN1")
    expect(film).to_have_count(0)
    page.go_back()
    expect(film).to_be_visible()


def test_badges_are_whole_at_twice_the_size(new_context, shipped):
    page = new_context(viewport={"width": 640, "height": 400}).new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(f"{shipped.base}/depth")
    badges = page.locator(".stMarkdownBadge")
    expect(badges.first).to_be_visible()
    for badge in badges.all():
        box = badge.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 640
        assert badge.evaluate("node => node.scrollWidth <= node.clientWidth + 1")
