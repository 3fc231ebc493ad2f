"""Compare: two runs, each picked by itself, beside each other in one address."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from streamlit.util import calc_hash

from app.components import pair
from app.picker import other
from ncengine.analysis import comparison
from ncengine.catalogue.metrics import METRICS
from ncengine.config import RunConfig
from ncengine.runs.identity import identify
from ncengine.runs.run import Status
from ncengine.version import EARLIER_VERSIONS
from tests.app.conftest import FLOOR, assert_sound, make_run, open_at, texts

LEFT = RunConfig(classes=4, samples_per_class=20, width=8, depth=3, norm="post", epochs=100)
RIGHT = LEFT.with_(norm="pre", depth=5)


@pytest.fixture
def both(at):
    at._page_hash = calc_hash("compare")
    return at


def opened(both, left=LEFT, right=RIGHT, **query):
    asked = {} if right is None else {"other": other.as_one(right)}
    return open_at(both, **left.query(), **asked, **query)


def sides(at):
    return at.session_state["config"], at.session_state["other:config"]


def said(at, name):
    """A parameter of the address."""
    value = at.query_params.get(name)
    return value[0] if isinstance(value, list) else value


def differs(run, factor):
    """The run with every NC1 that many times as large, and the gap too."""
    curves = {**run.curves}
    for name in ("nc1", "gap"):
        curves[name] = curves[name] * factor
    return replace(run, curves=curves)


# The address.


def test_an_address_holds_both_sides_and_stays_as_it_is(both):
    opened(both)
    assert_sound(both)
    assert sides(both) == (LEFT, RIGHT)
    assert said(both, "other") == other.as_one(RIGHT)
    assert both.get("page_link")[1].proto.label == "Compare"


@pytest.mark.parametrize(
    "config",
    [
        LEFT,
        RIGHT,
        RunConfig(),
        RunConfig(architecture="UFM"),
        LEFT.with_(seeds=(4,)),
        LEFT.with_(seeds=(0,), start="neighbour", via="2, 3@0.02"),
    ],
)
def test_one_parameter_gives_the_same_configuration_back(both, config):
    text = other.as_one(config)
    opened(both, right=config)
    assert sides(both)[1] == config and text.startswith("dataset=")


def test_without_a_second_side_it_begins_as_the_first(both):
    opened(both, right=None)
    assert_sound(both)
    assert sides(both) == (LEFT, LEFT) and said(both, "other") is None
    assert "nothing differs" in texts(both)
    both.button_group(key="other:norm").set_value("pre").run()
    assert sides(both) == (LEFT, LEFT.with_(norm="pre"))
    assert said(both, "other") == other.as_one(LEFT.with_(norm="pre"))


def test_a_change_at_the_left_leaves_the_right_as_it_was(both):
    opened(both, right=None)
    both.button_group(key="other:side").set_value("left").run()
    both.button_group(key="field:norm").set_value("pre").run()
    assert sides(both) == (LEFT.with_(norm="pre"), LEFT)
    assert (said(both, "norm"), said(both, "other")) == ("pre", other.as_one(LEFT))


@pytest.mark.parametrize(
    "text, words, meant",
    [
        ("depth=900;dataset=digits", "`900` must be a whole number from 2 to 200", {"depth": 200}),
        ("dataset=nothing", "`nothing` must be one of", {}),
        ("no such thing", "must be fields of a configuration", LEFT),
        ("depth=2;depth=3", "must be fields of a configuration, each once", LEFT),
        ("dataset=digits;colour=red", "colour", {}),
        ("dataset=<b>x</b>*", "must be one of", {}),
    ],
)
def test_a_bad_second_side_is_told_and_the_nearest_is_shown(both, text, words, meant):
    open_at(both, **LEFT.query(), other=text)
    assert_sound(both)
    assert words in both.warning[0].value
    assert sides(both)[1] == (RunConfig(**meant) if isinstance(meant, dict) else meant)


def test_a_run_that_is_not_at_hand_is_told(both):
    opened(both, other_run="12ab")
    assert_sound(both)
    assert "**Right run**: `12ab` must be the key" in both.warning[0].value
    assert sides(both) == (LEFT, RIGHT)


@pytest.mark.parametrize(
    "right, asked, shown, written",
    [
        (RIGHT, None, "pass", None),
        (RIGHT.with_(epochs=200), None, "share", None),
        (RIGHT.with_(epochs=200), "pass", "pass", "pass"),
        (RIGHT, "share", "share", "share"),
        (RIGHT, "pass", "pass", None),
        (RIGHT, "sand", "pass", None),
    ],
)
def test_the_clock_fits_the_budgets_unless_it_is_asked_for(both, right, asked, shown, written):
    opened(both, right=right, **({} if asked is None else {"clock": asked}))
    assert both.button_group(key="compare:clock_widget").value == shown
    assert said(both, "clock") == written
    assert bool(both.warning) == (asked == "sand")
    both.button_group(key="compare:clock_widget").set_value("share").run()
    assert both.button_group(key="compare:clock_widget").value == "share"
    usual = "pass" if right.budget == LEFT.budget else "share"
    assert said(both, "clock") == (None if usual == "share" else "share")


# What is picked.


def test_swap_and_back(both):
    opened(both)
    both.button(key="compare:swap").click().run()
    assert_sound(both)
    assert sides(both) == (RIGHT, LEFT)
    assert (said(both, "norm"), said(both, "other")) == ("pre", other.as_one(LEFT))
    both.button(key="compare:swap").click().run()
    assert sides(both) == (LEFT, RIGHT)


def test_take_over_all_but_one_field(both):
    opened(both)
    keys = [button.key for button in both.button if button.key.startswith("take_over")]
    assert keys == ["take_over:norm", "take_over:depth"]
    both.button(key="take_over:norm").click().run()
    assert sides(both) == (LEFT, LEFT.with_(norm="pre"))


@pytest.mark.parametrize("n, side", list(enumerate(["left", "right"])))
def test_each_side_has_its_depth_and_its_presets(both, n, side):
    opened(both)
    both.button_group(key=f"compare:depth:{side}").set_value(8).run()
    assert [config.depth for config in sides(both)] == [8 if k == n else (3, 5)[k] for k in (0, 1)]
    both.button_group(key="other:side").set_value(side).run()
    both.button(key=f"preset_default_{side}").click().run()
    assert sides(both)[n] == RunConfig()
    both.button(key=f"preset_paper_{side}").click().run()
    assert sides(both)[n].epochs == 5000
    both.button(key=f"preset_instant_{side}").click().run()
    assert sides(both)[n].classes == 4
    assert_sound(both)


# What is said.


def test_nothing_is_trained_by_itself_and_a_button_trains_a_side(both, jobs):
    jobs.seconds = 1.0
    opened(both)
    assert jobs.submitted == []
    assert "both are not trained yet" in texts(both)
    both.button(key="train:right").click().run()
    assert jobs.submitted == [RIGHT]


@pytest.mark.parametrize(
    "status, words",
    [
        (Status.RUNNING, "the right one is still to end"),
        (Status.CANCELLED, "the right one was stopped before its end"),
        (Status.FAILED, "the right one failed"),
        (Status.DIVERGED, "every seed of the right one diverged"),
    ],
)
def test_what_is_not_done_is_told_with_care(both, store, status, words):
    store.put(make_run(LEFT))
    lost = status is Status.DIVERGED
    store.put(make_run(RIGHT, status, error="<b>*no*", diverged=np.full(3, lost)))
    opened(both)
    assert not both.exception
    assert words in texts(both) and "<b>" not in texts(both).replace("\\<b", "")


def test_the_sentence_tells_the_difference_and_what_came_of_it():
    left = make_run(LEFT)
    factor = 1 / 3.2
    words = comparison.sentence(left, replace(differs(left, factor), config=LEFT.with_(norm="pre")))
    assert words.startswith("They differ by LayerNorm (post-LN against pre-LN): the right one ends")
    assert "with NC1 3.2 times smaller, and its objective is 3.2 times nearer to the floor" in words
    words = comparison.sentence(left, replace(differs(left, 0.88), config=LEFT.with_(norm="pre")))
    assert "NC1 1.1 times smaller, and its objective is 12 % nearer to the floor." in words
    same = comparison.sentence(left, left)
    assert same == "Both sides show the same run: nothing differs."


def test_of_many_differences_four_are_named():
    changed = RIGHT.with_(width=16, weight_decay=0.01, seeds=(4,), learning_rate=0.001)
    words = comparison.sentence(make_run(LEFT), make_run(changed))
    count = len(comparison.differing([LEFT, changed]))
    assert count > 4 and f" and {count - 4} more: " in words
    assert words.count(" against ") >= 4


def test_of_one_sample_a_class_nc1_tells_nothing():
    left, right = (make_run(one.with_(samples_per_class=1)) for one in (LEFT, RIGHT))
    assert "of NC1 nothing can be told" in comparison.sentence(left, right)


def geometric(run, name):
    return np.exp(np.log(run.curves[name][-1]).mean())


def test_the_table_holds_what_numpy_finds(both, store):
    left, right = make_run(LEFT), differs(make_run(RIGHT), 0.5)
    store.put(left)
    store.put(right)
    opened(both)
    assert_sound(both)
    found = {
        (one.metric.asked_as or one.metric.name, one.test): one
        for one in comparison.figures(left, right)
    }
    for name, expected in {
        "loss": geometric,
        "nc1": geometric,
        "nc3": geometric,
        "gap": lambda run, name: run.curves[name][-1].mean(),
        "accuracy": lambda run, name: run.curves[name][-1].mean(),
    }.items():
        one = found[name, False]
        assert one.left == pytest.approx(expected(left, name))
        assert one.right == pytest.approx(expected(right, name))
        assert one.ratio == pytest.approx(expected(right, name) / expected(left, name))
    html = next(e.proto.body for e in both.get("html") if 'class="figures"' in e.proto.body)
    cells = [re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", row) for row in html.split("<tr>")[2:]]
    assert cells == [list(row) for row in pair.rows(comparison.figures(left, right))]
    assert [row[0] for row in cells][:3] == ["Objective", "Gap to the floor", "NC1"]


def test_what_was_not_recorded_and_what_is_not_comparable_has_no_ratio():
    left = make_run(LEFT, floor=FLOOR)
    right = make_run(LEFT.with_(loss="MSE"))
    right.curves["test_accuracy"][:] = np.nan
    found = {(one.metric.title, one.test): one for one in comparison.figures(left, right)}
    nc2 = found[METRICS["nc2a"].title, False]
    assert nc2.left and nc2.right and nc2.ratio is None
    accuracy = found["accuracy", True]
    assert accuracy.right is None and accuracy.ratio is None
    assert ("Test accuracy", "–", "–") == tuple(np.array(pair.rows([accuracy])[0])[[0, 2, 3]])


def test_of_two_classes_nc2_is_marked():
    left, right = (make_run(one.with_(classes=2)) for one in (LEFT, RIGHT))
    titles = [row[0] for row in pair.rows(comparison.figures(left, right))]
    assert "NC2 *" in titles and "NC1" in titles


def test_a_very_run_is_shown_by_its_key_at_either_side(both, store, monkeypatch):
    """As the Library has them that are not what their configuration means now."""
    store.put(make_run(LEFT))
    store.put_earlier(make_run(RIGHT))
    older = replace(identify(RIGHT), engine_version=EARLIER_VERSIONS[0])
    monkeypatch.setattr(store, "identity", {older.key: older}.get)
    opened(both, other_run=older.key)
    assert_sound(both)
    assert (said(both, "other_run"), said(both, "run")) == (older.key, None)
    assert both.session_state["other:run"] == older
    both.button(key="compare:swap").click().run()
    assert (said(both, "other_run"), said(both, "run")) == (None, older.key)
    both.button(key="compare:swap").click().run()
    assert (said(both, "other_run"), said(both, "run")) == (older.key, None)
    # Another depth is another run.
    both.button_group(key="compare:depth:right").set_value(8).run()
    assert said(both, "other_run") is None
    assert_sound(both)


# From other pages.


def test_explore_leads_to_it_with_what_is_looked_at(at, store):
    store.put(make_run(LEFT))
    open_at(at, **LEFT.query())
    at.button(key="compare").click().run()
    assert said(at, "other") == other.as_one(LEFT)
