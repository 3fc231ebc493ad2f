"""Runs beside the best figure that is known, where neither simplex nor frame fits."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import ortho_group

import ncengine
from ncengine.analysis.best_known import beside, beside_best_known, curves_beside, entry_beside
from ncengine.analysis.comparison import figures, sentence
from ncengine.analysis.outcome import outcome, outcome_of
from ncengine.analysis.projection import project
from ncengine.analysis.through_layers import through_layers
from ncengine.config import RunConfig
from ncengine.metrics.collapse import figure_distance, neural_collapse
from ncengine.runs.run import Geometry
from ncengine.runs.store import Store
from ncengine.runs.whole import load
from ncengine.theory import best_figure, simplex_etf
from ncengine.theory.optimum import Least, figure_of, floor_of, least_name
from ncengine.theory.solids import angles_of, edges_of

FREE = {"architecture": "UFM", "dataset": "digits", "samples_per_class": 5, "width": 4}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Store(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def five(store):
    """Free features of five classes on the ordinary sphere, trained to the end."""
    return ncengine.run(RunConfig(**FREE, classes=5, seeds=2, epochs=2000), store=store)


def in_the_sphere(figure, rng, K, d):
    """Class means (K, d) of norm sqrt(d): the figure in another order, turned, in the zero-sum
    hyperplane; and the order.
    """
    order = rng.permutation(K)
    plane = np.linalg.qr(np.column_stack([np.ones(d), rng.standard_normal((d, d - 1))]))[0][:, 1:]
    turned = figure[order] @ ortho_group.rvs(d - 1, random_state=rng) if d > 2 else figure[order]
    return np.sqrt(d) * turned @ plane.T, order


def geometry_of(*means):
    """Snapshots of one seed in which every class is one sample, at its mean."""
    means = np.array(means)[:, None]
    G, _, K, d = means.shape
    return Geometry(
        epoch=np.arange(G),
        class_means=means,
        classifier=means,
        features=means,
        labels=np.arange(K),
        sample_index=np.arange(K),
        test_features=np.zeros((G, 1, 0, d)),
        test_labels=np.zeros(0, int),
        test_index=np.zeros(0, int),
    )


def test_floors_stay_what_is_proved():
    narrow, wide = RunConfig(**FREE), RunConfig(**{**FREE, "width": 16})
    assert floor_of(narrow) is None and least_name(narrow) == "best known"
    assert figure_of(wide) is None and least_name(wide) == "floor"
    assert figure_of(narrow).loss == pytest.approx(0.323276, abs=1e-6)
    assert Least(1.0, True).name == "floor" and Least(1.0, False).name == "best known"


@pytest.mark.parametrize("classes, bias", [(5, False), (7, False), (10, False), (5, True)])
def test_a_bias_is_taken_into_account_with_cross_entropy_too(classes, bias):
    """Softmax of a constant on all logits is the same, but a constant a class is not."""
    with_bias, without = (best_figure(classes, 4, 0.005, "ce", b, 12) for b in (True, False))
    assert with_bias.loss < without.loss - 1e-4
    assert np.ptp(with_bias.bias) > 1e-3 and not without.bias.any()


@pytest.mark.parametrize("K, d, loss, unique", [
    (5, 4, "ce", True), (10, 4, "ce", True), (10, 8, "ce", True), (7, 5, "mse", False),
])  # fmt: skip
def test_it_is_told_whether_other_figures_are_as_good(K, d, loss, unique):
    figure = best_figure(K, d, 0.005, loss, False, 12)
    assert figure.unique is unique
    assert ("many are as good" in figure.words) is not unique


def test_a_squared_error_is_as_good_with_any_tight_frame():
    """Whence the figure is no ideal: K unit vectors whose Gram matrix has equal eigenvalues."""
    K, d, decay = 10, 6, 0.005
    D = d - 1
    share = decay * K / (K * d / D + decay * K)
    wanted = (K - D + D * share) / (2 * K)
    assert best_figure(K, d, decay, "mse", False, 4).loss == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("K, d", [(3, 2), (5, 4), (8, 4), (10, 4), (10, 8)])
@pytest.mark.parametrize("basis", ["last", "each"])
@pytest.mark.parametrize("focus", [(), (2, 0, 1)])
def test_of_the_figure_itself_in_any_order_and_turned_nothing_is_off(K, d, basis, focus):
    figure, rng = best_figure(K, d, 0.005).means, np.random.default_rng([K, d])
    means, _ = in_the_sphere(figure, rng, K, d)
    again = means @ np.linalg.qr(np.eye(d) - 2 / d)[0]  # turned within the hyperplane
    shown = project(geometry_of(means, again), 0, basis=basis, focus=focus, figure=figure)
    assert shown.ideal_fits and not shown.ideal_proved
    np.testing.assert_allclose(shown.angle_error, 0, atol=1e-5)
    np.testing.assert_allclose(shown.ideal[-1], shown.means[-1], atol=1e-5)
    if basis == "each":
        np.testing.assert_allclose(shown.ideal[0], shown.means[0], atol=1e-5)


def test_the_angle_error_against_loops():
    K, d = 6, 5
    figure, rng = best_figure(K, d, 0.01).means, np.random.default_rng(3)
    means, order = in_the_sphere(figure, rng, K, d)
    off = means + 0.05 * rng.standard_normal(means.shape)
    off -= off.mean(axis=1, keepdims=True)
    for focus in ((), (4, 0, 2)):
        worst, chosen = 0.0, focus or range(K)
        for i in chosen:
            for j in chosen:
                if i != j:
                    told = off[i] @ off[j] / np.linalg.norm(off[i]) / np.linalg.norm(off[j])
                    own = np.clip(figure[order[i]] @ figure[order[j]], -1, 1)
                    apart = abs(np.degrees(np.arccos(told)) - np.degrees(np.arccos(own)))
                    worst = max(worst, apart)
        shown = project(geometry_of(off), 0, focus=focus, figure=figure)
        assert shown.angle_error[0] == pytest.approx(worst, abs=1e-5)


def test_a_figure_that_is_not_needed_is_left_aside_and_one_of_another_shape_refused():
    K, d = 4, 6
    means, _ = in_the_sphere(
        np.pad(simplex_etf(K), ((0, 0), (0, 2))), np.random.default_rng(0), K, d
    )
    plain = project(geometry_of(means), 0)
    other = project(geometry_of(means), 0, figure=np.ones((K, d - 1)))
    assert plain.ideal_proved and other.ideal_proved
    np.testing.assert_array_equal(plain.ideal, other.ideal)
    with pytest.raises(ValueError, match=r"figure: shape \(4, 3\), must be \(4, 5\)"):
        project(geometry_of(means), 0, figure=np.ones((4, 3)))


def test_angles_near_a_half_turn_have_as_many_digits():
    for angle in (1e-7, 1e-3, 1.0, np.pi - 1e-7):
        points = np.array([[3.0, 0.0], [2 * np.cos(angle), 2 * np.sin(angle)]])
        assert angles_of(points)[0] == pytest.approx(angle, rel=1e-9)


@pytest.mark.parametrize("K, edges", [(5, 9), (6, 12), (8, 16), (12, 30)])
def test_the_edges_of_a_body(K, edges):
    """Bipyramid, octahedron, square antiprism (its squares have no diagonals), icosahedron."""
    found = edges_of(best_figure(K, 4, 0.005).means)
    assert len(found) == len(set(found)) == edges
    assert all(i < j for i, j in found)
    corners = np.bincount(np.ravel(found), minlength=K)
    # Euler: as many faces as make a sphere, and every corner has three edges or more.
    assert corners.sum() == 2 * edges and corners.min() >= 3


def test_of_what_fills_no_body_every_pair_is_an_edge():
    assert edges_of(np.array([[1.0], [-1.0], [1.0]])) == ((0, 1), (0, 2), (1, 2))
    flat = np.column_stack([simplex_etf(3), np.zeros(3)])
    assert len(edges_of(np.concatenate([flat, -flat]))) == 15


def test_nc2_against_a_figure_is_the_papers_with_another_matrix():
    rng = np.random.default_rng(5)
    means = rng.standard_normal((3, 6, 5))
    for figure in (np.eye(6) - 1 / 6, best_figure(6, 4, 0.005).cosines):
        for M, found in zip(means, figure_distance(means, figure), strict=True):
            gram, product, square, whole = np.zeros((6, 6)), 0.0, 0.0, 0.0
            for i in range(6):
                for j in range(6):
                    gram[i, j] = sum(M[i, n] * M[j, n] for n in range(5))
                    product += gram[i, j] * figure[i, j]
                    square += figure[i, j] ** 2
                    whole += gram[i, j] ** 2
            c, rest = max(product / square, 0.0), 0.0
            for i in range(6):
                for j in range(6):
                    rest += (gram[i, j] - c * figure[i, j]) ** 2
            assert found == pytest.approx(np.sqrt(rest / whole), rel=1e-12)
    # With the simplex in the figure's place it is NC2A of what is not W.
    features = np.concatenate([means[0]] * 2)
    paper = neural_collapse(features, np.tile(np.arange(6), 2), means[0]).nc2a
    assert figure_distance(means[0], np.eye(6) - 1 / 6) == pytest.approx(float(paper), rel=1e-9)


def test_free_features_come_to_the_best_known(five):
    gap, distance = five.curves["gap_known"], five.curves["nc2_known"]
    assert five.floor is None and np.isnan(five.curves["gap"]).all()
    assert (gap > -1e-9).all() and (gap[-1] < 1e-6).all() and (gap[0] > 0.1).all()
    assert (np.diff(gap, axis=0) < 1e-6).all()
    assert (distance[-1] < 1e-2).all() and (distance[0] > 10 * distance[-1]).all()
    for r in range(2):
        shown = project(five.geometry, r, figure=five.ideal.means)
        assert shown.angle_error[-1] < 1 < shown.angle_error[0]
        assert len(shown.edges) == 9


def test_what_is_said_of_them_claims_nothing_that_is_not_proved(five):
    came = outcome(five)
    assert came.at_floor and not came.proved
    assert "at the best known, which is not proved to be the least" in came.sentence
    assert "floor" not in came.sentence
    lower = replace(five.best_figure, loss=five.best_figure.loss * 1.1)
    raised = outcome(beside(replace(five, best_figure=None), lower))
    assert "below the best known: its figure is a better one" in raised.sentence
    above = replace(five.best_figure, loss=five.best_figure.loss * 0.9)
    assert "11 % above the best known" in outcome(beside(five, above)).sentence


def test_the_summary_names_the_gap_for_what_it_is(five):
    summary = five.summary()
    assert summary["floor"] is None and summary["best_known"] == five.best_figure.loss
    for seed in summary["seeds"]:
        assert seed["gap"] is None
        assert seed["gap_known"] == pytest.approx(seed["loss"] - summary["best_known"], abs=1e-9)
        assert 0 <= seed["nc2_known"] < 1e-2


def test_an_entry_of_the_list_is_compared_likewise(five, store):
    (entry,) = [entry for entry in store.list() if entry["key"] == five.key]
    assert "best_known" not in entry
    told = entry_beside(entry, five.best_figure)
    assert [seed["gap_known"] for seed in told["seeds"]] == [
        pytest.approx(seed["gap_known"], abs=1e-12) for seed in five.summary()["seeds"]
    ]
    assert outcome_of(told).at_floor and not outcome_of(told).proved
    assert entry_beside(entry, None) is entry and outcome_of(entry).above_floor is None


def test_what_is_saved_knows_nothing_of_it_and_is_read_like_any_other(five, tmp_path):
    again = load(five.save(tmp_path / "run.npz"))
    assert again.best_figure is None and "gap_known" not in again.curves
    assert "best_known" not in again.summary()
    for name in ("gap_known", "nc2_known"):
        np.testing.assert_array_equal(
            beside_best_known(again).curves[name], five.curves[name], err_msg=name
        )


def test_a_run_with_a_floor_is_left_as_it_is(store):
    run = ncengine.run(
        RunConfig(**{**FREE, "width": 16}, classes=3, seeds=1, epochs=5), store=store
    )
    assert run.best_figure is None and run.least.proved and beside_best_known(run) is run
    assert "gap_known" not in run.curves and "best_known" not in run.summary()


def test_where_there_is_no_snapshot_yet_there_is_nothing_to_compare(five):
    bare = replace(five, curves={}, geometry=None, best_figure=None)
    assert curves_beside(bare, five.best_figure) == {}
    assert beside(bare, five.best_figure).recorded != bare.recorded
    short = replace(five, geometry=None)
    assert np.isnan(curves_beside(short, five.best_figure)["nc2_known"]).all()


def test_two_runs_are_compared_by_the_gap_to_the_best_known(five, store):
    config = five.config.with_(epochs=20)
    short = ncengine.run(config, store=store)
    named = {one.metric.name: one for one in figures(short, five)}
    assert "gap" not in named and named["gap_known"].ratio < 1
    said = sentence(short, five)
    assert "the best known" in said and "floor" not in said
    wide = ncengine.run(config.with_(width=16), store=store)
    assert "gap" in {one.metric.name for one in figures(short, wide)}
    assert "the objectives end at" in sentence(short, wide)


def test_through_layers_every_layer_is_compared_with_the_same_corners(store):
    config = RunConfig(
        architecture="RN1", dataset="digits", classes=6, samples_per_class=5, width=4, depth=3,
        seeds=1, epochs=60,
    )  # fmt: skip
    run = ncengine.run(config, store=store)
    figure = run.ideal.means
    film = project(run.geometry, 0, figure=figure)
    last = through_layers(
        run.geometry, run.layers, len(run.layers.features_epoch) - 1, 0, figure=figure
    )
    assert not last.ideal_proved and len(last.angle_error) == 3
    assert last.angle_error[-1] == pytest.approx(film.angle_error[-1], abs=0.1)
    np.testing.assert_allclose(last.ideal[-1], film.ideal[-1], atol=1e-3)
