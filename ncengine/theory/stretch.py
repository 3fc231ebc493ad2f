"""One linear layer in a residual block, or two: what a change costs (Appendices E and H).

The paper's example in one dimension: a number is to be stretched to e^a times itself by as many
blocks x + w x as the network is deep. The cost is the sum of squares of all weights, as weight
decay has it. One layer pays for a change w its square, so that many small changes cost next to
nothing; two layers u and v, of which w = u v, pay at least 2 |w|, and many small changes cost as
much as one large one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ncengine.arguments import positive, whole

MOST_BLOCKS = 10**9
# Unknowns of a numeric minimisation, which is to follow a slider.
MOST_MINIMISED = 30


@dataclass(frozen=True)
class Stretch:
    """The cheapest way to stretch by e^a in so many blocks.

    Attributes:
        weights: of each block, all of which are alike: (w,) of one layer, (u, v) of two.
        cost: sum of squares of all weights of all blocks.
        limit: what the cost comes to as blocks become many: 0, or 2 a.
    """

    weights: tuple[float, ...]
    cost: float
    limit: float


def stretch(a: float, blocks: int, linear_layers: int) -> Stretch:
    """The cheapest way.

    That blocks are alike is best: the sum of squares at a given product of 1 + w has one stationary
    point where w are positive, and log(1 + w) is concave.

    Args:
        a: the logarithm of how far, positive, at most 50.
        blocks: how many, at least 1.
        linear_layers: in each, 1 or 2.

    Raises:
        ValueError: a value is out of range.
    """
    a, blocks = positive("a", a, 50), whole("blocks", blocks, 1, MOST_BLOCKS)
    if linear_layers not in (1, 2):
        raise ValueError(f"linear_layers = {linear_layers!r}: must be 1 or 2")
    change = math.expm1(a / blocks)
    if linear_layers == 1:
        return Stretch((change,), blocks * change**2, 0.0)
    return Stretch((math.sqrt(change),) * 2, 2 * blocks * change, 2 * a)


@dataclass(frozen=True)
class Minimised:
    """What a numeric minimisation comes to: weights (L,), or (L, 2) of two layers, and cost."""

    weights: np.ndarray
    cost: float


@lru_cache(maxsize=256)
def minimised(a: float, blocks: int, linear_layers: int) -> Minimised:
    """The same as `stretch` by numbers, of unknowns that need not be alike, for comparison.

    Args:
        a, blocks, linear_layers: of `stretch`; at most `MOST_MINIMISED` blocks.

    Raises:
        ValueError: a value is out of range.
    """
    found = stretch(a, blocks, linear_layers)
    if blocks > MOST_MINIMISED:
        raise ValueError(f"blocks = {blocks!r}: must be at most {MOST_MINIMISED}")
    from scipy.optimize import minimize

    shape = (blocks, linear_layers)
    # Away from the answer, and no two alike.
    start = np.array(found.weights) * np.linspace(0.5, 1.5, blocks * linear_layers).reshape(shape)
    reached = {"type": "eq", "fun": lambda x: np.log1p(x.reshape(shape).prod(1)).sum() - a}
    come = minimize(
        lambda x: float((x**2).sum()),
        start.ravel(),
        jac=lambda x: 2 * x,
        bounds=[(1e-9, None)] * start.size,
        constraints=[reached],
        method="SLSQP",
        options={"maxiter": 1000, "ftol": 1e-14},
    )
    weights = come.x.reshape(shape)
    return Minimised(weights[:, 0] if linear_layers == 1 else weights, float(come.fun))


def cost_of_change(size: float, linear_layers: int) -> float:
    """The least sum of squares of weights whose product is `size`: its square, or twice itself."""
    return size**2 if linear_layers == 1 else 2 * abs(size)
