"""The best figure that is known where no simplex, or no orthogonal frame, fits: K > d.

Free features on the zero-sum sphere (Definition 3), which have collapsed onto their class means:
what is sought is the least objective over the directions of K means and the rows of W. It is not
convex; the best of many starts is taken, and nothing proves it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.optimize import minimize

from ncengine.arguments import positive, whole
from ncengine.theory.gufm import simplex_etf

# Random starts beside those that are made of simplices, and those of another, larger lambda.
STARTS = 48
MOST_CLASSES, MOST_WIDTH = 32, 64
SHORT = 0.3
# Two starts have come to the same where their objectives differ by less, relative.
ALIKE = 1e-9
# Cosines that differ by less are the same.
SAME = 1e-3


@dataclass(frozen=True)
class BestFigure:
    """A figure of K classes in the D = d - 1 dimensions that LayerNorm leaves.

    Attributes:
        loss: of its objective, the least that was found.
        means: (K, D) unit vectors, the directions of the class means.
        rows: (K, D) rows of W.
        bias: (K,) of the last layer; zeros where it has none.
        starts: how many were tried, and `agree`, how many of them came to `loss`.
        unique: whether these came to the same angles. Where not, as with squared error in most
            cases, this is one of many figures that are as good, and none of them is the ideal.
    """

    loss: float
    means: np.ndarray
    rows: np.ndarray
    bias: np.ndarray
    starts: int
    agree: int
    unique: bool = True

    @property
    def cosines(self) -> np.ndarray:
        """(K, K) of the means."""
        return np.clip(self.means @ self.means.T, -1, 1)

    @property
    def angles(self) -> np.ndarray:
        """(K (K - 1) / 2,) degrees between two classes, ascending."""
        return np.sort(np.degrees(np.arccos(self.cosines[np.triu_indices(len(self.means), 1)])))

    @property
    def row_norms(self) -> np.ndarray:
        """(K,)."""
        return np.linalg.norm(self.rows, axis=1)

    @property
    def words(self) -> str:
        """What figure it is, see `in_words`; or that there is not one."""
        return in_words(self) if self.unique else "no one figure, since many are as good"

    @property
    def nc3(self) -> float:
        """1 - mean cosine of a mean and its row: not 0 where rows are not parallel to means."""
        return float(1 - ((self.rows * self.means).sum(1) / self.row_norms).mean())


@lru_cache(maxsize=64)
def best_figure(
    classes: int,
    width: int,
    weight_decay: float,
    loss: str = "ce",
    bias: bool = False,
    starts: int = STARTS,
) -> BestFigure:
    """The best figure of `starts` random starts and of all that are made of simplices.

    Args:
        classes: K, 2 to `MOST_CLASSES`.
        width: d, 2 to `MOST_WIDTH`; features have norm √d.
        weight_decay: lambda of the last layer, positive.
        loss: "ce" or "mse", in any case.
        bias: whether the last layer has a bias, which is not decayed. Where classes are not all
            alike, it lowers the cross entropy too.
        starts: at least 1.

    Raises:
        ValueError: a value is out of range.
    """
    kind = loss.casefold() if isinstance(loss, str) else loss
    if kind not in ("ce", "mse"):
        raise ValueError(f"loss = {loss!r}: must be one of ce, mse")
    classes = whole("classes", classes, 2, MOST_CLASSES)
    width, starts = whole("width", width, 2, MOST_WIDTH), whole("starts", starts, 1, 10_000)
    weight_decay = positive("weight_decay", weight_decay)
    problem = Problem(classes, width, weight_decay, kind, bias)
    random = np.random.default_rng([classes, width, 7])
    tried = [problem.least(start) for start in _starts(classes, width - 1, starts, random)]
    best = min(tried, key=lambda one: one.fun)
    agree = [one for one in tried if one.fun <= best.fun * (1 + ALIKE)]
    means, rows, shift = problem.parts(best.x)
    own = _angles(means)
    off = max(float(np.abs(_angles(problem.parts(one.x)[0]) - own).max()) for one in agree)
    return BestFigure(
        float(best.fun), _units(means), rows, shift, len(tried), len(agree), off < 10 * SAME
    )


def _units(means: np.ndarray) -> np.ndarray:
    return means / np.linalg.norm(means, axis=1, keepdims=True)


def _angles(means: np.ndarray) -> np.ndarray:
    """The cosines between every two means, ascending: the same of a figure that is turned."""
    units = _units(means)
    return np.sort((units @ units.T)[np.triu_indices(len(units), 1)])


class Problem:
    """The objective of K means, of any length, and rows, with its gradient."""

    def __init__(
        self,
        classes: int,
        width: int,
        weight_decay: float,
        kind: str,
        bias: bool,
        shares: np.ndarray | None = None,
        dimensions: int = 0,
    ):
        self.shape = classes, dimensions or width - 1
        # Of all samples, of each class.
        self.shares = np.full(classes, 1 / classes) if shares is None else shares
        self.scale, self.decay, self.kind, self.bias = width**0.5, weight_decay, kind, bias

    def parts(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        classes, dimensions = self.shape
        size = classes * dimensions
        means, rows = x[:size].reshape(self.shape), x[size : 2 * size].reshape(self.shape)
        return means, rows, x[2 * size :] if self.bias else np.zeros(classes)

    def least(self, means: np.ndarray) -> Any:
        """Go down from means (K, D), and rows along them."""
        # Only the direction of a mean counts. A short one turns by more at a step, which with
        # squared error takes it a hundred times sooner to its end.
        long = np.linalg.norm(means, axis=1, keepdims=True)
        means = means / long * (SHORT if self.kind == "mse" else 1.0)
        rows = means * (1 / self.scale if self.kind == "mse" else 2.0)
        start = np.concatenate([means.ravel(), rows.ravel(), np.zeros(self.shape[0] * self.bias)])
        options = {"maxiter": 20_000, "maxfun": 40_000, "maxcor": 30, "ftol": 1e-16, "gtol": 1e-11}
        return minimize(self, start, jac=True, method="L-BFGS-B", options=options)

    def __call__(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        means, rows, shift = self.parts(x)
        classes = len(means)
        length = np.linalg.norm(means, axis=1, keepdims=True)
        units = means / length
        logits = self.scale * units @ rows.T + shift
        if self.kind == "ce":
            top = logits.max(1, keepdims=True)
            powers = np.exp(logits - top)
            total = powers.sum(1, keepdims=True)
            fit = float(self.shares @ (np.log(total) + top - np.diag(logits)[:, None])[:, 0])
            slope = (powers / total - np.eye(classes)) * self.shares[:, None]
        else:
            missing = logits - np.eye(classes)
            slope = missing * self.shares[:, None]
            fit = float((missing * slope).sum() / 2)
        of_rows = self.scale * slope.T @ units + self.decay * rows
        of_units = self.scale * slope @ rows
        of_means = (of_units - (of_units * units).sum(1, keepdims=True) * units) / length
        whole = [of_means.ravel(), of_rows.ravel(), *([slope.sum(0)] * self.bias)]
        return fit + self.decay / 2 * float((rows**2).sum()), np.concatenate(whole)


def _starts(
    classes: int, dimensions: int, count: int, random: np.random.Generator
) -> Iterator[np.ndarray]:
    """Means (K, D): made of simplices that are orthogonal to each other, and at random."""
    if dimensions < classes:
        for sizes in _partitions(classes, classes - dimensions, 2):
            yield _simplices(sizes) + 1e-3 * random.standard_normal((classes, dimensions))
    for _ in range(count):
        yield random.standard_normal((classes, dimensions))


def _simplices(sizes: tuple[int, ...]) -> np.ndarray:
    """(K, D) simplices of so many points, each in dimensions of its own."""
    figure = np.zeros((sum(sizes), sum(sizes) - len(sizes)))
    row = column = 0
    for size in sizes:
        figure[row : row + size, column : column + size - 1] = simplex_etf(size)
        row, column = row + size, column + size - 1
    return figure


def _partitions(whole: int, parts: int, least: int) -> Iterator[tuple[int, ...]]:
    """Ways to write a whole number as so many of at least `least`, ascending."""
    if parts == 1:
        if whole >= least:
            yield (whole,)
        return
    for first in range(least, whole // parts + 1):
        for rest in _partitions(whole - first, parts - 1, first):
            yield (first, *rest)


def simplices_of(cosines: np.ndarray) -> tuple[int, ...]:
    """The sizes of the orthogonal simplices that a figure is made of, the largest first.

    Args:
        cosines: (K, K) of its points.

    Returns:
        () where it is none of such.
    """
    left, sizes = set(range(len(cosines))), []
    while left:
        group = {left.pop()}
        while more := {n for n in left if (np.abs(cosines[n, sorted(group)]) > SAME).any()}:
            group |= more
            left -= more
        members = sorted(group)
        own = cosines[np.ix_(members, members)]
        others = own[~np.eye(len(members), dtype=bool)]
        if len(members) < 2 or np.abs(others + 1 / (len(members) - 1)).max() > SAME:
            return ()
        sizes.append(len(members))
    return tuple(sorted(sizes, reverse=True))


def in_words(figure: BestFigure) -> str:
    """What figure it is: "octahedron: 3 pairs of opposite classes, orthogonal to each other"."""
    classes, dimensions = figure.means.shape
    sizes = simplices_of(figure.cosines)
    if dimensions == 2 and np.ptp(np.sort(figure.cosines, axis=1)[:, -2]) < SAME:
        return f"a regular polygon of {classes} corners"
    if len(sizes) == 1:
        return "a simplex: every two classes at the same angle"
    if sizes and max(sizes) == 2:
        name = "octahedron" if dimensions == 3 else "orthoplex"
        return f"an {name}: {len(sizes)} pairs of opposite classes, orthogonal to each other"
    if sizes:
        named = " + ".join(map(str, sizes))
        solid = "a triangular bipyramid, " if (classes, dimensions) == (5, 3) else ""
        return f"{solid}simplices of {named} classes, orthogonal to each other"
    kinds = len(_kinds(figure.cosines))
    name = _SOLIDS.get((classes, kinds), "") if dimensions == 3 else ""
    alike = "all classes alike" if kinds == 1 else f"{kinds} kinds of classes"
    low, high = figure.angles[0], figure.angles[-1]
    return f"{f'{name}, ' if name else ''}{alike}, at angles from {low:.1f}° to {high:.1f}°"


# Of the ordinary sphere, by how many classes there are and of how many kinds.
_SOLIDS = {
    (7, 2): "a pentagonal bipyramid",
    (8, 1): "a square antiprism",
    (9, 2): "a triangular prism with three caps",
    (10, 2): "a square antiprism with two caps",
    (12, 1): "an icosahedron",
}


def _kinds(cosines: np.ndarray) -> set[tuple[float, ...]]:
    """The different lists of cosines that points have with all others."""
    found: list[np.ndarray] = []
    for row in np.sort(cosines, axis=1):
        if not any(np.abs(row - other).max() < 10 * SAME for other in found):
            found.append(row)
    return {tuple(row) for row in found}
