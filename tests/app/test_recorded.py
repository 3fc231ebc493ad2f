"""The page Recorded, and what is taken along of a recording, on recordings that are made up."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace

import numpy as np
import pyarrow.parquet
import pytest
from streamlit.util import calc_hash

from app.components import recorded as asked
from app.engine import recorded as engine
from app.export import print_button
from app.export.numbers import _recording
from app.export.recorded import of_recording
from app.player.view import View
from app.recorded import curves, figures
from app.recorded.seen import Seen, message, projection, subject
from app.stage.story import Step, Story, StoryError, read
from ncengine import own
from ncengine.metrics import every
from ncengine.runs.recorded import About, Writer
from tests.app.conftest import assert_sound, open_at, texts

STEPS = (0.0, 0.5, 10.0, 1000.0)


def samples(classes, width, step, sizes=8):
    rng = np.random.default_rng(classes)
    labels = np.repeat(np.arange(classes), sizes)
    places = rng.normal(size=(classes, width))
    noise = rng.normal(size=(len(labels), width))
    return 5 + places[labels] + noise / (1 + step), labels, places


def written(*args, **named):
    """The key of a recording that has ended, see `begun`."""
    writer = begun(*args, **named)
    writer.end()
    return writer.key


def begun(root, name="mine", classes=4, width=6, ideal="simplex", **about):
    """Who writes a recording of four snapshots, whose figures are those of its points."""
    writer = Writer(About(name, classes, width, "fc: 6 → 4", ideal=ideal, **about), root)
    for step in STEPS:
        features, labels, rows = samples(classes, width, step)
        means = np.stack([features[labels == k].mean(0) for k in range(classes)])
        found = {n: float(v) for n, v in every(features, labels, rows).items()}
        points = {
            "class_means": means.astype(np.float32),
            "classifier": rows.astype(np.float32),
            "features": features.astype(np.float32),
            "labels": labels,
        }
        writer.append(step, {**found, "loss": 1 / (1 + step)}, points)
    return writer


@pytest.fixture
def root(store, tmp_path):
    store.root = tmp_path
    return tmp_path


@pytest.fixture
def recorded_at(at, root, jobs):
    at._page_hash = calc_hash("recorded")
    return at


def seen(key, **view):
    found = engine.look(key)
    return Seen(found, View(0, **view))


def test_without_any_it_says_how_it_is_done(recorded_at):
    at = recorded_at.run()
    assert_sound(at)
    assert "Nothing is recorded yet" in at.info[0].value
    assert any("ncengine.Recorder(model" in code.value for code in at.code)


def test_a_recording_is_shown_by_its_key(recorded_at, root):
    key = written(root, "a <b>name</b> *of* mine")
    at = open_at(recorded_at, recorded=key)
    assert_sound(at)
    assert at.header[0].value == r"a \<b\>name\</b\> \*of\* mine"
    assert "4 classes · d = 6" in texts(at) and "the last at step 1,000" in texts(at)
    assert at.multiselect(key="recorded:figures").value == ["loss"]


@pytest.mark.parametrize("key", ["nothing", "0" * 20, "../../etc", "<b>"])
def test_a_key_of_no_recording_is_told_and_the_list_is_shown(key, recorded_at, root):
    written(root)
    at = open_at(recorded_at, recorded=key)
    assert_sound(at)
    assert "must be the key of a recording in this cache" in at.warning[0].value
    assert at.header[0].value == "Networks of your own"


def test_wrong_values_of_an_address_are_told_one_by_one(recorded_at, root):
    at = open_at(
        recorded_at, recorded=written(root), basis="x", seed="7", of="nc9", figures="nc1,huh"
    )
    assert_sound(at)
    for word in ("Basis", "Seed", "Of"):
        assert f"**{word}**" in at.warning[0].value
    assert at.multiselect(key="recorded:figures").value == ["nc1"]


def test_figures_that_are_picked_stand_in_the_address(recorded_at, root):
    at = open_at(recorded_at, recorded=written(root))
    at.multiselect(key="recorded:figures").set_value(["cdnv", "nc4"]).run()
    assert_sound(at)
    assert at.query_params["figures"] in ("cdnv,nc4", ["cdnv,nc4"])


def test_what_is_opened_next_is_not_looked_at_as_the_last_one(recorded_at, root):
    at = open_at(recorded_at, recorded=written(root), basis="each", epoch="10")
    assert at.query_params["basis"] in ("each", ["each"])
    at.button(key="recorded:all").click().run()
    assert_sound(at)
    assert not {"recorded", "basis", "epoch"} & set(at.query_params)


def test_what_was_never_ended_is_told(recorded_at, root):
    writer = begun(root)
    at = open_at(recorded_at, recorded=writer.key)
    assert "Being recorded" in texts(at)
    del writer  # and with it the lock, as where a process ends
    assert "Ended without a word" in texts(at.run())


@pytest.mark.parametrize(
    "ideal, classes, width, says, shown",
    [
        ("code", 6, 3, "More classes than fit a simplex", "Margin of rows"),
        ("simplex", 4, 6, "", "NC2"),
    ],
)
def test_the_nc2_that_is_shown_is_that_of_its_figure(
    ideal, classes, width, says, shown, recorded_at, root
):
    key = written(root, classes=classes, width=width, ideal=ideal)
    at = open_at(recorded_at, recorded=key)
    assert_sound(at)
    assert says in texts(at)
    row = {one.label: one for one in figures.row(seen(key))}
    assert shown in row and ("NC2" in row) == (shown == "NC2")
    assert projection(seen(key)).ideal_fits == (classes <= width + 1)


def test_a_floor_or_what_stands_against_it_is_said(recorded_at, root):
    with_floor = written(root, weight_decay=0.005, floor=0.0321)
    without = written(root, weight_decay=0.005, without_floor="Classes are of unequal size.")
    unasked = written(root, without_floor="No weight decay was given.")
    assert "Floor 0.0321" in texts(open_at(recorded_at, recorded=with_floor))
    assert "No floor**: Classes are of unequal size" in texts(
        open_at(recorded_at, recorded=without)
    )
    assert "No floor" not in texts(open_at(recorded_at, recorded=unasked))


def test_readings_are_those_of_the_frames(root):
    key = written(root)
    shown = seen(key)
    row = {one.label: one for one in figures.row(shown)}
    assert shown.at.tolist() == list(STEPS)
    for name, label in (("nc1", "NC1"), ("nc3", "NC3"), ("cdnv", "CDNV")):
        for step, said in zip(STEPS, row[label].shown, strict=True):
            features, labels, rows = samples(4, 6, step)
            expected = float(every(features, labels, rows)[name])
            assert float(said.replace("−", "-")) == pytest.approx(expected, rel=6e-3)


def test_the_player_is_told_of_steps_names_and_pictures(root):
    key = written(root, class_names=("ant", "bee", "cat", "dog"))
    text = message(seen(key))
    header = text[4 : 4 + int.from_bytes(text[:4], "little")].decode()
    assert '"unit":"step"' in header and '"names":["ant","bee","cat","dog"]' in header
    assert '"epoch":[0,0.5,10,1000]' in header


def test_it_goes_into_one_file_that_names_it_as_text(root):
    key = written(root, "</script><img src=x>")
    file = of_recording(seen(key), "http://example.org/base/")
    assert "<img src=x>" not in file and "&lt;/script&gt;&lt;img src=x&gt;" in file
    assert f"http://example.org/base/recorded?recorded={key}" in file
    looked_at = replace(seen(key).looked_at, moment="10", start=(("view", "2d"),))
    file = of_recording(replace(seen(key), looked_at=looked_at))
    assert f"recorded?recorded={key}&amp;view=2d&amp;epoch=10" in file
    assert len(file) < 3_000_000


def test_its_numbers_come_back(root, tmp_path):
    key = written(root)
    recording = engine.look(key)
    table = pyarrow.parquet.read_table(io.BytesIO(_recording(recording, "parquet")))
    rows = np.genfromtxt(io.BytesIO(_recording(recording, "csv")), delimiter=",", names=True)
    for name in ("nc1", "nc3_papyan", "loss"):
        np.testing.assert_array_equal(table[name].to_numpy(), recording.figures[name])
        np.testing.assert_array_equal(rows[name], recording.figures[name])
    # And all of it as files of one's own: the same figures, of samples kept as they are.
    brought = own.read([("all.npz", io.BytesIO(_recording(recording, "npz")))])
    again = engine.look(own.record(brought, root))
    np.testing.assert_array_equal(again.steps, STEPS)
    for name in ("nc1", "nc2a", "nc3", "cdnv"):
        np.testing.assert_allclose(again.figures[name], recording.figures[name], rtol=2e-3)


def test_all_that_is_offered_can_be_printed(recorded_at, root):
    at = open_at(recorded_at, recorded=written(root))
    offer = print_button._offer("Recorded", at.session_state["export:shown"], {"epoch": "10"})
    assert set(offer.titles) == {"player", "cosines", curves.COLLAPSE, curves.PICKED}
    for name in offer.titles:
        drawing = offer.make(name).svg("single")
        words = " ".join(re.findall(r">([^<>]+)<", drawing))
        assert drawing.startswith("<svg") and "mine" in words
        assert ("step 10" in words) == (name in ("player", "cosines"))


def test_a_story_can_tell_of_one(root):
    key = written(root)
    step = Step(page="Recorded", query={"recorded": key, "basis": "each"}, caption="Mine")
    told = read(Story(title="Of mine", steps=(step,)).model_dump_json().encode())
    assert told.steps[0].query["recorded"] == key
    wrong = ({"recorded": "x"}, {}, {"recorded": key, "basis": "x"}, {"recorded": key, "k": "1"})
    for query in wrong:
        told = {"version": 1, "title": "x", "steps": [{"page": "Recorded", "query": query}]}
        with pytest.raises(StoryError):
            read(json.dumps(told).encode())


def test_an_address_holds_no_more_figures_than_can_be_told_apart():
    many = ",".join(f"x{n}" for n in range(100))
    assert len(asked.parse({"figures": many}).figures) == asked.MOST_FIGURES
    assert asked.parse({}) == asked.Shown()


def test_on_a_public_server_nothing_is_taken_in_or_deleted(recorded_at, root, monkeypatch):
    monkeypatch.setenv("NCENGINE_PUBLIC", "1")
    key = written(root)
    at = recorded_at.run()
    assert_sound(at)
    assert str(root) not in texts(at)
    with pytest.raises(Exception, match="public|visitors|imported|deleted"):
        engine.delete(key)
    with pytest.raises(Exception, match="public|visitors|imported|deleted"):
        engine.take_in([])
    with pytest.raises(Exception, match="public|visitors|imported|deleted"):
        engine.take_in_folder("/")
    assert engine.look(key) is not None


def test_a_folder_of_another_cache_is_copied_once(root, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    keys = {written(other, "one"), written(other, "two")}
    going_on = begun(other, "three")
    assert engine.take_in_folder(str(other)) == (2, [])
    assert {one.key for one in engine.headers()} == keys and going_on.key not in keys
    for key in keys:
        assert engine.look(key).figures["nc1"].tolist() == seen_in(other, key)
    with pytest.raises(ValueError, match="has no recording that is not here"):
        engine.take_in_folder(str(other / "recorded"))


def seen_in(cache, key):
    from ncengine.runs.recorded import recording

    return recording(key, cache).figures["nc1"].tolist()


def test_a_folder_of_files_is_taken_in_and_what_is_wrong_is_told(root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    features, labels, rows = samples(3, 5, 1)
    np.savez(folder / "good.npz", features=features, labels=labels, weight=rows)
    assert engine.take_in_folder(str(folder)) == (1, [])
    (folder / "worse.npz").write_bytes(b"PK")
    count, refused = engine.take_in_folder(str(folder))
    assert count == 1 and len(refused) == 1 and "worse.npz" in refused[0]
    with pytest.raises(ValueError, match="is no folder"):
        engine.take_in_folder(str(folder / "none"))


def test_class_names_must_be_as_many_as_there_are_classes(root):
    features, labels, rows = samples(3, 5, 1)
    packed = io.BytesIO()
    np.savez(packed, features=features, labels=labels, weight=rows)
    with pytest.raises(ValueError, match="class names: 2, must be one for each of 3 classes"):
        engine.take_in([("a.npz", packed)], class_names=["x", "y"])
    packed.seek(0)
    key, _ = engine.take_in([("a.npz", packed)], name="Mine", class_names=["x", "y", "z"])
    about = engine.look(key).about
    assert (about.name, about.class_names) == ("Mine", ("x", "y", "z"))
    assert subject(engine.look(key)).classes == 3
