"""Layers on Explore: the player travels through them, and what stands beside it follows."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.e2e.pages import (
    FINISHED,
    at_rest,
    expect_key_sets_going,
    expect_other_pixels,
    expect_query,
    open_page,
    pixels,
    player,
)

LAST = FINISHED["depth"]
# Passes at which the finished run kept its layers.
KEPT = (1, 10, 100, FINISHED["epochs"])


def expect_layer(page, layer):
    expect(player(page)).to_have_attribute("data-layer", str(layer))


def expect_epoch(page, epoch):
    expect(player(page)).to_have_attribute("data-epoch", str(epoch))


def travel(page, share):
    """Press the slider of layers at a share of its length."""
    box = page.get_by_test_id("nc-way-scrubber").bounding_box()
    page.mouse.click(box["x"] + share * box["width"], box["y"] + box["height"] / 2)


def open_at(page, app, **query):
    open_page(page, app, **FINISHED, **query)
    expect(page.get_by_test_id("nc-way")).to_be_visible()


def expect_no_layer(page):
    """It is the last layer, as in the film, of which the address says nothing."""
    expect_layer(page, LAST)
    expect_query(page, "layer", None)


def test_one_travels_through_the_layers(moving, page, app):
    open_at(page, app, epoch=10, layer=2)
    an_address_and_the_slider_lead_to_a_layer(page)
    on_the_way_the_moments_are_those_at_which_layers_were_kept(page)
    page.keyboard.press("End")
    keys_with_shift_go_through_the_layers(page)


def an_address_and_the_slider_lead_to_a_layer(page):
    expect_layer(page, 2)
    expect_epoch(page, 10)
    before = expect_other_pixels(page, "")
    travel(page, 0.02)
    expect_layer(page, 1)
    expect_other_pixels(page, before)
    travel(page, 0.98)
    expect_no_layer(page)
    at_rest(page)


def on_the_way_the_moments_are_those_at_which_layers_were_kept(page):
    # From 10 passes on to 56, of which no layers were kept.
    for _ in range(12):
        page.keyboard.press("ArrowRight")
    expect_epoch(page, 56)
    page.keyboard.press("Shift+ArrowLeft")
    expect_epoch(page, 100)
    expect_query(page, "epoch", "100")
    for key, epoch in (("ArrowLeft", 10), ("ArrowLeft", 1), ("ArrowLeft", 1), ("ArrowRight", 10)):
        page.keyboard.press(key)
        expect_epoch(page, epoch)
        expect_layer(page, LAST - 1)
    page.keyboard.press("End")
    expect_epoch(page, KEPT[-1])
    page.keyboard.press("Shift+End")
    expect_layer(page, LAST)
    page.keyboard.press("ArrowLeft")
    expect(player(page)).not_to_have_attribute("data-epoch", str(KEPT[-1]))


def keys_with_shift_go_through_the_layers(page):
    expect_epoch(page, KEPT[-1])
    expect_layer(page, LAST)
    expect(page.get_by_test_id("nc-layer-number")).to_be_hidden()
    last = expect_other_pixels(page, "")
    page.keyboard.press("Shift+ArrowLeft")
    expect_layer(page, LAST - 1)
    expect(page.get_by_test_id("nc-layer-number")).to_have_text(str(LAST - 1))
    expect_query(page, "layer", str(LAST - 1))
    before = expect_other_pixels(page, last)
    page.keyboard.press("Shift+Home")
    expect_layer(page, 1)
    expect_other_pixels(page, before)
    page.keyboard.press("Shift+End")
    expect_no_layer(page)
    expect(page.get_by_test_id("nc-layer-number")).to_be_hidden()
    page.keyboard.press("Shift+Home")
    expect_key_sets_going(page, "Shift+Space", "data-travelling")
    expect(player(page)).to_have_attribute("data-travelling", "false")
    expect_layer(page, LAST)


def test_charts_of_layers_follow_the_moment(page, app):
    # A layer that is none leaves the address.
    open_at(page, app, epoch=120, beside="layers", norm="pre", layer=0)
    expect_no_layer(page)
    expect(page.get_by_text("At pass 120", exact=True)).to_be_visible()
    expect(page.get_by_text("The shortcut of pre-LN")).to_be_visible()
    # Over layers, two of blocks, the stream; cosines and accuracy below.
    expect(page.locator("[data-testid=stVegaLiteChart] svg.marks")).to_have_count(6)
    page.keyboard.press("Home")
    expect(page.get_by_text("At pass 1", exact=True)).to_be_visible()
    page.get_by_text("over layers and passes").click()
    expect_query(page, "form", "map")
    # The map's axis is passes, as that of curves: it has the line of the moment, and moves it.
    chart = page.locator("[data-testid=stVegaLiteChart]").filter(
        has=page.locator("svg.marks .mark-rect path:nth-child(20)")
    )
    expect(chart.first.locator(".nc-moment:not([hidden])")).to_have_text("pass 1")
    ground = chart.first.locator("svg.marks .background").first
    ground.scroll_into_view_if_needed()
    box = ground.bounding_box()
    page.mouse.click(box["x"] + box["width"] - 1, box["y"] + box["height"] / 2)
    expect_epoch(page, FINISHED["epochs"])


def test_test_data_and_focus_go_with_layers(page, app):
    open_at(page, app, epoch=120, test=1, focus="0,1,2", layer=99)
    expect_no_layer(page)
    expect(page.get_by_test_id("nc-layer-tests")).to_be_visible()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        whole = at_rest(page)
        page.keyboard.press("Shift+ArrowLeft")
        expect_layer(page, LAST - 1)
        expect_other_pixels(page, whole)
        page.keyboard.press("Shift+End")
        expect_layer(page, LAST)
        share = page.get_by_test_id("nc-share")
        expect(share).to_have_text("whole span of the 3 focused class means")
        assert pixels(page)
