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
    # Not so far that the axes of a simplex are any that one likes.
    config = RunConfig(
        samples_per_class=20, depth=4, width=12, epochs=60, seeds=2, solver="Adam", initial_scale=1
    )
    return train(config, store=Store(tmp_path_factory.mktemp("cache")), workers=1)


def made_up(run, nc1, pinv=None):
    nc1 = np.asarray(nc1, float)[None]
    pinv = np.asarray(nc1 if pinv is None else [pinv], float)
    means = simplices(*nc1.shape, 10, 12)
    at = np.array([1])
    return run.layers.with_(epoch=at, means_epoch=at, nc1=nc1, nc1_pinv=pinv, class_means=means)


def simplices(*shape):
    """Class means (..., K, d) that spread in K - 1 directions, as they are stored."""
    means = np.zeros(shape, np.float16)
    means[...] = np.eye(*shape[-2:])
    return means


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


def test_the_law_is_the_line_that_scipy_fits(run):
    rng = np.random.default_rng(3)
    pinv = 10 ** (0.3 - 0.25 * np.arange(7) + 0.05 * rng.normal(size=7))
    line = linregress(np.arange(7), np.log10(pinv))

    found = layer_by_layer(made_up(run, pinv[None], pinv[None]), 0)
    assert found.factor == pytest.approx(10**line.slope)
    assert found.explained == pytest.approx(line.rvalue**2)
    assert found.law_holds


@pytest.mark.parametrize("pinv", [[1, 1, 1, 1], [1, 0.9, 1.2, 0.01], [0.1, 1, 10, 100], [1, 0.1]])
def test_no_law_where_there_is_none(pinv, run):
    assert not layer_by_layer(made_up(run, [pinv], [pinv]), 0).law_holds


FALLING = [1.0, 0.5, 0.25, 0.125, 0.0625]


def plane(means):
    """The class means (..., K, d) on a plane of that space."""
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(12, 12)))[0]
    points = np.random.default_rng(2).normal(size=(*means.shape[:-1], 2)) @ turn[:2]
    return (3 * points + 1).astype(np.float16)


def test_the_law_is_not_judged_where_class_means_do_not_span_all_dimensions(run):
    whole = made_up(run, [FALLING, FALLING])
    assert layer_by_layer(whole, 0).law_holds and not layer_by_layer(whole, 0).lacking
    flat = replace(whole, class_means=plane(whole.class_means))
    found = layer_by_layer(flat, 0)
    assert found.factor is None and not found.law_holds
    assert found.lacking == dict.fromkeys(range(1, 6), 2) and found.needed == 9
    # Of one seed is enough.
    one = whole.class_means.copy()
    one[:, 1] = plane(one[:, 1])
    assert layer_by_layer(replace(whole, class_means=one), 0).factor is None


def test_layers_without_the_rank_are_left_out_of_the_law(run):
    pinv = [123.0, *FALLING]
    layers = made_up(run, [pinv], [pinv])
    means = layers.class_means.copy()
    means[:, :, 0] = 0.5
    found = layer_by_layer(layers.with_(class_means=means), 0)
    assert found.lacking == {1: 0}
    assert found.factor == pytest.approx(0.5) and found.explained == pytest.approx(1)


@pytest.mark.parametrize("width, rank", [(4, 3), (10, 9), (9, 8), (2, 1)])
def test_a_sphere_has_room_for_so_many_dimensions(run, width, rank):
    """Also where no class means were kept: of a shipped run they are zeros or not there."""
    layers = made_up(run, [FALLING])
    for means in (
        np.zeros((1, 1, 5, 10, width), np.float16),
        np.full((1, 1, 5, 10, width), np.nan, np.float16),
        np.random.default_rng(0).normal(size=(1, 1, 5, 10, width)).astype(np.float16),
    ):
        found = layer_by_layer(layers.with_(class_means=means), 0)
        assert found.spanned == (rank,) * 5
        assert (found.factor is None) == (rank < 9)
    none = layers.with_(class_means=means[:0], means_epoch=layers.means_epoch[:0])
    assert layer_by_layer(none, 0).spanned == (rank,) * 5


def test_the_rank_is_that_of_the_moment_next_to_it(run):
    layers = made_up(run, [FALLING])
    means = np.concatenate([plane(layers.class_means), layers.class_means])
    three = {"epoch": np.array([1, 8, 90]), "means_epoch": np.array([1, 100])}
    three |= {name: np.repeat(getattr(layers, name), 3, axis=0) for name in ("nc1", "nc1_pinv")}
    layers = layers.with_(class_means=means, **three)
    ranks = [layer_by_layer(layers, g).spanned[0] for g in range(3)]
    assert ranks == [2, 2, 9]


def test_more_classes_than_dimensions_in_training(tmp_path):
    """Numbers that are none below zero, next to those of the definition, and no law."""
    config = RunConfig(samples_per_class=20, depth=5, width=4, epochs=30, seeds=2)
    narrow = train(config, store=Store(tmp_path), workers=1)
    pinv = narrow.layers.nc1_pinv
    assert np.isfinite(pinv).all() and (pinv > 0).all()
    for g in range(len(narrow.layers)):
        found = layer_by_layer(narrow.layers, g)
        assert found.factor is None and set(found.spanned) == {3}


@pytest.mark.parametrize("basis", ["last", "each"])
@pytest.mark.parametrize("focus", [(), (1, 4, 7)])
def test_the_way_through_layers_ends_where_the_film_is(run, basis, focus):
    how = {"basis": basis, "focus": focus}
    for r in range(2):
        film = project(run.geometry, r, **how)
        for f, passes in enumerate(run.layers.features_epoch):
            trajectory = through_layers(run.geometry, run.layers, f, r, **how)
            assert trajectory.epoch.tolist() == [1, 2, 3, 4]
            assert (
                len(trajectory.points)
                == len(trajectory.means)
                == len(trajectory.distance)
                == len(trajectory.angle_error)
            )
            np.testing.assert_array_equal(trajectory.labels, run.geometry.labels[run.layers.index])
            g = run.geometry.epoch.tolist().index(passes)
            np.testing.assert_allclose(trajectory.angle_error[-1], film.angle_error[g], atol=0.1)
            if basis == "last" or passes == run.geometry.epoch[-1]:
                own = film.points[g][run.layers.index]
                np.testing.assert_allclose(trajectory.points[-1], own, atol=2e-3)
                np.testing.assert_allclose(trajectory.means[-1], film.means[g], atol=2e-3)


def test_there_is_no_way_through_a_network_that_diverged(run):
    means = run.geometry.class_means.copy()
    means[:, 0] = np.nan
    lost = replace(run.geometry, class_means=means)
    assert through_layers(lost, run.layers, 0, 0) is None
    assert through_layers(lost, run.layers, 0, 1) is not None
