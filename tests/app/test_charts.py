"""Specs hold no data; tables hold the right figures."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform

from app.charts import cosines as heatmap
from app.charts import curves
from app.components import clock, readouts, text
from ncengine.analysis import over_seeds
from ncengine.catalogue.metrics import METRICS, Place, Scale
from ncengine.config import RunConfig
from ncengine.metrics import class_cosines
from tests.app.conftest import FLOOR, assert_sound, make_run, open_at, texts

CONFIG = RunConfig(seeds=4)


def specs_on(at):
    return [json.loads(chart.proto.spec) for chart in at.get("vega_lite_chart")]


def test_other_data_leave_every_spec_as_it_was(at, store):
    run = make_run(RunConfig())
    store.put(run)
    before = specs_on(at.run())
    scaled = {name: values * 1000 + 1 for name, values in run.curves.items()}
    store.put(make_run(RunConfig(), curves=scaled, floor=77.7))
    after = specs_on(at.run())
    assert len(before) == 4
    assert before == after


@pytest.mark.parametrize(
    ("fields", "curve"),
    [({}, "nc2a"), ({"loss": "MSE"}, "nc2b"), ({"loss": "MSE", "last_bias": True}, "nc2a")],
)
def test_nc2_is_the_one_that_the_loss_makes_meaningful(fields, curve):
    run = make_run(RunConfig(**fields))
    rows = curves.collapse_table(run, False).to_pylist()
    shown = [row["mean"] for row in rows if row["metric"] == "NC2"]
    assert shown == pytest.approx(10 ** np.log10(run.curves[curve]).mean(axis=1))
    (value,) = [one.value for one in readouts.readouts(run) if one.label == "NC2"]
    assert value == text.number(10 ** np.log10(run.curves[curve][-1]).mean())


SPECS = (curves.objective_spec, curves.collapse_spec, curves.accuracy_spec)


@pytest.mark.parametrize("spec", SPECS)
def test_of_one_seed_no_chart_speaks_of_means_or_deviations(spec):
    words = ("±", "mean over", "mean ±")
    assert any(word in str(spec(True, several=True)) for word in words)
    assert not any(word in str(spec(True, several=False)) for word in words)


def test_of_one_seed_no_readout_speaks_of_seeds():
    one, three = (str(readouts.readouts(make_run(RunConfig(seeds=n)))) for n in (1, 3))
    assert "±" in three and "Over the seeds" in three
    assert "±" not in one and "seeds" not in one


@pytest.mark.parametrize(
    ("fields", "fits"),
    [
        ({"width": 16}, True),
        ({"width": 10}, True),
        ({"width": 9}, False),
        ({"width": 10, "loss": "MSE"}, False),
        ({"width": 10, "loss": "MSE", "last_bias": True}, True),
        ({"width": 9, "architecture": "UFM"}, False),
    ],
)
def test_where_the_figure_does_not_fit_nothing_is_compared_with_it(at, store, fields, fits):
    config = RunConfig(**fields)
    store.put(make_run(config, floor=FLOOR if fits else None))
    open_at(at, **config.query())
    assert_sound(at)
    specs, said = json.dumps(specs_on(at)), texts(at)
    assert ('"floor"' in specs) is fits
    assert ("'ideal '" in specs) is fits
    assert ("Gap to floor" in said) is fits
    assert ("In a simplex every two classes" in said) is fits
    assert ("More classes than fit" in said) is not fits
    assert bool([one for one in at.button if one.key == "next-depth"]) is (
        fits and config.architecture != "UFM"
    )


def colours_of(spec):
    """The heat map's scale from cosines to colours."""
    cells = spec["layer"][0] if "layer" in spec else spec
    return cells["encoding"]["color"]["scale"]


@pytest.mark.parametrize("classes", [3, 10])
def test_the_colours_of_cosines_are_centred_on_the_ideal(classes):
    low, middle, high = colours_of(heatmap.spec(tuple("ABCDEFGHIJ"[:classes])))["domain"]
    assert middle == pytest.approx(-1 / (classes - 1))
    assert middle - low == pytest.approx(high - middle)


def test_of_two_classes_the_ideal_cosine_is_the_least_there_is():
    scale = colours_of(heatmap.spec(("negative", "positive")))
    assert scale["domain"] == [-1, pytest.approx(-0.7)]
    ideal = colours_of(heatmap.spec(("a", "b", "c")))["range"][1]
    assert scale["range"][0] == ideal


def test_two_classes_meet_at_a_cosine_about_the_origin():
    means = np.array([[3.0, 0.0], [2.0, 2.0]])
    assert class_cosines(means)[0, 1] == pytest.approx(np.sqrt(0.5))
    three = np.array([[3.0, 0.0], [2.0, 2.0], [1.0, -4.0]])
    centred = three - three.mean(axis=0)
    expected = 1 - pdist(centred, "cosine")
    assert squareform(class_cosines(three), checks=False) == pytest.approx(expected)


def test_the_objective_is_the_sum_of_its_parts_and_averages_live_seeds_only():
    run = make_run(CONFIG, diverged=np.array([False, True, False, False]))
    run.curves["loss"][:, 1] = np.nan
    run.curves["fit"][2, 3] = np.nan
    table = curves.objective_table(run).to_pydict()
    live = [0, 2, 3]
    for t in range(run.points):
        assert table["passes"][t] == run.curves["epoch"][t]
        mean = sum(run.curves["loss"][t, r] for r in live) / 3
        assert table["objective"][t] == pytest.approx(mean)
        assert table["floor"][t] == pytest.approx(FLOOR)
    pair = run.curves["fit"][2, 0], run.curves["fit"][2, 2]
    assert table["fit"][2] == pytest.approx(sum(pair) / 2)


def test_bands_are_one_deviation_of_the_logarithm():
    run = make_run(CONFIG, diverged=np.array([False, False, False, True]))
    rows = curves.collapse_table(run, False).to_pylist()
    assert [row["metric"] for row in rows] == ["NC1"] * 7 + ["NC2"] * 7 + ["NC3"] * 7
    for row, t in zip(rows[7:14], range(7), strict=True):
        logs = np.log10(run.curves["nc2a"][t, :3])
        assert row["mean"] == pytest.approx(10 ** np.mean(logs), rel=1e-5)
        assert row["high"] / row["mean"] == pytest.approx(10 ** np.std(logs), rel=1e-5)
        assert row["low"] * row["high"] == pytest.approx(row["mean"] ** 2, rel=1e-5)


def test_a_class_has_no_cosine_with_itself():
    cosines = np.array([[1, -0.4, -0.6], [-0.4, 1, -0.5], [-0.6, -0.5, 1]])
    rows = heatmap.table(cosines, ("a", "b", "c")).to_pylist()
    shown = {(row["class"], row["other class"]): row["cosine"] for row in rows}
    assert shown["a", "c"] == pytest.approx(-0.6)
    assert shown["c", "b"] == pytest.approx(-0.5)
    assert all(np.isnan(shown[name, name]) for name in "abc")


def test_the_row_of_figures_has_its_seven():
    names = [figure.label for figure in readouts.readouts(make_run(CONFIG))]
    assert names[:2] == ["Objective", "Gap to floor"]
    seven = {*names[:2], "NC1", "NC2", "NC3", "Train accuracy", "Test accuracy"}
    assert seven <= {*names} and len(names) == len({*names})


def test_figures_without_a_value_show_a_dash():
    run = make_run(CONFIG)
    for name in run.curves.keys() - {"epoch"}:
        run.curves[name][:] = np.nan
    assert {figure.value for figure in readouts.readouts(run)} == {text.MISSING}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.030849, "0.0308"), (1.0, "1.00"), (0.9996, "1.00"), (0.00099999, "0.00100"),
        (0.000999, "9.99e−4"),
        (-0.1111, "−0.111"), (1.2345e-7, "1.23e−7"), (123456.0, "1.23e5"), (9999.6, "10000"),
        (0, "0"), (None, "–"), (float("nan"), "–"), (float("inf"), "∞"),
        (4.2e-310, "4.20e−310"),
    ],
)  # fmt: skip
def test_numbers_have_three_significant_digits(value, shown):
    assert text.number(value) == shown


def test_accuracy_says_100_only_where_nothing_is_wrong():
    assert text.accuracy(1.0) == "100 %"
    assert text.accuracy(0.9999) == "99.9 %"


@pytest.mark.parametrize(
    ("exponent", "shown"),
    [(-3.207, "log₁₀ −3.21"), (-0.004, "log₁₀ 0.00"), (0.0, "log₁₀ 0.00"), (2.5, "log₁₀ 2.50")],
)
def test_what_is_rounded_to_nothing_has_no_sign(exponent, shown):
    assert text.power_of_ten(exponent) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.3, "less than a second"), (40, "40 s"), (200, "3 min"), (4500, "75 min"),
     (4 * 3600 + 360, "4 h 6 min")],
)  # fmt: skip
def test_durations_are_rounded_for_a_reader(seconds, shown):
    assert text.duration(seconds) == shown


def test_a_day_is_told_without_the_hour():
    assert clock.day("2026-03-07T16:59:41+00:00") == "7 March 2026"
    assert clock.day("once") == "once"


def test_a_single_seed_that_is_left_has_no_deviation():
    run = make_run(CONFIG.with_(seeds=3))
    assert any("Over the seeds" in figure.help for figure in readouts.readouts(run))
    assert over_seeds.seeds_counted(run) == 3
    for name, values in run.curves.items():
        if name != "epoch":
            values[-1, :2] = np.nan
    left = replace(run, diverged=np.array([True, True, False]))
    assert over_seeds.seeds_counted(left) == 1
    assert not any("Over the seeds" in figure.help for figure in readouts.readouts(left))


def test_a_metric_of_test_samples_has_a_figure_of_its_own_on_any_scale(monkeypatch):
    for scale in (Scale.LOG, Scale.LINEAR):
        one = replace(
            METRICS["nc3"],
            scale=scale,
            shown=frozenset({Place.READOUTS}),
            shown_of_test=frozenset({Place.READOUTS}),
        )
        monkeypatch.setattr(readouts, "shown_in", lambda place, one=one: (one,))
        monkeypatch.setattr(readouts, "METRICS", {**METRICS, "nc3": one})
        run = make_run(CONFIG)
        names = [figure.label for figure in readouts.readouts(run)]
        assert names[-2:] == ["NC3", "Test NC3"]
        mean = run.curves["test_nc3"][-1].mean() if scale is Scale.LINEAR else None
        shown = readouts.readouts(run)[-1].value
        assert mean is None or shown == text.number(mean)
