"""Free features that descend: against the closed form, a loop, and differences of the objective."""

import numpy as np
import pytest
from scipy.optimize import check_grad

from ncengine.theory import best_figure, gufm_optimum
from ncengine.theory.descent import _Free, descent

CASES = [
    (4, 4, 0.005, "ce", False),
    (2, 4, 0.05, "ce", True),
    (10, 64, 1e-4, "ce", False),
    (3, 4, 0.005, "mse", False),
    (4, 6, 0.05, "mse", True),
    (12, 12, 0.5, "ce", False),
]


def by_hand(features, labels, rows, decay, loss):
    """The objective, sample by sample, without a bias."""
    total = 0.0
    for feature, k in zip(features, labels, strict=True):
        logits = np.array([row @ feature for row in rows])
        wanted = np.arange(len(rows)) == k
        total += (
            np.log(np.exp(logits - logits[k]).sum())
            if loss == "ce"
            else ((logits - wanted) ** 2).sum() / 2
        )
    return total / len(labels) + decay / 2 * (rows**2).sum()


@pytest.mark.parametrize("case", CASES)
def test_it_comes_to_the_floor_and_never_below(case):
    found = descent(*case)
    floor = gufm_optimum(*case).loss
    assert (found.loss >= floor - 1e-14).all()
    assert found.loss[-1] == pytest.approx(floor, abs=1e-8)
    assert (np.diff(found.loss) <= 1e-14).all()
    assert found.step[0] == 0 and (np.diff(found.step) > 0).all() and len(found.step) > 10
    assert found.nc1[-1] < 1e-5 < found.nc1[0]
    assert found.nc3[-1] < 1e-5 and found.nc2[-1] < 1e-3


@pytest.mark.parametrize("case", [c for c in CASES if not c[4]])
def test_what_is_shown_has_the_objective_that_is_told(case):
    found = descent(*case, per_class=3)
    np.testing.assert_allclose(found.features.mean(-1), 0, atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(found.features, axis=-1), case[1] ** 0.5, rtol=1e-12)
    for f in (0, len(found.step) // 2, -1):
        one = by_hand(found.features[f], found.labels, found.rows[f], case[2], case[3])
        assert found.loss[f] == pytest.approx(one, rel=1e-12)


@pytest.mark.parametrize("kind, bias", [("ce", False), ("mse", False), ("mse", True)])
def test_its_gradient_is_that_of_differences(kind, bias):
    free = _Free(4, 5, 0.02, kind, bias, 3)
    random = np.random.default_rng(1)
    x = random.standard_normal(len(free.joined(np.zeros((12, 4)), np.zeros((4, 4)))))
    apart = check_grad(lambda y: free(y)[0], lambda y: free(y)[1], x, epsilon=1e-7)
    assert apart < 1e-5


@pytest.mark.parametrize("classes, width", [(5, 4), (10, 4), (10, 8)])
def test_where_no_simplex_fits_it_comes_to_a_figure_no_better_than_the_best_known(classes, width):
    found = descent(classes, width, 0.005)
    best = best_figure(classes, width, 0.005).loss
    assert best - 1e-9 <= found.loss[-1] <= best * 1.1
    assert found.nc1[-1] < 1e-6


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("size", [(4, 8), (4, 64), (7, 64), (12, 13), (12, 64)])
def test_squared_error_comes_near_its_floor_too_where_hardly_anything_decays(size, bias):
    """Features and rows that were sought together ended up to 75 % above it."""
    case = (*size, 1e-5, "mse", bias)
    found = descent(*case, per_class=4)
    assert found.loss[-1] == pytest.approx(gufm_optimum(*case).loss, rel=2e-3)
    assert found.nc1[-1] < 1e-2


@pytest.mark.parametrize("bias", [False, True])
def test_rows_of_squared_error_are_the_best_for_their_features(bias):
    """By normal equations of all samples, with a column of ones for the bias."""
    found = descent(3, 5, 0.02, "mse", bias, per_class=4)
    wanted = np.eye(3)[found.labels]
    for features, rows in zip(found.features[1:], found.rows[1:], strict=True):
        known = np.hstack([features, np.ones((12, 1))])[:, : 5 + bias]
        decayed = np.diag([0.02 * 12] * 5 + [0.0] * bias)
        best = np.linalg.solve(known.T @ known + decayed, known.T @ wanted)
        np.testing.assert_allclose(rows, best[:5].T, atol=1e-9)


@pytest.mark.parametrize("bias", [False, True])
def test_the_gradient_of_features_alone_is_that_of_differences(bias):
    free = _Free(4, 5, 0.02, "mse", bias, 3)
    x = np.random.default_rng(1).standard_normal(48)
    apart = check_grad(lambda y: free.of_features(y)[0], lambda y: free.of_features(y)[1], x)
    assert apart < 1e-4


def test_whether_it_came_to_rest_is_told():
    assert descent(4, 4, 0.005).arrived
    assert not descent(12, 64, 1e-5, "mse", per_class=4).arrived
