"""What is said of layers, on ones made up; the way through them against the film of training."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import linregress

from ncengine.analysis.layer_by_layer import layer_by_layer
from ncengine.analysis.projection import project
from ncengine.analysis.through_layers import through_layers
from ncengine.config import RunConfig
from ncengine.jobs.foreground import run as train
from ncengine.metrics.layers import collapsed_layers
from ncengine.runs.store import Store


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    config = RunConfig(samples_per_class=20, depth=4, width=12, epochs=60, seeds=2)
    return train(config, store=Store(tmp_path_factory.mktemp("cache")), workers=1)


def made_up(run, nc1, pinv=None):
    nc1 = np.asarray(nc1, float)[None]
    return replace(run.layers, nc1=nc1, nc1_pinv=np.asarray(nc1 if pinv is None else [pinv], float))


@pytest.mark.parametrize(
    "nc1, expected",
    [
        ([1.0, 0.5, 0.109, 0.1], 2),
        ([1.0, 0.5, 0.111, 0.1], 1),
        ([0.1, 0.5, 0.1, 0.1], 2),
        ([0.1, 0.1, 0.1], 3),
        ([1.0, 0.0, 0.0], 2),
        ([1.0, np.inf, np.inf], 0),
        ([1.0, np.nan], 0),
        ([0.4], 1),
    ],
)
def test_final_layers_within_a_tenth_of_the_last_count(nc1, expected):
    assert collapsed_layers(np.array(nc1)) == expected
    assert collapsed_layers(np.array([nc1, nc1])).tolist() == [expected] * 2


def test_collapse_begins_where_nc1_has_halved(run):
    found = layer_by_layer(made_up(run, [[1.0, 2.0, 1.1, 0.9, 0.1]] * 2), 0)
    assert (found.begins, found.collapsed, found.layers) == (4, 1, 5)
    assert (found.first, found.last) == pytest.approx((1.0, 0.1))
    assert layer_by_layer(made_up(run, [[1.0, 0.9, 0.8]]), 0).begins is None


def test_seeds_are_averaged_on_a_log_scale_and_diverged_ones_left_out(run):
    found = layer_by_layer(made_up(run, [[1.0, 0.01], [1.0, 0.0001], [np.nan, np.nan]]), 0)
    assert found.last == pytest.approx(0.001)
    assert layer_by_layer(made_up(run, [[np.nan, np.nan]]), 0) is None


def test_the_law_is_the_line_that_scipy_fits():
    rng = np.random.default_rng(3)
    pinv = 10 ** (0.3 - 0.25 * np.arange(7) + 0.05 * rng.normal(size=7))
    line = linregress(np.arange(7), np.log10(pinv))

    class Made:
        nc1 = nc1_pinv = pinv[None, None]

    found = layer_by_layer(Made, 0)
    assert found.factor == pytest.approx(10**line.slope)
    assert found.explained == pytest.approx(line.rvalue**2)
    assert found.law_holds


@pytest.mark.parametrize("pinv", [[1, 1, 1, 1], [1, 0.9, 1.2, 0.01], [0.1, 1, 10, 100], [1, 0.1]])
def test_no_law_where_there_is_none(pinv, run):
    assert not layer_by_layer(made_up(run, [pinv], [pinv]), 0).law_holds


@pytest.mark.parametrize("basis", ["last", "each"])
@pytest.mark.parametrize("focus", [(), (1, 4, 7)])
def test_the_way_through_layers_ends_where_the_film_is(run, basis, focus):
    how = {"basis": basis, "focus": focus}
    for r in range(2):
        film = project(run.geometry, r, **how)
        for f, passes in enumerate(run.layers.features_epoch):
            way = through_layers(run.geometry, run.layers, f, r, **how)
            assert way.epoch.tolist() == [1, 2, 3, 4]
            assert len(way.points) == len(way.means) == len(way.distance) == len(way.angle_error)
            np.testing.assert_array_equal(way.labels, run.geometry.labels[run.layers.index])
            g = run.geometry.epoch.tolist().index(passes)
            np.testing.assert_allclose(way.angle_error[-1], film.angle_error[g], atol=0.1)
            if basis == "last" or passes == run.geometry.epoch[-1]:
                own = film.points[g][run.layers.index]
                np.testing.assert_allclose(way.points[-1], own, atol=2e-3)
                np.testing.assert_allclose(way.means[-1], film.means[g], atol=2e-3)


def test_there_is_no_way_through_a_network_that_diverged(run):
    means = run.geometry.class_means.copy()
    means[:, 0] = np.nan
    lost = replace(run.geometry, class_means=means)
    assert through_layers(lost, run.layers, 0, 0) is None
    assert through_layers(lost, run.layers, 0, 1) is not None
