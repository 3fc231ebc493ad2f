"""Test data, other data sets and other networks, as clicked in a browser."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.e2e.pages import (
    FINISHED,
    expect_done,
    expect_heading,
    expect_other_pixels,
    expect_query,
    field,
    open_page,
    pixels,
    player,
    train,
)

LEGENDS = "[data-testid=stVegaLiteChart] .role-legend-label"


def pick_data(page, title):
    """Pick a data set from the list, and wait for the heading to tell of it."""
    field(page, "dataset").get_by_role("combobox").click()
    page.get_by_role("option", name=title, exact=True).click()
    expect_heading(page, title)


def architectures(page):
    return field(page, "architecture").get_by_role("radio")


def hover_until(page, words):
    """Move over the player until its tooltip has these words; what it says then."""
    tip = page.get_by_test_id("nc-tip")
    box = page.get_by_test_id("nc-canvas").bounding_box()
    for y in range(int(box["y"]) + 60, int(box["y"] + box["height"]) - 20, 12):
        for x in range(int(box["x"]) + 40, int(box["x"] + box["width"]) - 40, 9):
            page.mouse.move(x, y)
            if tip.is_visible() and words in tip.inner_text():
                return tip
    raise AssertionError(f"no body says {words!r}")


def test_a_click_changes_what_is_shown_and_back_undoes_it(page, app):
    open_page(page, app, **FINISHED, epoch=120)
    expect(player(page)).to_be_visible()
    data_to_test_on_come_and_go_with_the_toggle(page)
    what_to_try_next_is_a_click_away(page)
    back_undoes_a_pick_at_once(page)


def data_to_test_on_come_and_go_with_the_toggle(page):
    chip = page.get_by_test_id("nc-layer-tests")
    expect(chip).to_be_hidden()
    without = expect_other_pixels(page, "")
    top = player(page).bounding_box()["y"]
    toggle = page.locator(".st-key-view-test")
    toggle.locator("label").first.click()
    expect(chip).to_be_visible()
    expect_query(page, "test", "1")
    shown = expect_other_pixels(page, without)
    assert player(page).bounding_box()["y"] == top
    for name in ("test NC1", "test NC3", "test"):
        expect(page.locator(LEGENDS).get_by_text(name, exact=True)).to_be_visible()

    tip = hover_until(page, "test sample")
    expect(tip.locator("canvas")).to_be_visible()
    page.mouse.move(5, 5)
    chip.click()
    hidden = expect_other_pixels(page, shown)
    chip.click()
    expect_other_pixels(page, hidden)

    toggle.locator("label").first.click()
    expect(chip).to_be_hidden()
    expect_query(page, "test", None)
    assert pixels(page)


def what_to_try_next_is_a_click_away(page):
    page.get_by_role("button", name="Deeper: L = 5").click()
    expect_heading(page, "5-RN1")
    expect(page.locator(".st-key-train button")).to_be_visible()
    expect(page).to_have_url(re.compile("depth=5"))
    page.go_back()
    expect_heading(page, "3-RN1")


def back_undoes_a_pick_at_once(page):
    for _ in range(3):
        page.get_by_role("button", name="Deeper: L = 5").click()
        page.wait_for_url(re.compile("depth=5"))
        page.go_back()
        page.wait_for_url(re.compile("depth=3"))
        expect_heading(page, "3-RN1")
        expect(page.get_by_role("button", name="Deeper: L = 5")).to_be_visible()


def test_another_data_set_and_a_transformer_trained_on_it(page, app):
    open_page(page, app, dataset="gaussian", classes=4, samples_per_class=20, width=8, depth=2,
              epochs=60, seeds=1)  # fmt: skip
    expect(architectures(page)).to_have_text(["RN1", "RN2", "UFM"])
    pick_data(page, "IMDB")
    expect(architectures(page)).to_have_text(["T11", "T12", "T21", "T22", "UFM"])
    expect(architectures(page).first).to_be_checked()
    expect(field(page, "classes")).to_have_count(0)
    pick_data(page, "Digits")
    expect(architectures(page)).to_have_count(7)
    # What cannot be seen at once is not clipped: every choice lies within the sidebar.
    bar = page.get_by_test_id("stSidebar").bounding_box()
    for button in architectures(page).all():
        box = button.bounding_box()
        assert bar["x"] <= box["x"] and box["x"] + box["width"] <= bar["x"] + bar["width"]
    architectures(page).get_by_text("T11", exact=True).click()
    expect(field(page, "patch_size").get_by_role("combobox")).to_have_value("2 px: 4 × 4 patches")
    expect(page.get_by_text("Nobody has trained this network yet")).to_be_visible()
    expect(page.locator(".assumptions .holds").first).to_be_visible()
    train(page)
    expect_done(page)
    expect(player(page)).to_be_visible()
    expect(page.get_by_text("what the last linear layer sees of the last patch")).to_be_visible()
