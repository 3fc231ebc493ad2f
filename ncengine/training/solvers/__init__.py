"""Solvers: each decides where the objective is evaluated next, one point a seed."""

from __future__ import annotations

import torch
from torch import Tensor

from ncengine.architectures.shapes import Role, input_dim, parameter_shapes
from ncengine.catalogue.architectures import architecture_info
from ncengine.config import RunConfig
from ncengine.config.fields import KFAC
from ncengine.training.solvers.base import Solver
from ncengine.training.solvers.first_order import Adam, AdamW, Rate, Sgd
from ncengine.training.solvers.lbfgs import LBFGS, PreconditionedLBFGS
from ncengine.training.solvers.warm_start import WarmStart

__all__ = [
    "LBFGS",
    "Adam",
    "AdamW",
    "PreconditionedLBFGS",
    "Rate",
    "Sgd",
    "Solver",
    "WarmStart",
    "make_solver",
]

# The depth from which the first steps of a post-LN network grow shorter.
DEEP = 10
# And the inputs of the embedding from which those of any network do: as many as MNIST has.
MANY_INPUTS = 784


def make_solver(config: RunConfig, steps: int) -> Solver:
    """The solver that `config` names, for a budget of `steps` evaluations."""
    if config.solver == KFAC:
        return PreconditionedLBFGS(trained=config.origin is not None)
    if config.solver == "L-BFGS":
        # A brisk start ends in a better valley; L-BFGS then follows it down. Who starts in one
        # would be thrown out of it.
        brisk = config.warmup if config.origin is None else 0
        rate = Rate(_brisk_rate(config), brisk, cosine=True)
        return WarmStart(Adam(rate), LBFGS(trained=config.origin is not None), brisk)
    rate = Rate(config.learning_rate, steps, cosine=config.rate_schedule == "cosine")
    if config.solver == "AdamW":
        return AdamW(rate, _decays(config))
    return Adam(rate) if config.solver == "Adam" else Sgd(rate, config.momentum)


def _brisk_rate(config: RunConfig) -> float:
    """Of the Adam steps before L-BFGS.

    With post-LN, steps of the same size throw a deep network far off, into a valley from which it
    does not come back: measured in benchmarks/RESULTS.md; see Xiong et al. 2020, On Layer
    Normalization in the Transformer Architecture. With pre-LN they do good at any depth. And a step
    of Adam changes every weight as much, so that what an embedding of many inputs gives changes
    the more.
    """
    gentle = min(1.0, DEEP / config.depth) if config.norm == "post" else 1.0
    if architecture_info(config.architecture).family.embedding == "vector":
        gentle *= min(1.0, MANY_INPUTS / input_dim(config))
    return 2 * config.learning_rate * gentle


def _decays(config: RunConfig) -> Tensor:
    """(P,) the weight decay of each parameter."""
    decay = {Role.HIDDEN: config.decay_hidden, Role.LAST: config.decay_last}
    shapes = parameter_shapes(config)
    values = [torch.full((s.size,), decay.get(s.role, 0.0), dtype=torch.float64) for s in shapes]
    return torch.cat(values)
