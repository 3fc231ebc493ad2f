"""Power laws: how a metric falls with depth, how sure that is, and whether it is a law at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

LEVEL = 0.95
# Through two points goes any line.
LEAST_POINTS = 3
# As many seeds more are believed to scatter at each x as they do on average over all: of two to
# five seeds alone, their variance is known so badly that weights by it would be a lottery.
BELIEVED_SEEDS = 4
# Seeds count as having slopes of their own from this probability on that chance makes them differ
# as much. Near the 25 % that is advised for such preliminary tests (T. A. Bancroft, Analysis and
# Inference for Incompletely Specified Models, Biometrics 20, 1964): a usual 5 % would miss many.
OWN_SLOPES = 0.3
# How much of the differences between points a line explains at least that is called a law though
# the points leave it by more than their seeds explain.
NEARLY = 0.95
# In log10: a distance from the line that nobody sees, 0.02 %.
UNSEEN = 1e-4

LAW = "power law"
NOT_EXACT = "no exact power law"
UNCLEAR = "no clear slope"
NO_LAW = "no power law"


@dataclass(frozen=True)
class PowerLaw:
    """log10 y = intercept + slope · log10 x.

    Attributes:
        slope, intercept: of the line.
        low, high: the interval of the slope, 95 %.
        points: to how many values of x it was fitted.
        r_squared: the share of the differences between points that the line explains, from 0 to 1;
            NaN where they do not differ.
        misfit: the probability that seeds alone bring the points as far from the line as they are,
            if it were one; NaN where there are not two seeds to tell.
    """

    slope: float
    intercept: float
    low: float
    high: float
    points: int
    r_squared: float
    misfit: float

    def __call__(self, x: ArrayLike) -> np.ndarray:
        """y at these x."""
        return 10 ** (self.intercept + self.slope * np.log10(np.asarray(x, float)))

    @property
    def verdict(self) -> str:
        """What can be claimed: one of the texts `LAW`, `NOT_EXACT`, `UNCLEAR` and `NO_LAW`.

        `NO_LAW`: the points leave the line by more than their seeds explain, and it says little
        of them. `UNCLEAR`: the interval of the slope holds 0. `NOT_EXACT`: they leave it by more
        than their seeds explain, but it is near to all of them.
        """
        bent = self.misfit < 1 - LEVEL
        if bent and not self.r_squared >= NEARLY:
            return NO_LAW
        if self.low < 0 < self.high:
            return UNCLEAR
        return NOT_EXACT if bent else LAW

    @property
    def claimed(self) -> bool:
        """Whether there is a slope to speak of."""
        return self.verdict in (LAW, NOT_EXACT)


def power_law(
    x: ArrayLike, values: ArrayLike, *, within: tuple[float, float] | None = None
) -> PowerLaw:
    """Fit a power law to values of several seeds at several x.

    Each point is the mean of log10 over its seeds. Its distance from the line is taken to have two
    parts: what its seeds scatter, and a misfit of unknown size that all points share. Points weigh
    by one over the sum of both variances: all alike where the line does not fit, and those whose
    seeds agree a little more where it does (R. C. Paule, J. Mandel, Consensus Values and Weighting
    Factors, J. Res. Natl. Bur. Stand. 87, 1982). The interval is Student's t of the points'
    distances, with as many degrees of freedom as points less two (G. Knapp, J. Hartung, Improved
    Tests for a Random Effects Meta-regression, Statistics in Medicine 22, 2003), so that it holds
    the misfit. A run's seed may be the same at all x: where seeds have slopes of their own, the
    scatter of these is added (F. E. Satterthwaite, Biometrics Bulletin 2, 1946).

    Args:
        x: (points,) positive, such as depths.
        values: (points, seeds); what is not a positive finite number is left out.
        within: smallest and largest x that are used; all by default.

    Raises:
        ValueError: shapes do not fit, an x is not positive, or fewer than three x have values.
    """
    x, values = np.asarray(x, float), np.asarray(values, float)
    if x.ndim != 1 or values.ndim != 2 or len(values) != len(x):
        raise ValueError(
            f"x has the shape {x.shape} and values {values.shape}: must be (points,) and "
            "(points, seeds)"
        )
    if not (x > 0).all():
        raise ValueError(f"x = {x.min():g}: must be positive")
    low, high = within if within is not None else (x.min(initial=np.inf), x.max(initial=0.0))
    counted = np.isfinite(values) & (values > 0)
    used = counted.any(axis=1) & (low <= x) & (x <= high)
    if len(np.unique(x[used])) < LEAST_POINTS:
        raise ValueError(f"{used.sum()} points from {low:g} to {high:g}: must be at least three x")
    at, points = np.log10(x[used]), _points(values[used], counted[used])
    line = _line(at, points.mean, _weights(at, points))
    variances = _variances(line, points)
    half = _half_width(variances)
    seen = np.abs(line.rest).max() > UNSEEN
    return PowerLaw(
        slope=line.slope,
        intercept=line.height - line.slope * line.centre,
        low=line.slope - half,
        high=line.slope + half,
        points=len(at),
        r_squared=_explained(line, points.mean),
        misfit=_misfit(variances) if seen or points.seeds < 2 else 1.0,
    )


class _Points(NamedTuple):
    """Points as means over seeds.

    Attributes:
        mean: (points,)
        variance: (points,) of these means, over seeds; zeros where nothing is known of it.
        shares: (points, seeds) what each seed adds to the means' error. Its sums of squares over
            seeds, also of any linear function of the points, estimate variances.
        seeds: how many there are.
    """

    mean: np.ndarray
    variance: np.ndarray
    shares: np.ndarray
    seeds: int


def _points(values: np.ndarray, counted: np.ndarray) -> _Points:
    logs = np.log10(np.where(counted, values, 1.0))
    number = counted.sum(axis=1)
    mean = logs.sum(axis=1) / number
    away = np.where(counted, logs - mean[:, None], 0.0)
    shares = away / np.sqrt(np.maximum(number * (number - 1), 1))[:, None]
    square, freedom = (away**2).sum(axis=1), number - 1
    of_all = square.sum() / max(freedom.sum(), 1)
    variance = (BELIEVED_SEEDS * of_all + square) / (BELIEVED_SEEDS + freedom) / number
    return _Points(mean, variance, shares, int(counted[number > 1].any(axis=0).sum()))


class _Line(NamedTuple):
    """A weighted line through points.

    Attributes:
        slope, centre, height: it goes through (centre, height).
        weights: (points,) of sum 1.
        off: (points,) x less the centre.
        across: weighted mean of `off` squared.
        rest: (points,) how far the points are above it.
    """

    slope: float
    centre: float
    height: float
    weights: np.ndarray
    off: np.ndarray
    across: float
    rest: np.ndarray


def _line(at: np.ndarray, mean: np.ndarray, weights: np.ndarray) -> _Line:
    weights = weights / weights.sum()
    centre, height = float(weights @ at), float(weights @ mean)
    off = at - centre
    across = float(weights @ off**2)
    slope = float(weights @ (off * mean)) / across
    return _Line(slope, centre, height, weights, off, across, mean - height - slope * off)


def _weights(at: np.ndarray, points: _Points) -> np.ndarray:
    """(points,) one over the variance of each, seeds and misfit together."""
    alike = np.ones(len(at))
    most = float((_line(at, points.mean, alike).rest ** 2).sum()) / (len(at) - 2)
    # Where nothing is known of the seeds, or they are as nothing beside the misfit.
    if not points.variance.min() > 1e-9 * most:
        return alike

    def too_much(misfit: float) -> float:
        """How much more the points scatter than they should, if that were the misfit."""
        variance = misfit + points.variance
        return (
            float((_line(at, points.mean, 1 / variance).rest ** 2 / variance).sum()) - len(at) + 2
        )

    misfit = _root(too_much, 0.0, most) if too_much(0.0) > 0 > too_much(most) else 0.0
    return 1 / (misfit + points.variance)


def _root(falling: Callable[[float], float], low: float, high: float) -> float:
    """Where a function that falls from `low` to `high` is 0, by halves.

    To load scipy.optimize for that takes a hundred times as long.
    """
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return middle


class _Variances(NamedTuple):
    """Of the slope, estimated in three ways.

    Attributes:
        rest: from how far the points are from the line.
        own: from how much the seeds' own slopes differ.
        chance: from how far each seed's points are from its own line: what both would be without
            misfit, and with seeds that scatter at each point by itself.
        points, seeds: how many there are.
    """

    rest: float
    own: float
    chance: float
    points: int
    seeds: int


def _variances(line: _Line, points: _Points) -> _Variances:
    slopes = (line.weights * line.off) @ points.shares / line.across
    heights = line.weights @ points.shares
    rests = points.shares - heights - np.outer(line.off, slopes)
    scale = (len(line.off) - 2) * line.across
    return _Variances(
        rest=float(line.weights @ line.rest**2) / scale,
        own=float((slopes**2).sum()),
        chance=float((line.weights @ rests**2).sum()) / scale,
        points=len(line.off),
        seeds=points.seeds,
    )


def _half_width(variances: _Variances) -> float:
    """How far the interval goes to either side of the slope."""
    from scipy.special import fdtrc, stdtrit

    freedom: float = variances.points - 2
    variance = variances.rest
    if variances.seeds > 1 and variances.own > variances.chance:
        others = freedom * (variances.seeds - 1)
        ratio = variances.own / variances.chance if variances.chance > 0 else np.inf
        if fdtrc(variances.seeds - 1, others, ratio) < OWN_SLOPES:
            variance += variances.own - variances.chance
            unsure = variances.rest**2 / freedom + variances.own**2 / (variances.seeds - 1)
            freedom = max(variance**2 / unsure, 1.0)
    return float(stdtrit(freedom, (1 + LEVEL) / 2) * np.sqrt(variance))


def _misfit(variances: _Variances) -> float:
    """See `PowerLaw.misfit`: the F test for lack of fit."""
    from scipy.special import fdtrc

    if variances.seeds < 2:
        return np.nan
    freedom = variances.points - 2
    ratio = variances.rest / variances.chance if variances.chance > 0 else np.inf
    return float(fdtrc(freedom, freedom * (variances.seeds - 1), ratio))


def _explained(line: _Line, mean: np.ndarray) -> float:
    spread = float(line.weights @ (mean - line.height) ** 2)
    if spread < UNSEEN**2 * 1e-6:
        return np.nan
    return max(0.0, 1 - float(line.weights @ line.rest**2) / spread)
