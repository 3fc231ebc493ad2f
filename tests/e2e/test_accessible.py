"""Who listens to a page, or has no pointer: axe finds nothing amiss, and all is told and done."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlencode

import numpy as np
import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, expect

from app.components import text
from ncengine.config import RunConfig
from ncengine.runs.life import Event
from ncengine.runs.run import Run
from ncengine.runs.store import Store
from tests.e2e.live_app import LiveApp, wait_until
from tests.e2e.pages import (
    ENDLESS,
    EXACT,
    FINISHED,
    PATIENCE,
    SMALL,
    expect_frame,
    expect_heading,
    expect_status,
    expect_whole,
    open_page,
    player,
    train,
)

ABSENT = {**SMALL, "classes": 3, "seeds": "8"}
FAILED = {**SMALL, "classes": 3, "seeds": "9"}
GRID = {"dataset": "digits", "samples_per_class": 100, "seeds": "0,1,2"}
RIGHT = "dataset=digits;samples_per_class=100;norm=pre;seeds=0,1,2"
LAYERS = {**FINISHED, "beside": "layers"}
PAGES = {
    "absent": f"/?{urlencode(ABSENT)}",
    "finished": f"/?{urlencode({**FINISHED, 'epoch': 10})}",
    "failed": f"/?{urlencode(FAILED)}",
    "layers": f"/?{urlencode({**LAYERS, 'form': 'map'})}",
}
# What is shipped: the first page, Figure 1, on which Depth opens, and a map.
SHIPPED = {
    "first": "/",
    "depth": "/depth",
    "map": f"/depth?{urlencode({**GRID, 'depths': '2,3,5', 'decays': '0.005,0.02'})}",
    "library": "/library",
    "compare": f"/compare?{urlencode({**GRID, 'norm': 'post', 'other': RIGHT})}",
    "stories": "/stories",
    "presented": "/?present=1",
    "told": "/?story=depth-and-decay&step=1&present=1",
}
# Contrast, which takes most of the time, is a matter of the theme alone, and all else of the width.
CONTRAST = "color-contrast"
LOOKS = [
    ("light", 1280, {}),
    ("dark", 1280, {"runOnly": [CONTRAST]}),
    ("dark", 390, {"rules": {CONTRAST: {"enabled": False}}}),
]
GRAVE = ("serious", "critical")
RUN_AXE = """async ([within, rules]) =>
  (await axe.run(within ?? document, { resultTypes: ["violations"], ...rules }))
  .violations.map(({ id, impact, nodes }) => ({ id, impact, where: nodes.slice(0, 3).map((node) =>
    `${node.target.flat().at(-1)} ${node.html.slice(0, 160)}`) }))"""
# That the chart's marks and axes are hidden, and the chart is an image with a name.
SILENT = """chart => chart.role === "img" && chart.ariaLabel.length > 15
  && ![...chart.querySelectorAll("[role=graphics-symbol]:not([aria-hidden=true])")].length"""


def expect_sound(
    page: Page, where: str, within: str | None = None, rules: dict | None = None
) -> None:
    """Axe finds nothing grave on the page as it is, once what moves on it has come to rest.

    `within` is a selector of the part that is looked at, where it is not all; `rules` are axe's
    options, where not all rules are asked.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found: list[dict] = []

    def sound() -> bool:
        found[:] = [
            one for one in page.evaluate(RUN_AXE, [within, rules or {}]) if one["impact"] in GRAVE
        ]
        return not found

    try:
        wait_until(sound, where, 20)
    except TimeoutError:
        pytest.fail(f"{where}: {found}")


def open_at(page: Page, address: str) -> None:
    page.set_default_timeout(PATIENCE)
    page.goto(address)
    # Presented, it is the title of the page.
    expect(page.locator("h1, h2").first).to_be_visible()
    expect_whole(page)


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_grave(page: Page, app: LiveApp, name: str):
    if name == "failed":
        Store(app.cache).tell(RunConfig(**FAILED), Event.GIVEN_UP, error="the worker ended")
    open_at(page, app.base + PAGES[name])
    if name == "failed":
        expect(page.get_by_text("Training failed:")).to_be_visible()
    sound_in_every_look(page, name)


@pytest.mark.parametrize("name", SHIPPED)
def test_axe_finds_nothing_grave_in_what_is_shipped(page: Page, shipped: LiveApp, name: str):
    open_at(page, shipped.base + SHIPPED[name])
    sound_in_every_look(page, name)


def sound_in_every_look(page: Page, name: str) -> None:
    for scheme, width, rules in LOOKS:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 800})
        expect_sound(page, f"{name}, {scheme}, {width} pixels wide", rules=rules)


def test_what_opens_is_sound_too(page: Page, app: LiveApp, shipped: LiveApp):
    open_page(page, app, **FINISHED, epoch=10)
    page.get_by_test_id("nc-help").click()
    expect(page.get_by_test_id("nc-help-text")).to_be_visible()
    in_both_themes(page, "the player's help", ".st-key-player")
    page.keyboard.press("Escape")
    page.get_by_test_id("nc-film").click()
    expect(page.get_by_test_id("nc-film-form")).to_be_visible()
    in_both_themes(page, "the form of a film", ".st-key-player")
    page.keyboard.press("Escape")
    page.get_by_test_id("stMainMenu").click()
    in_both_themes(page, "the menu", "[data-testid=stMainMenuPopover]")
    page.keyboard.press("Escape")
    popovers_are_sound(page, "Explore")
    open_at(page, shipped.base + "/depth")
    expect(page.get_by_role("button", name="Copy as Python")).to_be_visible()
    popovers_are_sound(page, "Depth")


def popovers_are_sound(page: Page, where: str) -> None:
    openers = page.get_by_test_id("stPopoverButton")
    assert openers.count()
    for n in range(openers.count()):
        openers.nth(n).click()
        expect(page.get_by_test_id("stPopoverBody")).to_be_visible()
        # In one theme or the other, and contrast in one of each: what is in them are the fields and
        # texts of all pages.
        page.emulate_media(color_scheme=("light", "dark")[n % 2])
        rules = {} if n < 2 else {"rules": {CONTRAST: {"enabled": False}}}
        expect_sound(page, f"popover {n} of {where}", "[data-testid=stPopoverBody]", rules)
        page.keyboard.press("Escape")
        expect(page.get_by_test_id("stPopoverBody")).to_have_count(0)


def in_both_themes(page: Page, where: str, within: str) -> None:
    """A part is sound in the theme that there is, and then in the other, which stays."""
    themes = ["light", "dark"]
    if page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches"):
        themes.reverse()
    for scheme, rules in zip(themes, ({}, {"runOnly": [CONTRAST]}), strict=True):
        page.emulate_media(color_scheme=scheme)
        expect_sound(page, f"{where}, {scheme}", within, rules)


def the_run(app: LiveApp, query: dict) -> Run:
    return Store(app.cache).open(RunConfig(**query))


def geometric_mean(run: Run, curve: str, passes: float) -> float:
    (row,) = run.curves[curve][run.curves["epoch"] == passes]
    return float(np.exp(np.log(row).mean()))


def test_what_is_seen_is_told(page: Page, app: LiveApp):
    open_page(page, app, **FINISHED, epoch=10)
    run = the_run(app, FINISHED)
    charts_are_images_with_words_beside_them(page, run)
    the_player_tells_its_moment_and_says_another_aloud(page, run)
    readouts_are_named_and_explained(page, run)


def charts_are_images_with_words_beside_them(page: Page, run: Run) -> None:
    charts = page.get_by_test_id("stVegaLiteChart")
    expect(charts).to_have_count(4)
    for chart in charts.all():
        wait_until(
            lambda chart=chart: chart.evaluate(SILENT), "a chart has no name, or marks speak"
        )
    said = " ".join(page.locator("p.told").all_text_contents())
    for passes, word in ((1, "first"), (FINISHED["epochs"], "last(?: and least)?")):
        nc1 = text.number(geometric_mean(run, "nc1", passes))
        assert re.search(rf"NC1: .*{word} {nc1} at pass {passes}\b", said), said
    # Unseen, and taking no room.
    for words in page.locator("p.told").all():
        assert words.bounding_box()["width"] <= 1


def the_player_tells_its_moment_and_says_another_aloud(page: Page, run: Run) -> None:
    told, said = page.get_by_test_id("nc-told"), page.get_by_test_id("nc-said")
    canvas = page.get_by_test_id("nc-canvas")
    assert canvas.get_attribute("aria-describedby") == told.get_attribute("id")
    samples = 20 * FINISHED["classes"]
    names = ", ".join(map(str, range(FINISHED["classes"])))
    expect(told).to_contain_text(f"{samples} samples shown, of 5 classes: {names}. Pass 10: NC1 ")
    outcome = page.locator(".st-key-outcome p").first.inner_text()
    expect(told).to_contain_text(f"At its end: {outcome}")
    # Nothing is said of what is there at first.
    expect(said).to_have_text("")
    player(page).press("Home")
    nc1 = text.number(geometric_mean(run, "nc1", 1))
    expect(said).to_have_text(re.compile(rf"^Pass 1: NC1 {nc1}, worst angle error [\d.]+°\.$"))
    player(page).press("Shift+ArrowLeft")
    expect(said).to_have_text(re.compile(r"^Pass \d+, layer 2: worst angle error [\d.]+°\.$"))
    expect(told).to_contain_text("layer 2: worst angle error")
    for name in ("nc-epoch", "nc-layer-number"):
        expect(page.get_by_test_id(name)).to_have_attribute("aria-live", "off")


def readouts_are_named_and_explained(page: Page, run: Run) -> None:
    player(page).press("End")
    nc1 = text.number(geometric_mean(run, "nc1", FINISHED["epochs"]))
    readout = page.get_by_role("group", name=re.compile(rf"^NC1 {nc1} "))
    readout.focus()
    expect(readout.locator(".why")).to_be_visible()
    expect(readout).to_have_accessible_description(re.compile("."))


_NOTE = """node => {
  node.heard = [];
  new MutationObserver(() => node.heard.push(node.textContent))
    .observe(node, { childList: true, characterData: true, subtree: true });
}"""


def test_a_film_that_plays_is_not_told_frame_by_frame(moving: Page, app: LiveApp):
    open_page(moving, app, **FINISHED, epoch=1)
    said = moving.get_by_test_id("nc-said")
    expect_frame(moving, 0)
    expect(moving.get_by_test_id("nc-told")).to_contain_text("Pass 1: NC1")
    said.evaluate(_NOTE)
    moving.get_by_label("Speed").select_option("4")
    player(moving).press("k")
    expect(player(moving)).to_have_attribute("data-epoch", str(FINISHED["epochs"]))
    expect(said).to_contain_text(f"Pass {FINISHED['epochs']}: NC1")
    assert len(said.evaluate("node => node.heard")) == 1


def test_the_outcome_is_said_as_a_training_ends_and_charts_stay(page: Page, app: LiveApp):
    aloud = page.get_by_test_id("nc-aloud")
    open_page(page, app, **EXACT)
    expect(page.locator(".st-key-outcome")).to_be_visible()
    # Nobody waited for it.
    expect(aloud).to_have_text("")
    open_page(page, app, **{**ENDLESS, "epochs": 4000, "seeds": "6"})
    train(page)
    words = page.locator("p.told").first
    expect_status(page, "Training")
    charts_stay_as_their_words_change(page, words.text_content)
    expect_sound(page, "a run in training")
    expect(aloud).not_to_have_text("", timeout=2 * PATIENCE)
    outcome = page.locator(".st-key-outcome p").first.inner_text()
    expect(aloud).to_have_text(outcome)


def charts_stay_as_their_words_change(page: Page, words: Callable[[], str | None]) -> None:
    marks = page.locator("[data-testid=stVegaLiteChart] svg.marks").first
    before = words()
    # The first refresh has the chart's first data.
    wait_until(lambda: words() != before, "the words did not change")
    expect(marks).to_be_visible()
    marks.evaluate("node => { node.dataset.same = 'yes'; }")
    before = words()
    wait_until(lambda: words() != before, "the words did not change")
    expect(marks).to_have_attribute("data-same", "yes")


def test_depth_opens_a_run_by_keyboard(page: Page, shipped: LiveApp):
    open_at(page, shipped.base + "/depth")
    opener = page.get_by_role("combobox", name="Open a run")
    expect(opener).to_be_visible()
    opener.focus()
    page.keyboard.type("13-RN1")
    expect(page.get_by_role("option").first).to_contain_text("13-RN1")
    page.keyboard.press("Enter")
    expect_heading(page, "13-RN1")
    expect(player(page)).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="How collapse changes with depth")).to_be_visible()
    expect(opener).to_have_value("")


def test_the_library_opens_a_run_by_keyboard(page: Page, app: LiveApp):
    open_at(page, app.base + "/library")
    button = page.get_by_role("button", name="Open", exact=True).last
    expect(button).to_be_disabled()
    page.locator("[data-testid=stDataFrame] canvas").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+Space")
    expect(button).to_be_enabled()
    button.focus()
    page.keyboard.press("Enter")
    expect(player(page)).to_be_visible()
