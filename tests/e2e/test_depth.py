"""The page Depth in a browser: train, watch, open a run, come back, and share it."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from playwright.sync_api import Page, expect

from tests.e2e.live_app import LiveApp, wait_until
from tests.e2e.pages import PATIENCE

TINY = {"classes": 3, "samples_per_class": 10, "width": 8, "epochs": 60, "seeds": "2"}
POINTS = ".st-key-depth_nc1 .mark-symbol path"


def open_depth(page: Page, app: LiveApp, **query) -> Page:
    page.set_default_timeout(PATIENCE)
    page.goto(f"{app.base}/depth?{urlencode({**TINY, **query})}")
    expect(page.get_by_role("heading", name="How collapse changes with depth")).to_be_visible()
    return page


def expect_points(page: Page, count: int) -> None:
    expect(page.locator(POINTS)).to_have_count(count, timeout=2 * PATIENCE)


def test_train_watch_open_a_point_and_come_back(page, app, browser):
    open_depth(page, app, depths="2,3,5")
    button = page.get_by_role("button", name="Train 3 networks")
    expect(button).to_be_visible()
    # Another reader of the same page sees the points come, too.
    other = open_depth(browser.new_page(), app, depths="2,3,5")
    button.click()
    for reader in (page, other):
        expect_points(reader, 3)
        expect(reader.get_by_text("All 3 networks are trained.")).to_be_visible()
    other.close()

    page.locator(POINTS).nth(1).click()
    expect(page.get_by_role("heading", level=2)).to_contain_text("3-RN1")
    expect(page.get_by_test_id("nc-player")).to_be_visible()
    wait_until(lambda: "depth=3" in page.evaluate("location.href"), "the run is not in the URL")
    page.go_back()
    expect_points(page, 3)
    assert re.search(r"/depth\?.*depths=2%2C3%2C5", page.evaluate("location.href"))


def test_a_second_series_and_its_permalink(page, app, browser):
    open_depth(page, app, depths="2,3", data_seed=1)
    page.get_by_role("button", name="Train 2 networks").click()
    expect_points(page, 2)
    page.get_by_role("button", name="Add to the picture").click()
    page.get_by_test_id("stSidebar").get_by_role("radio", name="post-LN").click()
    page.get_by_role("button", name="Train 2 networks").click()
    expect_points(page, 4)
    address = page.evaluate("location.href")
    assert "kept=" in address and "norm=post" in address
    other = browser.new_page()
    other.goto(address)
    expect_points(other, 4)
    legend = other.locator(".series").all_inner_texts()
    assert [text.split(" ")[0].split("\n")[0] for text in legend] == ["post-LN", "pre-LN"]
    other.close()


def test_a_grid_is_a_heat_map_whose_cells_open_runs(page, app):
    open_depth(page, app, depths="2,3", decays="0.005,0.02", data_seed=2)
    page.get_by_role("button", name=re.compile("^(Train|Go on with)")).click()
    cells = page.locator(".st-key-depth_map .mark-rect.role-mark path")
    wait_until(lambda: cells.count() == 4, "the map is not whole")
    # On its number, which lies over it.
    box = cells.nth(0).bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.get_by_role("heading", level=2)).to_contain_text("RN1")
    expect(page.get_by_test_id("nc-player")).to_be_visible()


def test_from_page_to_page_with_what_is_picked(page, app):
    open_depth(page, app, width=6)
    page.get_by_test_id("stSidebar").get_by_role("link", name="Explore").click()
    expect(page.get_by_role("heading", level=2)).to_contain_text("d = 6")
    page.get_by_test_id("stSidebar").get_by_role("link", name="Depth").click()
    expect(page.locator(".series")).to_contain_text("d = 6")
    page.get_by_role("button", name="Presets").click()
    page.get_by_role("button", name="Pre-LN against post-LN: two mechanisms").click()
    expect(page.locator(".series")).to_have_count(2)
    # Outside the page, the tooltip of the button says it as well.
    said = page.get_by_test_id("stMain").get_by_text("Pre-LN takes a shortcut")
    expect(said).to_be_visible()
