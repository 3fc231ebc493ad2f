"""Classes of unequal size: how minority classes lose their places, and at last their differences.

Minority collapse (C. Fang, H. He, Q. Long and W. Su, PNAS 118, 2021), here of free features on the
sphere where LayerNorm puts them, and with cross entropy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.optimize import brentq, minimize, root

from ncengine.arguments import whole
from ncengine.theory.gufm import gufm_optimum, simplex_etf

MOST_CLASSES, MOST_RATIO = 32, 1e6
# Up to such an R minorities are asked whether they meet. What is less than a share of 1e-16 of all
# samples is rounding.
_FARTHEST = 1e15


@dataclass(frozen=True)
class UnequalOptimum:
    """The best that is found, where some classes have R times fewer samples than the others.

    Attributes:
        loss: of its objective.
        balanced: the objective of the simplex that is best for classes of one size, with these.
        means: (K, D) unit vectors, the directions of the class means, the minority's last.
        rows: (K, D) rows of W.
        minority: how many classes have fewer samples.
    """

    loss: float
    balanced: float
    means: np.ndarray
    rows: np.ndarray
    minority: int

    def cosine(self, first: int, second: int) -> float:
        """Between the rows of two classes; NaN where one of them is zero."""
        a, b = self.rows[first], self.rows[second]
        norm = np.linalg.norm(a) * np.linalg.norm(b)
        return float(a @ b / norm) if norm > 0 else math.nan

    @property
    def minority_cosine(self) -> float:
        """Between two minority classes' rows; NaN where there is but one such class."""
        classes = len(self.rows)
        return self.cosine(classes - 2, classes - 1) if self.minority > 1 else math.nan

    @property
    def majority_cosine(self) -> float:
        """Between two majority classes' rows; NaN where there is but one such class."""
        return self.cosine(0, 1) if len(self.rows) - self.minority > 1 else math.nan


@lru_cache(maxsize=128)
def unequal_optimum(
    classes: int, width: int, weight_decay: float, minority: int, ratio: float
) -> UnequalOptimum:
    """Free features of classes of two sizes, at the best objective that is found.

    Args:
        classes: K, 2 to `MOST_CLASSES`.
        width: d, at least K.
        weight_decay: lambda of the last layer.
        minority: how many classes have fewer samples, 1 to K - 1.
        ratio: R, how many times fewer, 1 to `MOST_RATIO`.

    Raises:
        ValueError: a value is out of range.
    """
    optimum = gufm_optimum(classes, width, weight_decay)
    classes = whole("classes", classes, 2, MOST_CLASSES)
    minority = whole("minority", minority, 1, classes - 1)
    if not 1 <= ratio <= MOST_RATIO:
        raise ValueError(f"ratio = {ratio!r}: must be a number from 1 to {MOST_RATIO:,.0f}")
    objective = _objective(classes, width, weight_decay, minority, ratio)
    # Of the balanced simplex, and minorities nearer to each other.
    starts = [objective.simplex(optimum.row_norm, spread) for spread in (1.0, 0.3, 0.03, 0.0)]
    tried = [
        minimize(objective, start, jac=True, method="BFGS", options={"gtol": 1e-11})
        for start in starts
    ]
    best = min(tried, key=lambda one: one.fun)
    means, rows = objective.figure(best.x)
    return UnequalOptimum(float(best.fun), objective(starts[0])[0], means, rows, int(minority))


@lru_cache(maxsize=128)
def meeting_ratio(classes: int, width: int, weight_decay: float, minority: int) -> float:
    """The R from which on the rows of the minority are one; infinite where that is beyond 1e15.

    Minority classes that have become one part again where that begins to cost less. Let their
    features turn apart by a small angle u, and their rows by a small v. By the second order this
    changes the objective, for each of them, by q (s a p u^2 / 2 - s u v) + lambda v^2 / 2: with q a
    class's share of all samples, s = sqrt(d), a how far its row and a majority's are apart along
    the axis between the two groups, and p what its samples give to all of the majority. No u and v
    help where lambda a p >= s q; there R is sought at which these are equal.

    Args:
        classes, width, weight_decay: as of `unequal_optimum`.
        minority: how many classes have fewer samples, 2 to K - 1.

    Raises:
        ValueError: a value is out of range.
    """
    optimum = gufm_optimum(classes, width, weight_decay)
    classes = whole("classes", classes, 3, MOST_CLASSES)
    minority = whole("minority", minority, 2, classes - 1)

    def firm(log_ratio: float) -> float:
        """Above 0 where the minority stays one."""
        objective = _objective(classes, width, weight_decay, minority, math.exp(log_ratio))
        return objective.firmness(optimum.row_norm)

    # Of classes alike, R = 1, none are one.
    for high in np.log(10) * np.arange(1, math.log10(_FARTHEST) + 1):
        if firm(high) > 0:
            return math.exp(brentq(firm, high - math.log(10), high, xtol=1e-12))
    return math.inf


def _objective(
    classes: int, width: int, weight_decay: float, minority: int, ratio: float
) -> _Objective:
    large = classes - minority
    shares = np.array([1.0, 1 / ratio]) / (large + minority / ratio)
    return _Objective(np.array([large, minority]), shares, width, weight_decay)


class _Objective:
    """Of features and rows that are alike within each of the two groups of classes.

    Each group is a simplex around the common axis, in dimensions of its own. Its mean is at an
    angle to the axis, at which its rows have one part along it and one along the simplex: so there
    are three unknowns a group.
    """

    def __init__(self, sizes: np.ndarray, shares: np.ndarray, width: int, weight_decay: float):
        self.sizes, self.shares, self.decay = sizes, shares, weight_decay
        self.scale = width**0.5
        # A simplex of one point is none.
        self.others = np.maximum(sizes - 1, 1)
        self.several = sizes > 1

    def simplex(self, row_norm: float, spread: float) -> np.ndarray:
        """The unknowns of a simplex of all classes; the minority's own drawn together."""
        classes = self.sizes.sum()
        # In a simplex, groups lie on either side of the centre.
        along = np.sqrt((classes - self.sizes) / (self.sizes * (classes - 1)))
        aside = np.sqrt(1 - along**2) * [1.0, spread]
        angles = np.arctan2(aside, along * [1.0, -1.0])
        return np.concatenate([angles, row_norm * along * [1.0, -1.0], row_norm * aside])

    def __call__(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """The objective, and its gradient."""
        angles, along, aside = x.reshape(3, 2)
        aside = aside * self.several
        # A class alone lies on the axis.
        axis = np.where(self.several, np.cos(angles), np.sign(np.cos(angles)))
        out, turn = np.sin(angles) * self.several, np.cos(angles) * self.several
        # Logits of another class of the group, and of one of the other, minus the own one.
        near, apart = 1 + 1 / self.others, along[::-1] - along
        terms = np.stack(
            [
                np.zeros(2),
                np.log(self.others) - self.scale * out * aside * near,
                np.log(self.sizes[::-1]) + self.scale * (axis * apart - out * aside),
            ]
        )
        terms[1, ~self.several] = -np.inf
        whole = np.logaddexp.reduce(terms)
        weight = self.sizes * self.shares
        decayed = self.decay * self.sizes
        value = (weight * whole).sum() + (decayed * (along**2 + aside**2)).sum() / 2
        _, alike, other = self.scale * weight * np.exp(terms - whole)
        of_angles = -alike * turn * aside * near - other * (out * apart + turn * aside)
        of_along = (other * axis)[::-1] - other * axis + decayed * along
        of_aside = (-out * (alike * near + other) + decayed * aside) * self.several
        return float(value), np.concatenate([of_angles, of_along, of_aside])

    def firmness(self, row_norm: float) -> float:
        """log(lambda a p) - log(s q) of a minority that is one, see `meeting_ratio`."""
        # All but what parts the minority: its angle, and its rows' parts along a simplex.
        free = [0, 2, 3, 4]
        start = self.simplex(row_norm, 0.0)

        def whole(y: np.ndarray) -> np.ndarray:
            x = start.copy()
            x[free] = y
            return x

        def gradient(y: np.ndarray) -> np.ndarray:
            """In shares of the weight decay, which may be small."""
            return self(whole(y))[1][free] / self.decay

        near = minimize(
            lambda y: self(whole(y))[0],
            start[free],
            jac=lambda y: self.decay * gradient(y),
            method="BFGS",
            options={"gtol": 1e-11},
        )
        found = root(gradient, near.x, tol=1e-13)
        _, along, _ = whole(found.x).reshape(3, 2)
        apart, sizes = along[0] - along[1], np.log(self.sizes)
        given = -np.logaddexp(0.0, sizes[1] - sizes[0] + self.scale * apart)
        wanted = math.log(self.scale * self.shares[1])
        return float(math.log(self.decay * apart) + given - wanted)

    def figure(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(K, K - 1) means of norm 1 and rows: along the axis, and along each simplex."""
        angles, along, aside = x.reshape(3, 2)
        means, rows = [], []
        before = 1
        for n, size in enumerate(self.sizes):
            corners = np.zeros((size, self.sizes.sum() - 1))
            corners[:, before : before + size - 1] = simplex_etf(int(size)) if size > 1 else 0
            before += size - 1
            axis = np.zeros_like(corners)
            axis[:, 0] = 1.0
            way = np.cos(angles[n]) * axis + np.sin(angles[n]) * corners
            means.append(way if size > 1 else np.sign(np.cos(angles[n])) * axis)
            rows.append(along[n] * axis + aside[n] * corners)
        return np.concatenate(means), np.concatenate(rows)
