"""Figures in a real Chromium: saved from Share, and drawn where the player draws."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect
from pypdf import PdfReader

from app.engine import derived
from app.export import button
from app.export.still import still
from app.player.view import View
from app.views import presets
from ncengine.config import RunConfig, as_text
from ncengine.config.gallery import first
from ncengine.runs.gallery import Gallery
from ncengine.runs.store import Store
from tests.app.conftest import make_run
from tests.app.test_player_wire import message
from tests.e2e.live_app import ROOT
from tests.e2e.pages import FINISHED, expect_rest, expect_whole, open_page, saved_by
from tests.e2e.test_scripts import run  # noqa: F401

SVG = "{http://www.w3.org/2000/svg}"
CONFIG = RunConfig(classes=5, samples_per_class=20, depth=3, width=8, seeds=(0,))
# Two pages that show something, and words of what they save.
PAGES = {
    "/depth": (presets.query_of("figure-1"), "depth L"),
    "/compare": ({**first().query(), "other": "dataset=mnist"}, "collapse"),
}
# Where the player's own scripts place all bodies of the last frame.
PLACED = """async (text, pose, flat) => {
  const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
  const { readMessage } = await load("wire");
  const { Scene } = await load("scene");
  const { Camera } = await load("camera");
  const scene = new Scene(readMessage(bytes));
  const camera = new Camera();
  camera.setHome(scene.clearPose(), true);
  if (pose) camera.fromText(pose);
  camera.setView(flat ? "2d" : "3d", true);
  scene.moveTo(scene.data.frames - 1);
  scene.project(camera.matrix(), camera.flat, [0, 0], 1);
  return [[...scene.x].slice(0, scene.firstRow), [...scene.y].slice(0, scene.firstRow)];
}"""


@pytest.mark.parametrize("pose", ["", "0.5_0.1_-0.3_0.8_1.5_0.2_0.1"])
@pytest.mark.parametrize("flat", [False, True])
def test_a_figure_places_all_where_the_player_does(run, pose, flat):  # noqa: F811
    made = make_run(CONFIG)
    geometry = made.geometry
    # In units of the features' norm nothing lies outside the sphere.
    means, features = geometry.class_means / 3, geometry.features / 3
    made = replace(made, geometry=replace(geometry, class_means=means, features=features))
    shown = derived.project(made, made.geometry, 0, "last", ())
    names, colors = [str(k) for k in range(5)], [f"#10101{k}" for k in range(5)]
    text = base64.b64encode(message(shown, names=names, colors=colors)).decode()
    there = np.array(run(PLACED, text, pose, flat)).T
    start = {"camera": pose, "view": "2d" if flat else "3d", "drawn": "samples,means"}
    looked_at = View(0, start=tuple((name, value) for name, value in start.items() if value))
    root = ElementTree.fromstring(still(made, looked_at).svg("single", False))
    balls = [c for c in root.iter(f"{SVG}circle") if c.get("fill", "").startswith("url(#ball")]
    here = np.array([[float(c.get("cx")), float(c.get("cy"))] for c in balls])
    assert len(here) == len(there)
    # But for where the origin is and how long a unit is, which a figure says itself.
    here, there = ((places - places.min(axis=0)) / np.ptp(places[:, 0]) for places in (here, there))
    away = np.linalg.norm(here[:, None] - there[None], axis=-1)
    assert away.min(axis=1).max() < 1e-3 and away.min(axis=0).max() < 1e-3


@pytest.mark.parametrize("path", PAGES)
def test_share_saves_a_figure_and_a_file_of_what_is_shown(shipped, page, tmp_path, path):
    query, words = PAGES[path]
    store = Store(tmp_path / "cache", Gallery(ROOT / "cache" / "gallery"))
    run_of = store.open(first())
    if path == "/compare":
        other = run_of.config.with_(depth=2).set_fields()
        query = {**query, "other": ";".join(f"{n}={as_text(v)}" for n, v in other.items())}
    page.goto(shipped.url(**query).replace("/?", f"{path}?"))
    page.get_by_role("button", name="Share").click()
    page.get_by_text("Save a figure for a paper").click()
    saved_by(page, "Save figure").save_as(tmp_path / "figure.pdf")
    assert words in PdfReader(tmp_path / "figure.pdf").pages[0].extract_text()
    saved_by(page, button.LABEL).save_as(tmp_path / "page.html")
    page.goto((tmp_path / "page.html").as_uri())
    expect(page.locator("main.one h1")).to_be_visible()
    players = page.get_by_test_id("nc-player")
    expect(players).to_have_count(2 if path == "/compare" else 0)


def test_what_was_just_typed_is_in_what_is_saved(app, page, tmp_path):
    """Without a step between: the click that saves is the one by which the page hears of it."""
    open_page(page, app, **FINISHED)
    page.get_by_role("button", name="Share").click()
    page.get_by_text("Save a figure for a paper").click()
    page.get_by_role("radio", name="PNG").click()
    pixels = page.get_by_role("spinbutton", name="Pixels across")
    for across in (777, 640):
        pixels.fill(str(across))
        with page.expect_download() as download:
            page.get_by_role("button", name="Save figure").click()
        with Image.open(download.value.path()) as picture:
            assert picture.width == across
    expect_rest(page)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Story").click()
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("Your story has 1 step")).to_be_visible()
    page.get_by_role("link", name="Stories").click()
    caption = page.get_by_role("textbox", name="Caption")
    for words, label, read in (
        ("They part", "Save it as a file", lambda text: json.loads(text)["steps"][0]["caption"]),
        ("They meet", button.LABEL, lambda text: text),
    ):
        expect_whole(page)
        expect_rest(page)
        caption.fill(words)
        with page.expect_download() as download:
            page.get_by_role("button", name=label).last.click()
        assert words in read(download.value.path().read_text())
