"""Charts in a browser: colour bars, labels on maps, the whole window, little room."""

from __future__ import annotations

from io import BytesIO
from urllib.parse import urlencode

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.e2e.live_app import wait_until
from tests.e2e.pages import FINISHED, PATIENCE, open_page, player

CHART = "[data-testid=stVegaLiteChart]"
BAR = f"{CHART} .role-legend-gradient path"


# What the player does once the camera has come to rest.
WRITE = "camera => history.replaceState(history.state, '', `${location.href}&camera=${camera}`)"
# Whether a heading is what a viewer sees in its place.
SEEN = """node => {
  const { x, y, width, height } = node.getBoundingClientRect();
  const top = document.elementFromPoint(x + width / 2, y + height / 2);
  return node.contains(top) || Boolean(top.closest(".panel-heading, .st-key-series"));
}"""


def colours(locator):
    """How many colours there are in a picture of it."""
    pixels = np.asarray(Image.open(BytesIO(locator.screenshot())).convert("RGB"))
    return len(np.unique(pixels.reshape(-1, 3), axis=0))


def fill(chart):
    """Have a chart fill the window."""
    chart.scroll_into_view_if_needed()
    chart.hover()
    chart.locator("xpath=ancestor::*[@data-testid='stFullScreenFrame']").get_by_role(
        "button", name="Fullscreen"
    ).click()


@pytest.mark.parametrize("query", [{}, {"beside": "layers", "form": "map"}], ids=str)
def test_a_colour_bar_outlives_another_address_and_another_window(page, app, query):
    open_page(page, app, **FINISHED, epoch=120, **query)
    bars = page.locator(BAR)
    expect(bars).to_have_count(1 + bool(query))
    before = [colours(bar) for bar in bars.all()]
    assert min(before) > 20
    for camera, width in (("0.9_0_0.3_0_1_0_0", 1500), ("0.9_0.3_0_0_1_0_0", 1280)):
        page.evaluate(WRITE, camera)
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_function("() => new Promise((done) => setTimeout(() => done(true), 300))")
        assert all(colours(bar) > 20 for bar in bars.all())


def test_what_fills_the_window_can_be_read_from_afar(page, app):
    open_page(page, app, **FINISHED, epoch=120)
    expect(player(page)).to_be_visible()
    chart = page.locator(CHART).first
    label = chart.locator(".role-axis-label text").first
    assert float(label.get_attribute("font-size").removesuffix("px")) < 16
    fill(chart)
    wait_until(
        lambda: float(label.get_attribute("font-size").removesuffix("px")) >= 20,
        "the labels are as small as before",
    )
    expect(
        chart.locator(".role-legend-label text").filter(has_text="last-layer decay")
    ).to_be_visible()


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
    page.keyboard.press("Escape")
    wait_until(lambda: heading.bounding_box()["y"] > 60, "it stays up there")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_moment_on_a_map_stands_on_the_pages_ground(app, new_context, scheme):
    page = new_context(color_scheme=scheme).new_page()
    open_page(page, app, **FINISHED, epoch=10, beside="layers", form="map")
    label = page.locator(".nc-moment:not([hidden]) span").first
    expect(label).to_have_text("pass 10")
    pixels = np.asarray(Image.open(BytesIO(label.screenshot())).convert("L"), float)
    ground, ink = np.median(pixels), pixels.min() if scheme == "light" else pixels.max()
    assert abs(ground - ink) > 120


@pytest.mark.parametrize("width", [390, 320])
def test_a_phone_pans_no_page_sideways(app, new_context, width):
    page = new_context(viewport={"width": width, "height": 844}, has_touch=True).new_page()
    page.set_default_timeout(PATIENCE)
    for path in (f"/?{urlencode({**FINISHED, 'epoch': 120})}", "/depth", "/library"):
        page.goto(app.base + path)
        expect(page.get_by_role("heading", level=2).first).to_be_visible()
        if path.startswith("/?"):
            expect(page.locator(BAR)).to_have_count(1)
            _numbers_fit(page)
        main = page.get_by_test_id("stMain")
        assert main.evaluate("node => node.scrollWidth <= node.clientWidth")


def _numbers_fit(page):
    """Numbers of the matrix lie within their cells."""
    chart = page.locator(CHART).filter(has=page.locator(".role-legend-gradient"))
    cell = chart.locator(".mark-rect path").first.bounding_box()["width"]
    widths = [
        one.bounding_box()["width"] for one in chart.locator(".mark-text.role-mark text").all()
    ]
    assert len(widths) == FINISHED["classes"] * (FINISHED["classes"] - 1)
    assert max(widths) <= cell
