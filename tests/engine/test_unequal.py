"""Classes of two sizes: against free minimisation over all means and rows, and what was known."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize

from ncengine.theory import gufm_optimum, meeting_ratio, unequal_optimum
from ncengine.theory.figures import Problem


@pytest.mark.parametrize(
    "classes, width, decay, minority, ratio",
    [
        (4, 6, 0.01, 1, 7.0),
        (4, 6, 0.01, 2, 50.0),
        (5, 5, 0.003, 4, 20.0),
        (6, 16, 0.005, 2, 3000.0),
        (2, 4, 0.02, 1, 5.0),
        (10, 64, 0.005, 2, 200.0),
    ],
)
def test_free_minimisation_finds_the_same(classes, width, decay, minority, ratio):
    found = unequal_optimum(classes, width, decay, minority, ratio)
    sizes = np.array([ratio] * (classes - minority) + [1.0] * minority)
    free = Problem(classes, width, decay, "ce", False, sizes / sizes.sum(), classes - 1)
    random = np.random.default_rng(0)
    tried = [free.least(random.standard_normal((classes, classes - 1))) for _ in range(6)]
    assert found.loss == pytest.approx(min(one.fun for one in tried), abs=1e-8)
    # What is told of it has the objective that is told.
    x = np.concatenate([found.means.ravel(), found.rows.ravel()])
    assert free(x)[0] == pytest.approx(found.loss, rel=1e-10)
    np.testing.assert_allclose(np.linalg.norm(found.means, axis=1), 1, atol=1e-12)
    assert found.loss <= found.balanced


def test_classes_of_one_size_form_the_simplex():
    found = unequal_optimum(10, 64, 0.005, 2, 1)
    assert found.loss == pytest.approx(gufm_optimum(10, 64, 0.005).loss, rel=1e-12)
    assert found.balanced == pytest.approx(found.loss, rel=1e-10)
    assert found.minority_cosine == pytest.approx(-1 / 9, abs=1e-5)
    assert found.majority_cosine == pytest.approx(-1 / 9, abs=1e-5)


def test_minority_rows_turn_to_each_other_and_meet_at_a_finite_ratio():
    ratios = (1, 20, 200, 1000, 2000, 3000)
    cosines = [unequal_optimum(10, 64, 0.005, 2, ratio).minority_cosine for ratio in ratios]
    assert cosines == pytest.approx([-0.111, 0.01, 0.25, 0.67, 0.95, 1.0], abs=0.005)
    assert cosines[-1] == pytest.approx(1, abs=1e-6) and cosines[-2] < 0.96


def free_rows(classes, width, decay, minority, ratio, starts=6):
    """(K, D) the rows at the best of a few starts, from the definition alone."""
    shares = np.array([ratio] * (classes - minority) + [1.0] * minority)
    shares /= shares.sum()
    random = np.random.default_rng(classes)

    def objective(x):
        turned, rows = x.reshape(2, classes, classes - 1)
        long = np.linalg.norm(turned, axis=1, keepdims=True)
        units = turned / long
        logits = math.sqrt(width) * units @ rows.T
        likely = np.exp(logits - logits.max(1, keepdims=True))
        likely /= likely.sum(1, keepdims=True)
        slope = math.sqrt(width) * shares[:, None] * (likely - np.eye(classes))
        of_units = slope @ rows
        of_turned = (of_units - (of_units * units).sum(1, keepdims=True) * units) / long
        value = -shares @ np.log(np.diag(likely)) + decay / 2 * (rows**2).sum()
        return value, np.concatenate([of_turned, slope.T @ units + decay * rows]).ravel()

    tried = [
        minimize(objective, random.standard_normal(2 * classes * (classes - 1)), jac=True,
                 method="BFGS", options={"gtol": 1e-10, "maxiter": 5000})
        for _ in range(starts)
    ]  # fmt: skip
    return min(tried, key=lambda one: one.fun).x.reshape(2, classes, classes - 1)[1]


@pytest.mark.parametrize(
    "classes, width, decay, minority",
    [
        (4, 4, 0.1, 2),
        (4, 7, 0.3, 3),
        (3, 4, 0.05, 2),
        (6, 6, 0.2, 3),
        (5, 5, 0.5, 4),
        (4, 4, 5.0, 2),
    ],
)
def test_free_minimisation_tells_minorities_apart_below_where_they_meet_and_not_above(
    classes, width, decay, minority
):
    ratio = meeting_ratio(classes, width, decay, minority)
    below, above = (
        free_rows(classes, width, decay, minority, ratio * by)[-minority:] for by in (0.8, 1.2)
    )
    # Each two of them, for none to have met before the others.
    near = [np.linalg.norm(a - b) for n, a in enumerate(below) for b in below[:n]]
    assert min(near) > 0.005 * np.linalg.norm(below[0])
    assert np.ptp(above, axis=0).max() < 2e-4 * np.linalg.norm(above[0])


def test_minorities_meet_where_the_angle_that_is_minimised_reaches_zero():
    """1 - cosine goes to 0 in a straight line, which is followed to its end."""
    ratio = meeting_ratio(10, 64, 0.005, 2)
    assert 2000 < ratio < 3000
    at = ratio * np.array([0.98, 0.985, 0.99])
    left = [1 - unequal_optimum(10, 64, 0.005, 2, x).minority_cosine for x in at]
    end = np.polyval(np.polyfit(left, at, 2), 0.0)
    assert ratio == pytest.approx(end, rel=1e-4)
    there = unequal_optimum(10, 64, 0.005, 2, ratio)
    assert there.balanced - there.loss == pytest.approx(0.0031053, abs=1e-7)


@pytest.mark.parametrize("decay", [1e-9, 1e-5, 1e3, 1e9])
def test_they_meet_at_some_ratio_whatever_the_weight_decay(decay):
    assert 1 < meeting_ratio(5, 8, decay, 2)


def test_one_class_has_no_other_to_meet():
    found = unequal_optimum(4, 6, 0.01, 1, 7.0)
    assert np.isnan(found.minority_cosine) and found.majority_cosine < 0


@pytest.mark.parametrize(
    "wrong, said",
    [
        ((10, 64, 0.005, 1), "minority = 1: must be a whole number from 2 to 9"),
        ((10, 64, 0.005, 10), "minority = 10"),
        ((2, 64, 0.005, 1), "classes = 2: must be a whole number from 3 to 32"),
        ((10, 6, 0.005, 2), "width = 6"),
        ((10, 64, 0.0, 2), "weight_decay = 0.0"),
    ],
)
def test_what_cannot_meet_is_named(wrong, said):
    with pytest.raises(ValueError, match=said):
        meeting_ratio(*wrong)


@pytest.mark.parametrize(
    "wrong, said",
    [
        ((10, 64, 0.005, 0, 2.0), "minority = 0: must be a whole number from 1 to 9"),
        ((10, 64, 0.005, 10, 2.0), "minority = 10"),
        ((10, 64, 0.005, 2, 0.5), "ratio = 0.5: must be a number from 1 to 1,000,000"),
        ((10, 64, 0.005, 2, float("nan")), "ratio = nan"),
        ((10, 6, 0.005, 2, 2.0), "width = 6"),
        ((40, 64, 0.005, 2, 2.0), "classes = 40: must be a whole number from 2 to 32"),
    ],
)
def test_what_cannot_be_is_named(wrong, said):
    with pytest.raises(ValueError, match=said):
        unequal_optimum(*wrong)
