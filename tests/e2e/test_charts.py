"""Charts in a browser: colour bars, labels on maps, the whole window, little room."""

from __future__ import annotations

from io import BytesIO
from urllib.parse import urlencode

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Error, expect

from tests.e2e.live_app import wait_until
from tests.e2e.pages import FINISHED, PATIENCE, expect_query, open_page, player

CHART = "[data-testid=stVegaLiteChart]"
BAR = f"{CHART} .role-legend-gradient path"


# What the player does once the camera has come to rest.
WRITE = "camera => history.replaceState(history.state, '', `${location.href}&camera=${camera}`)"
# Which words of a page's charts are not seen whole; of a line's own height 3 pixels are empty.
CUT = """page => [...page.querySelectorAll("svg.marks")].flatMap((chart) => {
  const all = chart.getBoundingClientRect();
  const cut = ({ left, right, top, bottom }) => left < all.left - 3 || right > all.right + 3
    || top < all.top - 3 || bottom > all.bottom + 3;
  const words = [...chart.querySelectorAll("text")].filter((text) => text.textContent.trim());
  return words.filter((text) => cut(text.getBoundingClientRect())).map((text) => text.textContent);
})"""
# Whether a heading is what a viewer sees in its place.
SEEN = """node => {
  const { x, y, width, height } = node.getBoundingClientRect();
  const top = document.elementFromPoint(x + width / 2, y + height / 2);
  return node.contains(top) || Boolean(top.closest(".panel-heading, .st-key-series"));
}"""


def picture(locator, mode="RGB"):
    """What it looks like; a single black point of what was drawn anew meanwhile."""
    try:
        content = BytesIO(locator.screenshot())
    except Error:
        return np.zeros((1, 1, len(mode)))
    return np.asarray(Image.open(content).convert(mode), float)


def colours(locator):
    """How many colours there are in a picture of it."""
    return len(np.unique(picture(locator).reshape(-1, 3), axis=0))


def fill(chart):
    """Have a chart fill the window."""
    chart.scroll_into_view_if_needed()
    chart.hover()
    chart.locator("xpath=ancestor::*[@data-testid='stFullScreenFrame']").get_by_role(
        "button", name="Fullscreen"
    ).click()


def test_charts_outlive_what_happens_around_them(page, app):
    open_page(page, app, **FINISHED, epoch=10)
    expect(player(page)).to_be_visible()
    colour_bars_outlive_another_address_and_another_window(page, 1)
    what_fills_the_window_can_be_read_from_afar(page)
    page.get_by_text("Layers", exact=True).click()
    page.get_by_text("over layers and passes", exact=True).click()
    expect_query(page, "form", "map")
    colour_bars_outlive_another_address_and_another_window(page, 2)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        the_moment_on_a_map_stands_on_the_pages_ground(page, scheme)


def colour_bars_outlive_another_address_and_another_window(page, count):
    bars = page.locator(BAR)
    expect(bars).to_have_count(count)
    wait_until(lambda: all(colours(bar) > 20 for bar in bars.all()), "a bar lacks its colours")
    for camera, width in (("0.9_0_0.3_0_1_0_0", 1500), ("0.9_0.3_0_0_1_0_0", 1280)):
        page.evaluate(WRITE, camera)
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_function("() => new Promise((done) => setTimeout(() => done(true), 300))")
        assert all(colours(bar) > 20 for bar in bars.all())


# A phone has the least room for legends; on Depth an axis has a tick at its top.
@pytest.mark.parametrize(
    ("path", "width", "count"), [("", 390, 3), ("theory?part=proof", 390, 4), ("depth", 1280, 6)]
)
def test_no_word_of_a_chart_is_cut(page, shipped, path, width, count):
    page.set_default_timeout(PATIENCE)
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{shipped.base}/{path}")
    charts = page.locator(f"{CHART} svg.marks")
    wait_until(lambda: charts.count() >= count, "some charts are missing")
    wait_until(lambda: page.locator("body").evaluate(CUT) == [], "words are cut")


def what_fills_the_window_can_be_read_from_afar(page):
    chart = page.locator(CHART).first
    label = chart.locator(".role-axis-label text").first

    def size():
        return float(label.get_attribute("font-size").removesuffix("px"))

    assert size() < 16
    fill(chart)
    wait_until(lambda: size() >= 20, "the labels are as small as before")
    expect(
        chart.locator(".role-legend-label text").filter(has_text="last-layer decay")
    ).to_be_visible()
    page.keyboard.press("Escape")
    wait_until(lambda: size() < 16, "the labels stay large")


def the_moment_on_a_map_stands_on_the_pages_ground(page, scheme):
    label = page.locator(".nc-moment:not([hidden]) span").first
    expect(label).to_have_text("pass 10")

    def contrast():
        pixels = picture(label, "L")
        ground, ink = np.median(pixels), pixels.min() if scheme == "light" else pixels.max()
        return abs(ground - ink)

    wait_until(lambda: contrast() > 120, f"the moment does not stand out in {scheme}")


def test_a_panel_that_fills_the_window_keeps_its_heading_and_the_series(page, app):
    page.set_default_timeout(PATIENCE)
    page.goto(f"{app.base}/depth?{urlencode({**FINISHED, 'depths': '3,5'})}")
    panel = page.locator(".st-key-depth_nc1")
    expect(panel.locator("svg.marks")).to_be_visible()
    fill(panel.locator(CHART))
    heading = page.locator(".panel-heading").first
    series = page.locator(".st-key-series .series").first
    for one in (heading, series):
        wait_until(lambda one=one: one.evaluate(SEEN), "it is covered")
        assert one.bounding_box()["y"] < 60

    def let_go():
        # A page that is busy drawing may not hear the key the first time.
        page.keyboard.press("Escape")
        page.wait_for_timeout(200)
        return heading.bounding_box()["y"] > 60

    wait_until(let_go, "it stays up there")


def test_a_phone_shows_all_and_pans_no_page_sideways(app, new_context):
    small = {"width": 320, "height": 844}
    page = new_context(viewport=small, has_touch=True).new_page()
    page.set_default_timeout(PATIENCE)
    for path in (f"/?{urlencode({**FINISHED, 'epoch': 120})}", "/depth", "/library"):
        page.set_viewport_size(small)
        page.goto(app.base + path)
        expect(page.get_by_role("heading", level=2).first).to_be_visible()
        for width in (320, 390):
            page.set_viewport_size({**small, "width": width})
            if path.startswith("/?"):
                expect(page.locator(BAR)).to_have_count(1)
                wait_until(lambda: _numbers_fit(page), "a number is wider than its cell")
            wait_until(lambda: page.evaluate(PANS_NOT), f"{path} pans sideways at {width}")
        if path.startswith("/?"):
            a_phone_shows_the_film_and_scrolls_with_one_finger(page)


# That there is nothing to the right.
PANS_NOT = """() => {
  const main = document.querySelector("[data-testid=stMain]");
  return main.scrollWidth <= main.clientWidth;
}"""


def a_phone_shows_the_film_and_scrolls_with_one_finger(page):
    expect(player(page)).to_be_visible()
    sidebar = page.locator("[data-testid=stSidebar]")
    expect(sidebar).to_have_attribute("data-collapsed", "true")
    handle = page.get_by_test_id("stExpandSidebarButton").bounding_box()
    heading = page.get_by_role("heading", level=2).bounding_box()
    assert handle["y"] + handle["height"] <= heading["y"]
    tools = player(page).locator(".tools").bounding_box()
    assert page.get_by_test_id("nc-epoch").bounding_box()["y"] >= tools["y"] + tools["height"]
    # The film is in sight, and above the figures.
    canvas = page.get_by_test_id("nc-canvas").bounding_box()
    assert canvas["y"] + canvas["height"] / 2 < 844
    assert canvas["y"] < page.locator(".readouts").bounding_box()["y"]
    touch = page.get_by_test_id("nc-canvas").evaluate("node => getComputedStyle(node).touchAction")
    assert touch == "pan-y"


def _numbers_fit(page):
    """Whether the numbers of the matrix are drawn, and lie within their cells."""
    chart = page.locator(CHART).filter(has=page.locator(".role-legend-gradient"))
    cell = chart.locator(".mark-rect path").first.bounding_box()["width"]
    widths = [
        one.bounding_box()["width"] for one in chart.locator(".mark-text.role-mark text").all()
    ]
    return len(widths) == FINISHED["classes"] * (FINISHED["classes"] - 1) and max(widths) <= cell
