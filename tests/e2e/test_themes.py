"""Light and dark: both are designed, both are legible."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.e2e.pages import FINISHED, open_page, player

# Relative luminance after WCAG 2; text of this size needs a contrast of 4.5.
CONTRAST = """node => {
  const numbers = (text) => text.match(/[\\d.]+/g).map((v, n) =>
    text.startsWith("color(") && n < 3 ? 255 * v : Number(v));
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, n) => sum + v * [0.2126, 0.7152, 0.0722][n], 0);
  const ground = numbers(getComputedStyle(document.querySelector('.stApp')).backgroundColor);
  const style = getComputedStyle(node);
  const ink = numbers(node instanceof SVGElement ? style.fill : style.color);
  let opacity = ink[3] ?? 1;
  for (let up = node; up; up = up.parentElement) opacity *= getComputedStyle(up).opacity;
  const seen = ink.slice(0, 3).map((v, n) => v * opacity + ground[n] * (1 - opacity));
  const [high, low] = [light(seen), light(ground)].sort((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
}"""
TEXTS = [
    "h2",
    "[data-testid=stCaptionContainer] p",
    ".readout .label",
    ".readout .value",
    ".readout .note",
    "[data-testid=nc-share]",
    "[data-testid=stSidebar] label p",
    "[data-testid=stVegaLiteChart] .role-axis-label text",
    "[data-testid=stVegaLiteChart] .role-axis-title text",
    "[data-testid=stVegaLiteChart] .role-legend-label text",
    "[data-testid=nc-player] .chip[aria-pressed=false]",
]


@pytest.mark.parametrize(("scheme", "background"), [("light", "#ffffff"), ("dark", "#0f131b")])
def test_text_stands_out_in_both_themes(app, new_context, scheme, background):
    page = new_context(color_scheme=scheme).new_page()
    open_page(page, app, **FINISHED, epoch=120)
    expect(player(page)).to_be_visible()
    expect(page.locator(".nc-moment")).to_have_count(3)
    red, green, blue = (int(background[n : n + 2], 16) for n in (1, 3, 5))
    shown = page.locator(".stApp").evaluate("node => getComputedStyle(node).backgroundColor")
    assert shown == f"rgb({red}, {green}, {blue})"
    for text in TEXTS:
        contrast = page.locator(text).first.evaluate(CONTRAST)
        assert contrast >= 4.5, f"{text}: {contrast:.1f}"


# Where an element's own ring of focus is drawn, and the ring around the page.
RING = """node => {
  const ring = getComputedStyle(node, "::after");
  return ring.position === "absolute" && parseFloat(ring.borderTopWidth) >= 2;
}"""
FRAME = "node => getComputedStyle(node, '::before').boxShadow"


def test_the_player_shows_its_ring_and_the_page_none(page, app):
    open_page(page, app, **FINISHED, epoch=120)
    player(page).focus()
    page.keyboard.press("Home")
    expect(player(page)).to_have_attribute("data-epoch", "1")
    assert player(page).evaluate(RING)
    main = page.get_by_test_id("stMain")
    main.focus()
    page.keyboard.press("End")
    assert main.evaluate("node => node.matches(':focus-visible')")
    assert main.evaluate(FRAME) == "none"


def test_a_charts_tools_cover_nothing_above_it(page, app):
    open_page(page, app, **FINISHED, epoch=120)
    chart = page.get_by_test_id("stVegaLiteChart").first
    chart.hover()
    tools = page.get_by_test_id("stElementToolbar").first
    expect(tools).to_be_visible()
    assert tools.bounding_box()["y"] > chart.bounding_box()["y"] + 100


@pytest.mark.parametrize("size", [(1280, 800), (1920, 1080)])
def test_player_and_figures_need_no_scrolling(app, new_context, size):
    width, height = size
    page = new_context(viewport={"width": width, "height": height}).new_page()
    open_page(page, app, **FINISHED, epoch=120)
    for shown in (player(page), page.locator(".readouts")):
        expect(shown).to_be_visible()
        box = shown.bounding_box()
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= height
        assert box["x"] + box["width"] <= width
