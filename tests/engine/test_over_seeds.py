"""Values of a run and statistics over its seeds, against numbers made by hand."""

import numpy as np
import pytest

from ncengine.analysis.over_seeds import (
    by_scale,
    last_values,
    mean_over_seeds,
    typical,
    typical_over_seeds,
)
from ncengine.analysis.words import named
from ncengine.config import RunConfig
from ncengine.runs.run import Run, Status

CONFIG = RunConfig(seeds=(3, 5, 8))
NAN, INF = np.nan, np.inf


def run_of(nc1, test_nc1=None, loss=None, diverged=(False, False, False)) -> Run:
    """A run with these rows of values, a column a seed."""
    nc1 = np.array(nc1, float)
    curves = {
        "epoch": np.arange(len(nc1)),
        "nc1": nc1,
        "loss": np.ones_like(nc1) if loss is None else np.array(loss, float),
        "test_nc1": np.full_like(nc1, NAN) if test_nc1 is None else np.array(test_nc1, float),
    }
    return Run(CONFIG, Status.DONE, curves, diverged=np.array(diverged))


def test_the_last_value_is_the_one_at_the_last_point_whatever_it_is():
    run = run_of([[2.0, 2.0, 2.0], [1.0, INF, NAN]])
    assert [run.last("nc1", r) for r in range(3)] == [1.0, INF, None]


def test_of_a_seed_that_diverged_the_last_value_is_the_one_before():
    run = run_of([[2.0, 2.0, 2.0], [1.0, NAN, 1.0]], loss=[[1, 1, 1], [1, NAN, 1]])
    assert run.last("nc1", 1) == 2.0


def test_of_test_samples_the_last_value_is_the_last_that_was_taken():
    run = run_of([[1.0] * 3] * 3, test_nc1=[[4.0, INF, NAN], [3.0, INF, NAN], [NAN] * 3])
    assert [run.last("test_nc1", r) for r in range(3)] == [3.0, INF, None]


def test_before_the_first_point_there_is_no_last_value():
    run = run_of(np.empty((0, 3)))
    assert run.last("nc1", 0) is None
    assert Run(CONFIG, Status.QUEUED).last("nc1", 0) is None
    assert last_values(run, "nc1").mean is None


def test_where_all_have_diverged_each_counts_while_it_has_numbers():
    run = run_of([[1.0] * 3] * 3, loss=[[1, 2, 6], [4, NAN, 2], [NAN] * 3], diverged=[True] * 3)
    np.testing.assert_array_equal(mean_over_seeds(run, "loss"), [3, 3, NAN])
    one_left = run_of([[1.0] * 3], loss=[[1, 2, 6]], diverged=[True, True, False])
    np.testing.assert_array_equal(mean_over_seeds(one_left, "loss"), [6])


def test_a_mean_names_whom_it_leaves_out():
    found = last_values(run_of([[9.0] * 3, [1e-4, 0.0, INF]]), "nc1")
    assert (found.mean, found.deviation) == (pytest.approx(-4), 0)
    assert (found.zero, found.infinite) == ((5,), (8,))
    found = last_values(run_of([[1e-4, INF, 1e-2]], diverged=(False, True, False)), "nc1")
    assert (found.mean, found.deviation) == (pytest.approx(-3), pytest.approx(1))
    assert (found.zero, found.infinite) == ((), ())


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ((1e-4, 1e-2), 1e-3),
        ((1e-4, 0.0, INF, NAN), 1e-4),
        ((0.0, 0.0), 0.0),
        ((0.0, INF), INF),
        ((NAN,), None),
        ((), None),
    ],
)
def test_a_typical_value_is_a_number_also_where_there_is_no_logarithm(values, shown):
    assert typical(values) == (shown if shown is None else pytest.approx(shown))


def test_a_course_has_the_typical_value_of_each_moment():
    rows = [[1e-4, 1e-2, 0.0], [0.0, 0.0, 0.0], [0.0, INF, NAN], [NAN] * 3, [0.1, INF, 0.1]]
    found = typical_over_seeds(run_of(rows), "nc1")
    expected = [typical(row) for row in rows]
    np.testing.assert_allclose(found, [NAN if v is None else v for v in expected])
    one = typical_over_seeds(run_of(rows, diverged=(False, True, True)), "nc1")
    np.testing.assert_allclose(one, [row[0] for row in rows])


def test_seeds_are_named_as_one_says_them():
    assert [named(seeds) for seeds in ((3,), (0, 2), (0, 2, 5))] == [
        "seed 3",
        "seeds 0 and 2",
        "seeds 0, 2 and 5",
    ]


@pytest.mark.filterwarnings("error")
def test_means_of_the_largest_numbers_are_beyond_all_without_a_warning():
    assert by_scale("gap", [1.7e308, 1.7e308]) == INF
    mean = mean_over_seeds(run_of([[1.0] * 3], loss=[[1e300, 3e300, 2e300]]), "loss")
    assert mean == pytest.approx([2e300])


def test_a_mean_over_seeds_is_by_the_metrics_scale():
    assert by_scale("test_accuracy", [0.0, 0.5, 1.0]) == pytest.approx(0.5)
    assert by_scale("nc1", [1e-4, 1e-2]) == pytest.approx(1e-3)
    assert by_scale("gap", [0.0, 3.0]) == pytest.approx(1.5)
    assert by_scale("effective_rank", [-1.0, -3.0]) == pytest.approx(-2.0)
    assert by_scale("accuracy", [np.nan, np.inf]) is None
