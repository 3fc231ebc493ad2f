"""The player's moment is the page's: readouts and curves show it, and curves move it."""

from __future__ import annotations

import re
from math import log1p

import numpy as np
import pytest
from playwright.sync_api import expect

from app.components import text
from ncengine.config import RunConfig
from ncengine.runs.store import Store
from tests.e2e.live_app import wait_until
from tests.e2e.pages import FINISHED, open_page, player

LINES = ".nc-moment:not([hidden])"
# The rectangle in which the curves of the first chart lie.
PLOT = "[data-testid=stVegaLiteChart] svg.marks path.background"
# Seconds after which a viewer who does not move is at rest, less what a clock is off.
RESTS = 0.25
# When the player comes to another pass: on a busy machine it stands at one for a while.
NOTE_PASSES = """node => {
  node.cameAt = [performance.now()];
  const note = () => node.cameAt.push(performance.now());
  new MutationObserver(note).observe(node, { attributes: true, attributeFilter: ["data-epoch"] });
}"""


@pytest.fixture
def run(app):
    return Store(app.cache).open(RunConfig(**FINISHED))


def readout(page, label):
    """Value and note of the readout of that label."""
    cell = page.locator(".readout").filter(has=page.get_by_text(label, exact=True))
    return cell.locator(".value"), cell.locator(".note")


def place_of(passes, plot):
    """Where a pass lies on the page, in a plot whose axis goes by log(1 + passes)."""
    share = (log1p(passes) - log1p(1)) / (log1p(FINISHED["epochs"]) - log1p(1))
    return plot["x"] + share * plot["width"]


def geometric_mean(run, passes):
    (point,) = np.flatnonzero(run.curves["epoch"] == passes)
    return float(np.exp(np.log(run.curves["nc1"][point]).mean()))


def test_the_moment_is_that_of_the_whole_page(page, app, run):
    sent = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda data: sent.append(data)))
    passes = int(run.geometry.epoch[len(run.geometry) // 2])
    open_page(page, app, **FINISHED, epoch=passes)
    expect(page.locator(LINES)).to_have_count(3)
    a_line_marks_the_moment_on_every_curve(page, passes)
    readouts_show_the_moment_with_the_end_beside(page, run)
    pointing_at_a_curve_moves_the_player_and_asks_the_server_at_the_end(page, run, sent)


def a_line_marks_the_moment_on_every_curve(page, passes):
    for n in range(3):
        expect(page.locator(".nc-moment").nth(n)).to_have_text(f"pass {passes:,}")
    plot = page.locator(PLOT).first.bounding_box()

    def in_place():
        line = page.locator(LINES).first.bounding_box()
        middle = line["x"] + line["width"] / 2
        return abs(middle - place_of(passes, plot)) < 1.5

    wait_until(in_place, "the line does not stand at its pass")
    player(page).press("Home")
    expect(page.locator(".nc-moment").first).to_have_text("pass 1")


def readouts_show_the_moment_with_the_end_beside(page, run):
    player(page).press("End")
    expect(player(page)).to_have_attribute("data-epoch", str(FINISHED["epochs"]))
    value, note = readout(page, "NC1")
    end = text.number(geometric_mean(run, FINISHED["epochs"]))
    expect(value).to_have_text(end)
    expect(note).to_contain_text("log₁₀")
    for key, passes in (("Home", 1), ("ArrowRight", int(run.geometry.epoch[1]))):
        player(page).press(key)
        expect(value).to_have_text(text.number(geometric_mean(run, passes)))
        expect(note).to_have_text(f"end {end}")
    player(page).press("End")
    expect(value).to_have_text(end)
    expect(note).to_contain_text("log₁₀")


def told(sent):
    """The passes that the browser has named to the server, in the address or as the player's.

    Not all that is sent is: while data are read, say, the page asks whether they are there.
    """
    return {one.decode() for data in sent for one in re.findall(rb"epoch\W{1,4}(\d+)", data)}


def pointing_at_a_curve_moves_the_player_and_asks_the_server_at_the_end(page, run, sent):
    plot = page.locator(PLOT).first.bounding_box()
    y = plot["y"] + plot["height"] / 2
    page.mouse.move(plot["x"] + 3, y)
    page.mouse.down()
    expect(player(page)).to_have_attribute("data-epoch", "1")
    player(page).evaluate(NOTE_PASSES)
    seen, before = set(), told(sent)
    for step in range(40):
        page.mouse.move(plot["x"] + 3 + step * (plot["width"] - 6) / 40, y)
        seen.add(player(page).get_attribute("data-epoch"))
    goal = int(run.geometry.epoch[-5])
    page.mouse.move(place_of(goal, plot), y)
    came_at = player(page).evaluate("node => [...node.cameAt, performance.now()]")
    asked = told(sent) - before
    page.mouse.up()
    assert len(seen) > 10
    # None, or as many as it stood at for longer than a viewer rests.
    assert len(asked) <= max(1, sum(np.diff(came_at) > 1000 * RESTS))
    expect(player(page)).to_have_attribute("data-epoch", str(goal))
    # Then the server is told, and the heat map follows.
    expect(page.get_by_text(f"pass {goal:,}. In a simplex")).to_be_visible()
    assert str(goal) in told(sent)
