"""Power laws: how a metric falls with depth, with an interval that says how sure that is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

DRAWS = 2000
LEVEL = 0.95
# Of the largest spread: points that agree better than this weigh no more.
LEAST_SPREAD = 1e-3


@dataclass(frozen=True)
class PowerLaw:
    """log10 y = intercept + slope · log10 x.

    Attributes:
        slope, intercept: of the line.
        low, high: the interval of the slope, 95 %; NaN where there are not two seeds to tell.
        points: to how many values of x it was fitted.
    """

    slope: float
    intercept: float
    low: float
    high: float
    points: int

    def __call__(self, x: ArrayLike) -> np.ndarray:
        """y at these x."""
        return 10 ** (self.intercept + self.slope * np.log10(np.asarray(x, float)))


def power_law(
    x: ArrayLike,
    values: ArrayLike,
    *,
    within: tuple[float, float] | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> PowerLaw:
    """Fit a power law to values of several seeds at several x.

    Each point is the mean of log10 over its seeds and weighs by one over its variance over seeds;
    all weigh the same where there is one seed, or no spread. The interval is a bootstrap over
    seeds: a seed is drawn with all its points, for runs of one seed may be alike. Of few seeds
    its percentiles would be too narrow: so it is the bootstrap's standard error times Student's
    t (T. Hesterberg, What Teachers Should Know About the Bootstrap, The American Statistician 69,
    2015), and wider for weights that were themselves estimated (P. Meier, Variance of a Weighted
    Mean, Biometrics 9, 1953).

    Args:
        x: (points,) positive, such as depths.
        values: (points, seeds); what is not a positive finite number is left out.
        within: smallest and largest x that are used; all by default.
        draws: how many samples of seeds are drawn.
        seed: of these draws.

    Raises:
        ValueError: shapes do not fit, an x is not positive, or fewer than two x have values.
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
    if len(np.unique(x[used])) < 2:
        raise ValueError(f"{used.sum()} points from {low:g} to {high:g}: must be at least two x")
    at = np.log10(x[used])
    counted = counted[used]
    logs = np.where(counted, np.log10(np.where(counted, values[used], 1.0)), 0.0)
    weights = _weights(logs, counted)
    everyone = np.ones((1, values.shape[1]))
    slope, intercept = (float(one[0]) for one in _lines(at, logs, counted, weights, everyone))
    ends = _interval(at, logs, counted, weights, slope, draws, seed)
    return PowerLaw(slope, intercept, *ends, points=int(used.sum()))


def _weights(logs: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """(points,) one over the variance of the seeds; all one where nothing is known of it."""
    number = counted.sum(axis=1)
    mean = logs.sum(axis=1) / number
    square = np.where(counted, (logs - mean[:, None]) ** 2, 0.0).sum(axis=1)
    if number.max() < 2 or square.max() == 0:
        return np.ones(len(logs))
    spread = np.sqrt(square / np.maximum(number - 1, 1))
    # Of a point with one seed nothing is known: it weighs as the others do on average.
    spread[number < 2] = np.median(spread[number >= 2])
    return 1 / np.maximum(spread, LEAST_SPREAD * spread.max()) ** 2


def _lines(
    at: np.ndarray, logs: np.ndarray, counted: np.ndarray, weights: np.ndarray, often: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(draws,) slopes and intercepts of weighted least squares.

    `often` (draws, seeds) says how often each seed is in a sample. NaN where fewer than two x
    have a value in it.
    """
    number = often @ counted.T
    there = number > 0
    mean = np.where(there, (often @ logs.T) / np.maximum(number, 1), 0.0)
    weight = np.where(there, weights, 0.0)
    total = weight.sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        centre = (weight * at).sum(axis=1, keepdims=True) / total
        height = (weight * mean).sum(axis=1, keepdims=True) / total
        across = (weight * (at - centre) ** 2).sum(axis=1)
        slope = (weight * (at - centre) * (mean - height)).sum(axis=1) / across
    slope[np.ptp(np.where(there, at, centre), axis=1) == 0] = np.nan
    return slope, height[:, 0] - slope * centre[:, 0]


def _interval(
    at: np.ndarray,
    logs: np.ndarray,
    counted: np.ndarray,
    weights: np.ndarray,
    slope: float,
    draws: int,
    seed: int,
) -> tuple[float, float]:
    """The interval of the slope."""
    seeds = int(counted.any(axis=0).sum())
    if seeds < 2:
        return np.nan, np.nan
    kept = counted.any(axis=0)
    rng = np.random.default_rng(seed)
    often = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=draws)
    slopes, _ = _lines(at, logs[:, kept], counted[:, kept], weights, often)
    wider = _wider(at, weights, seeds)
    half = float(np.nanstd(slopes)) * wider
    return slope - half, slope + half


def _wider(at: np.ndarray, weights: np.ndarray, seeds: int) -> float:
    """How many of the bootstrap's standard errors the interval goes to either side."""
    # Not at the start of the app, which needs it long before the first fit.
    from scipy.special import stdtrit

    freedom = seeds - 1
    student = stdtrit(freedom, (1 + LEVEL) / 2)
    centre = (weights * at).sum() / weights.sum()
    # The share that each point has in the slope. Points whose seeds happen to agree weigh most.
    share = weights * (at - centre) ** 2
    share /= share.sum()
    # Meier's series is for many seeds and divides by `freedom`; less than that, as simulated for
    # two and three seeds, makes up for the terms that he leaves out.
    estimated = 1 + 4 / (freedom - 0.9) * (share * (1 - share)).sum()
    return float(student * np.sqrt(seeds / freedom * estimated))
