"""The page Theory in a browser: each part as a visitor uses it."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.live_app import LiveApp, wait_until
from tests.e2e.pages import (
    PATIENCE,
    expect_frame,
    expect_key_sets_going,
    expect_query,
    expect_rest,
    expect_whole,
    player,
    query_of,
)
from tests.e2e.test_accessible import expect_sound

LINE = ".nc-moment:not([hidden])"


def open_theory(page: Page, app: LiveApp, **query: str) -> Page:
    page.set_default_timeout(PATIENCE)
    page.goto(f"{app.base}/theory?{urlencode(query)}")
    expect(page.get_by_role("heading", name="The theory, in motion")).to_be_visible()
    expect_whole(page)
    return page


def slide(page: Page, key: str, times: int = 1, by: str = "ArrowRight") -> None:
    handle = page.locator(f".st-key-theory-{key} input[type=range]")
    handle.focus()
    # As who comes by keys: the first arrow after a focus by script is lost in Streamlit's slider.
    handle.press("Shift")
    for _ in range(times):
        handle.press(by)


def value(page: Page, label: str) -> str:
    cell = page.locator(".readout").filter(has=page.get_by_text(label, exact=True))
    return cell.locator(".value").inner_text()


def test_the_floor_follows_its_sliders(page, shipped):
    open_theory(page, shipped)
    expect(player(page)).to_be_visible()
    expect(page.locator(".readout .note").first).to_contain_text("floor 0.0544")
    slide(page, "floor-classes", 1)
    # Five classes on a sphere: no simplex.
    expect(page.get_by_text("No figure of 5 equal angles fits")).to_be_visible()
    expect_query(page, "at", "classes=5")
    page.go_back()
    wait_until(lambda: "classes=5" not in query_of(page).get("at", ""), "Back led nowhere")
    page.reload()
    expect(player(page)).to_be_visible()
    expect(page.get_by_text("No figure of 5 equal angles fits")).to_have_count(0)


def test_the_proof_plays_layer_by_layer_and_all_follow(page, shipped):
    open_theory(page, shipped, part="proof", at="travel=100;settle=100")
    expect(page.get_by_test_id("nc-unit")).to_have_text("layer")
    page.keyboard.press("Home")
    expect_frame(page, 0)
    # Beside it every chart over layers shows where it is, and its readouts.
    expect(page.locator(LINE)).to_have_count(2)
    expect(page.locator(LINE).first).to_contain_text("layer 1")
    assert value(page, "Moves") == "no one yet"
    page.keyboard.press("ArrowRight")
    expect_frame(page, 1)
    wait_until(lambda: value(page, "Moves") == "1 of class 0", "the readouts did not follow")
    expect_key_sets_going(page, "Space")
    page.keyboard.press("End")
    wait_until(lambda: value(page, "Moves") == "class 3", "it came to no end")
    # A pointer on a chart moves the player.
    plot = page.locator(".st-key-lines_course svg.marks path.background").first.bounding_box()
    page.mouse.click(plot["x"] + 1, plot["y"] + plot["height"] / 2)
    expect(player(page)).to_have_attribute("data-frame", re.compile("^[0-5]$"))


def test_two_layers_pay_at_any_depth(page, shipped):
    open_theory(page, shipped, part="proof")
    page.get_by_role("radio", name="RN2").or_(page.get_by_role("button", name="RN2")).click()
    expect_query(page, "at", "network=RN2")
    expect(page.get_by_text(re.compile("travelling costs .* at any depth"))).to_be_visible()
    expect(page.get_by_test_id("nc-player")).to_be_visible()


def test_the_shortcut_falls_with_delta(page, shipped):
    open_theory(page, shipped, part="shortcut")
    before = float(value(page, "Hidden decay"))
    slide(page, "shortcut-delta", 3, "ArrowLeft")
    wait_until(lambda: float(value(page, "Hidden decay")) < before / 5, "the decay did not fall")
    expect(page.get_by_text("pre-LN ends")).to_be_visible()
    expect(page.get_by_text("post-LN ends")).to_be_visible()


def test_one_layer_or_two_leads_to_the_sweep_that_shows_it(page, shipped):
    open_theory(page, shipped, part="layers")
    slide(page, "layers-blocks", 4)
    expect_query(page, "at", "blocks=100")
    page.get_by_role("button", name="The three schedules, trained").click()
    expect(page.get_by_role("heading", name="How collapse changes with depth")).to_be_visible()
    expect_rest(page)

    page.go_back()
    expect(page.get_by_role("heading", name="The theory, in motion")).to_be_visible()
    wait_until(lambda: "blocks=100" in query_of(page).get("at", ""), "Back led to another part")
    expect(page.get_by_text("The cheapest weights")).to_be_visible()
    expect(page.get_by_test_id("stAlert")).to_have_count(0)


@pytest.mark.parametrize("left", ["Explore", "Compare"])
def test_back_leads_from_other_pages_with_a_player(page, shipped, left):
    open_theory(page, shipped, at="classes=5")
    page.get_by_role("link", name=left).click()
    expect(page.get_by_role("heading", name="The theory, in motion")).to_have_count(0)
    expect_rest(page)
    page.go_back()
    expect(page.get_by_role("heading", name="The theory, in motion")).to_be_visible()
    expect_rest(page)
    assert page.url.endswith("/theory?at=classes%3D5")


def test_back_leads_from_free_features_on_explore(page, shipped):
    open_theory(page, shipped, at="classes=5")
    page.get_by_role("button", name="Free features of digits").click()
    expect(page.get_by_text("No network:").first).to_be_visible()
    expect(page.get_by_test_id("stAlert")).to_have_count(0)
    expect_rest(page)
    page.go_back()
    expect(page.get_by_role("heading", name="The theory, in motion")).to_be_visible()
    expect_rest(page)
    assert query_of(page)["at"] == "classes=5"
    expect(page.get_by_test_id("stAlert")).to_have_count(0)


def test_the_address_of_a_part_has_nothing_of_another(page, shipped):
    open_theory(page, shipped, at="classes=9")
    expect(player(page)).to_be_visible()
    page.get_by_text("The proof, running", exact=True).click()
    expect(page.get_by_test_id("nc-unit")).to_have_text("layer")
    expect_rest(page)
    assert query_of(page) == {"part": "proof"}
    page.go_back()
    wait_until(lambda: query_of(page) == {"at": "classes=9"}, "Back led to another address")
    page.reload()
    expect(page.get_by_test_id("nc-unit")).to_have_text("step")
    expect_rest(page)
    assert query_of(page) == {"at": "classes=9"}


# How far each title of an axis lies left of its picture: by no more than a letter's own air.
CUT = """() => [...document.querySelectorAll("svg.marks")].map((svg) => Math.max(0, ...[
  ...svg.querySelectorAll(".role-axis-title text")].filter((text) => text.textContent).map(
  (text) => svg.getBoundingClientRect().left - text.getBoundingClientRect().left)))"""


def test_no_title_is_cut(page, shipped):
    at = "per_class=1;classes=2;delta=0.0007"
    open_theory(page, shipped, part="shortcut", at=at)
    expect(page.locator("svg.marks")).to_have_count(3)
    expect_rest(page)
    assert max(page.evaluate(CUT)) < 3.5


# Of how many pixels of labels above figures, and of words of legends, something is lost.
LOST = """() => Math.max(0, ...[...document.querySelectorAll(".readout *")].map(
  (cell) => cell.scrollWidth - cell.clientWidth), ...[...document.querySelectorAll(
  "svg.marks")].flatMap((svg) => [...svg.querySelectorAll(".role-legend-label text")].map(
  (text) => text.getBoundingClientRect().right - svg.getBoundingClientRect().right)))"""


@pytest.mark.parametrize(
    "query, width",
    [({"at": "classes=9"}, 1920), ({"part": "proof"}, 390), ({"at": "classes=9"}, 390)],
)
def test_no_name_of_a_figure_or_a_line_is_cut(page, shipped, query, width):
    page.set_viewport_size({"width": width, "height": 900})
    open_theory(page, shipped, **query)
    expect_rest(page)
    assert page.evaluate(LOST) < 2


# How far figures and words of legends reach beyond the window.
BEYOND = """() => Math.max(...[...document.querySelectorAll(
  ".readout *, svg.marks .role-legend-label text")].map(
  (one) => one.getBoundingClientRect().right - innerWidth))"""
SHORTCUT = {"part": "shortcut", "at": "classes=2;per_class=1;delta=1e-06", "present": "1"}
LAYERS = {"part": "layers", "at": "blocks=17", "present": "1"}


@pytest.mark.parametrize("width, height", [(390, 844), (1280, 900), (1920, 1080)])
@pytest.mark.parametrize("query", [SHORTCUT, LAYERS], ids=["shortcut", "layers"])
def test_before_an_audience_nothing_is_cut(page, shipped, query, width, height):
    page.set_default_timeout(PATIENCE)
    page.set_viewport_size({"width": width, "height": height})
    page.goto(f"{shipped.base}/theory?{urlencode(query)}")
    expect(page.locator(".st-key-presented_chart svg.marks")).to_be_visible()
    expect_rest(page)
    wait_until(lambda: page.evaluate(LOST) < 2, "words of a legend are cut")
    assert page.evaluate(BEYOND) <= 0


# What stands at the ticks of an axis over layers.
LAYERS_NAMED = """() => [...document.querySelectorAll("svg.marks .role-axis")].filter(
  (axis) => axis.querySelector(".role-axis-title text")?.textContent === "layer").map(
  (axis) => [...axis.querySelectorAll(".role-axis-label text")].map((text) => text.textContent))"""


def test_layers_are_counted_in_whole_numbers(page, shipped):
    open_theory(page, shipped, part="shortcut", at=SHORTCUT["at"])
    expect(page.locator("svg.marks")).to_have_count(3)
    expect_rest(page)
    built, trained = [ticks for ticks in page.evaluate(LAYERS_NAMED) if ticks]
    assert (built, trained) == (["1", "2", "3", "4"], ["1", "2", "3", "4", "5"])


def test_it_is_presented_and_told(page, shipped):
    page.set_default_timeout(PATIENCE)
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(f"{shipped.base}/theory?part=proof&present=1")
    expect(page.locator(".presented-title")).to_have_text("The proof, running")
    expect(player(page)).to_be_visible()
    expect(page.locator(".st-key-presented_chart svg.marks")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="The theory, in motion")).to_be_visible()


@pytest.mark.parametrize("part", ["floor", "proof", "shortcut", "layers"])
@pytest.mark.parametrize("scheme, width", [("dark", 1280), ("light", 390)])
def test_who_listens_is_told_all(page, shipped, part, scheme, width):
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 900})
    open_theory(page, shipped, part=part)
    expect_rest(page)
    expect_sound(page, part)
    main = page.get_by_test_id("stMain")
    assert main.evaluate("node => node.scrollWidth <= node.clientWidth")
