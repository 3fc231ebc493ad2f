"""Sentences about laws, of values that are made to follow them or not."""

import numpy as np
import pytest

from ncengine.analysis.seen import seen

DEPTHS = np.array([2, 3, 5, 8, 13, 21, 34])


def scattered(means, seeds=5, by=0.01):
    rng = np.random.default_rng(0)
    return np.asarray(means)[:, None] * 10 ** rng.normal(0, by, (len(means), seeds))


def test_a_law_is_named_with_its_slope_and_where_it_ended():
    told = seen("NC1", "L", DEPTHS, scattered(0.3 * DEPTHS**-0.5), 0.0834)
    assert told.startswith("NC1 falls as L^−0.5") and "(95 %: −0.5" in told
    assert told.endswith(", at every step; at L = 34 the objective ended 8.3 % above the floor")
    rising = seen("NC1", "L", DEPTHS, scattered(0.3 * DEPTHS**0.5), 3.0)
    assert rising.startswith("NC1 rises as L^0.")
    assert rising.endswith("at L = 34 the objective ended at 4 times the floor")


def test_a_step_against_it_is_counted():
    means = 0.3 * DEPTHS**-0.3
    means[3] = means[2] * 1.01
    values = means[:, None] * 10.0 ** np.array([-0.1, -0.05, 0.0, 0.05, 0.1])
    told = seen("NC2", "L", DEPTHS, values)
    assert told.startswith("NC2 falls as L^−") and told.endswith(", though 1 of 6 steps rises")


def test_what_turns_is_no_law():
    means = [0.05, 0.1, 0.11, 0.1, 0.07, 0.05, 0.04]
    assert seen("NC1", "L", DEPTHS, scattered(means)) == (
        "NC1 follows no power law: 2 of 6 steps rise"
    )
    steep = [1.0, 0.9, 0.8, 0.7, 0.6, 0.1, 1e-4]
    told = seen("NC1", "L", DEPTHS, scattered(steep))
    assert told == "NC1 falls at every step, by no clear power law"


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([0.3, 0.2], "NC1 falls at every step"),
        ([0.2, 0.3], "NC1 rises at every step"),
        ([0.3, np.nan], ""),
        ([0.3, 0.0], ""),
    ],
)
def test_of_two_points_the_step_is_told_and_of_one_nothing(values, told):
    assert seen("NC1", "λ", [0.001, 0.01], np.array(values)[:, None]) == told
    assert seen("NC1", "L", [], np.zeros((0, 3))) == ""
