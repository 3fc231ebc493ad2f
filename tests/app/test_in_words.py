"""What charts say in words, against the arrays of the run that they draw."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from app.charts import compare, cosines, curves, depth, in_words, layers
from app.components import laws, text
from ncengine.analysis.fits import PowerLaw
from ncengine.config import RunConfig
from ncengine.metrics import class_cosines
from tests.app.conftest import make_run, open_at
from tests.app.test_depth import law_run

CONFIG = RunConfig(seeds=3)


def of(curve, told):
    """The sentence on one curve: what it says by its words "first", "least" and "last"."""
    (sentence,) = [one for one in re.split(r"(?<=\.) (?=\S)", told) if one.startswith(f"{curve}:")]
    said = {}
    for words, value, at in re.findall(
        r"((?:first|least|last)(?: and least)?) (\S+(?: %)?) at pass ([\d,]+)", sentence
    ):
        for word in words.split(" and "):
            said[word] = value, int(at.replace(",", ""))
    return said


def expected(passes, values, say=text.number):
    """The same of the arrays themselves."""
    passes, values = passes[np.isfinite(values)], values[np.isfinite(values)]
    places = {"first": 0, "least": np.argmin(values), "last": len(values) - 1}
    return {word: (say(float(values[n])), int(passes[n])) for word, n in places.items()}


def test_the_objective_tells_each_part_and_what_is_the_same_throughout():
    run = make_run(CONFIG)
    told = in_words.told_of(curves.objective_table(run))
    parts = {"objective": "loss", "fit": "fit", "last-layer decay": "decay_last"}
    for part, curve in parts.items():
        means = run.curves[curve].astype(np.float32).mean(axis=1)
        assert of(part, told) == expected(run.curves["epoch"], means), part
    assert f"floor: {text.number(run.floor)} throughout." in told


def test_a_part_that_is_not_drawn_is_not_told():
    run = make_run(RunConfig(architecture="UFM", dataset="digits"), floor=None)
    run.curves["decay_hidden"][:] = 0
    told = in_words.told_of(curves.objective_table(run))
    assert "floor" not in told and "hidden decay" not in told and "objective: first" in told


def test_collapse_is_told_as_geometric_means_of_the_seeds_that_go_on():
    run = make_run(CONFIG, diverged=np.array([False, False, True]))
    told = in_words.told_of(curves.collapse_table(run, test=True))
    for curve, name in {"nc1": "NC1", "nc2a": "NC2", "nc3": "NC3"}.items():
        mean = np.exp(np.log(run.curves[curve][:, :2]).mean(axis=1))
        assert of(name, told) == expected(run.curves["epoch"], mean)
    # Taken at every third point alone.
    mean = np.exp(np.log(run.curves["test_nc1"][::3, :2]).mean(axis=1))
    assert of("test NC1", told) == expected(run.curves["epoch"][::3], mean)


def test_accuracy_is_told_in_percent():
    run = make_run(CONFIG)
    run.curves["accuracy"][-1] = 1.0
    told = in_words.told_of(curves.accuracy_table(run, test=False))
    mean = run.curves["accuracy"].mean(axis=1)
    assert of("training", told) == expected(run.curves["epoch"], mean, text.accuracy)
    assert "last 100 %" in told


def test_what_has_no_value_is_no_curve():
    run = make_run(CONFIG)
    for name in run.curves.keys() - {"epoch"}:
        run.curves[name][:] = np.nan
    assert in_words.told_of(curves.collapse_table(run, False)) == (
        "There is nothing to be seen yet."
    )


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([0.5], "NC1: 0.500 at pass 1."),
        ([2, 2, 2], "NC1: 2.00 throughout."),
        ([1, np.nan, 3], "NC1: first and least 1.00 at pass 1, last 3.00 at pass 100."),
        ([3, 2, 1e-6], "NC1: first 3.00 at pass 1, last and least 1.00e−6 at pass 100."),
        ([3, 1, 2], "NC1: first 3.00 at pass 1, least 1.00 at pass 10, last 2.00 at pass 100."),
        ([np.nan], ""),
    ],
)
def test_a_curve_in_a_sentence(values, told):
    passes = [1, 10, 100][: len(values)]
    assert in_words.curve("NC1", passes, values, in_words.at_pass) == told


def series(depths, **fields):
    """The finished runs of a series over these depths."""
    runs = [law_run(RunConfig(depth=L, seeds=2, **fields)) for L in depths]
    return [(run.config, f"{n}", run.summary()) for n, run in enumerate(runs)]


def test_a_panel_of_depth_tells_each_series_from_end_to_end_and_its_law():
    # In another order than that of their depths.
    runs = series((8, 2, 34))
    table = depth.table([runs], "depth", "nc1", [None])
    told = in_words.depths(table, ["RN1"], "L", ["It falls as L."])
    ends = [0.5 * L**-0.5 * np.sqrt(1.02) for L in (2, 34)]
    assert told == (
        f"RN1: first {text.number(ends[0])} at L = 2, last and least {text.number(ends[1])} at "
        "L = 34. It falls as L."
    )
    with_room = depth.with_room(
        in_words.telling(depth.table([runs[:1]], "depth", "nc1", [None]), "x")
    )
    assert in_words.told_of(with_room) == "x"


def test_a_law_is_told_where_it_is_claimed():
    law = PowerLaw(-0.547, 0.0, -0.6, -0.49, 5, 0.994, 0.5)
    assert laws.said(law, "depth") == (
        "It falls as L to the power −0.55 (95 %: −0.60 to −0.49, R² 0.994)."
    )
    rising = PowerLaw(0.5, 0.0, 0.4, 0.6, 5, 0.99, 0.01)
    assert laws.said(rising, "weight_decay").startswith("It rises nearly as λ to the power 0.50")
    assert laws.said(PowerLaw(-0.1, 0.0, -0.5, 0.3, 3, 0.2, 0.5), "depth") == ""
    assert laws.said(None, "depth") == ""


def test_a_grid_tells_every_weight_decay():
    runs = series((5, 2), weight_decay=0.005) + series((2, 5), weight_decay=0.02)
    told = in_words.grid(depth.map_table(runs, "nc1"), "NC1")
    ends = [text.number(0.5 * L**-0.5 * np.sqrt(1.02)) for L in (2, 5)]
    for decay in ("0.005", "0.02"):
        sentence = f"first {ends[0]} at L = 2, last and least {ends[1]} at L = 5."
        assert f"NC1 at λ = {decay}: {sentence}" in told


def test_cosines_tell_every_pair_of_few_classes_and_the_extremes_of_many():
    means = np.random.default_rng(1).normal(size=(7, 9))
    for classes in (3, 7):
        names = "abcdefg"[:classes]
        centred = means[:classes] - means[:classes].mean(axis=0)
        units = centred / np.linalg.norm(centred, axis=1, keepdims=True)
        pairs = {
            f"{names[i]} and {names[j]}": units[i] @ units[j]
            for i in range(classes)
            for j in range(i)
        }
        told = in_words.told_of(cosines.table(class_cosines(means[:classes]), tuple(names)))
        if classes == 3:
            said = dict(pair.split(": ") for pair in told.rstrip(".").split("; "))
            assert said == {pair: text.number(cosine) for pair, cosine in pairs.items()}
        else:
            low, high = (pick(pairs, key=pairs.__getitem__) for pick in (min, max))
            assert f"least {text.number(pairs[low])} between {low}," in told
            assert f"greatest {text.number(pairs[high])} between {high}," in told
            assert f"{text.number(np.mean(list(pairs.values())))} on average" in told


def in_layers(told, moment):
    (sentence,) = re.findall(rf"NC1 at pass {moment}: (.+?)\.(?= |$)", told)
    found = re.findall(r"(first|least|last)(?: and least)? (\S+) in layer (\d+)", sentence)
    return {word: (value, int(layer)) for word, value, layer in found if word != "least"}


@pytest.mark.parametrize("form", ["lines", "map"])
def test_layers_tell_the_moment_and_the_first(form):
    run = make_run(CONFIG)
    table = (
        layers.lines_table(run.layers, "nc1", 1)
        if form == "lines"
        else layers.map_table(run.layers, "nc1")
    )
    told = in_words.told_of(table)
    for g, passes in enumerate(run.layers.epoch):
        means = np.exp(np.log(run.layers.nc1[g]).mean(axis=0))
        said = in_layers(told, f"{passes:,}")
        assert said["first"] == (text.number(means[0]), 1)
        assert said["last"] == (text.number(means[-1]), len(means))


def test_blocks_tell_how_far_they_turn_a_sample_in_degrees():
    run = make_run(CONFIG)
    told = in_words.blocks(layers.blocks_table(run.layers, 1), "movement", "turn", "°")
    degrees = np.degrees(run.layers.movement[1].mean(axis=0))
    assert f"{text.number(degrees[0])}° in block 1" in told
    assert f"least {text.number(degrees.min())}° in block {degrees.argmin() + 1}" in told


def test_runs_over_each_other_tell_each():
    runs = {"a": make_run(CONFIG), "b": make_run(CONFIG.with_(epochs=700))}
    told = in_words.told_of(compare.table(runs, "nc1"))
    for name, run in runs.items():
        mean = np.exp(np.log(run.curves["nc1"]).mean(axis=1))
        assert of(name, told) == expected(run.curves["epoch"], mean)


def test_names_say_what_is_on_the_axes_and_are_the_same_for_other_data(at, store):
    run = make_run(RunConfig())
    store.put(run)
    charts = at.run().get("vega_lite_chart")
    names = [chart.proto.alt for chart in charts]
    assert "Chart of objective, mean over seeds over passes over the data" in names
    assert sum(name.endswith("over passes over the data") for name in names) == 3
    # What the words say is left to them: all else would be read out mark by mark.
    assert all(json.loads(chart.proto.spec)["config"]["aria"] is False for chart in charts)
    assert all(json.loads(chart.proto.spec)["config"]["mark"]["aria"] is False for chart in charts)
    said = [html.proto.body for html in at.get("html") if 'class="told"' in html.proto.body]
    assert len(said) == len(charts)
    across = "Across: passes over the data, logarithmic. "
    assert sum(across in one for one in said) == 3
    assert any(f"Up: objective, mean over seeds, logarithmic. {across}obj" in one for one in said)
    assert any(f"Up: accuracy, mean over seeds. {across}training" in one for one in said)
    scaled = {name: values * 1000 + 1 for name, values in run.curves.items()}
    store.put(make_run(RunConfig(), curves=scaled, floor=77.7))
    at.run()
    assert [chart.proto.alt for chart in at.get("vega_lite_chart")] == names
    other = [html.proto.body for html in at.get("html") if 'class="told"' in html.proto.body]
    assert other != said


def test_every_chart_of_the_layers_has_a_name_and_words(at, store):
    store.put(make_run(RunConfig()))
    for form in ("lines", "map"):
        open_at(at, beside="layers", form=form)
        charts = at.get("vega_lite_chart")
        said = [html.proto.body for html in at.get("html") if 'class="told"' in html.proto.body]
        assert len(said) == len(charts) and all(chart.proto.alt for chart in charts)
        assert all(len(one) > 60 for one in said)
