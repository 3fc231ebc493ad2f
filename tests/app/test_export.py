"""One HTML file of a run or a story: whole by itself, and true to what anyone may have written."""

import base64
import hashlib
import io
import json
import re
import sys
import zipfile
from dataclasses import replace
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import pandas as pd
import pytest
from PIL import ImageColor

from app.components import series
from app.engine import data, runs
from app.export import numbers, page, plot
from app.export.plot import Dot, Line, Plot, Word
from app.player.view import View
from app.stage import stories
from app.stage.story import Step, Story
from app.views import presets
from ncengine.catalogue import datasets
from ncengine.cli.main import main
from ncengine.config import RunConfig
from ncengine.config.gallery import first
from ncengine.exchange import write_tables
from ncengine.runs.gallery import Gallery
from ncengine.runs.run import Status
from ncengine.runs.store import Store
from tests.app.conftest import make_run, open_at

CONFIG = RunConfig(classes=4, samples_per_class=20, depth=3, width=8, seeds=(0, 1))
HOSTILE = "</script><img src=x onerror=alert(1)>'\"&<!--"
SHIPPED = Path(__file__).resolve().parents[2] / "cache" / "gallery"
ADDRESS = "http://127.0.0.1:8501/?"


class Reader(HTMLParser):
    """Elements with their attributes, and the text of scripts and styles."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.within, self.texts = [], None, {"script": [], "style": []}
        self.words = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.within = tag if tag in self.texts else None
        if self.within:
            self.texts[tag].append([dict(attrs), ""])

    def handle_endtag(self, tag):
        self.within = None

    def handle_data(self, words):
        if self.within:
            self.texts[self.within][-1][1] += words
        else:
            self.words.append(words)

    def named(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture
def shipped(store, monkeypatch, tmp_path):
    """A store that holds nothing but what is shipped."""
    found = Store(tmp_path / "cache", Gallery(SHIPPED))
    monkeypatch.setattr(runs, "store", lambda: found)
    runs._samples.clear()
    return found


@pytest.fixture
def made(store):
    run = make_run(CONFIG)
    store.put(run)
    return run


def view(run, **changed):
    return replace(View(run.seeds_shown[0]), **changed)


def assert_whole(text):
    """Runs and shows what it names by hash, and refers to nothing but the app."""
    reader = Reader(text)
    policy = next(m["content"] for m in reader.named("meta") if "http-equiv" in m)
    rules = {part.split()[0]: part.split()[1:] for part in policy.split("; ")}
    assert rules["default-src"] == ["'none'"] and rules["img-src"] == rules["font-src"] == ["data:"]
    assert set(rules) == {
        "default-src", "base-uri", "form-action", "script-src", "style-src", "img-src", "font-src",
    }  # fmt: skip
    scripts = [words for attrs, words in reader.texts["script"] if attrs.get("type") == "module"]
    for kind, found in (
        ("script-src", scripts),
        ("style-src", [words for _, words in reader.texts["style"]]),
    ):
        hashes = [hashlib.sha256(words.encode()).digest() for words in found]
        assert rules[kind] == [f"'sha256-{base64.b64encode(h).decode()}'" for h in hashes]
    assert len(scripts) == 1
    for tag, attributes in reader.elements:
        assert not [name for name in attributes if name.startswith("on") or name == "style"], tag
        for name in ("src", "href", "data", "action", "srcset"):
            value = attributes.get(name, "data:")
            assert (
                value.startswith("data:image/svg+xml")
                or value == "data:"
                or (tag == "a" and value.startswith(ADDRESS.removesuffix("?")))
            ), (tag, value)
    return reader


def addresses(text):
    return [found for found in re.findall(r"https?://[^\s\"'<]+", text)]


def test_a_run_of_the_gallery_is_one_small_file(shipped):
    run = runs.look(first())
    text = page.of_run(run, view(run))
    reader = assert_whole(text)
    assert 100_000 < len(text.encode()) < 3_000_000
    query = addresses(text)
    assert len(query) == 2 and query[0].startswith(ADDRESS) and "architecture=RN1" in query[0]
    said = " ".join(reader.words)
    for words in (
        run.config.title(),
        "learns to tell 4 classes of MNIST apart",
        "Partly collapsed",
    ):
        assert words in said
    assert {"nc-scrubber", "nc-way-scrubber", "nc-play"} <= {
        attributes.get("data-testid") for _, attributes in reader.elements
    }
    [place] = [a for a in reader.named("div") if a.get("class") == "place"]
    [message] = [words for attrs, words in reader.texts["script"] if attrs.get("id")]
    raw = base64.b64decode(message, validate=True)
    header = json.loads(raw[4 : 4 + int.from_bytes(raw[:4], "little")])
    assert header["title"] == run.config.title() and header["start"] == {}
    assert place["data-message"] in text and json.loads(place["data-told"])["start"] == {}


def test_every_story_is_one_small_file_with_all_its_steps(shipped):
    for story in stories.shipped().values():
        text = page.of_story(story)
        reader = assert_whole(text)
        assert len(text.encode()) < 6_000_000 and not addresses(text)
        steps = [a for a in reader.named("template") if a.get("class") == "step"]
        assert [step["data-page"] for step in steps] == [step.page for step in story.steps]
        said = " ".join(reader.words)
        for step in story.steps:
            for line in step.caption.splitlines():
                assert line in said
            assert not step.notes or step.notes not in said
        ids = [attrs["id"] for attrs, _ in reader.texts["script"] if attrs.get("id")]
        assert len(set(ids)) == len(ids) < len(steps)


def test_what_anyone_wrote_stays_text(made, store, monkeypatch):
    info = datasets.dataset_info(CONFIG.dataset)
    hostile = replace(info, class_names=(HOSTILE, *info.class_names[1:]), title=HOSTILE)
    everywhere = {**datasets.DATASETS, CONFIG.dataset: hostile}
    monkeypatch.setattr(datasets, "DATASETS", everywhere)
    monkeypatch.setattr(data, "captions", lambda run, test: [HOSTILE] * len(run.geometry.labels))
    monkeypatch.setattr(data, "thumbnails", lambda run, test: None)
    reader = assert_whole(page.of_run(made, view(made, texts=True, start=(("camera", HOSTILE),))))
    assert HOSTILE in " ".join(reader.words)
    [place] = [a for a in reader.named("div") if a.get("class") == "place"]
    assert json.loads(place["data-told"])["start"] == {"camera": HOSTILE}
    step = Step(page="Explore", query=CONFIG.query(), caption=f"{HOSTILE}\nAnd more")
    reader = assert_whole(page.of_story(Story(title=HOSTILE, steps=(step,))))
    # As the document's title, in the run's, and as the caption.
    assert not reader.named("img") and " ".join(reader.words).count(HOSTILE) == 3


def test_steps_of_what_nobody_trained_say_so(store):
    steps = [Step(page=name, query=CONFIG.query()) for name in ("Explore", "Depth", "Compare")]
    reader = assert_whole(page.of_story(Story(title="Nothing yet", steps=tuple(steps))))
    said = " ".join(reader.words)
    assert "Nobody has trained this network yet" in said
    assert "None of these networks is trained yet" in said


def test_depth_and_a_pair_are_files_too(shipped):
    config, picture = presets.of("figure-1", False)
    reader = assert_whole(page.of_picture(config, picture))
    said = " ".join(reader.words)
    titles = [a for a in reader.named("svg") if a.get("role") == "img"]
    assert [t["aria-label"].split(" over ")[0] for t in titles] == [
        f"Chart of {name}" for name in series.METRICS.values()
    ]
    assert said.count("CIFAR10, n = 100, 8 × 8, RN1, 500 passes") == len(titles)
    left = runs.look(first())
    right = runs.look(left.config.with_(depth=2))
    text = page.of_pair(left, right, view(left, start=(("view", "2d"),)), "share")
    reader = assert_whole(text)
    places = [json.loads(a["data-told"]) for a in reader.named("div") if "data-told" in a]
    assert [place["start"] for place in places] == 2 * [{"view": "2d"}]
    headers = []
    for message in (words for attrs, words in reader.texts["script"] if attrs.get("id")):
        raw = base64.b64decode(message, validate=True)
        headers.append(json.loads(raw[4 : 4 + int.from_bytes(raw[:4], "little")]))
    assert [h["depth"] for h in headers] == [left.config.depth, 2]
    assert [h["group"]["clock"] for h in headers] == ["share", "share"]
    assert "They differ by depth L" in " ".join(reader.words)
    seen = led_back(reader)
    assert (seen["view"], seen["clock"]) == ("2d", "share") and "depth=2" in seen["other"]


def test_a_map_is_a_series_a_weight_decay(shipped):
    config, picture = presets.of("digits-grid", False)
    said = Reader(page.of_picture(config, picture)).words
    assert all(said.count(f"λ = {decay:g}") == len(series.METRICS) for decay in picture.decays)


def test_a_file_says_what_came_of_every_seed(store):
    run = make_run(CONFIG)
    curves = {**run.curves, "loss": run.curves["loss"].copy()}
    curves["loss"][-1, 1] = np.nan
    for gone, status, said in (
        ([False, True], Status.DONE, "Seed 1 diverged and is left out of all means."),
        ([True, True], Status.DIVERGED, "the numbers of every seed grew beyond all bounds."),
    ):
        some = replace(run, diverged=np.array(gone), status=status, curves=curves)
        words = " ".join(Reader(page.of_run(some, view(some))).words)
        assert said in words
    assert "diverged" not in " ".join(Reader(page.of_run(run, view(run))).words).lower()


def test_a_run_that_diverged_has_a_file_too(store):
    run = make_run(CONFIG, curves={**make_run(CONFIG).curves, "loss": np.full((7, 2), np.nan)})
    assert_whole(page.of_run(run, view(run)))


@pytest.mark.parametrize("changed", [{"beside": "layers"}, {"test": True}])
def test_the_file_shows_what_is_looked_at(made, changed):
    text = page.of_run(made, view(made, **changed))
    said = " ".join(assert_whole(text).words)
    assert ("layer (1 is the embedding)" in said) == ("beside" in changed)
    assert ("test NC1" in said) == ("test" in changed)
    assert all(f"{name}={'layers' if name == 'beside' else 1}" in text for name in changed)


def test_the_file_begins_at_the_moment_that_is_looked_at(made):
    for moment, start in (("3", {"view": "2d", "epoch": "3"}), ("", {"view": "2d"})):
        seen = view(made, moment=moment, start=(("epoch", "7"), ("view", "2d")))
        reader = Reader(page.of_run(made, seen))
        [place] = [a for a in reader.named("div") if "data-told" in a]
        assert json.loads(place["data-told"])["start"] == start
        # And so does the page that it leads back to.
        assert led_back(reader) == CONFIG.query() | start


def led_back(reader):
    """What the address in the file's last line says."""
    [address] = [a["href"] for a in reader.named("a")]
    assert address.startswith("http://127.0.0.1:8501/")
    return dict(parse_qsl(urlsplit(address).query))


def places(html, tag, name):
    return [float(v) for v in re.findall(rf'<{tag}[^>]* {name}="([\d.]+)%', html)]


def test_a_plot_puts_things_where_their_axes_say():
    x, y = plot.passes_axis([0, 3, 99]), plot.log_axis("NC1", [1e-4, 1.0])
    line = Line("NC1", "#123456", np.array([0, 9, 99]), np.array([1.0, 1e-2, np.nan]))
    html = Plot(x, y, [line], [Dot("#123456", 9, 1e-2, 1e-3, 1e-1)], [Word("<b>", 9, 1e-2)]).html()
    # log(1 + 9) is half of log(1 + 99); 1e-2 half way between the ends, margins or not.
    assert places(html, "circle", "cx") == [50] and places(html, "circle", "cy") == [50]
    path = re.search(r'<path d="M([^"]+)"', html)[1]
    assert path == "0.0 30.0L500.0 500.0"
    assert "&lt;b&gt;" in html and ">1e−4<" in html and ">0.01<" in html


@pytest.mark.parametrize("values", [[0.5], [0.011, 0.012], [0.02, 0.05], [1e-12, 3.0], [7, 7]])
def test_an_axis_has_ticks_however_near_its_ends_are(values):
    axis = plot.log_axis("objective", values)
    at = [float(axis.at(tick)) for tick, _ in axis.ticks]
    assert 2 <= len(at) <= 12 and at == sorted(at) and 0 <= at[0] and at[-1] <= 1
    assert len({words for _, words in axis.ticks}) == len(at)


@pytest.mark.parametrize(
    "low, high", [(1e-4, 1e26), (1e-3, 9e9), (1e-3, 4e13), (1e-38, 1e38), (3e9, 1e12)]
)
def test_ticks_reach_as_far_as_a_run_that_diverges(low, high):
    axis = plot.log_axis("objective", [low, high])
    at = [float(axis.at(tick)) for tick, _ in axis.ticks]
    apart = np.diff([axis.at(low), *at, axis.at(high)])
    assert 3 <= len(at) <= 12 and max(apart) < 0.4
    np.testing.assert_allclose(np.diff(at), at[1] - at[0], rtol=1e-6)


def test_files_are_named_after_what_they_hold():
    assert page.file_name("5-RN1, post-LN · λ = 0.005") == "5-RN1-post-LN-0.005.html"
    assert page.file_name("…/../ · ") == "neural-collapse.html"


def test_the_buttons_are_there_and_wait_for_something_to_save(at, store):
    open_at(at, **CONFIG.query())
    assert at.get("download_button")[0].proto.disabled
    store.put(make_run(CONFIG))
    at.run()
    [button] = [b for b in at.get("download_button") if b.proto.label == "Save as one HTML file"]
    assert not button.proto.disabled


def test_colours_of_the_file_are_those_of_the_theme(made):
    [style, _] = [words for _, words in Reader(page.of_run(made, view(made))).texts["style"]]
    for name in ("background-color", "text-color", "primary-color", "border-color", "link-color"):
        found = re.findall(rf"--st-{name}: (#[0-9a-f]+);", style)
        assert len(found) == 2 and all(ImageColor.getrgb(color) for color in found)


def test_the_command_writes_what_the_page_saves(shipped, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("NCENGINE_GALLERY", str(SHIPPED))
    run = shipped.open(first())
    file = tmp_path / "run.html"
    assert main(["export", run.key[:10], "--html", str(file)]) == 0
    assert capsys.readouterr().out.strip() == str(file)
    assert file.read_text(encoding="utf-8") == page.of_run(run, view(run))


def test_the_command_takes_files_from_the_home_folder(shipped, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("NCENGINE_GALLERY", str(SHIPPED))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    key = shipped.open(first()).key
    talk = (SHIPPED.parent / "stories" / "4-theory.json").read_bytes()
    (tmp_path / "talk.json").write_bytes(talk)
    # Shells leave what follows "=" as it is.
    assert main(["export", key, "--html=~/run.html", "--run=~/run.npz", "--csv=~/tables"]) == 0
    assert main(["export", "--story=~/talk.json", "--html=~/talk.html"]) == 0
    assert main(["figure", "curves", key, "--out=~/curves.svg"]) == 0
    written = {path.name for path in tmp_path.iterdir()}
    assert {"run.html", "run.npz", "tables", "talk.html", "curves.svg"} <= written


# Numbers.


def unpacked(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_what_is_saved_of_a_run_is_what_the_engine_writes(shipped, tmp_path):
    run = shipped.open(first())
    assert numbers.packed(run, numbers.whole) == run.save(tmp_path / "run.npz").read_bytes()
    for form, reader in (("csv", pd.read_csv), ("parquet", pd.read_parquet)):
        saved = unpacked(numbers.packed(run, partial(numbers.tables, form)))
        written = write_tables(run, tmp_path, form)
        assert saved == {path.name: path.read_bytes() for path in written}
        curves = reader(io.BytesIO(saved[f"curves.{form}"]))
        assert np.allclose(curves["nc1"], run.curves["nc1"].reshape(-1), equal_nan=True)
    with pytest.raises(ValueError, match="the gallery ships none"):
        numbers.packed(run, numbers.parameters)


def test_of_a_shipped_run_no_parameters_are_offered(at, shipped):
    open_at(at, **first().query())
    offered = {button.label: button.proto for button in at.get("download_button")}
    assert not offered["Whole run"].disabled and offered["Parameters"].disabled
    assert "The gallery ships none" in offered["Parameters"].help


def test_explore_offers_the_numbers_of_what_is_finished(at, made):
    open_at(at, **CONFIG.query())
    offered = {button.label: button.proto.disabled for button in at.get("download_button")}
    labels = ("Whole run", "Tables, CSV", "Tables, Parquet", "Parameters")
    assert [offered[label] for label in labels] == [False] * 4
    open_at(at, depth="13")
    offered = {button.label: button.proto.disabled for button in at.get("download_button")}
    assert all(offered[label] for label in labels)


@pytest.mark.parametrize(
    "missing, said",
    [
        ("playwright", "pip install 'neural-collapse-explorer[film]'"),
        ("browser", "CHROMIUM = 'no-such-browser': no program is there"),
    ],
)
def test_a_film_without_a_browser_says_what_it_takes(
    shipped, tmp_path, capsys, monkeypatch, missing, said
):
    monkeypatch.setenv("NCENGINE_GALLERY", str(SHIPPED))
    if missing == "playwright":
        monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    else:
        monkeypatch.setenv("CHROMIUM", "no-such-browser")
    run = shipped.open(first())
    folder = tmp_path / "films"
    folder.mkdir()
    film, beside = str(folder / "film.mp4"), ["--html", str(folder / "page.html")]
    for words in ([run.key[:10]], [run.key[:10], *beside], ["--story", "theory", *beside]):
        assert main(["export", *words, "--film", film]) == 1
        assert said in capsys.readouterr().err
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "low, high", [(0.0855, 0.957), (0.3, 0.4), (1e-9, 5.0), (2.0, 2.0), (7.0, 71)]
)
def test_a_logarithmic_axis_has_two_ticks_or_more(low, high):
    axis = plot.log_axis("NC1", [low, high])
    assert len({words for _, words in axis.ticks}) >= 2
    assert all(axis.low <= tick <= axis.high for tick, _ in axis.ticks)
