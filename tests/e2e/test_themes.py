"""How a finished run looks: legible in light and dark, whole, and with no tool in the way."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.e2e.live_app import LiveApp, wait_until
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


GROUNDS = {"light": "#ffffff", "dark": "#0f131b"}
# Where an element's own ring of focus is drawn, and the ring around the page.
RING = """node => {
  const ring = getComputedStyle(node, "::after");
  return ring.position === "absolute" && parseFloat(ring.borderTopWidth) >= 2;
}"""
FRAME = "node => getComputedStyle(node, '::before').boxShadow"
# How many points down to a height have a colour: classes are drawn in one, the ground is grey.
COLOURED = """(canvas, height) => {
  const ratio = canvas.width / canvas.clientWidth;
  const { data } = canvas.getContext("2d")
    .getImageData(0, 0, canvas.width, Math.floor(height * ratio));
  let found = 0;
  for (let n = 0; n < data.length; n += 4) {
    const color = [data[n], data[n + 1], data[n + 2]];
    if (data[n + 3] > 60 && Math.max(...color) - Math.min(...color) > 60) found++;
  }
  return found;
}"""


def test_a_finished_run_is_legible_and_whole(page: Page, app: LiveApp):
    page.emulate_media(color_scheme="dark")
    open_page(page, app, **FINISHED, epoch=FINISHED["epochs"], focus="0,1,4")
    expect(player(page)).to_have_attribute("data-epoch", str(FINISHED["epochs"]))
    expect(page.locator(".nc-moment")).to_have_count(3)
    for scheme in ("dark", "light"):
        text_stands_out(page, scheme)
    for width, height in ((1920, 1080), (1280, 800)):
        player_and_figures_need_no_scrolling(page, width, height)
    the_picture_keeps_clear_of_the_tools(page)
    a_charts_tools_cover_nothing_above_it(page)
    the_player_shows_its_ring_and_the_page_none(page)


def text_stands_out(page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    ground = tuple(int(GROUNDS[scheme][n : n + 2], 16) for n in (1, 3, 5))
    expect(page.locator(".stApp")).to_have_css("background-color", f"rgb{ground}")

    def faint() -> dict[str, float]:
        seen = {text: page.locator(text).first.evaluate(CONTRAST) for text in TEXTS}
        return {text: contrast for text, contrast in seen.items() if not contrast >= 4.5}

    # Charts are drawn anew in the other colours, a moment after the page around them.
    wait_until(lambda: not faint(), f"some text does not stand out in {scheme}")


def player_and_figures_need_no_scrolling(page: Page, width: int, height: int) -> None:
    page.set_viewport_size({"width": width, "height": height})
    for shown in (player(page), page.locator(".readouts")):
        expect(shown).to_be_visible()

        def fits(shown=shown) -> bool:
            box = shown.bounding_box()
            below, beside = box["y"] + box["height"], box["x"] + box["width"]
            return box["y"] >= 0 and below <= height and beside <= width

        wait_until(fits, f"one has to scroll at {width} × {height}")


def the_picture_keeps_clear_of_the_tools(page: Page) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    page.wait_for_function("() => document.fonts.status === 'loaded'")
    canvas = page.get_by_test_id("nc-canvas")

    def clear() -> bool:
        tools, box = player(page).locator(".tools").bounding_box(), canvas.bounding_box()
        height = tools["y"] + tools["height"] - box["y"]
        return canvas.evaluate(COLOURED, 10_000) > 100 and canvas.evaluate(COLOURED, height) == 0

    wait_until(clear, "nothing is drawn, or it lies below the tools")


def a_charts_tools_cover_nothing_above_it(page: Page) -> None:
    chart = page.get_by_test_id("stVegaLiteChart").first
    chart.hover()
    tools = page.get_by_test_id("stElementToolbar").first
    expect(tools).to_be_visible()
    assert tools.bounding_box()["y"] > chart.bounding_box()["y"] + 100


def the_player_shows_its_ring_and_the_page_none(page: Page) -> None:
    player(page).focus()
    page.keyboard.press("Home")
    expect(player(page)).to_have_attribute("data-epoch", "1")
    assert player(page).evaluate(RING)
    main = page.get_by_test_id("stMain")
    main.focus()
    page.keyboard.press("End")
    assert main.evaluate("node => node.matches(':focus-visible')")
    assert main.evaluate(FRAME) == "none"
