"""The gallery in a browser: the first page moves, depths are stepped through, all with no cache."""

from __future__ import annotations

from urllib.parse import urlsplit

import numpy as np
from playwright.sync_api import Locator, Page, expect

from ncengine.config.gallery import first
from ncengine.config.presets import instant_preset
from tests.e2e.live_app import LiveApp, wait_until
from tests.e2e.pages import (
    PATIENCE,
    at_rest,
    expect_done,
    expect_heading,
    expect_query,
    open_page,
    pick_depth,
    pixels,
    places,
    player,
    query_of,
)

SHOWN = first().query()


def frame(page: Page) -> int:
    return int(player(page).get_attribute("data-frame") or 0)


def link(page: Page, name: str) -> Locator:
    return page.get_by_role("link", name=name)


def film(page: Page) -> Locator:
    """What only the first page says."""
    return page.get_by_text("Watch a network tidy up")


def test_the_first_page_moves_and_leads_to_what_is_shipped(moving: Page, page: Page, shipped):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_default_timeout(PATIENCE)
    page.goto(shipped.url())
    it_moves_by_itself(page)
    page.emulate_media(reduced_motion="reduce")
    an_address_copied_from_it_holds_all_of_it(page)
    what_is_to_be_tried_is_one_click_away(page)
    the_library_shows_what_is_shipped_and_opens_it(page)
    # And nothing was asked of the network.
    hosts = {urlsplit(url).hostname for url in asked if url.startswith("http")}
    assert hosts == {"127.0.0.1"}


def it_moves_by_itself(page: Page) -> None:
    expect(player(page)).to_be_visible()
    before = pixels(page)
    wait_until(lambda: pixels(page) != before, "nothing moved")
    expect(film(page)).to_be_visible()
    box = player(page).bounding_box()
    width, height = 1280, 800
    assert box["width"] > 0.6 * width and box["y"] + box["height"] <= height
    assert query_of(page) == {}
    # No formulas before a picture.
    formulas = page.locator(".katex").all()[:1]
    assert all(formula.bounding_box()["y"] > box["y"] for formula in formulas)


def an_address_copied_from_it_holds_all_of_it(page: Page) -> None:
    page.get_by_test_id("nc-view-2d").click()
    expect_query(page, "view", "2d")
    for name, value in first().query().items():
        expect_query(page, name, value)


def what_is_to_be_tried_is_one_click_away(page: Page) -> None:
    page.get_by_role("button", name="Deeper", exact=True).click()
    expect_heading(page, "34-RN1")
    expect(page.locator(".st-key-facts")).to_contain_text("From the gallery")
    expect_query(page, "depth", "34")
    # What was copied was the first page still, with nothing more to go back to.
    page.go_back()
    expect_query(page, "depth", str(first().depth))
    expect_heading(page, f"{first().depth}-RN1")


def the_library_shows_what_is_shipped_and_opens_it(page: Page) -> None:
    link(page, "Library").click()
    table = page.get_by_test_id("stDataFrame")
    expect(table).to_be_visible()
    page.get_by_label("Find", exact=True).fill("gallery 34 mnist 500")
    page.get_by_label("Find", exact=True).press("Enter")
    expect(page.get_by_text("1 of ")).to_be_visible()
    # For a moment the table before is there too.
    expect(table).to_have_count(1)
    box = table.bounding_box()
    # The box at the left of the first row: the table is drawn on a canvas.
    page.mouse.click(box["x"] + 16, box["y"] + 62)
    opening = page.locator(".st-key-library_actions").get_by_role("button", name="Open")
    expect(opening).to_be_enabled()
    opening.click()
    expect_heading(page, "34-RN1")


def test_an_address_that_only_tracks_is_the_first_page_and_back_leads_to_it(page: Page, shipped):
    page.set_default_timeout(PATIENCE)
    page.goto(shipped.url(utm_source="x", fbclid="y"))
    expect(film(page)).to_be_visible()
    expect(page.locator(".st-key-notices")).to_have_count(0)
    assert query_of(page) == {"utm_source": "x", "fbclid": "y"}
    pick_depth(page, 8)
    expect(film(page)).to_have_count(0)
    page.go_back()
    expect(film(page)).to_be_visible()
    page.go_forward()
    expect_heading(page, "8-RN1")
    expect(film(page)).to_have_count(0)
    page.go_back()
    expect(film(page)).to_be_visible()
    ones_own_is_trained_from_a_click_and_comes_to_its_end(page)
    depth_opens_on_figure_1(page)
    badges_are_whole_at_twice_the_size(page)


def ones_own_is_trained_from_a_click_and_comes_to_its_end(page: Page) -> None:
    page.get_by_role("button", name="Train your own").click()
    expect_done(page)  # four classes come to rest before the budget is spent
    expect_query(page, "classes", str(instant_preset().classes))
    page.go_back()
    expect(film(page)).to_be_visible()
    # Trained here, it is there at once the next time.
    page.get_by_role("button", name="Train your own").click()
    expect_done(page)  # four classes come to rest before the budget is spent
    page.go_back()
    expect(film(page)).to_be_visible()


def depth_opens_on_figure_1(page: Page) -> None:
    link(page, "Depth").click()
    expect(page.get_by_text("Figure 1: ResNets")).to_be_visible()
    expect(page.locator("[data-testid=stVegaLiteChart] .mark-symbol").first).to_be_attached()
    expect_query(page, "dataset", "mnist")


def badges_are_whole_at_twice_the_size(page: Page) -> None:
    width = 640
    page.set_viewport_size({"width": width, "height": 400})
    badges = page.locator(".stMarkdownBadge")
    expect(badges.first).to_be_visible()

    def whole(badge: Locator) -> bool:
        box = badge.bounding_box()
        within = box["x"] >= 0 and box["x"] + box["width"] <= width
        return within and badge.evaluate("node => node.scrollWidth <= node.clientWidth + 1")

    wait_until(lambda: all(whole(badge) for badge in badges.all()), "a badge is clipped")


def test_depths_are_stepped_through_at_the_same_moment_and_place(page: Page, shipped: LiveApp):
    pose = "0.905_0.101_0.402_0.101_1.3_0_0"
    open_page(page, shipped, **SHOWN, camera=pose, show="means", epoch="100")
    who_looks_back_stays_there(page)
    expect_query(page, "epoch", None)
    before = places(page)
    assert np.ptp(before, axis=0).min() > 100
    at = frame(page)
    poses = {pose, query_of(page)["camera"]}
    for value in (8, 34, 2):
        pick_depth(page, value)
        expect_query(page, "depth", str(value))
        # Each depth has axes of its own; the address says so once the viewer rests.
        wait_until(lambda: query_of(page)["camera"] not in poses, "the same camera")
        poses.add(query_of(page)["camera"])
        assert np.abs(places(page) - before).max() < 25, value
        assert frame(page) == at
        expect_query(page, "epoch", None)
    # The address holds what is seen: it opens on the same picture.
    page.reload()
    expect(player(page)).to_be_visible()
    player(page).focus()
    page.keyboard.press("End")
    assert np.abs(places(page) - before).max() < 25


def who_looks_back_stays_there(page: Page) -> None:
    """At the moment of the address, at whatever depth; who goes to the end is at a later one."""
    at_rest(page)
    middle = frame(page)
    pick_depth(page, 13)
    at_rest(page)
    assert frame(page) == middle > 0
    player(page).focus()
    page.keyboard.press("End")
    at_rest(page)
    assert frame(page) > middle
