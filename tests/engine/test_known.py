"""The shipped table of best figures: against a search of other starts, and what was known."""

import numpy as np
import pytest

from ncengine.theory.figures import Problem
from ncengine.theory.gufm import gufm_optimum
from ncengine.theory.known import WEIGHT_DECAY, known_figures

TABLE = {(row.classes, row.width): row for row in known_figures()}


def test_it_has_every_size():
    assert list(TABLE) == [(k, d) for k in range(4, 13) for d in range(3, k)]
    assert all(row.agree >= 1 and row.starts >= 200 for row in TABLE.values())


@pytest.mark.parametrize("size", [(5, 4), (7, 5), (9, 4), (10, 6), (11, 9), (12, 4), (12, 11)])
def test_no_start_of_another_seed_comes_lower(size):
    problem = Problem(*size, WEIGHT_DECAY, "ce", False)
    random = np.random.default_rng(123)
    tried = [problem.least(random.standard_normal((size[0], size[1] - 1))) for _ in range(25)]
    least = min(one.fun for one in tried)
    assert TABLE[size].objective <= least + 1e-7
    assert TABLE[size].objective == pytest.approx(least, abs=1e-6)


@pytest.mark.parametrize(
    "size, objective",
    [
        ((5, 4), 0.090815),
        ((6, 4), 0.118652),
        ((8, 4), 0.215310),
        ((10, 6), 0.1558719),
        ((10, 8), 0.1201407),
        ((10, 9), 0.1064607),
        ((12, 4), 0.437234),
    ],
)
def test_what_was_computed_elsewhere_is_in_it(size, objective):
    assert TABLE[size].objective == pytest.approx(objective, abs=1e-6)


def test_more_room_helps_and_more_classes_cost():
    for (classes, width), row in TABLE.items():
        if (classes, width + 1) in TABLE:
            assert TABLE[classes, width + 1].objective < row.objective
        if (classes + 1, width) in TABLE:
            assert TABLE[classes + 1, width].objective > row.objective
        # Wide enough for the simplex, it would cost less.
        assert row.objective > gufm_optimum(classes, classes, WEIGHT_DECAY).loss
