"""The page Depth on synthetic runs."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from app.charts import depth as charts
from app.components import laws, paper, recipes, series
from app.components.series import Picture, Series
from app.engine import data, sweep
from ncengine.analysis.fits import power_law
from ncengine.cli.sweep import _grid
from ncengine.config import ConfigError, RunConfig, grid
from ncengine.config.fields import PAPER_DEPTHS
from ncengine.config.sweeps import SWEEPS, sweep_series
from ncengine.runs.identity import identify
from ncengine.runs.run import Status
from ncengine.theory.depth_law import prediction

from .conftest import FLOOR, MAIN, assert_sound, make_run, open_at, texts

BASE = RunConfig()


@pytest.fixture(autouse=True)
def forget():
    sweep.seconds_left.clear()


@pytest.fixture
def at(store, jobs, monkeypatch) -> AppTest:
    """The page Depth, as its address opens it."""
    monkeypatch.setattr(data, "needs_download", lambda config: False)
    found = AppTest.from_file(MAIN, default_timeout=20)
    # As a browser that opens /depth.
    found._page_hash = _hash_of_depth(found)
    return found


def _hash_of_depth(at: AppTest) -> str:
    from streamlit.util import calc_hash

    return calc_hash("depth")


def law_run(config, slope=-0.5, status=Status.DONE, **changed):
    """A run whose figures follow a power law of its depth, each seed a little apart."""
    run = make_run(config, status, **changed)
    for name in ("nc1", "nc2a", "nc2b", "nc3", "gap"):
        for r in range(len(config.seeds)):
            run.curves[name][-1, r] = 0.5 * config.depth**slope * (1 + 0.02 * r)
    run.curves["loss"][-1] = FLOOR + run.curves["gap"][-1]
    return run


# The picture and its address.


def test_a_picture_reads_what_it_wrote():
    kept = (
        Series(RunConfig(architecture="RN2", seeds=(4, 7), weight_decay=0.0025), (2, 3, 5)),
        Series(RunConfig(dataset="imdb", depth=8), PAPER_DEPTHS, (0.001, 0.002)),
    )
    picture = Picture((3, 8, 60), (0.005, 0.0123), kept, "gap", "optima")
    found, wrong = series.parse(picture.query())
    assert wrong == []
    assert (found.depths, found.decays, found.metric) == ((3, 8, 60), (0.005, 0.0123), "gap")
    assert found.lines == "optima"
    assert "must be one of all, optima" in series.parse({"lines": "some"})[1][0]
    assert [list(one.grid) for one in found.kept] == [list(one.grid) for one in kept]
    assert series.parse(Picture().query()) == (Picture(), [])
    assert Picture().query() == {}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"depths": "2,3,1000"}, "**Depths**: `2,3,1000` must be up to 20 depths"),
        ({"depths": ""}, "**Depths**: an empty value"),
        ({"decays": "0.1,many"}, "**Decays**: `0.1,many`"),
        ({"kept": "architecture=XX"}, "**Kept**: `architecture=XX`"),
        ({"kept": "nonsense"}, "**Kept**: `nonsense`"),
        ({"kept": "|".join(["norm=post"] * 6)}, "**Kept**"),
        ({"metric": "nc9"}, "**Metric**: `nc9` must be one of nc1, nc2, nc3, gap"),
    ],
)
def test_what_is_wrong_in_an_address_is_told_and_the_rest_holds(query, said):
    picture, wrong = series.parse({"depths": "2,3", **query})
    assert len(wrong) == 1 and said in wrong[0]
    assert picture.depths == ((2, 3) if "depths" not in query else PAPER_DEPTHS)


def test_series_are_called_by_what_tells_them_apart():
    one = Series(RunConfig())
    assert series.labels([one]) == ["RN1, pre-LN · Digits, 10 × 100 · CE · λ = 0.005"]
    post = Series(RunConfig(norm="post"))
    assert series.labels([one, post]) == ["pre-LN", "post-LN"]
    deepening = Series(RunConfig(norm="post", start="deepening"))
    told = series.labels([post, deepening])
    assert told == ["start random", "start deepening"]
    # What follows from the network, such as its learning rate, says nothing more.
    transformer = Series(RunConfig(dataset="mnist", architecture="T11"))
    network = Series(RunConfig(dataset="mnist"))
    assert series.labels([network, transformer]) == ["RN1", "T11"]
    same = Series(RunConfig(), (2, 3))
    assert len(set(series.labels([one, same]))) == 2


def test_a_grid_is_over_both_and_one_depth_is_over_the_decay():
    assert Series(BASE).over == "depth" and not Series(BASE).is_grid
    assert Series(BASE, (5,), (0.1, 0.2)).over == "weight_decay"
    both = Series(BASE, (2, 3), (0.1, 0.2))
    assert both.is_grid and list(both.grid) == list(
        grid(BASE, depth=[2, 3], weight_decay=[0.1, 0.2])
    )


# Recipes.


def test_the_command_trains_the_series():
    import argparse
    import shlex

    from ncengine.cli.sweep import add_command

    one = Series(RunConfig(norm="post", decay_schedule="1/L", seeds=(3, 5)), (2, 3), (0.01, 0.02))
    parser = argparse.ArgumentParser()
    add_command(parser.add_subparsers())
    words = shlex.split(recipes.command(one))
    assert words[0] == "ncengine"
    assert list(_grid(parser.parse_args(words[1:]))) == list(one.grid)


def test_the_code_trains_all_series(monkeypatch):
    shown = [Series(RunConfig(norm="post"), (2, 3)), Series(RunConfig(width=8), (5,), (0.1, 0.2))]
    asked = []
    monkeypatch.setattr("ncengine.sweep", asked.append, raising=False)
    exec(recipes.python(shown), {})
    assert list(asked[0]) == [*shown[0].grid, *shown[1].grid]
    exec(recipes.python(shown[:1]), {})
    assert list(asked[1]) == list(shown[0].grid)


# Tables.


def finished(configs, slope=-0.5):
    found = []
    for config in configs:
        run = law_run(config, slope)
        found.append((config, config.title(), run.summary()))
    return found


def test_tables_hold_means_and_deviations_of_logarithms():
    runs = finished(Series(BASE, (2, 8, 34)).grid)
    fit = power_law(charts.at(runs, "depth"), charts.values(runs, "nc1"))
    table = charts.table([runs], "depth", "nc1", [fit]).to_pandas()
    points = table[table["kind"] == "mean"]
    np.testing.assert_array_equal(points["x"], [2, 8, 34])
    logs = np.log10([[0.5 * d**-0.5 * (1 + 0.02 * r) for r in range(3)] for d in (2, 8, 34)])
    np.testing.assert_allclose(np.log10(points["mean"]), logs.mean(axis=1))
    np.testing.assert_allclose(np.log10(points["high"]), logs.mean(axis=1) + logs.std(axis=1))
    np.testing.assert_allclose(np.log10(points["low"]), logs.mean(axis=1) - logs.std(axis=1))
    law = table[table["kind"] == "law"]
    np.testing.assert_allclose(law["mean"], fit([2, 34]))
    assert points["each"].iloc[0].startswith("0: 0.354 · 1: 0.361")
    slopes = table[table["kind"] == "slope"]
    first = points["mean"].iloc[0]
    np.testing.assert_allclose(
        slopes["mean"], [first, first * 17**-0.5, first, first / 17], rtol=1e-6
    )


def test_a_single_run_has_axes_about_it():
    one = make_run(RunConfig(depth=5))
    entry = [(one.config, "k", one.summary())]
    table = charts.with_room(charts.table([entry], "depth", "nc1", [None])).to_pandas()
    (point,) = table[table["kind"] == "mean"].to_dict("records")
    for name in ("x", "mean"):
        low, high = sorted(table[table["kind"] == "room"][name])
        assert low < point[name] < high and low * high == pytest.approx(point[name] ** 2)
    other = make_run(RunConfig(depth=8))
    both = [*entry, (other.config, "o", other.summary())]
    table = charts.table([both], "depth", "nc1", [None])
    assert set(table["x"].to_pylist()) == {5, 8}
    assert charts.with_room(table)["x"].to_pylist()[:2] == [5, 8]
    nothing = charts.table([[]], "depth", "nc1", [None])
    assert charts.with_room(nothing) is nothing


def test_diverged_seeds_are_left_out_and_empty_series_draw_nothing():
    run = law_run(RunConfig(depth=5), diverged=np.array([False, True, False]))
    found = charts.values([(run.config, "k", run.summary())], "nc1")
    assert np.isnan(found).tolist() == [[False, True, False]]
    assert len(charts.table([[], []], "depth", "nc1", [None, None])) == 0


def test_the_rest_of_the_gap_is_what_hidden_decay_is_not():
    run = law_run(RunConfig(depth=5))
    (rest,) = charts.values([(run.config, "k", run.summary())], "rest")
    np.testing.assert_allclose(rest, (run.curves["gap"] - run.curves["decay_hidden"])[-1])


def test_the_seconds_are_of_a_run_and_not_of_a_seed():
    run = law_run(RunConfig(depth=5))
    table = charts.table(
        [[(run.config, "k", run.summary())]], "depth", "seconds", [None], references=False
    ).to_pandas()
    assert table["mean"].tolist() == [pytest.approx(12.0)]
    assert table["each"].tolist() == ["all together"]


# Theory.


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"norm": "post"}, "Theorem 4"),
        ({"norm": "pre"}, "shrink its stream"),
        ({"architecture": "RN2", "norm": "post", "decay_schedule": "1/L"}, "Theorem 10"),
        ({"architecture": "RN2", "decay_schedule": "constant"}, "Appendix H"),
        ({"architecture": "T22", "decay_schedule": "uniform 1/L"}, "Appendix H"),
        ({"architecture": "UFM"}, "the floor itself"),
        ({"solver": "AdamW"}, "decoupled"),
        ({"norm": "post", "decay_schedule": "uniform 1/L"}, "no theorem covers"),
    ],
)
def test_the_theory_speaks_of_what_is_picked(values, said):
    config = RunConfig(**values)
    assert said in prediction(config)
    assert ("shrink its stream" in prediction(config)) == (
        config.norm == "pre" and config.architecture not in ("UFM",) and config.solver != "AdamW"
    )


# The page.


def test_before_anything_is_trained(at, jobs):
    open_at(at)
    assert_sound(at)
    assert at.header[0].value == "How collapse changes with depth"
    assert "0 of 7 are here" in texts(at) and "Theorem 4" in texts(at)
    jobs.seconds = 60.0
    sweep.seconds_left.clear()
    at.run()
    assert "About 7 min" in texts(at)
    at.button(key="train").click().run()
    assert_sound(at)
    assert [config.depth for config in jobs.submitted] == list(PAPER_DEPTHS)


def test_what_is_there_is_drawn_without_opening_a_run(at, store):
    for config in Series(BASE).grid:
        store.put(law_run(config))
    for config in Series(RunConfig(norm="post")).grid:
        store.put(law_run(config, slope=-0.25))
    open_at(at, kept="norm=post")
    assert_sound(at)
    assert len(at.get("vega_lite_chart")) == 7
    assert "All 14 networks are trained." in texts(at)
    assert "L<sup>−0.50</sup>" in texts(at) and "L<sup>−0.25</sup>" in texts(at)
    assert "Theorem 4" in texts(at)
    assert store.opened == 0


def test_what_is_seen_is_said_from_the_figures(at, store):
    for config in Series(BASE).grid:
        store.put(law_run(config))
    for config in Series(RunConfig(norm="post")).grid:
        store.put(law_run(config, slope=0.3))
    open_at(at, kept="norm=post")
    assert_sound(at)
    said = texts(at)
    assert "NC1 falls as L<sup>−0.50</sup>" in said and "NC1 rises as L<sup>0.30</sup>" in said
    assert "at every step; at L = 34 the objective ended at" in said


def test_runs_above_what_others_reach_are_hollow_and_named(at, store):
    """One of depth 3, trained otherwise, costs .1: so can all that are as deep, or deeper."""
    for config in Series(BASE).grid:
        store.put(law_run(config))

    def entry(depth, fit):
        config = BASE.with_(depth=depth, epochs=77)
        seed = {"seed": 0, "diverged": False, "fit": fit, "decay_hidden": 0.0, "decay_last": 0.0}
        return {"key": f"of {depth}", "config": config.model_dump(mode="json"), "seeds": [seed]}

    shallow = entry(3, 0.1)
    store.at_hand = lambda: [shallow]
    open_at(at)
    assert_sound(at)
    points = {config.depth: FLOOR + 0.5 * config.depth**-0.5 for config in Series(BASE).grid}
    above = [str(depth) for depth, objective in points.items() if depth >= 3 and objective > 0.11]
    assert above and f"at L = {', '.join(above)}. More passes" in texts(at)
    grid = [(c, identify(c).key, store.runs[identify(c).key].summary()) for c in Series(BASE).grid]
    bounds = sweep.bounds(grid)
    table = charts.table([grid], "depth", "loss", [None], bounds=bounds).to_pandas()
    means = table[table["kind"] == "mean"]
    assert [str(int(x)) for x in means[means["open"]]["x"]] == above
    steps = table[table["kind"] == "bound"]
    assert sorted(steps["x"]) == [3, 5, 8, 13, 21, 34] and set(steps["mean"]) == {0.1}


def test_what_is_above_its_neighbour_starts_from_it_and_the_lower_run_is_drawn(at, store, jobs):
    def costs(run, more=0.0):
        run.curves["loss"][-1] += more
        run.curves["fit"][-1] = run.curves["loss"][-1]
        for part in ("decay_hidden", "decay_last"):
            run.curves[part][-1] = 0
        return run

    for config in Series(BASE).grid:
        run = costs(law_run(config), 0.2 * (config.depth == 13))
        run.curves["nc1"][-1] *= 9 if config.depth == 13 else 1
        store.put(run)
    store.at_hand = lambda: [{**r.summary(), **r.machine} for r in store.runs.values()]
    open_at(at)
    assert_sound(at)
    assert "at L = 13. More passes" in texts(at)
    # Its NC1 is far off the line, which is all the others'.
    assert "NC1 falls as L<sup>−0.50</sup>" not in texts(at)
    at.toggle(key="depth:lines").set_value(True).run()
    assert_sound(at)
    assert "No line is fitted to them." in texts(at)
    assert "NC1 falls as L<sup>−0.50</sup>" in texts(at)
    assert at.query_params["lines"] in ("optima", ["optima"])
    at.button(key="from-neighbours").click().run()
    assert_sound(at)
    (start,) = jobs.submitted
    assert start == BASE.with_(depth=13, start="neighbour", via="8")
    store.put(replace(costs(law_run(BASE.with_(depth=13))), config=start, key=identify(start).key))
    at.run()
    assert_sound(at)
    said = texts(at)
    assert "More passes" not in said and "**Started from a neighbour’s network**" in said
    assert "at L = 13." in said and "from-neighbours" not in [button.key for button in at.button]


def test_where_no_figure_fits_there_is_neither_gap_nor_floor(at, store, unknown_figures):
    base = BASE.with_(width=4)
    for config in Series(base).grid:
        store.put(law_run(config, floor=None))
    open_at(at, width="4")
    assert_sound(at)
    said = texts(at)
    assert "no simplex of K = 10 points fits in the d − 1 = 3 dimensions" in said
    assert "Dashed: the floor" not in said and "hidden decay" not in said
    assert "No theorem speaks of this width" in said
    assert len(at.get("vega_lite_chart")) == 6


@pytest.mark.parametrize(
    ("fields", "metric"), [({"samples_per_class": 1}, "NC1"), ({"classes": 2}, "NC2"), ({}, None)]
)
def test_what_is_trivial_by_construction_is_said_to_tell_nothing(at, store, fields, metric):
    base = BASE.with_(**fields)
    for config in Series(base).grid:
        store.put(law_run(config))
    open_at(at, **{name: str(value) for name, value in fields.items()})
    assert_sound(at)
    for name in ("NC1", "NC2", "NC3"):
        assert (f"{name} tells nothing here" in texts(at)) == (name == metric)


def test_the_paper_is_named_once_and_recipes_say_what_they_train(at, store):
    configs = list(Series(BASE).grid)
    for n, config in enumerate(configs):
        if n:
            store.put(replace(law_run(config), shown_seed=0 if n < 3 else None))
    open_at(at)
    assert_sound(at)
    said = texts(at)
    assert said.count(paper.TITLE) == 1 and said.count("2025") == 1
    assert "Trains 3 of 7 networks, the 2 that the gallery ships among them" in said
    assert "log10" not in said


def test_while_some_train_and_after_some_failed(at, store, jobs):
    configs = list(Series(BASE, (2, 3, 5, 8)).grid)
    store.put(law_run(configs[0]))
    store.put(law_run(configs[1], status=Status.RUNNING))
    store.put(make_run(configs[2], Status.FAILED, error="the disk is full"))
    open_at(at, depths="2,3,5,8")
    assert_sound(at)
    assert "**Training**: 1 of 4 networks" in texts(at)
    at.button(key="stop").click().run()
    assert jobs.cancelled == [configs[1]]
    store.put(make_run(configs[1], Status.CANCELLED))
    at.run()
    assert ["the disk is full" in error.value for error in at.error] == [True]
    assert at.button(key="train").label == "Go on with 3 networks"


def test_runs_that_wait_for_a_worker_say_so(at, store, jobs):
    configs = list(Series(BASE, (2, 3)).grid)
    store.put(law_run(configs[0]))
    store.put(make_run(configs[1], Status.QUEUED))
    open_at(at, depths="2,3")
    before = sweep.moment(sweep.look(configs))
    assert "**Training**: 1 of 2 networks" in texts(at)
    jobs.waits_for = "the Dask scheduler has no workers"
    assert sweep.moment(sweep.look(configs)) != before  # so that it is drawn again
    at.run()
    assert_sound(at)
    assert "**Waiting**: the Dask scheduler has no workers" in texts(at)


def test_add_to_the_picture_and_take_out_again(at):
    open_at(at, norm="post", depths="2,3")
    at.button(key="keep").click().run()
    assert_sound(at)
    assert at.query_params["kept"] == "norm=post;depths=2,3" or at.query_params["kept"] == [
        "norm=post;depths=2,3"
    ]
    at.segmented_control(key="field:norm").set_value("pre").run()
    assert_sound(at)
    assert "post-LN" in texts(at) and "pre-LN" in texts(at)
    assert at.button(key="train").label == "Train 4 networks"
    at.button(key="drop-1").click().run()
    assert_sound(at)
    assert "kept" not in at.query_params
    assert at.button(key="train").label == "Train 2 networks"


def test_depths_are_picked_and_typed(at):
    open_at(at)
    at.multiselect(key="depth:depths").set_value(["2", "13"]).run()
    assert_sound(at)
    assert at.button(key="train").label == "Train 2 networks"
    picked = at.query_params["depths"]
    assert picked in ("2,13", ["2,13"])


def test_typed_depths_are_added_alone_and_a_list_of_them_together(at):
    open_at(at, depths="2,3,7")
    box = at.multiselect(key="depth:depths")
    box.set_value(["2", "3", "7", "4"]).run()
    assert_sound(at)
    assert at.query_params["depths"] in ("2,3,4,7", ["2,3,4,7"])
    at.multiselect(key="depth:depths").set_value(["2", "13, 8 5"]).run()
    assert at.query_params["depths"] in ("2,5,8,13", ["2,5,8,13"])


@pytest.mark.parametrize("typed", ["0", "x", "2.5", "1e400", "-3"])
def test_what_is_no_depth_is_told_below_the_field(at, typed):
    open_at(at, depths="2,3")
    at.multiselect(key="depth:depths").set_value(["2", "3", typed]).run()
    assert_sound(at)
    assert at.query_params["depths"] in ("2,3", ["2,3"])
    said = [caption.value for caption in at.caption if caption.value.startswith(":red[")]
    assert len(said) == 1 and "**Depth L** = " in said[0] and "whole number" in said[0]
    assert not at.toast
    many = " ".join(map(str, range(2, 30)))
    at.multiselect(key="depth:depths").set_value(["2", "3", many]).run()
    assert "28 values, but at most 20" in texts(at)
    assert at.query_params["depths"] in ("2,3", ["2,3"])


def test_what_is_added_leaves_the_other_values_as_they_are(at):
    exact = 0.00123456789
    open_at(at, decays=f"{exact!r},0.01")
    decays = at.multiselect(key="depth:decays")
    decays.set_value([*decays.value, "0.05"]).run()
    assert_sound(at)
    assert at.session_state["depth:picture"].decays == (exact, 0.01, 0.05)


@pytest.mark.parametrize("larger", [0.01, 0.0050000001])
def test_a_grid_is_a_heat_map(at, store, larger):
    configs = list(Series(BASE, (2, 3), (0.005, larger)).grid)
    for config in configs:
        store.put(law_run(config))
    open_at(at, depths="2,3", decays=f"0.005,{larger}")
    assert_sound(at)
    (chart,) = at.get("vega_lite_chart")
    assert '"rect"' in chart.proto.spec
    # Each decay has a row of its own, however close.
    assert '"0.005"' in chart.proto.spec and f'"{larger}"' in chart.proto.spec
    at.segmented_control(key="depth:metric").set_value("gap").run()
    assert_sound(at)
    assert at.query_params["metric"] in ("gap", ["gap"])


@pytest.mark.parametrize("name", SWEEPS)
def test_every_preset_is_one_click(at, name):
    open_at(at)
    at.button(key=f"preset-{name}").click().run()
    assert_sound(at)
    count = sum(map(len, sweep_series(name)))
    assert at.button(key="train").label == f"Train {count} networks"
    assert SWEEPS[name].look_for in texts(at)
    assert not at.warning


def test_the_table_is_that_of_the_command(store):
    configs = list(Series(BASE, (2, 3)).grid)
    store.put(law_run(configs[0]))
    table = sweep.table(sweep.look(configs))
    assert isinstance(table, pd.DataFrame) and list(table["depth"]) == [2, 2, 2]
    with pytest.raises(ConfigError):
        grid(BASE, depth=["x"])


def test_data_that_are_missing_are_offered(at, monkeypatch):
    monkeypatch.setattr(data, "needs_download", lambda config: config.dataset == "mnist")
    open_at(at, dataset="mnist")
    assert_sound(at)
    assert at.button(key="train").disabled
    assert at.button(key="download-mnist").label == "Download MNIST"


def test_several_data_sets_are_offered(at, monkeypatch):
    monkeypatch.setattr(data, "needs_download", lambda config: config.dataset != "digits")
    open_at(at)
    at.button(key="preset-figure-1").click().run()
    assert_sound(at)
    for name in ("mnist", "cifar10"):
        assert at.button(key=f"download-{name}").label.startswith("Download ")


def bent_run(config, values=None):
    """A run whose NC1 rises and falls with depth, as of post-LN on digits."""
    values = values or {2: 0.049, 5: 0.109, 13: 0.041}
    run = law_run(config)
    run.curves["nc1"][-1] = values[config.depth] * (1 + 0.02 * np.arange(len(config.seeds)))
    return run


def headings(at):
    return {text.split("</b>")[0].split("<b>")[1]: text for text in at_html(at)}


def at_html(at):
    return [
        one.proto.body for one in at.get("html") if '<div class="panel-heading">' in one.proto.body
    ]


def test_what_rises_and_falls_is_called_no_power_law_and_gets_no_line(at, store):
    runs = []
    for config in Series(BASE, (2, 5, 13)).grid:
        store.put(bent_run(config))
        runs.append((config, config.title(), bent_run(config).summary()))
    open_at(at, depths="2,5,13")
    assert_sound(at)
    told = headings(at)
    assert "no power law <small>R² 0.0" in told["NC1"] and "<sup>" not in told["NC1"]
    assert "L<sup>−0.50</sup> <small>95 %: −0.50 … −0.50 · R² 1.000</small>" in told["NC3"]
    assert "No power law: the points leave any line" in texts(at)
    fit = power_law(charts.at(runs, "depth"), charts.values(runs, "nc1"))
    assert "law" not in charts.table([runs], "depth", "nc1", [fit])["kind"].to_pylist()


def test_of_one_seed_the_interval_tells_how_far_the_points_are_from_the_line(at, store):
    one = RunConfig(seeds=(0,))
    for config in Series(one, (2, 5, 13)).grid:
        store.put(bent_run(config))
    open_at(at, seeds="1", depths="2,5,13")
    assert_sound(at)
    assert "no clear slope <small>95 %: −7.05 … 6.85" in headings(at)["NC1"]
    assert "No clear slope: it may as well be 0" in texts(at)


def test_the_table_of_slopes_says_what_the_page_says():
    straight, bent = Series(BASE, (2, 5, 13)), Series(RunConfig(norm="post"), (2, 5, 13))
    found = [
        finished(straight.grid),
        [(config, config.title(), bent_run(config).summary()) for config in bent.grid],
    ]
    rows = pd.read_csv(StringIO(laws.table([straight, bent], found)))
    assert list(rows.columns) == list(laws.COLUMNS)
    assert rows["series"].unique().tolist() == ["pre-LN", "post-LN"]
    nc1 = rows[rows["metric"] == "nc1"]
    assert nc1["verdict"].tolist() == ["power law", "no power law"]
    fit = power_law([2, 5, 13], charts.values(found[1], "nc1"))
    row = nc1.iloc[1]
    assert (row["slope"], row["low_95"], row["high_95"], row["r_squared"], row["misfit_p"]) == (
        pytest.approx((fit.slope, fit.low, fit.high, fit.r_squared, fit.misfit))
    )
    both = Series(BASE, (2, 5, 13), (0.005, 0.01))
    rows = pd.read_csv(StringIO(laws.table([both], [finished(both.grid)])))
    assert rows["of"].tolist() == ["weight_decay = 0.005"] * 4 + ["weight_decay = 0.01"] * 4
    assert (rows["points"] == 3).all()


def test_two_points_are_no_law(at, store):
    for config in Series(BASE, (2, 3)).grid:
        store.put(law_run(config))
    open_at(at, depths="2,3")
    assert_sound(at)
    assert "<sup>" not in texts(at)


def test_results_of_an_earlier_engine_are_drawn_but_for_what_they_lack(at, store):
    for config in Series(BASE).grid:
        store.put_earlier(law_run(config))
    open_at(at)
    assert_sound(at)
    assert "All 7 networks are trained." in texts(at)
    assert "L<sup>−0.50</sup>" in texts(at)
    # No layers were looked at, so none can be counted.
    assert len(at.get("vega_lite_chart")) == 6


def test_collapsed_layers_are_counted_seed_by_seed():
    run = law_run(BASE)
    ends = [[0.5, 0.4, 0.3, 0.105, 0.1], [0.1] * 5, [0.5, 0.4, 0.3, 0.2, 0.1]]
    nc1 = np.repeat(np.array(ends)[None], 2, axis=0)
    entry = replace(run, layers=run.layers.with_(nc1=nc1)).summary()
    found = charts.values([(BASE, "key", entry)], "collapsed_layers")
    assert found[0].tolist() == [2, 5, 1]
