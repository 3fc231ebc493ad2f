"""Statistics over a run's seeds, those that diverged left out."""

from __future__ import annotations

import numpy as np

from ncengine.runs.run import Run


def mean_over_seeds(run: Run, name: str) -> np.ndarray:
    """(T,) arithmetic mean over the seeds that did not diverge; NaN where none has a value."""
    values = _kept(run, name)
    counted = np.isfinite(values)
    total = np.where(counted, values, 0.0).sum(axis=1)
    return _divide(total, counted.sum(axis=1))


def log_mean_and_deviation(run: Run, name: str) -> tuple[np.ndarray, np.ndarray]:
    """(T,) mean and standard deviation of log10 over the seeds that did not diverge."""
    values = _kept(run, name)
    counted = np.isfinite(values) & (values > 0)
    logs = np.log10(np.where(counted, values, 1.0))
    count = counted.sum(axis=1)
    mean = _divide(logs.sum(axis=1), count)
    spread = np.where(counted, logs - mean[:, None], 0.0)
    return mean, np.sqrt(_divide((spread**2).sum(axis=1), count))


def _divide(total: np.ndarray, count: np.ndarray) -> np.ndarray:
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _kept(run: Run, name: str) -> np.ndarray:
    """(T, seeds that did not diverge) values of the curve."""
    seeds = len(run.config.seeds)
    values = run.curves.get(name, np.empty((0, seeds)))
    return values[:, ~run.diverged] if len(run.diverged) == seeds else values


def passes(run: Run) -> np.ndarray:
    """(T,) passes over the data at which the curves' points were taken."""
    return np.asarray(run.curves.get("epoch", ()), float)
