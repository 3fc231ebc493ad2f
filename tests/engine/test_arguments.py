"""Numbers that a function is given: what is taken, and what is said of the rest."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
import pytest

from ncengine.arguments import positive, whole
from ncengine.theory import best_figure, construction, gufm_optimum

NUMBERS = [7, 7.0, np.int8(7), np.float32(7), np.array(7), Decimal(7)]
NONE = [True, "7", b"7", None, math.nan, math.inf, [7], 7j, 10**400, object]


@pytest.mark.parametrize("value", NUMBERS, ids=repr)
def test_a_whole_number_is_one_of_whatever_type(value):
    assert whole("x", value, 7, 7) == 7 and type(whole("x", value, 7)) is int
    assert positive("x", value) == 7 and type(positive("x", value)) is float


def test_large_whole_numbers_are_told_apart():
    assert whole("x", 2**63 - 1, 0, 2**63 - 1) == 2**63 - 1
    with pytest.raises(ValueError, match="x = "):
        whole("x", 2**63, 0, 2**63 - 1)


@pytest.mark.parametrize("value", [*NONE, 0, 6, 8, 7.5, -7], ids=repr)
def test_anything_else_is_refused_by_its_name(value):
    with pytest.raises(ValueError, match=r"^x = .*: must be a whole number from 7 to 7$"):
        whole("x", value, 7, 7)


@pytest.mark.parametrize("value", [*NONE, 0, -1e-9], ids=repr)
def test_a_positive_number_is_finite(value):
    with pytest.raises(ValueError, match=r"^x = .*: must be a positive number$"):
        positive("x", value)
    with pytest.raises(ValueError, match="at most 50$"):
        positive("x", 51, 50)


@pytest.mark.parametrize("value", [x for x in NONE if not isinstance(x, list)], ids=repr)
def test_the_theory_names_what_it_cannot_be_given(value):
    for asked in (
        lambda: gufm_optimum(value, 8, 0.01),
        lambda: best_figure(value, 4, 0.01),
        lambda: construction(value),
    ):
        with pytest.raises(ValueError, match="^classes = "):
            asked()
    with pytest.raises(ValueError, match="^seed = "):
        construction(seed=value)
    with pytest.raises(ValueError, match="^weight_decay = "):
        gufm_optimum(4, 8, value)


def test_a_whole_number_may_be_a_float_to_the_theory():
    assert gufm_optimum(4.0, np.float64(8), 0.01) == gufm_optimum(4, 8, 0.01)
    assert best_figure(5.0, 4.0, 0.01).loss == best_figure(5, 4, 0.01).loss
    made = construction(3.0, 2.0, 4.0, travel=20.0, settle=20.0, seed=1.0)
    assert made.summary() == construction(3, 2, 4, travel=20, settle=20, seed=1).summary()
