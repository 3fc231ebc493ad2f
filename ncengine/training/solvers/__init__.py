"""Solvers: each decides where the objective is evaluated next, one point a seed."""

from __future__ import annotations

import torch
from torch import Tensor

from ncengine.architectures.shapes import Role, parameter_shapes
from ncengine.config import RunConfig
from ncengine.training.solvers.base import Solver
from ncengine.training.solvers.first_order import Adam, AdamW, Rate, Sgd
from ncengine.training.solvers.lbfgs import LBFGS
from ncengine.training.solvers.warm_start import WarmStart

__all__ = ["LBFGS", "Adam", "AdamW", "Rate", "Sgd", "Solver", "WarmStart", "make_solver"]


def make_solver(config: RunConfig, steps: int) -> Solver:
    """The solver that `config` names, for a budget of `steps` evaluations."""
    if config.solver == "L-BFGS":
        # A brisk start ends in a better valley; L-BFGS then follows it down. Who starts in one
        # would be thrown out of it.
        brisk = config.warmup if config.shallower is None else 0
        rate = Rate(2 * config.learning_rate, brisk, cosine=True)
        return WarmStart(Adam(rate), LBFGS(trained=config.shallower is not None), brisk)
    rate = Rate(config.learning_rate, steps, cosine=config.rate_schedule == "cosine")
    if config.solver == "AdamW":
        return AdamW(rate, _decays(config))
    return Adam(rate) if config.solver == "Adam" else Sgd(rate, config.momentum)


def _decays(config: RunConfig) -> Tensor:
    """(P,) the weight decay of each parameter."""
    decay = {Role.HIDDEN: config.decay_hidden, Role.LAST: config.decay_last}
    shapes = parameter_shapes(config)
    values = [torch.full((s.size,), decay.get(s.role, 0.0), dtype=torch.float64) for s in shapes]
    return torch.cat(values)
