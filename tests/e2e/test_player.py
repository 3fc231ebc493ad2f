"""The player on a finished run: it moves, it turns, and its address holds what it shows."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.e2e.live_app import wait_until
from tests.e2e.pages import (
    EXACT,
    FINISHED,
    at_rest,
    expect_frame,
    expect_heading,
    expect_key_sets_going,
    expect_other_pixels,
    expect_query,
    expect_space_plays_and_rests,
    open_page,
    pixels,
    player,
    query_of,
)


def scrub(page, share):
    """Press the scrubber at a share of its length, as a mouse does."""
    box = page.get_by_test_id("nc-scrubber").bounding_box()
    page.mouse.click(box["x"] + share * box["width"], box["y"] + box["height"] / 2)


LAST = str(FINISHED["epochs"])


def test_a_finished_run_moves_turns_and_fills_the_screen(page, app):
    open_page(page, app, **FINISHED, epoch=1)
    expect_frame(page, 0)
    the_wheel_is_the_pages_until_the_player_was_clicked(page)
    page.locator(MAIN).evaluate("node => node.scrollTo(0, 0)")
    page.wait_for_function(f"({SCROLLED})() === 0")
    scrubbing_stepping_and_playing(page)
    dragging_turns_and_the_view_can_be_flat(page)
    the_whole_screen_names_what_is_shown(page)
    its_keys_work_wherever_the_focus_is_of_no_use(page)


MAIN = "[data-testid=stMain]"
SCROLLED = f"() => document.querySelector('{MAIN}').scrollTop"


def the_wheel_is_the_pages_until_the_player_was_clicked(page):
    box = page.get_by_test_id("nc-canvas").bounding_box()
    page.mouse.move(box["x"] + 30, box["y"] + 150)
    page.mouse.wheel(0, 60)
    page.wait_for_function(f"({SCROLLED})() > 0")
    page.mouse.wheel(0, -60)
    page.wait_for_function(f"({SCROLLED})() === 0")
    assert "camera" not in query_of(page)
    page.keyboard.down("Control")
    page.mouse.wheel(0, 60)
    page.keyboard.up("Control")
    wait_until(lambda: "camera" in query_of(page), "Ctrl and wheel did not zoom")
    page.keyboard.press("Escape")
    page.get_by_test_id("nc-canvas").click(position={"x": 30, "y": 150})
    zoomed = query_of(page)["camera"]
    page.mouse.wheel(0, 60)
    expect_another_camera(page, zoomed)
    assert page.evaluate(SCROLLED) == 0
    # Where zooming has an end, the page goes on.
    for _ in range(30):
        page.mouse.wheel(0, 120)
    page.wait_for_function(f"({SCROLLED})() > 0")


def expect_another_camera(page, before):
    wait_until(lambda: query_of(page).get("camera") != before, "the pose is not in the URL")


def scrubbing_stepping_and_playing(page):
    frames = int(player(page).get_attribute("data-frames"))
    first = at_rest(page)
    scrub(page, 0.5)
    half = expect_other_pixels(page, first)
    epoch = player(page).get_attribute("data-epoch")
    assert 1 < int(epoch) < FINISHED["epochs"]
    expect(page.get_by_test_id("nc-epoch")).to_have_text(epoch)
    expect_query(page, "epoch", epoch)
    # What stands beside the player follows once it rests.
    expect(page.get_by_text(f"Seed 0, pass {epoch}.")).to_be_visible()
    assert pixels(page) == half

    page.get_by_test_id("nc-canvas").hover(position={"x": 5, "y": 200})
    frame = int(player(page).get_attribute("data-frame"))
    page.keyboard.press("ArrowRight")
    expect_frame(page, frame + 1)
    page.keyboard.press("ArrowLeft")
    expect_frame(page, frame)
    page.keyboard.press("Home")
    expect_frame(page, 0)
    expect_space_plays_and_rests(page)
    page.keyboard.press("End")
    expect_frame(page, frames - 1)
    expect_query(page, "epoch", None)


def dragging_turns_and_the_view_can_be_flat(page):
    expect(player(page)).to_have_attribute("data-view", "3d")
    before, pose = at_rest(page), query_of(page)["camera"]
    box = page.get_by_test_id("nc-canvas").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 + 90, box["y"] + box["height"] / 2, steps=5)
    page.mouse.up()
    turned = expect_other_pixels(page, before)
    expect_another_camera(page, pose)
    page.get_by_test_id("nc-view-2d").click()
    expect(player(page)).to_have_attribute("data-view", "2d")
    expect_other_pixels(page, turned)
    expect_query(page, "view", "2d")


def caption(page, locator=None):
    return (locator or page).get_by_test_id("nc-caption")


def the_whole_screen_names_what_is_shown(page):
    expect(player(page)).to_have_attribute("data-epoch", LAST)
    expect(caption(page)).to_be_hidden()
    page.keyboard.press("f")
    expect(caption(page)).to_be_visible()
    title = page.get_by_role("heading", level=2).inner_text()
    nc1 = page.locator(".readout").filter(has=page.get_by_text("NC1", exact=True))
    expect(caption(page)).to_have_text(
        f"{title} · L = 3 · NC1 {nc1.locator('.value').inner_text()}"
    )
    end = caption(page).inner_text()
    page.keyboard.press("Home")
    expect(caption(page)).not_to_have_text(end)
    page.keyboard.press("f")
    expect(caption(page)).to_be_hidden()


def its_keys_work_wherever_the_focus_is_of_no_use(page):
    expect_frame(page, 0)
    page.get_by_role("heading", level=2).click()
    expect_key_sets_going(page, "Space")
    assert page.evaluate(SCROLLED) == 0
    page.keyboard.press("Space")
    page.keyboard.press("End")
    expect(player(page)).to_have_attribute("data-epoch", LAST)
    # A control that uses the key keeps it.
    page.get_by_role("button", name="Default", exact=True).focus()
    page.keyboard.press("Space")
    expect_heading(page, "5-RN1")


def test_an_address_that_cannot_be_is_told_and_a_valid_page_shown(page, app):
    bad = {"epoch": "soon", "view": "4d", "camera": "1_2", "drawn": "dreams", "hidden": "99"}
    query = {**EXACT, "weight_decay": "heavy", "focus": "1,2,99", "seed": 9, "layer": "x"}
    open_page(page, app, **query, **bad)
    notice = page.locator(".st-key-notices")
    for label in ("Weight decay", "Pass", "Focus", "Seed", "View", "Camera", "Drawn", "Hidden"):
        expect(notice).to_contain_text(label)
    assert "Traceback" not in page.content()
    bad["layer"] = "x"
    wait_until(lambda: not bad.keys() & query_of(page).keys(), "what cannot be stays in the URL")
    expect(page.get_by_role("button", name="Dismiss")).to_be_visible()
    expect(player(page)).to_have_attribute("data-layer", str(EXACT["depth"]))
    with_width_4_the_view_is_exact(page)


def with_width_4_the_view_is_exact(page):
    expect(page.get_by_test_id("nc-exact")).to_contain_text("all features lie on this sphere")
    expect(page.get_by_test_id("nc-share")).to_contain_text("100.0 %")
    # Seen from one side alone, it is not.
    page.get_by_test_id("nc-view-2d").click()
    expect(page.get_by_test_id("nc-share")).not_to_contain_text("100.0 %")
    expect(page.get_by_test_id("nc-exact")).to_be_hidden()


def test_a_permalink_shows_the_same_elsewhere(page, app, new_context):
    open_page(page, app, **FINISHED, epoch=1)
    for name in ("rows", "spokes"):
        page.get_by_test_id(f"nc-layer-{name}").click()
    classes(page).nth(2).click()
    classes(page).nth(4).click()
    expect_query(page, "hidden", "2,4")
    expect_query(page, "drawn", "samples,tests,means,ideal,spokes")
    controls = page.locator(".st-key-view_controls")
    controls.get_by_role("radio", name="1", exact=True).click()
    expect_query(page, "seed", "1")
    for focus in ("0", "0,2", "0,2,3"):
        controls.get_by_role("button", name=focus[-1], exact=True).click()
        expect_query(page, "focus", focus)
    scrub(page, 0.4)
    wait_until(lambda: query_of(page).get("epoch", "1") != "1", "the epoch is not in the URL")
    expect(page.get_by_test_id("nc-share")).to_have_text("whole span of the 3 focused class means")
    at_rest(page)

    other = new_context().new_page()
    other.goto(page.evaluate("location.href"))
    expect_the_same_elsewhere(page, other)
    expect_query(other, "hidden", "2,4")
    classes(other).nth(2).click()
    expect_query(other, "hidden", "4")


def classes(page):
    """The chips with which classes are hidden and shown."""
    return page.get_by_test_id("nc-classes").get_by_role("button")


def expect_the_same_elsewhere(page, other):
    """The other page shows what this one does: moment, seed, focus, and what is hidden."""
    expect(player(other)).to_have_attribute("data-epoch", query_of(page)["epoch"])
    expect(other.get_by_text("Seed 1, pass")).to_be_visible()
    angle = page.get_by_test_id("nc-angle").inner_text()
    expect(other.get_by_test_id("nc-angle")).to_have_text(angle)
    title = page.get_by_role("heading", level=2).inner_text()
    expect(other.get_by_role("heading", level=2)).to_have_text(title)
    expect(classes(other).nth(2)).to_have_attribute("aria-pressed", "false")
    expect(classes(other).nth(4)).to_have_attribute("aria-pressed", "false")
    expect(classes(other).nth(3)).to_have_attribute("aria-pressed", "true")
    for name, pressed in (("rows", "false"), ("spokes", "true")):
        chip = other.get_by_test_id(f"nc-layer-{name}")
        expect(chip).to_have_attribute("aria-pressed", pressed)
    assert query_of(other) == query_of(page)


def test_a_frame_that_refuses_the_whole_screen_is_filled(page, app):
    address = app.url(**FINISHED, epoch=120)
    page = page.context.new_page()
    page.set_content(f'<iframe src="{address}" style="width:1180px;height:700px"></iframe>')
    frame = page.frame_locator("iframe")
    shown = frame.get_by_test_id("nc-player")
    expect(shown).to_have_attribute("data-epoch", "120")
    frame.get_by_test_id("nc-fullscreen").click()
    expect(caption(page, frame)).to_be_visible()
    wait_until(lambda: shown.bounding_box()["width"] == 1180, "the frame is not filled")
    assert shown.bounding_box()["height"] == 700
    # Nothing of the page lies above it.
    top = "node => node.getRootNode().host === document.elementFromPoint(20, 20)"
    wait_until(lambda: shown.evaluate(top), "something lies above the frame")
    page.keyboard.press("Escape")
    expect(caption(page, frame)).to_be_hidden()


def test_a_film_waits_until_it_is_in_sight(moving, page, app):
    # Too low for half of the stage, however little of the page there is above it by then.
    page.set_viewport_size({"width": 1280, "height": 80})
    open_page(page, app, **FINISHED)
    expect(player(page)).to_have_attribute("data-frame", "0")
    page.wait_for_function("() => document.fonts.status === 'loaded'")
    assert player(page).get_attribute("data-playing") == "false"
    # Nor is it at the end by then: it has not begun.
    page.wait_for_timeout(300)
    assert player(page).get_attribute("data-frame") == "0"
    # To look from another side is not to go to another moment.
    page.keyboard.press("2")
    expect(player(page)).to_have_attribute("data-view", "2d")
    page.set_viewport_size({"width": 1280, "height": 800})
    page.get_by_test_id("nc-canvas").scroll_into_view_if_needed()
    page.get_by_test_id("nc-scrubber").scroll_into_view_if_needed()
    expect(player(page)).to_have_attribute("data-epoch", str(FINISHED["epochs"]))
