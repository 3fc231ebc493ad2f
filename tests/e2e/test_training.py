"""A run from a click to its end, as one browser or several see it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys

import numpy as np
from playwright.sync_api import expect

from tests.e2e.live_app import ROOT, wait_until
from tests.e2e.pages import (
    ENDLESS,
    SMALL,
    expect_done,
    expect_progress,
    expect_status,
    open_page,
    passes,
    pick_depth,
    places,
    player,
    train,
)

# The drawings of the three charts over passes and of the heat map.
DRAWINGS = "[data-testid=stVegaLiteChart] :is(svg, canvas).marks"


def tag(page, count):
    """Mark the drawings, so as to know them again."""
    expect(page.locator(DRAWINGS)).to_have_count(count)
    page.evaluate(
        "which => document.querySelectorAll(which).forEach((node, n) => { node.known = n; })",
        DRAWINGS,
    )


def tags(page):
    """The drawings' marks; null for one that was made anew."""
    return page.evaluate(
        "which => [...document.querySelectorAll(which)].map((node) => node.known ?? null)",
        DRAWINGS,
    )


def drawing(page):
    """The objective's chart as it looks now."""
    return page.locator(DRAWINGS).first.evaluate(
        "node => node.tagName === 'CANVAS' ? node.toDataURL() : node.innerHTML"
    )


def test_a_run_from_a_click_to_its_end_and_on(page, app):
    open_page(page, app, **SMALL, solver="Adam", epochs=400, seeds=1)
    train(page)
    expect(player(page)).to_be_visible()
    tag(page, 4)
    expect_done(page, "400 passes")
    assert tags(page) == [0, 1, 2, 3]
    expect_end(page, 400)
    # The view is turned to where this end is seen best, as a page that opens here does at once.
    seen = places(page)
    page.get_by_role("button", name="Go on to 1,000 passes").click()
    expect_done(page, "1,000 passes")
    expect(page).to_have_url(re.compile("epochs=1000"))
    expect_end(page, 1000)
    page.go_back()
    expect_done(page, "400 passes")
    page.reload()
    expect_end(page, 400)
    # A name, in its class's colour, may stand at another side of its point.
    assert np.abs(places(page) - seen).max() < 20
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)


def expect_end(page, epoch):
    """The player is at the run's end, which is this pass."""
    wait_until(
        lambda: player(page).get_attribute("data-epoch") == str(epoch), "the player missed the end"
    )


def test_a_run_on_its_way_is_seen_by_all_until_it_is_stopped_and_goes_on(page, app):
    query = {**ENDLESS, "data_seed": 1}
    open_page(page, app, **query)
    train(page)
    expect_status(page, "Training")
    expect(player(page)).to_be_visible()
    curves_grow_in_place(page)
    it_goes_on_through_a_reload(page)
    others_see_it_live(page, app, query)
    it_stops_and_continues(page)


def curves_grow_in_place(page):
    tag(page, 4)
    looks = {drawing(page)}

    def grew():
        looks.add(drawing(page))
        return len(looks) > 2

    wait_until(grew, "the curves did not grow")
    assert tags(page) == [0, 1, 2, 3]


def it_goes_on_through_a_reload(page):
    expect_progress(page)
    seen = passes(page)
    page.reload()
    expect_status(page, "Training")
    assert passes(page) >= seen
    expect_progress(page)


def others_see_it_live(page, app, query):
    other = open_page(page.context.new_page(), app, **query)
    expect_status(other, "Training")
    expect_progress(other)
    expect(player(other)).to_be_visible()
    other.close()


def it_stops_and_continues(page):
    page.get_by_role("button", name="Stop").click()
    expect_status(page, "Stopped")
    stopped = passes(page)
    assert stopped > 0
    page.get_by_role("button", name="Continue").click()
    expect_status(page, "Training")
    wait_until(lambda: passes(page) > stopped, "it did not go on")


def test_runs_from_elsewhere_show_up_and_those_behind_others_have_their_place(page, app):
    query = {**ENDLESS, "data_seed": 5}
    open_page(page, app, **query)
    expect(page.get_by_text("Nobody has trained this network yet")).to_be_visible()
    a_run_started_in_a_terminal_shows_up_live(page, app, query)
    # As many as there are workers, and one that waits for them.
    page.get_by_role("button", name="Continue").click()
    expect_status(page, "Training")
    pick_depth(page, 2)
    train(page)
    expect_status(page, "Training")
    pick_depth(page, 5)
    train(page)
    expect_status(page, "number 1 in the queue")
    page.get_by_role("button", name="Stop").click()
    expect_status(page, "Stopped")
    assert passes(page) == 0
    for depth in (2, query["depth"]):
        pick_depth(page, depth)
        expect_status(page, "Training")


def a_run_started_in_a_terminal_shows_up_live(page, app, query):
    options = [f"--{name.replace('_', '-')}={value}" for name, value in query.items()]
    terminal = subprocess.Popen(
        [sys.executable, "-m", "ncengine.cli", "train", *options],
        cwd=ROOT,
        env=app.env,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        expect_status(page, "Training")
        expect_progress(page)
        terminal.send_signal(signal.SIGINT)
        _, said = terminal.communicate(timeout=30)
    finally:
        terminal.kill()
    assert terminal.returncode == 130
    assert "Traceback" not in said
    expect_status(page, "Stopped")
