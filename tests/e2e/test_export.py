"""One HTML file, opened from a disk without a network: it plays, seeks, and tells its story."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import av
import pytest
from playwright.sync_api import Page, expect

from app.engine import runs
from app.export import button as export_button
from app.export import page as export
from app.player.view import View
from app.stage import stories
from app.stage.story import Step, Story
from ncengine.config.gallery import first
from ncengine.runs.gallery import Gallery
from ncengine.runs.store import Store
from tests.e2e.live_app import ROOT, wait_until
from tests.e2e.pages import FINISHED, expect_query, open_page, saved_by
from tests.e2e.test_accessible import expect_sound

NAMES = ("run", *stories.shipped())
HOSTILE = "</script><img src=x onerror=alert(1)>'\"&<!--"


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Iterator[dict[str, Path]]:
    """The files of the gallery's first run and of all stories."""
    folder = tmp_path_factory.mktemp("files")
    store = Store(folder / "cache", Gallery(ROOT / "cache" / "gallery"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "store", lambda: store)
        run = runs.look(first())
        looked_at = View(run.seeds_shown[0])
        texts = {"run": export.of_run(run, looked_at)}
        texts["layers"] = export.of_run(run, replace(looked_at, beside="layers"))
        texts |= {name: export.of_story(story) for name, story in stories.shipped().items()}
        step = Step(page="Explore", query=first().query(), caption=HOSTILE)
        texts["hostile"] = export.of_story(Story(title=HOSTILE, steps=(step,)))
    for name, text in texts.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    yield {name: folder / f"{name}.html" for name in texts}


@pytest.fixture
def opened(files, new_context) -> Callable[..., Page]:
    """Opens a file in a browser that is offline, and asks for nothing but the file."""
    asked = []

    def opened(name: str, **options) -> Page:
        context = new_context(**options)
        context.set_offline(True)
        context.on("request", lambda request: asked.append(request.url))
        page = context.new_page()
        page.goto(files[name].as_uri())
        return page

    yield opened
    assert all(url.startswith("file://") for url in asked) and len(set(asked)) == len(asked)


def said(page: Page, name: str, value: str) -> None:
    """The player is where that is so."""
    expect(page.get_by_test_id("nc-player")).to_have_attribute(f"data-{name}", value)


def readout(page: Page, label: str) -> str:
    cell = page.locator(".readout").filter(has=page.get_by_text(label, exact=True))
    return cell.locator(".value").text_content()


def test_a_run_plays_and_its_figures_follow(opened):
    page = opened("run", reduced_motion="no-preference")
    said(page, "playing", "true")
    page.keyboard.press("Home")
    said(page, "epoch", "1")
    nc1 = readout(page, "NC1")
    page.keyboard.press("Space")
    said(page, "playing", "true")
    said(page, "epoch", "500")
    assert float(readout(page, "NC1")) < 0.1 < float(nc1)
    assert page.url.endswith("run.html")


def test_both_sliders_move_it(opened):
    page = opened("run")
    page.get_by_test_id("nc-scrubber").fill("0")
    said(page, "epoch", "1")
    expect(page.locator(".nc-moment").first).to_contain_text("pass 1")
    page.get_by_test_id("nc-way-scrubber").fill("1")
    said(page, "layer", "2")


def test_the_layers_are_those_of_the_moment(opened):
    page = opened("layers")
    at = page.locator("figure [data-moment]:not([display=none])")
    drawn = []
    for key, moment in (("End", "500"), ("Home", "1"), ("End", "500")):
        page.keyboard.press(key)
        said(page, "epoch", moment)
        expect(at).to_have_count(1)
        expect(at).to_have_attribute("data-moment", re.compile(rf"{moment}(\.0)?$"))
        expect(page.locator(".names .moment")).to_have_text(moment)
        drawn.append(at.locator("path").last.get_attribute("d"))
    assert drawn[0] != drawn[1] and drawn[0] == drawn[2]


@pytest.mark.parametrize("n", [0, 1])
def test_who_points_at_a_curve_goes_to_its_pass(opened, n):
    page = opened("run")
    said(page, "epoch", "500")
    box = page.locator(".drawn .area").nth(n).bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    wait_until(lambda: 15 < epoch(page) < 40, "the middle of a logarithmic axis was not gone to")
    page.mouse.move(box["x"], middle, steps=4)
    page.mouse.up()
    said(page, "epoch", "1")
    line = page.locator(".nc-moment").nth(n).bounding_box()
    assert abs(line["x"] - box["x"]) < 2 and abs(line["height"] - box["height"]) < 2


def epoch(page: Page) -> int:
    return int(page.get_by_test_id("nc-player").get_attribute("data-epoch") or 0)


@pytest.mark.parametrize("name", NAMES[1:])
def test_a_story_goes_on_and_back_by_a_clicker(opened, name):
    page, story = opened(name), stories.shipped()[name]
    for n, step in enumerate(story.steps, 1):
        expect_step(page, n, step)
        page.keyboard.press("PageDown")
    # Beyond its end there is nothing.
    expect_step(page, len(story.steps), story.steps[-1])
    for n, step in reversed(list(enumerate(story.steps[:-1], 1))):
        page.keyboard.press("PageUp")
        expect_step(page, n, step)


def expect_step(page: Page, n: int, step) -> None:
    expect(page.get_by_role("img", name=f"Step {n} of ")).to_have_count(1)
    assert page.locator(".story-caption p").inner_text().split("\n") == step.caption.splitlines()
    players = {"Explore": 1, "Depth": 0, "Compare": 2, "Theory": 1}[step.page]
    players -= step.query.get("part") == "layers"
    expect(page.get_by_test_id("nc-player")).to_have_count(players)
    for player in page.get_by_test_id("nc-player").all() if step.page != "Theory" else ():
        # The shipped run has no snapshot before its first pass.
        expect(player).to_have_attribute("data-epoch", "1" if "epoch" in step.query else "500")
    if players < 2:
        expect(page.locator(".drawn .area")).to_be_visible()


def test_what_plays_is_ended_first_and_the_screen_goes_black(opened):
    page = opened("eight-steps", reduced_motion="no-preference")
    page.keyboard.press("ArrowRight")
    said(page, "playing", "true")
    page.keyboard.press(" ")
    said(page, "playing", "false")
    said(page, "epoch", "500")
    expect(page.get_by_role("img", name="Step 2 of ")).to_have_count(1)
    page.mouse.click(600, 30)
    expect(page.get_by_role("img", name="Step 3 of ")).to_have_count(1)
    page.keyboard.press("b")
    expect(page.get_by_test_id("nc-curtain")).to_be_visible()
    page.keyboard.press("PageUp")
    expect(page.get_by_test_id("nc-curtain")).to_have_count(0)
    expect(page.get_by_role("img", name="Step 3 of ")).to_have_count(1)


@pytest.mark.parametrize("name", NAMES)
def test_a_phone_has_room_for_it_and_moves_it_by_touch(opened, name):
    screen = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    page = opened(name, **screen)
    steps = len(stories.shipped()[name].steps) if name != "run" else 1
    for n in range(1, steps + 1):
        if name != "run":
            expect(page.get_by_role("img", name=f"Step {n} of ")).to_have_count(1)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        if n < steps:
            page.get_by_role("button", name="On", exact=True).tap()
    if name == "run":
        said(page, "epoch", "500")
        area = page.locator(".drawn .area").first
        area.scroll_into_view_if_needed()
        box = area.bounding_box()
        page.touchscreen.tap(box["x"] + 1, box["y"] + box["height"] / 2)
        said(page, "epoch", "1")
        page.get_by_test_id("nc-play").tap()
        said(page, "epoch", "500")
    else:
        page.get_by_role("button", name="Back", exact=True).tap()
        expect(page.get_by_role("img", name=f"Step {steps - 1} of ")).to_have_count(1)


def test_what_anyone_wrote_stays_text(opened):
    page = opened("hostile")
    said(page, "epoch", "500")
    assert page.title().startswith(HOSTILE)
    assert page.locator(".story-caption p").inner_text() == HOSTILE
    assert page.locator("img").count() == 0


def test_it_is_dark_where_the_reader_is(opened):
    page = opened("run", color_scheme="dark")
    colour = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(colour) == "rgb(15, 19, 27)"
    page.emulate_media(color_scheme="light")
    assert page.evaluate(colour) == "rgb(255, 255, 255)"
    said(page, "epoch", "500")


@pytest.mark.parametrize("kept", ["", "sandbox=allow-scripts"])
def test_it_works_within_another_page(files, opened, kept):
    page = opened("run")
    page.set_content(f"<iframe {kept} width=1000 height=700></iframe>")
    page.evaluate("(text) => { document.querySelector('iframe').srcdoc = text; }", text_of(files))
    player = page.frame_locator("iframe").get_by_test_id("nc-player")
    expect(player).to_have_attribute("data-epoch", "500")
    page.frame_locator("iframe").get_by_test_id("nc-scrubber").fill("0")
    expect(player).to_have_attribute("data-epoch", "1")


def test_a_film_is_saved_without_a_network(opened):
    page = opened("run")
    page.get_by_test_id("nc-film").click()
    page.get_by_label("Length").select_option("5")
    with page.expect_download(timeout=120_000) as download:
        page.get_by_role("button", name="Make and save").click()
    with av.open(download.value.path()) as film:
        assert (film.streams.video[0].frames, film.duration) == (150, 5 * av.time_base)


def text_of(files: dict[str, Path]) -> str:
    return files["run"].read_text(encoding="utf-8")


def test_share_saves_the_file_of_what_is_looked_at(page, app, opened, files):
    open_page(page, app, **FINISHED, seed=1, beside="layers")
    page.get_by_test_id("nc-view-2d").click()
    expect_query(page, "view", "2d")
    page.get_by_role("button", name="Share").click()
    download = saved_by(page, export_button.LABEL)
    assert download.suggested_filename.endswith(".html")
    files["saved"] = files["run"].with_name("saved.html")
    download.save_as(files["saved"])
    saved = opened("saved")
    said(saved, "epoch", "120")
    said(saved, "view", "2d")
    expect(saved.get_by_text("layer (1 is the embedding)")).to_be_visible()
    address = saved.get_by_role("link").get_attribute("href")
    assert "seed=1" in address
    page.goto(address)
    said(page, "view", "2d")
    said(page, "epoch", "120")


def test_the_page_stories_saves_a_story(page, app, opened, files):
    page.goto(f"{app.base}/stories")
    name = next(iter(stories.shipped()))
    with page.expect_download() as download:
        box = page.locator(f".st-key-story-{name}")
        box.get_by_role("button", name=export_button.LABEL).click()
    files["saved"] = files["run"].with_name("saved-story.html")
    download.value.save_as(files["saved"])
    saved = opened("saved")
    # This server has none of the runs that are shipped.
    expect(saved.get_by_text("Nobody has trained this network yet")).to_be_visible()


@pytest.mark.parametrize("look", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", ["run", "depth-and-decay"])
def test_axe_finds_nothing_amiss(opened, name, look, width):
    screen = {"viewport": {"width": width, "height": 800}}
    page = opened(name, color_scheme=look, bypass_csp=True, **screen)
    steps = 1 if name == "run" else len(stories.shipped()[name].steps)
    for n in range(1, steps + 1):
        if n > 1:
            page.keyboard.press("PageDown")
            expect(page.get_by_role("img", name=f"Step {n} of ")).to_have_count(1)
        expect_sound(page, f"{name}, step {n}, {look}, {width}")
