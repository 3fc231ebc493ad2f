"""Classes of two sizes: against free minimisation over all means and rows, and what was known."""

import numpy as np
import pytest

from ncengine.theory import gufm_optimum, unequal_optimum
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


def test_one_class_has_no_other_to_meet():
    found = unequal_optimum(4, 6, 0.01, 1, 7.0)
    assert np.isnan(found.minority_cosine) and found.majority_cosine < 0


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
