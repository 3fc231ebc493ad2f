"""Which parameters a network has: their names, shapes and roles. Needs no torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from ncengine.config import RunConfig
from ncengine.datasets.registry import dataset_info


class Role(Enum):
    """What a parameter is to the objective (3): only `HIDDEN` and `LAST` are decayed."""

    EMBEDDING = "embedding"
    BIAS = "bias"
    HIDDEN = "hidden"
    LAST = "last"


@dataclass(frozen=True)
class ParameterShape:
    """One parameter of one seed's network. `fan_in` sets the scale of its initial values."""

    name: str
    shape: tuple[int, ...]
    role: Role
    fan_in: int

    @property
    def size(self) -> int:
        return math.prod(self.shape)


def input_dim(config: RunConfig) -> int:
    """Dimension d_0 of one input."""
    return dataset_info(config.dataset).input_dim or config.input_dim


def parameter_shapes(config: RunConfig) -> tuple[ParameterShape, ...]:
    """The parameters of one seed's network, in the order in which they are stored.

    The L - 1 blocks' weights are one parameter with a leading block axis.
    """
    d, blocks, classes = config.width, config.depth - 1, config.classes
    d0 = input_dim(config)
    embedding = (
        ParameterShape("embedding_weight", (d, d0), Role.EMBEDDING, d0),
        ParameterShape("embedding_bias", (d,), Role.BIAS, d0),
    )
    layers = ("",) if config.architecture == "RN1" else ("_1", "_2")
    hidden = tuple(
        parameter
        for layer in layers
        for parameter in (
            ParameterShape(f"block_weight{layer}", (blocks, d, d), Role.HIDDEN, d),
            ParameterShape(f"block_bias{layer}", (blocks, d), Role.BIAS, d),
        )
    )
    last = (ParameterShape("last_weight", (classes, d), Role.LAST, d),)
    if config.last_bias:
        last += (ParameterShape("last_bias", (classes,), Role.BIAS, d),)
    return embedding + hidden + last


def parameter_count(config: RunConfig) -> int:
    """Parameters of one seed's network."""
    return sum(parameter.size for parameter in parameter_shapes(config))


def pass_work(config: RunConfig) -> float:
    """Relative cost of one pass over the data for all seeds, to scale timings by.

    Counts multiplications of forward and backward sweep, and a fixed share per block and
    seed for what does not grow with the samples.
    """
    samples = config.classes * config.samples_per_class
    weights = sum(p.size for p in parameter_shapes(config) if p.role is not Role.BIAS)
    elementwise = 12 * config.width * config.depth * samples
    steps = max(1, math.ceil(samples / config.batch_size)) if config.batch_size else 1
    return len(config.seeds) * (3 * samples * weights + 8 * elementwise) + steps * 2e6 * (
        config.depth + 4
    )
