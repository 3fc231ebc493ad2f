"""The page Depth in a browser: train, watch, open a run, come back, and share it."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from playwright.sync_api import Page, expect

from tests.e2e.live_app import LiveApp, wait_until
from tests.e2e.pages import PATIENCE, expect_heading, expect_rest

TINY = {"classes": 3, "samples_per_class": 10, "width": 8, "epochs": 60, "seeds": "2"}
POINTS = ".st-key-depth_nc1 .mark-symbol path"


def open_depth(page: Page, app: LiveApp, **query) -> Page:
    page.set_default_timeout(PATIENCE)
    page.goto(f"{app.base}/depth?{urlencode({**TINY, **query})}")
    expect(page.get_by_role("heading", name="How collapse changes with depth")).to_be_visible()
    return page


def expect_points(page: Page, count: int) -> None:
    expect(page.locator(POINTS)).to_have_count(count, timeout=2 * PATIENCE)


def test_train_watch_open_a_point_and_share_what_is_added(page, app):
    open_depth(page, app, depths="2,3")
    expect(page.get_by_role("button", name="Train 2 networks")).to_be_visible()
    other = open_depth(page.context.new_page(), app, depths="2,3")
    all_see_the_points_come(page, other)
    for _ in range(2):
        a_point_opens_its_run_and_back_leads_here(page)
    a_second_series_has_a_permalink(page, other)


def all_see_the_points_come(page: Page, other: Page) -> None:
    """Who trains them, and another reader of the same page."""
    page.get_by_role("button", name="Train 2 networks").click()
    for reader in (page, other):
        expect_points(reader, 2)
        expect(reader.get_by_text("All 2 networks are trained.")).to_be_visible()


def a_point_opens_its_run_and_back_leads_here(page: Page) -> None:
    page.locator(POINTS).nth(1).click()
    expect_heading(page, "3-RN1")
    expect(page.get_by_test_id("nc-player")).to_be_visible()
    wait_until(lambda: "depth=3" in page.evaluate("location.href"), "the run is not in the URL")
    page.go_back()
    expect_points(page, 2)
    assert re.search(r"/depth\?.*depths=2%2C3", page.evaluate("location.href"))


def a_second_series_has_a_permalink(page: Page, other: Page) -> None:
    # A click on a page that is drawn anew may be lost.
    expect_rest(page)
    page.get_by_role("button", name="Add to the picture").click()
    wait_until(lambda: "kept=" in page.evaluate("location.href"), "nothing was kept")
    page.get_by_test_id("stSidebar").get_by_role("radio", name="post-LN").click()
    page.get_by_role("button", name="Train 2 networks").click()
    expect_points(page, 4)
    address = page.evaluate("location.href")
    assert "kept=" in address and "norm=post" in address
    other.goto(address)
    expect_points(other, 4)
    legend = other.locator(".series").all_inner_texts()
    assert [text.split(" ")[0].split("\n")[0] for text in legend] == ["post-LN", "pre-LN"]


def test_a_grid_is_a_heat_map_whose_cells_open_runs(page, app):
    open_depth(page, app, depths="2,3", decays="0.005,0.02")
    page.get_by_role("button", name=re.compile("^(Train|Go on with)")).click()
    cells = page.locator(".st-key-depth_map .mark-rect.role-mark path")
    wait_until(lambda: cells.count() == 4, "the map is not whole")
    # On its number, which lies over it.
    box = cells.nth(0).bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect_heading(page, "RN1")
    expect(page.get_by_test_id("nc-player")).to_be_visible()


def test_what_is_typed_is_taken_and_goes_from_page_to_page(page, app):
    open_depth(page, app, depths="2,3,7")
    enter_adds_what_was_typed_and_nothing_else(page)
    own_seeds_and_an_own_decay_are_typed_in_the_picker(page)
    what_is_picked_goes_from_page_to_page(page)
    a_preset_is_a_click_away(page)


def box(page, name):
    return page.locator(f".st-key-depth-{name}")


def type_into(page, name, typed):
    field = box(page, name).get_by_role("combobox")
    field.click()
    field.press_sequentially(typed)
    expect(page.get_by_role("option")).to_have_count(1)
    field.press("Enter")
    # Else the list lies over what comes next.
    field.press("Escape")


def expect_values(page, name, values):
    expect(box(page, name).locator("[data-tag]")).to_have_text([re.compile(v) for v in values])


def enter_adds_what_was_typed_and_nothing_else(page):
    type_into(page, "depths", "4")
    expect_values(page, "depths", ["2", "3", "4", "7"])
    wait_until(lambda: "depths=2%2C3%2C4%2C7" in page.evaluate("location.href"), "4 is not added")
    # 13 is offered, and no network has depth 1.
    said = page.get_by_test_id("stMain").get_by_text("whole number from")
    type_into(page, "depths", "1")
    expect(said).to_be_visible()
    type_into(page, "depths", "13")
    expect_values(page, "depths", ["2", "3", "4", "7", "13"])
    expect(said).to_have_count(0)
    type_into(page, "decays", "0.05")
    expect_values(page, "decays", ["0.05"])
    type_into(page, "decays", "0.0037, 0.02")
    expect_values(page, "decays", ["0.0037", "0.02", "0.05"])
    type_into(page, "depths", "four")
    expect(said).to_be_visible()
    field, words = box(page, "depths").bounding_box(), said.bounding_box()
    assert words["y"] >= field["y"] + field["height"]
    # By pointer, what is offered is picked as it was.
    box(page, "depths").get_by_role("combobox").click()
    page.get_by_role("option").filter(has_text="34").click()
    expect_values(page, "depths", ["2", "3", "4", "7", "13", "34"])
    # Beside an open list nothing can be reached.
    page.keyboard.press("Escape")


def own_seeds_and_an_own_decay_are_typed_in_the_picker(page):
    bar = page.get_by_test_id("stSidebar")
    bar.get_by_role("radiogroup", name="Seeds").get_by_role("radio", name="other").click()
    seeds = bar.get_by_role("textbox", name="Seeds, as a list")
    seeds.fill("7, 11")
    seeds.press("Enter")
    wait_until(lambda: "seeds=7%2C11" in page.evaluate("location.href"), "the seeds are not taken")
    decay = bar.get_by_role("textbox", name="Weight decay λ, typed")
    decay.fill("0.0037")
    decay.press("Enter")
    wait_until(lambda: "weight_decay=0.0037" in page.evaluate("location.href"), "λ is not taken")
    expect(bar.get_by_role("slider")).to_have_attribute("aria-valuetext", "0.0037")
    width = bar.locator(".st-key-field-width").get_by_role("combobox")
    width.click()
    width.fill("6")
    width.press("Enter")
    wait_until(lambda: "width=6&" in page.evaluate("location.href") + "&", "6 is taken for 64")
    width.fill("wide")
    width.press("Enter")
    expect(bar.get_by_text("wide must be a whole number")).to_be_visible()
    expect(width).to_have_value("6")


def what_is_picked_goes_from_page_to_page(page):
    page.get_by_test_id("stSidebar").get_by_role("link", name="Explore").click()
    expect_heading(page, "d = 6")
    page.get_by_test_id("stSidebar").get_by_role("link", name="Depth").click()
    expect(page.locator(".series")).to_contain_text("d = 6")


def a_preset_is_a_click_away(page):
    page.get_by_role("button", name="Presets").click()
    page.get_by_role("button", name="Pre-LN against post-LN: two mechanisms").click()
    expect(page.locator(".series")).to_have_count(2)
    # Outside the page, the tooltip of the button says it as well.
    said = page.get_by_test_id("stMain").get_by_text("Pre-LN takes a shortcut")
    expect(said).to_be_visible()
