"""The toggle “Test data”: in the charts, in the player and in the address."""

import json

import numpy as np
import pytest

from app.charts import base, curves
from app.components import text as words
from app.engine import data as data_module
from app.player import on_page
from app.player.wire import pack
from ncengine import datasets
from ncengine.config import RunConfig
from ncengine.datasets import Data, Split
from tests.app.conftest import assert_sound, make_run, open_at, texts


@pytest.fixture
def shown(monkeypatch):
    """What the player is given."""
    calls = []

    def packed(projection, about, **given):
        calls.append((projection, {**vars(about), **given}))
        return pack(projection, about, **given)

    monkeypatch.setattr(on_page, "pack", packed)
    return calls


def specs(at):
    return [json.loads(chart.proto.spec) for chart in at.get("vega_lite_chart")]


def names_in(spec):
    """The names in the charts' legends."""
    layers = spec.get("layer", [spec])
    scales = [layer["encoding"].get("color", {}).get("scale", {}) for layer in layers]
    return {str(name) for scale in scales for name in scale.get("domain", ())}


def test_the_toggle_is_in_the_address_and_changes_charts_and_player(at, store, shown):
    config = RunConfig(samples_per_class=20)
    store.put(make_run(config))
    open_at(at, samples_per_class="20")
    before = specs(at)
    assert not shown[-1][1]["test"]
    at.toggle(key="view:test").set_value(True).run()
    assert_sound(at)
    assert at.query_params["test"] in ("1", ["1"])
    assert shown[-1][1]["test"]
    new = [names_in(spec) - names_in(old) for spec, old in zip(specs(at), before, strict=True)]
    assert new == [set(), {"test NC1", "test NC3"}, set(), {"test"}]
    at.toggle(key="view:test").set_value(False).run()
    assert "test" not in at.query_params
    assert specs(at) == before


def test_thumbnails_of_test_samples_follow_those_of_training_samples(at, store, shown):
    config = RunConfig(samples_per_class=20)
    run = make_run(config)
    store.put(run)
    open_at(at, samples_per_class="20", test="1")
    assert_sound(at)
    assert at.toggle(key="view:test").value is True
    data = datasets.load(config)
    images = shown[-1][1]["thumbnails"]
    assert len(images) == 20 + 10
    np.testing.assert_array_equal(images[:20], data.images[run.geometry.sample_index])
    np.testing.assert_array_equal(images[20:], data.test_images[run.geometry.test_index])


def test_reviews_are_shown_to_who_asks_as_their_last_words(at, store, shown, monkeypatch):
    config = RunConfig(dataset="imdb")
    store.put(make_run(config))
    split = Split(np.zeros((4, 64), int), np.repeat([0, 1], 2))
    long = " ".join(f"word{n}" for n in range(90)) + " <b>end</b>"
    data = Data(split, split, texts=("a  b", long, "c", "d"), test_texts=("e", "f\n", "g", "h"))
    monkeypatch.setattr(data_module, "needs_download", lambda config: False)
    monkeypatch.setattr(data_module, "examine", lambda config: data_module.Examination())
    monkeypatch.setattr(datasets, "load", lambda config: data)
    open_at(at, dataset="imdb", test="1")
    assert_sound(at)
    assert shown[-1][1]["captions"] is None
    at.toggle(key="texts:switch").set_value(True).run()
    assert_sound(at)
    captions = shown[-1][1]["captions"]
    assert [captions[0], *captions[2:]] == ["a b", "c", "d", "e", "f"]
    assert captions[1].startswith("… word") and captions[1].endswith(" word89 <b>end</b>")
    assert len(captions[1]) <= words.LONGEST_ENDING + 2
    assert shown[-1][1]["thumbnails"] is None


@pytest.mark.parametrize(("text", "shown"), [("", ""), (" a\n b ", "a b"), ("x" * 300, "x" * 240)])
def test_a_text_keeps_its_end(text, shown):
    assert words.ending(text).removeprefix("… ") == shown


def test_free_features_have_no_test_data_and_say_why(at, store, shown):
    store.put(make_run(RunConfig(architecture="UFM")))
    open_at(at, architecture="UFM", test="1")
    assert_sound(at)
    toggle = at.toggle(key="view:test")
    assert toggle.disabled and toggle.value is False
    assert "nothing that could give a test sample a feature" in toggle.help
    assert not shown[-1][1]["test"]
    assert shown[-1][0].test_points.shape[1] == 0
    assert "test" not in at.query_params


def test_a_wrong_toggle_in_the_address_is_told(at, store):
    store.put(make_run(RunConfig()))
    open_at(at, test="maybe")
    assert_sound(at)
    assert "**Test**: `maybe` must be 1 (test data are shown) or 0" in at.warning[0].value


def test_test_lines_join_the_points_at_which_they_were_taken():
    run = make_run(RunConfig(seeds=2))
    rows = curves.collapse_table(run, True).to_pylist()
    for name in ("nc1", "nc3"):
        line = [row for row in rows if row["metric"] == f"test {name.upper()}"]
        assert [row["passes"] for row in line] == run.curves["epoch"][[0, 3, 6]].tolist()
        for row, t in zip(line, (0, 3, 6), strict=True):
            a, b = run.curves[f"test_{name}"][t]
            assert row["mean"] == pytest.approx(np.sqrt(a * b), rel=1e-5)
    assert len(rows) == 3 * 7 + 2 * 3
    assert curves.collapse_table(run, False).to_pylist() == rows[:21]


def test_accuracies_are_means_over_live_seeds():
    run = make_run(RunConfig(seeds=3), diverged=np.array([False, True, False]))
    rows = curves.accuracy_table(run, True).to_pylist()
    train = [row for row in rows if row["samples"] == "training"]
    test = [row for row in rows if row["samples"] == "test"]
    assert len(train) == 7 and [row["passes"] for row in test] == [1, 22, 500]
    for line, name, points in ((train, "accuracy", range(7)), (test, "test_accuracy", (0, 3, 6))):
        for row, t in zip(line, points, strict=True):
            first, _, last = run.curves[name][t]
            assert row["accuracy"] == pytest.approx((first + last) / 2, rel=1e-6)
    assert curves.accuracy_table(run, False).to_pylist() == train


@pytest.mark.parametrize("spec", [curves.collapse_spec(True), curves.accuracy_spec(True)])
def test_lines_on_test_data_are_dashed_and_have_their_colour(spec):
    (line,) = [one for one in spec["layer"] if one["mark"]["type"] == "line"]
    dashes, colors = (line["encoding"][name]["scale"] for name in ("strokeDash", "color"))
    dash = dict(zip(dashes["domain"], dashes["range"], strict=True))
    color = dict(zip(colors["domain"], colors["range"], strict=True))
    pairs = {name: name.removeprefix("test ") for name in dash if name.startswith("test ")}
    pairs = pairs or {"test": "training"}
    for test, training in pairs.items():
        assert dash[test] != dash[training] == base.SOLID
        assert color[test] == color[training]


def test_before_the_first_point_the_charts_are_empty():
    run = make_run(RunConfig(), curves={})
    assert curves.accuracy_table(run, True).num_rows == 0
    assert curves.collapse_table(run, True).num_rows == 0


def test_two_classes_are_shown_without_a_focus(at, store, shown):
    config = RunConfig(classes=2)
    store.put(make_run(config))
    open_at(at, classes="2", focus="0,1")
    assert_sound(at)
    assert all(group.key != "view:focus" for group in at.button_group)
    projection, given = shown[-1]
    assert projection.focus == () and projection.edges == ((0, 1),)
    assert given["class_names"] == ("0", "1")
    assert "opposite each other, at a cosine of −1" in texts(at)
