"""A speaker's keys: after a click they are the player's; who uses keys alone keeps the focus."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from playwright.sync_api import Page, expect

from tests.e2e.live_app import wait_until
from tests.e2e.pages import (
    FINISHED,
    PATIENCE,
    expect_frame,
    expect_heading,
    expect_space_plays_and_rests,
    field,
    open_page,
    pick,
    pick_depth,
    player,
    query_of,
)

# What has the focus, be it within a component.
FOCUSED = """() => {
  let node = document.activeElement;
  while (node.shadowRoot?.activeElement) node = node.shadowRoot.activeElement;
  return node.getAttribute("aria-label") ?? node.textContent.trim();
}"""
NOTHING = "document.activeElement === document.body"


def expect_let_go(page: Page, what: str) -> None:
    """Nothing has the focus any more."""
    wait_until(lambda: page.evaluate(NOTHING), f"{what} keeps the focus", 20)


def expect_keys(page: Page) -> None:
    """The keys steer the player, and nothing else."""
    heading = page.get_by_role("heading", level=2)
    before = heading.inner_text()
    # A film that has just begun comes to its end, or goes there.
    page.keyboard.press("End")
    expect(player(page)).to_have_attribute("data-epoch", str(FINISHED["epochs"]))
    page.keyboard.press("Home")
    expect_frame(page, 0)
    page.keyboard.press("ArrowRight")
    expect_frame(page, 1)
    expect_space_plays_and_rests(page)
    assert heading.inner_text() == before


# Clicks after which the same run is shown.
CLICKS = {
    "a segment": lambda page: page.locator(".st-key-view-seed").get_by_role("radio").nth(1).click(),
    "a pill": lambda page: page.locator(".st-key-view-focus").get_by_role("button").nth(3).click(),
    "a toggle": lambda page: page.locator(".st-key-view-test label").first.click(),
    "an expander": lambda page: page.get_by_test_id("stSidebar").locator("summary").click(),
    "a list": lambda page: pick(page, "classes", "5"),
    "a popover": lambda page: page.get_by_role("button", name="What am I looking at?").click(),
    "the player's button": lambda page: page.get_by_test_id("nc-view-2d").click(),
    "the player's slider": lambda page: page.get_by_test_id("nc-scrubber").click(),
    "the same depth": lambda page: field(page, "depth").get_by_text("3", exact=True).click(),
}


def test_who_clicks_has_the_players_keys(page, app):
    page.set_default_timeout(PATIENCE)
    page.goto(f"{app.base}/library?{urlencode(FINISHED)}")
    # Links are there before what looks after the keys.
    page.wait_for_function("() => document[Symbol.for('nc-page')]?.arrive")
    page.get_by_test_id("stSidebar").get_by_role("link", name="Explore").click()
    expect_heading(page, "3-RN1")
    expect_let_go(page, "the link")
    expect_keys(page)
    for what, click in CLICKS.items():
        click(page)
        expect_let_go(page, what)
        expect_keys(page)
        close_what_is_open(page)
    a_click_on_a_slider_of_the_picker_leaves_the_keys_to_the_player(page)
    a_speakers_routine_by_pointer_and_keys(page)


def close_what_is_open(page):
    """A popover goes as the focus leaves it, but for one that had none yet: a click beside it."""
    popover = page.get_by_test_id("stPopoverBody")
    if popover.count():
        page.get_by_role("heading", level=2).click()
    expect(popover).to_have_count(0)


def a_click_on_a_slider_of_the_picker_leaves_the_keys_to_the_player(page):
    before = query_of(page).get("weight_decay")
    thumb = field(page, "weight_decay").get_by_test_id("stSliderThumbValue")
    thumb.scroll_into_view_if_needed()
    box = thumb.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] + 6)
    page.mouse.down()
    page.mouse.up()
    expect_let_go(page, "the slider")
    assert query_of(page).get("weight_decay") == before
    expect_keys(page)


def a_speakers_routine_by_pointer_and_keys(page):
    for depth in (5, 3):
        pick_depth(page, depth)
        expect_let_go(page, f"depth {depth}")
    expect(player(page)).to_be_visible()
    expect_keys(page)
    page.keyboard.press("2")
    expect(player(page)).to_have_attribute("data-view", "2d")
    page.keyboard.press("3")
    expect(player(page)).to_have_attribute("data-view", "3d")
    page.keyboard.press("Shift+ArrowLeft")
    expect(player(page)).to_have_attribute("data-layer", "2")
    page.keyboard.press("Shift+End")
    page.keyboard.press("f")
    expect(player(page)).to_have_class(re.compile("large"))
    expect_keys(page)
    page.keyboard.press("f")
    expect(player(page)).not_to_have_class(re.compile("large"))
    expect_keys(page)
    expect_heading(page, "3-RN1")


def test_who_uses_keys_alone_keeps_the_focus(page, app):
    open_page(page, app, **FINISHED, epoch=1)
    expect_frame(page, 0)
    who_goes_by_keys_alone_keeps_the_focus(page)
    a_slider_of_the_picker_moves_by_keys_of_who_came_to_it_by_keys(page)


def test_what_was_clicked_to_be_typed_in_keeps_the_keys(page, app):
    open_page(page, app, **FINISHED, epoch=1)
    expect_frame(page, 0)
    field(page, "classes").get_by_role("combobox").click()
    page.keyboard.press("ArrowDown")
    expect(page.locator("[role=option]").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    assert page.evaluate(FOCUSED) == "Classes K"
    expect_frame(page, 0)
    page.keyboard.press("Escape")
    page.get_by_test_id("stSidebar").locator("summary").click()
    number = field(page, "data_seed").locator("input").first
    number.click()
    page.keyboard.press("End")
    page.keyboard.type("2")
    expect(number).to_have_value("02")
    expect_frame(page, 0)


def who_goes_by_keys_alone_keeps_the_focus(page):
    # Into the group from either side: to the depth that is chosen.
    page.get_by_role("button", name="Help for Depth L").focus()
    page.keyboard.press("Tab")
    wait_until(lambda: page.evaluate(FOCUSED) == "3", "the chosen depth has not the focus")
    page.get_by_role("button", name="Help for Width d").focus()
    page.keyboard.press("Shift+Tab")
    wait_until(lambda: page.evaluate(FOCUSED) == "3", "the chosen depth has not the focus")
    page.keyboard.press("ArrowRight")
    wait_until(lambda: page.evaluate(FOCUSED) == "5", "the next depth has not the focus")
    expect_frame(page, 0)
    expect_heading(page, "3-RN1")
    page.keyboard.press("Space")
    expect_heading(page, "5-RN1")
    assert page.evaluate(FOCUSED) == "5"


def a_slider_of_the_picker_moves_by_keys_of_who_came_to_it_by_keys(page):
    slider = field(page, "weight_decay").locator("input[type=range]")
    before = query_of(page).get("weight_decay")
    slider.focus()
    page.keyboard.press("ArrowRight")
    wait_until(lambda: query_of(page).get("weight_decay") != before, "no other decay")
    expect(slider).to_be_focused()
