"""Worth a try: which other run may come further than one that has ended."""

from __future__ import annotations

from typing import Any

from ncengine.analysis.outcome import Outcome
from ncengine.catalogue.architectures import architecture_info
from ncengine.config import RunConfig
from ncengine.config.fields import KFAC

# How many times as many passes are worth a try.
MORE = 2.5
# With fewer a network of any size is hardly begun.
ENOUGH = 100
# Where one of these assumptions does not hold, no theorem says that depth brings collapse: the
# figure does not fit, hidden layers cost what they bring, or labels contradict each other.
_NO_HELP_FROM_DEPTH = frozenset({"width", "schedule", "covered", "determined"})


def worth_a_try(config: RunConfig, came: Outcome, failing: frozenset[str]) -> list[dict[str, Any]]:
    """Which fields to change for a run that may come further; what promises most comes first.

    Args:
        config: what was trained.
        came: what came of it.
        failing: names of `theory.assumptions` that do not hold.
    """
    suggestions: list[dict[str, Any]] = []
    if came.worse_than_none and not came.hardly_trained and "learning_rate" in config.params:
        suggestions += _below(config, "learning_rate")
    if "schedule" in failing and config.decay_schedule != "1/L":
        suggestions.append({"decay_schedule": "1/L"})
    if "width" in failing:
        suggestions += _next(config, "width", least=config.classes + (config.loss == "MSE"))
    if came.falling or came.hardly_trained:
        # A round number.
        more = max(ENOUGH, float(f"{MORE * config.epochs:.1g}"))
        suggestions.append({"epochs": min(int(more), int(config.params["epochs"].high or more))})
    deeper = architecture_info(config.architecture).parts and not failing & _NO_HELP_FROM_DEPTH
    if deeper and not came.worse_than_none:
        suggestions += _next(config, "depth", least=config.depth + 1)
    if came.falling and config.solver == "L-BFGS" and architecture_info(config.architecture).parts:
        suggestions.append({"solver": KFAC})
    return [
        changes
        for changes in suggestions
        if all(getattr(config, n) != v for n, v in changes.items())
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
