"""The best known figures: against closed forms, plain minimisation, and what is known of them."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import ortho_group

from ncengine.theory import best_figure, gufm_optimum
from ncengine.theory.figures import Problem, in_words, simplices_of
from ncengine.theory.matching import corners_of, matched


def objective(x, classes, width, decay, loss, bias):
    """From the definition, in plain loops."""
    D = width - 1
    means, rows = x[: classes * D].reshape(classes, D), x[classes * D :][: classes * D]
    rows, shift = rows.reshape(classes, D), x[2 * classes * D :] if bias else [0.0] * classes
    total = 0.0
    for k in range(classes):
        norm = math.sqrt(sum(v * v for v in means[k]))
        z = [
            math.sqrt(width) / norm * sum(a * b for a, b in zip(rows[j], means[k])) + shift[j]
            for j in range(classes)
        ]
        if loss == "ce":
            total += math.log(sum(math.exp(v - z[k]) for v in z)) / classes
        else:
            total += sum((v - (j == k)) ** 2 for j, v in enumerate(z)) / (2 * classes)
    return total + decay / 2 * sum(v * v for row in rows for v in row)


@pytest.mark.parametrize("loss, bias", [("ce", False), ("mse", False), ("mse", True)])
def test_the_objective_and_its_gradient_are_those_of_the_definition(loss, bias):
    problem = Problem(4, 5, 0.02, loss, bias)
    x = np.random.default_rng(0).standard_normal(4 * 4 * 2 + 4 * bias)
    value, gradient = problem(x)
    assert value == pytest.approx(objective(x, 4, 5, 0.02, loss, bias), rel=1e-12)
    for n in range(len(x)):
        step = np.zeros(len(x))
        step[n] = 1e-6
        slope = (problem(x + step)[0] - problem(x - step)[0]) / 2e-6
        assert gradient[n] == pytest.approx(slope, abs=1e-8)


@pytest.mark.parametrize("loss, bias", [("ce", False), ("mse", False), ("mse", True)])
@pytest.mark.parametrize("classes, width, decay", [(2, 5, 0.1), (4, 5, 0.05), (10, 12, 0.005)])
def test_where_the_ideal_figure_fits_it_is_found(classes, width, decay, loss, bias):
    found = best_figure(classes, width, decay, loss, bias, 8)
    wanted = gufm_optimum(classes, width, decay, loss, bias)
    assert found.loss == pytest.approx(wanted.loss, abs=1e-10)
    assert found.row_norms == pytest.approx([wanted.row_norm] * classes, abs=1e-4)
    assert found.nc3 == pytest.approx(0, abs=1e-8) or (loss, classes) == ("mse", 2)


@pytest.mark.parametrize("classes, width, decay, loss", [
    (5, 4, 0.03, "ce"), (5, 4, 0.0003, "ce"), (6, 5, 0.01, "ce"), (4, 4, 0.005, "mse"),
])  # fmt: skip
def test_plain_minimisation_from_many_starts_finds_nothing_lower(classes, width, decay, loss):
    found = best_figure(classes, width, decay, loss)
    random = np.random.default_rng(1)
    problem = Problem(classes, width, decay, loss, False)
    lowest = min(
        minimize(
            lambda x: problem(x)[0],
            random.standard_normal(2 * classes * (width - 1)),
            jac=lambda x: problem(x)[1],
            method="BFGS",
            options={"gtol": 1e-9},
        ).fun
        for _ in range(25)
    )
    assert found.loss == pytest.approx(lowest, abs=1e-7)


@pytest.mark.parametrize(
    "classes, width, loss, words",
    [
        (5, 4, 0.090815, "a triangular bipyramid, simplices of 3 + 2"),
        (6, 4, 0.118652, "an octahedron: 3 pairs"),
        (7, 4, 0.170620, "a pentagonal bipyramid"),
        (8, 4, 0.215310, "a square antiprism, all classes alike, at angles from 72.7"),
        (9, 4, 0.266135, "a triangular prism with three caps"),
        (10, 4, 0.323276, "a square antiprism with two caps"),
        (12, 4, 0.437234, "an icosahedron, all classes alike, at angles from 63.4"),
        (10, 6, 0.1558719, "an orthoplex: 5 pairs"),
        (10, 8, 0.1201407, "simplices of 6 + 2 + 2"),
        (10, 9, 0.1064607, "simplices of 8 + 2"),
        (10, 10, 0.0948457, "a simplex"),
        (7, 3, None, "a regular polygon of 7 corners"),
    ],
)
def test_known_figures(classes, width, loss, words):
    found = best_figure(classes, width, 0.005)
    assert in_words(found).startswith(words)
    if loss:
        assert found.loss == pytest.approx(loss, abs=6e-7)


def test_rows_are_not_parallel_to_their_means_where_nine_or_ten_share_a_sphere():
    for classes, least in ((9, 0.999944), (10, 0.999893)):
        found = best_figure(classes, 4, 0.005)
        cosines = (found.rows * found.means).sum(1) / found.row_norms
        assert cosines.min() == pytest.approx(least, abs=1e-6)
        assert found.nc3 > 1e-5


def test_five_classes_on_a_sphere_change_their_figure_once_as_the_decay_falls():
    decays = np.geomspace(0.5, 1e-4, 15)
    bipyramids = [
        simplices_of(best_figure(5, 4, float(decay)).cosines) == (3, 2) for decay in decays
    ]
    assert bipyramids[0] and not bipyramids[-1]
    assert sum(a != b for a, b in zip(bipyramids, bipyramids[1:])) == 1
    assert all(bipyramids[: int((decays >= 0.002).sum())])


@pytest.mark.parametrize("classes, width", [(5, 4), (7, 4), (9, 4), (10, 4), (10, 8), (12, 6)])
def test_a_figure_is_laid_over_any_order_and_any_turn_of_itself(classes, width):
    figure = best_figure(classes, width, 0.005).means
    random = np.random.default_rng(classes)
    for _ in range(5):
        order = random.permutation(classes)
        means = figure[order] @ ortho_group.rvs(width - 1, random_state=random)
        np.testing.assert_allclose(matched(figure, means), means, atol=1e-5)


@pytest.mark.parametrize(
    "classes, width", [(9, 4), (12, 4), (20, 12), (24, 5), (28, 20), (30, 20), (32, 6)]
)
def test_means_that_are_off_get_corners_that_fit_no_worse_than_their_own(classes, width):
    """Half of them did, of 30 classes at d = 20, before a figure's symmetries were seen through."""
    figure = best_figure(classes, width, 0.005, starts=2).means
    corners = figure @ figure.T
    random = np.random.default_rng(classes)
    for off in (0.003, 0.01, 0.03, 0.06):
        order = random.permutation(classes)
        turned = figure[order] @ ortho_group.rvs(width - 1, random_state=random)
        means = turned + off * random.standard_normal(turned.shape)
        means /= np.linalg.norm(means, axis=1, keepdims=True)
        found = corners_of(figure, 3 * means)
        assert sorted(found) == list(range(classes))
        cosines = means @ means.T
        own, got = (((corners[np.ix_(o, o)] - cosines) ** 2).sum() for o in (order, found))
        assert got <= own * (1 + 1e-5) + 1e-9


def test_a_class_without_a_direction_takes_what_is_left():
    figure = best_figure(6, 4, 0.005).means
    means = figure[[3, 1, 0, 5, 4, 2]]
    means[2] = 0
    found = corners_of(figure, means)
    assert sorted(found) == list(range(6))
    laid, known = figure[found] @ figure[found].T, [0, 1, 3, 4, 5]
    np.testing.assert_allclose(laid[np.ix_(known, known)], means[known] @ means[known].T, atol=1e-5)


@pytest.mark.parametrize(
    "wrong, said",
    [
        ((1, 4, 0.1), "classes = 1"),
        ((33, 4, 0.1), "classes = 33"),
        ((5, 1, 0.1), "width = 1"),
        ((5, 4, 0.0), "weight_decay = 0.0"),
        ((5, 4, 0.1, "l1"), "loss = 'l1'"),
        ((5, 4, 0.1, "ce", False, 0), "starts = 0"),
    ],
)
def test_what_cannot_be_is_named(wrong, said):
    with pytest.raises(ValueError, match=said):
        best_figure(*wrong)
