"""Grids against nested loops."""

from itertools import count

import numpy as np
import pytest

import ncengine
from ncengine.config import ConfigError, RunConfig, combine, grid


def test_every_combination_in_the_order_of_the_product():
    base = RunConfig(classes=4, width=16)
    made = ncengine.config.grid(base, architecture=["RN1", "RN2"], depth=(3, 2), seeds=[2, [5, 7]])
    looped = [
        RunConfig(classes=4, width=16, architecture=architecture, depth=depth, seeds=seeds)
        for architecture in ("RN1", "RN2")
        for depth in (3, 2)
        for seeds in ((0, 1), (5, 7))
    ]
    assert list(made) == looped and len(made) == 8
    assert made[1] == looped[1] and made[2:4] == tuple(looped[2:4])
    assert made.left_out == ()


def test_what_stands_at_its_default_follows_and_what_is_given_stays():
    base = RunConfig(architecture="RN1")
    assert [c.decay_schedule for c in grid(base, architecture=["RN1", "RN2"])] == [
        "constant",
        "1/L",
    ]
    given = combine({"decay_schedule": "constant"}, {"architecture": ["RN1", "RN2"]})
    assert [c.decay_schedule for c in given] == ["constant", "constant"]
    # Digits are pre-LN by default, other data are not.
    assert [c.norm for c in grid(dataset=["digits", "gaussian"])] == ["pre", "post"]


def test_texts_and_numbers_of_numpy_are_values():
    assert list(grid(depth=np.array([2, 5]))) == list(grid(depth=["2", "5"]))
    assert list(grid(weight_decay=np.geomspace(1e-3, 1e-1, 3)))[1].weight_decay == pytest.approx(
        0.01
    )


def test_combinations_that_cannot_be_are_left_out_and_named():
    made = grid(dataset=["digits", "gaussian"], architecture=["RN1", "T11"], depth=[2, 3])
    assert len(made) == 6
    assert [dict(one.values) for one in made.left_out] == [
        {"dataset": "gaussian", "architecture": "T11", "depth": depth} for depth in (2, 3)
    ]
    assert str(made.left_out[0]) == (
        "dataset = gaussian, architecture = T11, depth = 2: architecture = 'T11': must be one of "
        "RN1, RN2, UFM"
    )


def test_what_is_the_same_run_is_there_once():
    assert len(grid(architecture=["UFM"], depth=[2, 3, 5])) == 1
    assert len(grid(depth=[2, 2, "2"])) == 1
    assert len(grid(depth=[2, 3]) + grid(depth=[3, 5])) == 3


@pytest.mark.parametrize(
    ("axes", "said"),
    [
        ({"depth": [2, "many"]}, "depth = 'many': must be a whole number from 2 to 200"),
        ({"dept": [2]}, r"dept = \[2\]: is not a field; the fields are dataset"),
        ({"depth": 3}, "depth = 3: must be a list of values"),
        ({"architecture": "RN1"}, "architecture = 'RN1': must be a list of values"),
        ({"depth": []}, r"depth = \[\]: must be a list of at least one value"),
        ({"dataset": ["gaussian"], "architecture": ["RN1", "T11"]}, "architecture = 'T11'"),
        ({"depth": count(2)}, "the grid has 10,001 combinations, at most 10,000 go"),
        (
            {"depth": range(2, 200), "width": range(2, 200)},
            "depth = .*: must be fewer values: the grid has 39,204 combinations",
        ),
    ],
)
def test_a_mistake_is_told(axes, said):
    with pytest.raises(ConfigError, match=said):
        grid(RunConfig(), **axes)


def test_a_mistake_beside_the_axes_is_told():
    with pytest.raises(ConfigError, match="width = 'wide'"):
        combine({"width": "wide"}, {"depth": [2, 3]})
