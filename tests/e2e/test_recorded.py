"""The page Recorded in a browser: live, from files, by its address, and taken along."""

from __future__ import annotations

import io
from collections.abc import Iterator
from urllib.parse import urlencode

import numpy as np
import pytest
import torch
from playwright.sync_api import Page, expect

from ncengine.recorder.recorder import Recorder
from tests.e2e.live_app import LiveApp, wait_until
from tests.e2e.pages import PATIENCE, expect_query, expect_rest, expect_whole, player, saved_by
from tests.e2e.test_accessible import expect_sound

CLASSES, STEPS = 4, 6


class Trained:
    """A network of two layers on points about four places, and what records it."""

    def __init__(self, cache, name: str):
        torch.manual_seed(0)
        self.labels = torch.arange(80) % CLASSES
        self.inputs = torch.eye(6)[self.labels] + 0.4 * torch.randn(80, 6)
        hidden = torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.ReLU())
        self.model = torch.nn.Sequential(hidden, torch.nn.Linear(8, CLASSES))
        self.optimiser = torch.optim.SGD(self.model.parameters(), 0.5, 0.9)
        self.step = 0
        self.recorder = Recorder(
            self.model,
            probe=(self.inputs, self.labels),
            layers=["0.0"],
            name=name,
            class_names=["ant", "bee", "cat", "<dog>"],
            cache=cache,
        )

    def go_on(self) -> None:
        self.optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(self.model(self.inputs), self.labels)
        loss.backward()
        self.optimiser.step()
        self.recorder.snapshot(self.step, loss=loss)
        self.step += 1


@pytest.fixture(scope="module")
def kept(app: LiveApp) -> str:
    """The key of a recording that has ended."""
    trained = Trained(app.cache, "<b>Four</b> places")
    for _ in range(STEPS):
        trained.go_on()
    trained.recorder.close()
    return key_of(app, "<b>Four</b> places")


@pytest.fixture
def live(app: LiveApp) -> Iterator[Trained]:
    """A network that is recorded while one looks."""
    trained = Trained(app.cache, "going on")
    trained.go_on()
    yield trained
    trained.recorder.close()


def key_of(app: LiveApp, name: str) -> str:
    from ncengine.runs.recorded import headers

    return next(one.key for one in headers(app.cache) if one.about.name == name)


def open_recorded(page: Page, app: LiveApp, **query: str) -> Page:
    page.set_default_timeout(PATIENCE)
    page.goto(f"{app.base}/recorded?{urlencode(query)}")
    expect(page.get_by_role("heading", level=2)).to_be_visible()
    expect_whole(page)
    return page


def value(page: Page, label: str) -> str:
    cell = page.locator(".readout").filter(has=page.get_by_text(label, exact=True))
    return cell.locator(".value").inner_text()


def test_a_network_is_watched_while_it_is_recorded(page, app, live):
    open_recorded(page, app, recorded=key_of(app, "going on"))
    facts = page.locator(".st-key-facts")
    expect(facts).to_contain_text("Being recorded")
    expect(page.get_by_text("It has one snapshot:")).to_be_visible()
    for _ in range(STEPS):
        live.go_on()
    expect(facts).to_contain_text(f"{STEPS + 1} snapshots, the last at step {STEPS}")
    expect(player(page)).to_have_attribute("data-frames", str(STEPS + 1))
    shown = live.recorder.snapshots[-1].nc1
    wait_until(lambda: np.isclose(float(value(page, "NC1")), shown, rtol=5e-3), "NC1 is another")
    live.recorder.close()
    expect(facts).to_contain_text("Recorded")
    expect(facts).not_to_contain_text("Being")


def test_it_is_looked_at_as_any_run_and_found_again_by_its_address(page, app, kept):
    open_recorded(page, app, recorded=kept)
    expect(page.get_by_role("heading", level=2)).to_have_text("<b>Four</b> places")
    expect(page.get_by_test_id("nc-unit")).to_have_text("step")
    expect(page.get_by_test_id("nc-class-3")).to_contain_text("<dog>")
    last = value(page, "NC1")
    page.keyboard.press("Home")
    expect(player(page)).to_have_attribute("data-frame", "0")
    wait_until(lambda: value(page, "NC1") != last, "the figures did not follow")
    expect_query(page, "epoch", "0")
    page.get_by_text("Layers", exact=True).click()
    expect_query(page, "beside", "layers")
    expect(page.get_by_role("img", name="Chart of NC1 over module")).to_be_visible()
    expect_rest(page)
    page.reload()
    expect_whole(page)
    expect(player(page)).to_have_attribute("data-frame", "0")
    expect(page.get_by_text("Of each module")).to_be_visible()
    page.get_by_role("button", name="All recordings").click()
    expect(page.get_by_role("heading", name="Networks of your own")).to_be_visible()
    expect_rest(page)
    page.go_back()
    expect(page.get_by_role("heading", level=2)).to_have_text("<b>Four</b> places")


def test_a_row_of_the_list_is_opened(page, app, kept):
    open_recorded(page, app)
    table = page.get_by_test_id("stDataFrame")
    expect(table).to_be_visible()
    box = table.bounding_box()
    page.mouse.click(box["x"] + 16, box["y"] + 60)
    opening = page.locator(".st-key-recorded_actions").get_by_role("button", name="Open")
    expect(opening).to_be_enabled()
    opening.click()
    expect(page.get_by_test_id("nc-player")).to_be_visible()
    wait_until(lambda: "recorded=" in page.evaluate("location.search"), "no key in the address")


def files() -> list[dict]:
    """Features, labels and a last layer at three steps, as one uploads them."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 10)
    places = rng.normal(size=(3, 5))
    features = np.stack([places[labels] + rng.normal(size=(30, 5)) / (t + 1) for t in range(3)])
    packed = io.BytesIO()
    weight = np.stack([places] * 3)
    np.savez(packed, features=features, labels=labels, weight=weight, steps=[1, 10, 100])
    good = {"name": "three.npz", "mimeType": "application/zip", "buffer": packed.getvalue()}
    return [good, {**good, "name": "bad.npz", "buffer": packed.getvalue()[:200]}]


def test_files_are_taken_in_or_refused_in_words(page, app):
    good, bad = files()
    open_recorded(page, app)
    for file in (bad, good):
        page.locator("input[type=file]").set_input_files([file])
        expect(page.get_by_text(file["name"])).to_be_visible()
        expect_rest(page)
        page.get_by_role("button", name="Take in", exact=True).click()
        if file is bad:
            expect(page.get_by_text("Not taken in.")).to_be_visible()
            page.get_by_role("button", name="Remove").first.click()
            expect_rest(page)
    expect(page.get_by_role("heading", level=2)).to_have_text("three")
    expect(page.locator(".st-key-facts")).to_contain_text("From files · 3 classes · d = 5")
    expect(player(page)).to_have_attribute("data-frames", "3")
    expect(player(page)).to_have_attribute("data-epoch", "100")


def test_it_is_presented_and_taken_along(page, app, kept, new_context, tmp_path):
    page.set_default_timeout(PATIENCE)
    page.goto(f"{app.base}/recorded?{urlencode({'recorded': kept, 'present': '1'})}")
    expect(page.locator("h1.presented-title")).to_have_text("<b>Four</b> places")
    expect(page.locator(".readouts.presented .value")).to_have_count(3)
    open_recorded(page, app, recorded=kept)
    expect_rest(page)
    page.get_by_role("button", name="Share").click()
    file = tmp_path / "taken.html"
    saved_by(page, "Save as one HTML file").save_as(file)
    context = new_context()
    context.set_offline(True)
    taken = context.new_page()
    taken.goto(file.as_uri())
    expect(taken.get_by_role("heading", level=1)).to_have_text("<b>Four</b> places")
    expect(player(taken)).to_have_attribute("data-frame", str(STEPS - 1))
    expect(taken.locator("svg[data-passes]")).to_have_count(2)
    # Of the modules what belongs to the moment, and the way back to where it was saved.
    taken.keyboard.press("Home")
    expect(taken.locator("[data-moment]:not([display=none])")).to_have_attribute(
        "data-moment", "0.0"
    )
    back = taken.locator("footer a").get_attribute("href")
    assert back.startswith(f"{app.base}/recorded?recorded={kept}")
    table = tmp_path / "figures.csv"
    saved_by(page, "Figures, CSV").save_as(table)
    rows = np.genfromtxt(table, delimiter=",", names=True)
    assert rows["step"].tolist() == list(range(STEPS)) and np.isfinite(rows["nc1"]).all()


@pytest.mark.parametrize("opens", ["list", "recording"])
def test_the_page_is_accessible(page, app, kept, opens):
    open_recorded(page, app, **({"recorded": kept} if opens == "recording" else {}))
    expect_rest(page)
    expect_sound(page, opens)
