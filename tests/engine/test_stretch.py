"""What a change costs one linear layer and two: against numeric minimisation."""

import numpy as np
import pytest
from scipy.optimize import minimize

from ncengine.theory.stretch import cost_of_change, minimised, stretch


@pytest.mark.parametrize("a", [0.3, 1.0, 2.5])
@pytest.mark.parametrize("blocks", [1, 2, 5])
@pytest.mark.parametrize("layers", [1, 2])
def test_no_other_weights_are_cheaper(a, blocks, layers):
    random = np.random.default_rng(0)

    def reached(x):
        return np.log(np.abs(1 + x.reshape(layers, blocks).prod(0))).sum() - a

    tried = [
        minimize(
            lambda x: (x**2).sum(),
            random.uniform(0.2, 1.5, layers * blocks),
            constraints={"type": "eq", "fun": reached},
            method="SLSQP",
            options={"ftol": 1e-14, "maxiter": 500},
        )
        for _ in range(8)
    ]
    lowest = min(one.fun for one in tried if one.success and abs(reached(one.x)) < 1e-9)
    found = stretch(a, blocks, layers)
    assert found.cost == pytest.approx(lowest, rel=1e-6)
    assert np.prod([1 + np.prod(found.weights)] * blocks) == pytest.approx(np.exp(a), rel=1e-12)


def test_one_layer_pays_less_the_deeper_and_two_pay_their_limit():
    depths = 2 ** np.arange(4, 20)
    one = [stretch(1.5, int(n), 1).cost for n in depths]
    two = [stretch(1.5, int(n), 2).cost for n in depths]
    slope = np.polyfit(np.log(depths), np.log(one), 1)[0]
    assert slope == pytest.approx(-1, abs=0.02)
    assert np.all(np.diff(two) < 0) and two[-1] == pytest.approx(3.0, rel=1e-5)
    assert stretch(1.5, 4, 2).limit == 3.0 and stretch(1.5, 4, 1).limit == 0.0


def test_a_small_change_costs_its_square_or_twice_itself():
    for size in (1e-3, 0.5, 2.0):
        u = np.linspace(1e-4, 10, 400_001)
        assert cost_of_change(size, 2) == pytest.approx((u**2 + (size / u) ** 2).min(), rel=1e-6)
        assert cost_of_change(size, 1) == size**2


@pytest.mark.parametrize(
    "wrong, said",
    [
        ((0.0, 3, 1), "a = 0.0"),
        ((float("nan"), 3, 1), "a = nan"),
        ((1.0, 0, 1), "blocks = 0"),
        ((1.0, 3, 3), "linear_layers = 3: must be 1 or 2"),
    ],
)
def test_what_cannot_be_is_named(wrong, said):
    with pytest.raises(ValueError, match=said):
        stretch(*wrong)


@pytest.mark.parametrize("a, blocks", [(0.1, 1), (2.0, 10), (5.0, 30)])
@pytest.mark.parametrize("layers", [1, 2])
def test_numeric_minimisation_comes_to_the_closed_form(a, blocks, layers):
    found, closed = minimised(a, blocks, layers), stretch(a, blocks, layers)
    assert found.cost == pytest.approx(closed.cost, rel=1e-8)
    np.testing.assert_allclose(np.abs(found.weights), closed.weights[0], rtol=1e-3)
    # It is another way to the answer, which does not know it.
    assert found.weights.shape == ((blocks,) if layers == 1 else (blocks, 2))


def test_more_unknowns_than_follow_a_slider_are_refused():
    with pytest.raises(ValueError, match="blocks = 31: must be at most 30"):
        minimised(1.0, 31, 1)
