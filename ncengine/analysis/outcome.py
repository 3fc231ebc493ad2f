"""Outcome: what came of a run, whether it had settled, and what may come of which other one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ncengine.analysis import over_seeds
from ncengine.catalogue.architectures import architecture_info
from ncengine.config import RunConfig
from ncengine.runs.run import Run

# A gap that shrank by more in the second half of all passes was still falling.
FALLING = 0.05
# Of the floor: so small a gap is none.
AT_FLOOR = 1e-4
# How many times as many passes are worth a try.
MORE = 2.5


@dataclass(frozen=True)
class Outcome:
    """What came of a run, as means over the seeds that did not diverge.

    Attributes:
        nc1: geometric mean of NC1 over the seeds for which it is finite; 0 where it is for all, and
            infinite where it is for all.
        above_floor: the gap as a share of the floor; None without a floor.
        fell: by which share the gap, without a floor the objective, shrank in the second half of
            the passes.
        rested: whether every seed found no further descent before its passes were over.
        worse_than_none: whether the objective ended above that of weights that are all zero, which
            answers the same to every sample.
    """

    nc1: float | None
    above_floor: float | None
    fell: float
    rested: bool
    worse_than_none: bool = False

    @property
    def at_floor(self) -> bool:
        """Whether nothing is left between the objective and the floor."""
        return self.above_floor is not None and self.above_floor < AT_FLOOR

    @property
    def falling(self) -> bool:
        """Whether more passes would have brought the objective further down."""
        over = self.rested or self.at_floor or self.worse_than_none
        return not over and self.fell > FALLING


def outcome(run: Run) -> Outcome:
    """What came of a finished run. Raises ValueError where no seed is left to tell."""
    loss = over_seeds.mean_over_seeds(run, "loss")
    if run.diverged.all() or not np.isfinite(loss).any():
        raise ValueError("every seed diverged")
    height = over_seeds.mean_over_seeds(run, "gap") if run.floor is not None else loss
    passes = over_seeds.passes(run)
    middle = height[max(0, np.searchsorted(passes, passes[-1] / 2, side="right") - 1)]
    fell = (middle - height[-1]) / middle if middle > 0 else 0.0
    return Outcome(
        nc1=_nc1(run),
        above_floor=None if run.floor is None else float(height[-1] / run.floor),
        fell=float(fell),
        rested=run.passes < run.config.budget,
        worse_than_none=bool(loss[-1] > _of_zeros(run.config)),
    )


def _of_zeros(config: RunConfig) -> float:
    """The objective (eq. 3) where all weights are zero: each class is as probable, or each 0."""
    return np.log(config.classes) if config.loss == "CE" else 0.5


def _nc1(run: Run) -> float | None:
    last = over_seeds.last_values(run, "nc1")
    if last.mean is not None:
        return float(10**last.mean)
    return np.inf if last.infinite else 0.0 if last.zero else None


def worth_a_try(config: RunConfig, came: Outcome, failing: frozenset[str]) -> list[dict[str, Any]]:
    """Which fields to change for a run that may come further; what promises most comes first.

    Args:
        config: what was trained.
        came: what came of it.
        failing: names of `theory.assumptions` that do not hold.
    """
    found: list[dict[str, Any]] = []
    if came.worse_than_none and "learning_rate" in config.params:
        found += _below(config, "learning_rate")
    if "schedule" in failing and config.decay_schedule != "1/L":
        found.append({"decay_schedule": "1/L"})
    if "width" in failing:
        found += _next(config, "width", least=config.classes + (config.loss == "MSE"))
    if came.falling:
        # A round number.
        more = float(f"{MORE * config.epochs:.1g}")
        found.append({"epochs": min(int(more), int(config.params["epochs"].high or more))})
    if architecture_info(config.architecture).parts:
        found += _next(config, "depth", least=config.depth + 1)
    return [
        changes for changes in found if all(getattr(config, n) != v for n, v in changes.items())
    ]


def _below(config: RunConfig, name: str) -> list[dict[str, Any]]:
    """The largest suggested value of a field that is at most a tenth of its own."""
    smaller = [
        value for value in config.params[name].suggested if value <= getattr(config, name) / 10
    ]
    return [{name: max(smaller)}] if smaller else []


def _next(config: RunConfig, name: str, least: int) -> list[dict[str, Any]]:
    """The smallest suggested value of a field from there on, if there is one."""
    larger = [value for value in config.params[name].suggested if value >= least]
    return [{name: min(larger)}] if larger else []
