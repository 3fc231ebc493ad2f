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
    places,
    player,
    status,
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


def test_curves_grow_in_place_while_it_trains(page, app):
    open_page(page, app, **ENDLESS, data_seed=6)
    train(page)
    expect_status(page, "Training")
    expect(player(page)).to_be_visible()
    tag(page, 4)
    looks = {drawing(page)}

    def grew():
        looks.add(drawing(page))
        return len(looks) > 2

    wait_until(grew, "the curves did not grow")
    assert tags(page) == [0, 1, 2, 3]


def test_digits_from_a_click_to_the_end(page, app):
    open_page(page, app, **SMALL, solver="Adam", epochs=1200, seeds=1)
    train(page)
    expect(player(page)).to_be_visible()
    tag(page, 4)
    expect_done(page, "1,200 passes")
    assert tags(page) == [0, 1, 2, 3]
    wait_until(
        lambda: player(page).get_attribute("data-epoch") == "1200", "the player missed the end"
    )
    # The view is turned to where this end is seen best, as a page that opens here does at once.
    seen = places(page)
    page.reload()
    expect(player(page)).to_have_attribute("data-epoch", "1200")
    assert np.abs(places(page) - seen).max() < 10
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)


def test_more_passes_go_on_from_the_end(page, app):
    open_page(page, app, **SMALL, epochs=60, seeds=1)
    train(page)
    expect_done(page, "60 passes")
    page.get_by_role("button", name="Go on to 200 passes").click()
    expect_done(page, "200 passes")
    expect(page).to_have_url(re.compile("epochs=200"))
    wait_until(
        lambda: player(page).get_attribute("data-epoch") == "200", "the player missed the end"
    )
    page.go_back()
    expect_done(page, "60 passes")


def test_a_run_goes_on_through_a_reload_and_others_see_it_live(page, app, new_context):
    query = {**ENDLESS, "data_seed": 1}
    open_page(page, app, **query)
    train(page)
    expect_status(page, "Training")
    expect_progress(page)
    seen = passes(page)
    page.reload()
    expect_status(page, "Training")
    assert passes(page) >= seen
    expect_progress(page)
    other = open_page(new_context().new_page(), app, **query)
    expect_status(other, "Training")
    expect_progress(other)
    expect(player(other)).to_be_visible()


def test_stop_then_continue(page, app):
    open_page(page, app, **ENDLESS, data_seed=2)
    train(page)
    expect_status(page, "Training")
    expect_progress(page)
    page.get_by_role("button", name="Stop").click()
    expect_status(page, "Stopped")
    stopped = passes(page)
    assert stopped > 0
    page.get_by_role("button", name="Continue").click()
    expect_status(page, "Training")
    wait_until(lambda: passes(page) > stopped, "it did not go on")


def test_a_job_behind_another_shows_its_place_and_can_be_cancelled(page, app, new_context):
    for data_seed in (33, 3):
        open_page(page, app, **ENDLESS, data_seed=data_seed)
        train(page)
        expect_status(page, "Training")
    other = open_page(new_context().new_page(), app, **ENDLESS, data_seed=4)
    train(other)
    expect_status(other, "number 1 in the queue")
    other.get_by_role("button", name="Stop").click()
    expect_status(other, "Stopped")
    assert passes(other) == 0
    expect(status(page)).to_contain_text("Training")


def test_a_run_started_in_a_terminal_shows_up_live(page, app):
    query = {**ENDLESS, "data_seed": 5}
    open_page(page, app, **query)
    expect(page.get_by_text("Nobody has trained this network yet")).to_be_visible()
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
