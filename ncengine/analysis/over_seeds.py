"""Statistics over a run's seeds, those that diverged left out.

Where all have diverged each counts for as long as it has numbers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ncengine.catalogue.metrics import Scale, metric_of
from ncengine.runs.run import Run

# Where a training ends with NC1 above this, its classes lie on one point and have no order: before
# training NC1 is between 1 and 100 for data of all kinds.
NOT_CONVERGED = 1e3


@dataclass(frozen=True)
class LastValues:
    """Where a metric stands, over the seeds that did not diverge.

    Attributes:
        mean: of log10, over the seeds whose value has a logarithm; None where none has.
        deviation: standard deviation of log10, over the same.
        zero: seeds whose value is exactly 0.
        infinite: seeds whose value is infinite.
        seeds: over how many seeds `mean` is taken.
    """

    mean: float | None
    deviation: float | None
    zero: tuple[int, ...]
    infinite: tuple[int, ...]
    seeds: int


def last_values(run: Run, name: str) -> LastValues:
    """Where the metric stands; see `Run.last`."""
    values = _last(run, name)
    logs = np.log10([value for value in values.values() if 0 < value < np.inf])
    return LastValues(
        mean=float(logs.mean()) if len(logs) else None,
        deviation=float(logs.std()) if len(logs) else None,
        zero=tuple(seed for seed, value in values.items() if value == 0),
        infinite=tuple(seed for seed, value in values.items() if value == np.inf),
        seeds=len(logs),
    )


def typical(values: Iterable[float]) -> float | None:
    """The geometric mean of those values that are positive and finite; None of no value.

    Of none but zeros and infinities: infinite where any is, else 0.
    """
    known = [value for value in values if not np.isnan(value)]
    logs = [np.log10(value) for value in known if 0 < value < np.inf]
    if logs:
        return float(10 ** np.mean(logs))
    return float(max(known)) if known else None


def gap_name(run: Run) -> str:
    """Which curve is the gap of the run: to the floor, or to the best that is known."""
    return "gap" if run.best_figure is None else "gap_known"


def by_scale(curve: str, values: Iterable[float]) -> float | None:
    """The mean over seeds of a metric by its scale; None of no value.

    Geometric on a logarithmic scale, see `typical`; else arithmetic, and of the gap, which is an
    amount that may come to nothing, too. What is not finite is left out of that.
    """
    if metric_of(curve).scale is Scale.LOG and curve != "gap":
        return typical(values)
    return arithmetic(values)


def arithmetic(values: Iterable[float]) -> float | None:
    """The arithmetic mean of those values that are finite; None of no value."""
    finite = [value for value in values if np.isfinite(value)]
    with np.errstate(over="ignore"):
        return float(np.mean(finite)) if finite else None


def last_by_scale(run: Run, curve: str) -> float | None:
    """Where the metric stands over the seeds that did not diverge; see `by_scale`."""
    return by_scale(curve, _last(run, curve).values())


def typical_over_seeds(run: Run, name: str) -> np.ndarray:
    """(T,) `typical` value over the seeds that did not diverge; NaN where none has a value."""
    values = _kept(run, name)
    zero, infinite = ((values == odd).any(axis=1) for odd in (0, np.inf))
    odd = np.where(infinite, np.inf, np.where(zero, 0.0, np.nan))
    mean = log_moments(values)[0]
    return np.where(np.isfinite(mean), 10**mean, odd)


def mean_over_seeds(run: Run, name: str) -> np.ndarray:
    """(T,) arithmetic mean over the seeds that did not diverge; NaN where none has a value."""
    return moments(_kept(run, name))[0]


def log_mean_and_deviation(run: Run, name: str) -> tuple[np.ndarray, np.ndarray]:
    """(T,) mean and standard deviation of log10 over the seeds that did not diverge."""
    return log_moments(_kept(run, name))


def log_moments(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(T,) mean and standard deviation of log10 of values (T, seeds); NaN where there is none.

    What is not a positive finite number is left out.
    """
    counted = np.isfinite(values) & (values > 0)
    return moments(np.where(counted, np.log10(np.where(counted, values, 1.0)), np.nan))


def moments(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(T,) mean and standard deviation of values (T, seeds); NaN where there is none.

    What is not finite is left out.
    """
    counted = np.isfinite(values)
    count = counted.sum(axis=1)
    # Numbers of seeds that are about to diverge may have squares that are beyond all.
    with np.errstate(over="ignore", invalid="ignore"):
        mean = _divide(np.where(counted, values, 0.0).sum(axis=1), count)
        spread = np.where(counted, values - mean[:, None], 0.0)
        return mean, np.sqrt(_divide((spread**2).sum(axis=1), count))


def _divide(total: np.ndarray, count: np.ndarray) -> np.ndarray:
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _last(run: Run, name: str) -> dict[int, float]:
    """The last value of each seed that did not diverge and has one."""
    seeds = zip(run.config.seeds, _stays(run), strict=True)
    last = {seed: run.last(name, r) for r, (seed, stays) in enumerate(seeds) if stays}
    return {seed: value for seed, value in last.items() if value is not None}


def _kept(run: Run, name: str) -> np.ndarray:
    """(T, seeds that did not diverge) values of the curve."""
    seeds = len(run.config.seeds)
    return run.curves.get(name, np.empty((0, seeds)))[:, _stays(run)]


def seeds_counted(run: Run) -> int:
    """Over how many seeds the statistics of the run's curves are taken."""
    return int(_stays(run).sum())


def _stays(run: Run) -> np.ndarray:
    """(R,) which seeds did not diverge; before anything is known of that, or if none, all."""
    seeds = len(run.config.seeds)
    known = len(run.diverged) == seeds and not run.diverged.all()
    return ~run.diverged if known else np.ones(seeds, bool)


def passes(run: Run) -> np.ndarray:
    """(T,) passes over the data at which the curves' points were taken."""
    return np.asarray(run.curves.get("epoch", ()), float)
