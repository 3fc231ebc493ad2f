"""The view Layers on Explore, on runs made up."""

from dataclasses import replace

import numpy as np
import pytest

from app.charts import layers as charts
from app.player import on_page
from app.player.view import View
from app.views import layers as view
from ncengine.analysis.layer_by_layer import LayerByLayer
from ncengine.catalogue.metrics import Scale
from ncengine.config import RunConfig
from ncengine.runs.run import Status
from ncengine.snapshots.names import LAYERS
from tests.app.conftest import assert_sound, make_run, open_at, texts

CONFIG = RunConfig()
POST = CONFIG.with_(norm="post")


# By what a chart's spec holds that no other's does.
LINES, MAP, STREAM = charts.LAYER_TITLE, '"until"', charts.METRICS["stream_norm"].title
DECAY, MOVEMENT, OBJECTIVE = "decay paid", "turn of a sample", "objective, mean over seeds"


def drawn(at, what):
    """How many charts hold that."""
    return sum(what in chart.proto.spec for chart in at.get("vega_lite_chart"))


def test_it_is_one_click_away_and_stays_in_the_address(at, store):
    store.put(make_run(CONFIG))
    at.run()
    assert not drawn(at, LINES)
    at.segmented_control(key="view:beside").set_value("layers").run()
    assert_sound(at)
    assert drawn(at, LINES) == 2
    assert drawn(at, DECAY) == drawn(at, MOVEMENT) == drawn(at, STREAM) == 1
    assert not drawn(at, OBJECTIVE)
    assert at.query_params["beside"] == "layers"


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("form", ["lines", "map"])
def test_an_address_opens_any_metric_in_any_form(at, store, name, form):
    store.put(make_run(CONFIG))
    open_at(at, beside="layers", of=name, form=form)
    assert_sound(at)
    assert drawn(at, MAP) == (form == "map")
    assert drawn(at, LINES) == (2 if form == "lines" else 1)
    assert drawn(at, charts.METRICS[name].title)
    assert at.selectbox(key="view:of").value == name


@pytest.mark.parametrize("query", [{"beside": "x"}, {"of": "nc9"}, {"form": "cube"}])
def test_a_wrong_address_is_named(at, store, query):
    store.put(make_run(CONFIG))
    open_at(at, **query)
    assert_sound(at)
    (name,) = query
    assert f"{name.capitalize()}" in texts(at) and query[name] in texts(at)


def test_only_pre_ln_has_the_shortcut_explained(at, store):
    store.put(make_run(CONFIG))
    store.put(make_run(POST))
    open_at(at, beside="layers")
    assert "shortcut of pre-LN" in texts(at)
    at.query_params.clear()
    open_at(at, beside="layers", norm="post")
    assert "shortcut of pre-LN" not in texts(at)
    assert not drawn(at, STREAM)


def test_free_features_have_no_layers_to_look_at(at, store):
    store.put(make_run(RunConfig(architecture="UFM")))
    open_at(at, beside="layers", architecture="UFM")
    assert_sound(at)
    assert not drawn(at, LINES)
    assert drawn(at, OBJECTIVE)


def test_a_result_of_an_earlier_engine_is_shown_and_can_be_trained_anew(at, store, jobs):
    store.put_earlier(make_run(CONFIG))
    open_at(at, beside="layers")
    assert_sound(at)
    assert "earlier version of the engine" in texts(at)
    assert "holds the last layer alone" in at.info[0].value
    at.button(key="anew").click().run()
    assert jobs.submitted == [CONFIG]


def test_a_run_of_this_engine_says_nothing_of_versions(at, store):
    store.put(make_run(CONFIG))
    at.run()
    assert "earlier version" not in texts(at)


@pytest.mark.parametrize("status", [Status.RUNNING, Status.QUEUED, Status.CANCELLED])
def test_a_run_on_its_way_shows_what_there_is(at, store, status):
    store.put(make_run(CONFIG, status))
    open_at(at, beside="layers")
    assert_sound(at)
    assert drawn(at, LINES)


def test_a_run_before_its_first_snapshot_has_a_place_for_it(at, store):
    run = make_run(CONFIG, Status.RUNNING)
    store.put(replace(run, curves={}, geometry=None, layers=None, diverged=np.zeros(0, bool)))
    open_at(at, beside="layers")
    assert_sound(at)


def test_all_that_diverged_is_said(at, store):
    run = make_run(CONFIG, Status.DIVERGED, diverged=np.ones(3, bool))
    means = np.full_like(run.geometry.class_means, np.nan)
    store.put(replace(run, geometry=replace(run.geometry, class_means=means)))
    open_at(at, beside="layers")
    assert not at.exception
    assert any("all of them diverged" in info.value for info in at.info)


def test_the_moment_is_the_players(at, store):
    store.put(make_run(CONFIG))
    open_at(at, beside="layers", epoch="1")
    assert "At pass 1**" in texts(at)
    at.query_params.clear()
    open_at(at, beside="layers", epoch=str(CONFIG.epochs))


@pytest.mark.parametrize("name", LAYERS)
def test_lines_are_means_over_seeds(name):
    layers = make_run(CONFIG).layers
    table = charts.lines_table(layers, name, 1).to_pandas()
    values = getattr(layers, name)
    now = table[table.kind == "now"]
    geometric = charts.METRICS[name].scale is Scale.LOG
    expected = np.exp(np.log(values[1]).mean(0)) if geometric else values[1].mean(0)
    np.testing.assert_allclose(now["mean"], expected)
    assert now.layer.tolist() == [1, 2, 3, 4, 5]
    assert set(table[table.kind == "earlier"].passes) == {1.0}
    assert (now.low <= now["mean"]).all() and (now["mean"] <= now.high).all()


def test_the_axis_stays_whatever_the_moment():
    layers = make_run(CONFIG).layers
    ends = [
        table[table.kind == "range"]["mean"].tolist()
        for g in (0, 1)
        for table in [charts.lines_table(layers, "nc1", g).to_pandas()]
    ]
    assert ends[0] == ends[1]


def test_a_map_covers_all_passes():
    layers = make_run(CONFIG).layers
    passes = np.array([1, 10, 100, 1000])
    values = np.random.default_rng(0).uniform(0.1, 1, (4, 3, 5))
    table = charts.map_table(layers.with_(epoch=passes, nc1=values), "nc1").to_pandas()
    one = table[table.layer == 3]
    np.testing.assert_allclose(one.passes, [1, 10**0.5, 10**1.5, 10**2.5])
    assert one.until.iloc[-1] == 1000
    # What follows covers what is too long before it.
    assert (one.until.to_numpy()[:-1] >= one.passes.to_numpy()[1:]).all()
    np.testing.assert_allclose(one["mean"], np.exp(np.log(values[:, :, 2]).mean(1)))
    assert len(table) == 4 * 5
    single = charts.map_table(layers.with_(epoch=passes[:1], nc1=values[:1]), "nc1")
    assert single.num_rows == 5


def test_bars_are_means_over_seeds_and_angles_in_degrees():
    layers = make_run(CONFIG).layers
    table = charts.blocks_table(layers, 1).to_pandas()
    np.testing.assert_allclose(table.decay, layers.decay[1].mean(0))
    np.testing.assert_allclose(table.movement, np.degrees(layers.movement[1].mean(0)))
    assert table.block.tolist() == [1, 2, 3, 4]


def seen(**changed):
    fields = {
        "first": 0.5, "last": 0.01, "begins": 3, "collapsed": 2, "layers": 5, "factor": 0.4,
        "explained": 0.97,
    }  # fmt: skip
    return LayerByLayer(**{**fields, **changed})


@pytest.mark.parametrize(
    "changed, said",
    [
        ({}, ["begins at **layer 3**", "final 2 of 5", "holds: ", "by 0.400 a layer"]),
        ({"begins": 5, "collapsed": 1}, ["begins at **the last**", "No other layer is within"]),
        ({"begins": None, "collapsed": 5}, ["no layer halves NC1", "All 5 layers are within"]),
        ({"explained": 0.5}, ["does not hold"]),
        ({"factor": 1.2}, ["does not hold"]),
    ],
)
def test_the_sentence_says_what_is_seen(changed, said):
    words = view.sentence(seen(**changed), 1000)
    assert words.startswith("**At pass 1,000**")
    for one in said:
        assert one in words


def test_too_few_layers_for_a_law_are_not_spoken_of():
    assert "law" not in view.sentence(seen(layers=2, factor=None, explained=None), 1)


@pytest.mark.parametrize(
    "spanned, judged, said",
    [
        ((3,) * 5, False, "is not judged: the class means spread in 3 directions, where comparing "
         "10 classes takes K − 1 = 9 directions."),
        ((2, 3, 3, 3, 3), False, "the class means spread in at most 3 directions"),
        ((1, 1, 1, 9, 9), False, "the class means of layers 1 to 3 spread in 1 direction,"),
        ((0, 9, 9, 9, 9), True, "Layer 1 is left out: its class means coincide, where"),
        ((0, 4, 9, 9, 9), True, "Layers 1 and 2 are left out: their class means spread in at most"),
        ((5, 9, 5, 9, 9), True, "Layers 1 and 3 are left out: their class means spread in 5 "),
    ],
)  # fmt: skip
def test_where_class_means_lack_dimensions_the_law_is_not_judged(spanned, judged, said):
    law = {} if judged else {"factor": None, "explained": None}
    words = view.sentence(seen(needed=9, spanned=spanned, **law), 1000)
    assert said in words
    assert ("holds: " in words) == judged


def test_there_are_ways_through_the_layers_of_a_run_at_rest():
    """One for each moment at which features were kept."""

    def trajectories_of(run):
        return on_page._trajectories(run, run.geometry, View(0), 0)

    trajectories = trajectories_of(make_run(CONFIG))
    assert [trajectory.epoch for trajectory in trajectories] == [1, CONFIG.epochs]
    assert trajectories[0].projection.points.shape == (5, 10, 3)
    assert trajectories_of(make_run(CONFIG, Status.RUNNING)) == []
    free = CONFIG.with_(architecture="UFM")
    assert trajectories_of(make_run(free)) == []


def test_shares_are_drawn_within_0_and_1_and_a_line_at_0_has_room():
    layers = make_run(RunConfig(seeds=3)).layers
    values = np.zeros_like(layers.ncc_error)
    values[..., 0] = [0.0, 0.0, 0.9]
    for shown, highest in ((values, 1.0), (1 - values, 1.0), (0 * values, charts.LEAST_SHARE)):
        rows = charts.lines_table(layers.with_(ncc_error=shown), "ncc_error", 1).to_pandas()
        assert rows["low"].min() >= 0 and rows["high"].max() <= 1
        ends = rows[rows["kind"] == "range"]["mean"]
        assert ends.min() == 0 and ends.max() <= highest
    scales = [one["encoding"]["y"].get("scale") for one in charts.lines_spec("ncc_error")["layer"]]
    assert all(scale["padding"] > 0 and scale["zero"] for scale in scales if scale)


def test_of_one_moment_map_and_lines_have_an_extent():
    layers = make_run(RunConfig()).layers
    names = ("epoch", "nc1")
    alone = layers.with_(**{name: getattr(layers, name)[:1] for name in names})
    rows = charts.map_table(alone, "nc1").to_pandas()
    assert (rows["passes"] < rows["at"]).all() and (rows["at"] < rows["until"]).all()
    same = layers.with_(nc1=np.full_like(layers.nc1, 0.3))
    rows = charts.lines_table(same, "nc1", 0).to_pandas()
    ends = rows[rows["kind"] == "range"]["mean"]
    assert ends.min() < 0.3 < ends.max()
