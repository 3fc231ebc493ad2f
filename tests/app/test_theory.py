"""The page Theory: its address, its sliders, and what its parts say."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from app.charts import lines as charts
from app.charts.lines import LINEAR, LOG, MOMENTS, STEPS, Axes, Chart, Line
from app.components import theory, theory_code
from app.engine import runs
from app.export import lines as in_file
from app.stage.story import Step
from ncengine.analysis.words import number
from ncengine.runs.gallery import Gallery
from ncengine.runs.store import Store
from ncengine.theory import best_figure, gufm_optimum
from tests.app.conftest import MAIN, assert_sound, open_at, texts

SHIPPED = Path(__file__).resolve().parents[2] / "cache" / "gallery"


@pytest.fixture
def at(store, jobs) -> AppTest:
    """The page, as its address opens it."""
    found = AppTest.from_file(MAIN, default_timeout=60)
    found._page_hash = calc_hash("theory")
    return found


@pytest.mark.parametrize("part", theory.PARTS)
def test_each_part_opens_at_its_address(at, part):
    open_at(at, part=part)
    assert_sound(at)
    assert not at.warning and len(at.get("vega_lite_chart")) >= 2
    assert len(at.select_slider) >= 3


def test_the_floor_is_the_closed_form(at):
    open_at(at, **{"at": "classes=6;width=10;weight_decay=0.02"})
    optimum = gufm_optimum(6, 10, 0.02)
    words = texts(at)
    assert f"objective **{optimum.loss:.3f}**" in words
    assert f"norm **{optimum.row_norm:.2f}**" in words
    assert f"probability **{100 * optimum.probability:.1f} %**" in words
    assert "−1/5 = −0.200" in words
    assert_sound(at)


@pytest.mark.parametrize("classes, decay", [(2, 1e-5), (4, 1e-4)])
def test_no_probability_is_told_as_certain(classes, decay, at):
    """The least of the objective along the logit gap, by golden section."""
    open_at(at, **{"at": f"classes={classes};width=4;weight_decay={decay}"})
    norm = np.sqrt(4) * classes / (classes - 1)
    others = classes - 1

    def objective(gap):
        return np.log1p(others * np.exp(-gap)) + decay * classes / 2 * (gap / norm) ** 2

    gap = minimize_scalar(objective, bounds=(1, 40), method="bounded", options={"xatol": 1e-9}).x
    missing = others * np.exp(-gap) / (1 + others * np.exp(-gap))
    assert f"probability **1 − {number(missing)}**" in texts(at)


def test_transformers_of_one_linear_layer_are_not_said_to_need_a_falling_decay(at):
    """Theorem 4 is of them too; Theorem 10 of those with two."""
    open_at(at, part="layers")
    words = texts(at)
    assert "RN2 and transformers only" not in words.replace("*", "")
    assert "one, as in T11 and T21 (Theorem 4), or two, as in T12 and T22 (Theorem 10)" in words


def test_where_no_simplex_fits_the_best_known_is_said_to_be_that(at):
    open_at(at, **{"at": "classes=9;width=4"})
    figure = best_figure(9, 4, 0.005)
    words = texts(at)
    assert (
        "No figure of 9 equal angles fits" in words and "that none is better is not proved" in words
    )
    assert f"objective **{figure.loss:.3f}**, best known" in words
    assert "rows are **not** parallel to their class means" in words
    assert "a triangular prism with three caps" in words
    assert_sound(at)


def test_where_many_figures_are_as_good_none_is_told_as_the_best(at):
    open_at(at, **{"at": "classes=4;loss=MSE"})
    words = texts(at)
    # There is room for four equal angles, though not for right ones.
    assert "No 4 classes at right angles to each other fit" in words
    assert "many figures are equally good" in words and "best known is" not in words
    assert "angles between classes from" not in words and "NC2" not in words
    assert_sound(at)


def test_the_descent_is_compared_with_the_best_known_figure():
    from app.theory import parts

    values = {**theory.usual("floor"), "classes": 6}
    seen = parts.seen("floor", values)
    title = "NC2 to best known"
    shown = {one.label: one.shown for one in seen.readings}
    assert "NC2" not in shown and title in [line.what for line in seen.chart.lines]
    # Of six classes it is the octahedron: each has one opposite, and four at right angles.
    for frame, told in ((0, shown[title][0]), (-1, shown[title][-1])):
        features, labels = seen.film.features[frame], seen.film.labels
        means = np.stack([features[labels == k].mean(0) for k in range(6)])
        last = np.stack([seen.film.features[-1][labels == k].mean(0) for k in range(6)])
        figure = np.round(last @ last.T / 4)
        gram = means @ means.T
        gram /= np.linalg.norm(gram)
        along = (gram * figure).sum() / (figure**2).sum()
        left = float(np.linalg.norm(gram - along * figure))
        assert sorted(figure[0]) == [-1, 0, 0, 0, 0, 1]
        assert told == number(left) or left < 1e-3


def test_a_descent_that_is_cut_short_says_how_far_it_came(at):
    open_at(at, **{"at": "classes=12;width=64;weight_decay=1e-05;loss=MSE;bias=true"})
    words = texts(at)
    assert "cut short after 1,000 steps" in words and "not the best" not in words
    open_at(at, **{"at": "classes=5;width=12"})
    assert "the descent above ended" not in texts(at)


def test_a_descent_that_ends_in_another_figure_is_told(at):
    open_at(at, **{"at": "classes=12;width=10;weight_decay=0.5;bias=true"})
    assert "in a figure that is not the best" in texts(at)
    open_at(at, **{"at": "classes=9"})
    assert "in a figure that is not the best" not in texts(at)


def test_of_two_classes_there_is_one_other(at):
    open_at(at, **{"at": "classes=2"})
    words = texts(at)
    assert "the cosine of the two is −1: they are opposite" in words
    assert "above the other" in words and "any other" not in words


def test_unequal_classes_have_no_bias_and_it_is_said(at):
    # Were there one, it would cost less: 0.0334 by a minimisation of its own.
    open_at(at, **{"at": "minority=2;ratio=100.0;bias=true"})
    words = texts(at)
    assert "2 classes of 4 have 100 times fewer samples than the others" in words
    assert "has **no bias** here" in words
    open_at(at, **{"at": "minority=1;ratio=10000.0"})
    assert "One class of 4 has 10,000 times fewer samples" in texts(at)


@pytest.mark.parametrize(
    "problem",
    [
        (12, 4, 0.5, "ce", False),
        (12, 4, 0.5, "ce", True),
        (12, 3, 1e-5, "ce", False),
        (9, 8, 1e-5, "mse", True),
        (12, 12, 1e-5, "mse", False),
    ],
)
def test_a_best_figure_is_found_while_a_slider_moves(problem, monkeypatch):
    """What takes the time is counted: some ten thousand evaluations take half a second."""
    from app.theory import floor
    from ncengine.theory import figures

    calls, evaluate = [], figures.Problem.__call__
    monkeypatch.setattr(
        figures.Problem, "__call__", lambda self, x: calls.append(1) or evaluate(self, x)
    )
    figures.best_figure.cache_clear()
    best = floor._Best(problem)
    assert len(calls) < 12_000
    assert best.loss == pytest.approx(figures.best_figure(*problem, 15).loss, rel=1e-8)


@pytest.mark.parametrize("minority, ratio", [(1, 1.0), (2, 2500.0), (3, 3.3)])
def test_points_of_unequal_classes_stand_where_sliders_do(minority, ratio):
    from app.theory import unequal

    lines = unequal._lines(4, 4, 0.005, minority, ratio)
    cosines = Chart("one", Axes("R", "cosine", LOG, LINEAR), lines[:2])
    gap = Chart("two", Axes("R", "gap"), lines[2:])
    first, second = (
        [row["x"] for row in charts.table(one).to_pylist() if row["kind"] == "chosen"]
        for one in (cosines, gap)
    )
    # Of one large class alone there are no two; of classes of one size there is no gap.
    assert first == [ratio] * (1 if minority == 3 else 2)
    assert second == ([] if ratio == 1 else [ratio])


@pytest.mark.parametrize(
    "part, values",
    [("layers", {"blocks": 300, "change": 0.1}), ("shortcut", {"delta": 2e-6})],
)
def test_points_stand_where_sliders_do(part, values):
    from app.theory import parts

    values = {**theory.usual(part), **values}
    seen = parts.seen(part, values)
    found = set()
    for chart in (seen.chart, seen.second):
        rows = charts.table(chart).to_pylist()
        found |= {row["x"] for row in rows if row["kind"] == "chosen"}
    assert found == {values[name] for name in ("blocks", "change", "delta") if name in values}


@pytest.fixture
def shipped(at, tmp_path, monkeypatch):
    """With the runs of the gallery."""
    found = Store(tmp_path / "cache", Gallery(SHIPPED))
    monkeypatch.setattr(runs, "store", lambda: found)


def test_trained_networks_stand_only_beside_their_own_problem(at, shipped):
    open_at(at, part="proof")
    assert "The best of the trained networks" in texts(at)
    assert "The proof's RN1 needs about **7,500,000** layers" in texts(at)
    at.select_slider(key="theory:proof:classes").set_value(3).run()
    words = texts(at)
    assert "The best of the trained networks" not in words
    assert "stand beside it at K = 4, d = 4 and λ = 0.005" in words


def test_a_depth_beyond_those_that_are_known_is_told_as_that(at, shipped):
    open_at(at, part="proof", **{"at": "per_class=7;margin=0.1"})
    assert "The proof's RN1 needs more than **" in texts(at)


def test_one_sample_a_class_has_no_nc1():
    from app.theory import parts

    seen = parts.seen("shortcut", {**theory.usual("shortcut"), "per_class": 1})
    assert seen.second.axes.y == "gap" and "has no spread" in seen.second.caption
    assert {r.label: r.note for r in seen.readings}["NC1"] == "one sample a class"


def test_of_one_large_class_it_is_said_that_it_is_one():
    from app.theory.unequal import _words

    assert "fewer samples than the other: " in _words(4, 4, 0.005, 3, 10.0)
    assert "fewer samples than the others: " in _words(4, 4, 0.005, 2, 10.0)


def test_minority_rows_meet(at):
    open_at(at, **{"at": "classes=10;width=64;ratio=5000.0"})
    words = texts(at)
    assert "**have become one**" in words
    assert "They meet at R = **2,276**. There the balanced figure costs 0.00311 more" in words
    at.select_slider(key="theory:floor:ratio").set_value(20.0).run()
    assert "at an angle of **89.3°**" in texts(at) and "**2,276**" in texts(at)
    assert at.query_params["at"] == "classes=10;width=64;ratio=20.0"


@pytest.mark.parametrize(
    "values, met",
    [
        # Rows 0.2 degrees apart are not one: they are at 196,531 alone.
        ((4, 4, 0.005, 3, 180_000.0), False),
        ((4, 4, 0.005, 3, 200_000.0), True),
        ((3, 4, 1e-5, 2, 1e4), False),
        ((4, 4, 0.5, 1, 1e4), False),
    ],
)
def test_that_rows_are_one_is_said_from_where_they_meet_on(values, met):
    from app.theory import unequal

    words = unequal._words(*values)
    assert ("**have become one**" in words) == met
    assert ("They meet at R = **" in words) == (values[3] > 1)
    assert "°" not in words if met else ("**0.0°**" not in words)


@pytest.mark.parametrize("problem", [(10, 64, 0.005, 2), (4, 4, 0.005, 3), (4, 64, 0.5, 2)])
def test_where_minorities_meet_is_a_mark_on_both_charts(problem):
    from app.theory import unequal
    from ncengine.theory import meeting_ratio

    ratio = meeting_ratio(*problem)
    cosine, gap = unequal._marks(*problem)
    lines = unequal._lines(*problem, 50.0)
    assert (cosine.x, cosine.y) == ([ratio], [1.0]) and gap.x == [ratio]
    # They lie on their lines, which go on beyond.
    for line, mark in ((lines[0], cosine), (lines[2], gap)):
        assert line.x[-1] > ratio
        on_line = np.exp(np.interp(np.log(ratio), np.log(line.x), np.log(np.abs(line.y))))
        assert mark.y[0] == pytest.approx(on_line, rel=0.1)


def test_far_beyond_the_chart_no_mark_is_drawn():
    from app.theory import unequal

    assert unequal._marks(3, 4, 1e-5, 2) == unequal._marks(4, 4, 0.005, 1) == []
    assert "far beyond the chart" in unequal._words(3, 4, 1e-5, 2, 100.0)


def test_a_slider_moves_the_address_and_another_part_keeps_its_own(at):
    open_at(at)
    assert "part" not in at.query_params
    at.select_slider(key="theory:floor:classes").set_value(6).run()
    assert at.query_params["at"] == "classes=6"
    at.segmented_control(key="theory:part").set_value("proof").run()
    assert at.query_params["part"] == "proof" and "at" not in at.query_params
    at.select_slider(key="theory:proof:classes").set_value(5).run()
    # Its simplex needs as wide a feature.
    assert at.select_slider(key="theory:proof:width").value == 5
    at.segmented_control(key="theory:part").set_value("floor").run()
    assert at.query_params["at"] == "classes=6"
    assert_sound(at)


@pytest.mark.parametrize(
    "query, line",
    [
        ({"part": "proofs"}, "Part**: `proofs` must be one of floor, proof, shortcut, layers"),
        ({"at": "classes"}, "At**: `classes` must be names and values"),
        ({"at": "classes=4;classes=5"}, "must be names and values, each once, as in"),
        ({"at": "depth=3"}, "At**: `depth` must name one of classes, width"),
        ({"at": "classes=99"}, "Classes K**: `99` must be a whole number from 2 to 12"),
        ({"at": "classes=3.5"}, "Classes K**: `3.5` must be a whole number"),
        ({"at": "weight_decay=nan"}, "Weight decay λ**: `nan` must be a number from 1e-05 to 0.5"),
        ({"at": "loss=hinge"}, "Loss**: `hinge` must be one of CE, MSE"),
        ({"at": "minority=9"}, "`9` must leave one class that is not small; showing **3**"),
        ({"part": "proof", "at": "classes=9"}, ""),
        (
            {"part": "proof", "at": "classes=9;width=4"},
            "Width d**: `4` must be at least the number",
        ),
        ({"part": "proof", "at": "classes=10;width=10;per_class=9"}, "at most 30 samples in all"),
    ],
)
def test_an_address_that_cannot_be_is_told_and_mended(query, line):
    shown, wrong = theory.parse(query)
    assert (line in wrong[0]) if line else not wrong
    # What is shown instead is what an address can say.
    assert theory.parse(shown.query()) == (shown, [])


def test_every_value_survives_its_address():
    random = np.random.default_rng(0)
    for _ in range(200):
        part = str(random.choice(theory.PARTS))
        values = {n: one.offered[random.integers(len(one.offered))] for n, one in
                  theory.FIELDS[part].items()}  # fmt: skip
        shown = theory.Theory().with_(part, theory.fit(part, values))
        assert theory.parse(shown.query()) == (shown, [])
        assert shown.of(part) == theory.fit(part, values)


def test_samples_that_lie_too_close_are_told(at, monkeypatch):
    from ncengine.theory.constructions import curves

    def no_way(*_):
        raise curves.NoWay("40 samples lie too close to each other")

    monkeypatch.setattr(curves, "plan", no_way)
    open_at(at, **{"part": "proof", "at": "seed=7;per_class=7"})
    assert not at.exception and not at.error
    assert "There is no such network: 40 samples lie too close" in at.warning[0].value


def test_a_story_shows_a_part():
    step = Step(page="Theory", query={"part": "proof", "at": "network=RN2"}, plays="training")
    assert step.page == "Theory"
    for wrong, words in (
        ({"part": "no"}, "Part: 'no' must be one of"),
        ({"at": "classes=4;part"}, "At: "),
        ({"dataset": "mnist"}, "'dataset' is no parameter of Theory"),
        ({"layer": "x"}, "must be the number of a layer"),
    ):
        with pytest.raises(ValueError, match=words):
            Step(page="Theory", query=wrong)


def test_the_page_never_loads_torch():
    code = f"""
import sys
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash
for part in {theory.PARTS}:
    at = AppTest.from_file({MAIN!r}, default_timeout=120)
    at._page_hash = calc_hash("theory")
    at.query_params["part"] = part
    at.run()
    assert not at.exception and len(at.get("vega_lite_chart")) > 1, part
print("torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == "False"


def test_other_pages_do_not_wait_for_what_it_loads():
    code = "import sys, app.frame; print(*{m.partition('.')[0] for m in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert "streamlit" in loaded and not {"scipy", "torch", "sklearn"} & set(loaded)


# Charts.


def test_a_chart_has_what_was_given_and_leaves_out_what_its_axis_cannot_show():
    axes = Axes("layer", "gap", MOMENTS, LOG)
    lines = [
        Line("one", "#111111", [1, 2, 3], [1.0, 0.0, 1e-3], chosen=2.9),
        Line("two", "#222222", [1, 2], [np.inf, np.nan], dashed=True),
        Line("three", "#333333", [5], [7.0], points=True),
    ]
    rows = charts.table(Chart("one", axes, lines)).to_pylist()
    assert [(row["x"], row["y"], row["what"], row["kind"]) for row in rows] == [
        (1, 1.0, "one", "line"),
        (3, 1e-3, "one", "line"),
        (3, 1e-3, "one", "chosen"),
        (5, 7.0, "three", "point"),
    ]
    told = charts.in_words.told_of(charts.table(Chart("one", axes, lines)))
    assert "one: first 1.00 at layer = 1.00" in told and "two" not in told


def test_a_legend_names_no_line_that_is_not_there(monkeypatch):
    drawn = []
    monkeypatch.setattr(charts.in_words, "draw", lambda table, spec, **_: drawn.append(spec))
    lines = [
        Line("one", "#111111", [1, 2], [1.0, 2.0]),
        Line("two", "#222222", [1, 2], [np.nan, 0.0]),
    ]
    chart = Chart("one", Axes("layer", "gap"), lines)
    charts.draw(chart, fills=True)
    assert drawn[0]["layer"][0]["encoding"]["color"]["scale"]["domain"] == ["one"]
    # Nor in a file.
    html = in_file.drawn(chart)
    assert "one" in html and "two" not in html


def test_where_all_is_at_one_height_the_axis_has_ends():
    level = Line("one", "#111111", [1, 2, 3], [0.5] * 3)
    table = charts.table(Chart("one", Axes("step", "loss"), [level])).to_pylist()
    heights = [row["y"] for row in table]
    assert min(heights) < 0.2 and max(heights) > 1
    assert {row["kind"] for row in table if row["y"] != 0.5} == {"room"}
    linear = charts.table(Chart("one", Axes("step", "loss", LOG, LINEAR), [level]))
    assert set(linear["y"].to_pylist()) == {0.5}


@pytest.mark.parametrize("runs, kind", [(MOMENTS, "pow"), (STEPS, "symlog"), (LOG, "log")])
def test_a_chart_over_moments_is_one_that_the_player_knows(runs, kind):
    spec = charts.spec(Axes("layer", "gap", runs), (("one", "#111111", False),))
    assert spec["layer"][0]["encoding"]["x"]["scale"]["type"] == kind


@pytest.mark.parametrize(
    "part, values",
    [
        ("floor", {}),
        ("floor", {"classes": 9, "loss": "MSE", "bias": True}),
        ("proof", {"margin": 0.5, "network": "RN2", "travel": 100, "settle": 100}),
        ("shortcut", {"delta": 1e-6}),
        ("layers", {"blocks": 30}),
    ],
)
def test_what_is_copied_runs_and_gives_what_is_shown(part, values, capsys):
    from app.theory import parts
    from ncengine.cli.main import main

    shown = theory.Theory().with_(part, theory.fit(part, {**theory.usual(part), **values}))
    code = theory_code.python(part, shown.of(part))
    *others, last = code.strip().splitlines()
    scope: dict = {}
    exec("\n".join(others), scope)
    found = eval(last, scope)
    readings = {r.label: r.last for r in parts.seen(part, shown.of(part)).readings}
    if part == "layers":
        assert readings["Two layers cost"] == number(found)
    elif part == "floor":
        first = eval(code.strip().splitlines()[2], scope)
        assert readings["Objective"] == number(first.loss)
    else:
        assert readings["If it ended here"] == number(found["loss"])
        line = theory_code.command(part, shown.of(part))
        assert main([*shlex.split(line)[1:], "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["loss"] == pytest.approx(found["loss"])


@pytest.mark.parametrize("network, margin", [("RN1", 1.0), ("RN2", 0.3)])
def test_of_more_blocks_than_can_be_built_what_is_copied_runs_too(network, margin):
    from app.theory import parts

    values = {"classes": 4, "network": network, "margin": margin, "width": 12}
    values |= {"travel": 100_000, "settle": 100_000}
    shown = theory.Theory().with_("proof", theory.fit("proof", {**theory.usual("proof"), **values}))
    assert theory_code.command("proof", shown.of("proof")) == ""
    *others, last = theory_code.python("proof", shown.of("proof")).strip().splitlines()
    scope: dict = {}
    exec("\n".join(others), scope)
    found, course = eval(last, scope)
    readings = {r.label: r.last for r in parts.seen("proof", shown.of("proof")).readings}
    assert readings["If it ended here"] == number(course.ended[-1])
    assert found.floor == pytest.approx(scope["optimum"].loss)


@pytest.mark.parametrize("part", theory.PARTS)
def test_what_is_shown_can_be_printed(part):
    """As the button does; what a drawing is made of is tried in `test_figure.py`."""
    from app.export import print_button
    from app.export.shown import Shown
    from app.theory import parts

    seen = parts.seen(part, theory.usual(part))
    shown = Shown(theory=(parts.TITLES[part], seen, ()))
    offer = print_button._offer("Theory", shown, {"epoch": "1"})
    assert len(offer.titles) == (2 if part == "layers" else 3)
    for name in offer.titles:
        drawing = offer.make(name).svg("single")
        assert drawing.startswith("<svg") and "Infinity" not in drawing and "NaN" not in drawing
        words = re.sub(r"\s+", " ", " ".join(re.findall(r">([^<>]+)<", drawing)))
        if name == "player":
            assert f"{seen.film.unit} 1" in words
        else:
            chart = seen.chart if name == seen.chart.name else seen.second
            assert chart.axes.x in words and chart.axes.y in words
            assert all(line.what in words for line in chart.lines)


@pytest.mark.parametrize(
    "part, more", [("floor", {"unequal", "unequal_gap"}), ("proof", {"law", "decays"})]
)
def test_charts_further_down_can_be_printed_too(part, more, at):
    from app.export import print_button

    assert_sound(open_at(at, part=part))
    shown = at.session_state["export:shown"]
    offer = print_button._offer("Theory", shown, {})
    assert more <= set(offer.titles)
    for chart in shown.theory[2]:
        drawing = offer.make(chart.name).svg("single")
        words = re.sub(r"\s+", " ", " ".join(re.findall(r">([^<>]+)<", drawing)))
        assert chart.axes.x in words and chart.axes.y in words
