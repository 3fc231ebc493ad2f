"""Solvers: each decides where the objective is evaluated next, one point a seed."""

from __future__ import annotations

from ncengine.config import RunConfig
from ncengine.training.solvers.base import Solver
from ncengine.training.solvers.first_order import Adam, Rate, Sgd
from ncengine.training.solvers.lbfgs import LBFGS
from ncengine.training.solvers.warm_start import WarmStart

__all__ = ["LBFGS", "Adam", "Rate", "Sgd", "Solver", "WarmStart", "make_solver"]


def make_solver(config: RunConfig, steps: int) -> Solver:
    """The solver that `config` names, for a budget of `steps` evaluations."""
    if config.solver == "L-BFGS":
        # A brisk start ends in a better valley; L-BFGS then follows it down.
        rate = Rate(2 * config.learning_rate, config.warmup, cosine=True)
        return WarmStart(Adam(rate), LBFGS(), config.warmup)
    rate = Rate(config.learning_rate, steps, cosine=config.rate_schedule == "cosine")
    return Adam(rate) if config.solver == "Adam" else Sgd(rate, config.momentum)
