"""From a configuration to a network and its initial parameters."""

from __future__ import annotations

from importlib import import_module
from typing import Protocol

import torch
from torch import Tensor

from ncengine.architectures.layers import Parameters
from ncengine.architectures.shapes import parameter_shapes
from ncengine.catalogue.architectures import architecture_info
from ncengine.config import RunConfig


class Network(Protocol):
    """What every architecture is: a way from inputs to the last layer's features."""

    def features(self, parameters: Parameters, inputs: Tensor) -> Tensor:
        """(R, N, d) features of the inputs (R, N, ...); see `inputs.network_inputs`."""


# By the name of its family in the catalogue: the file beside this one whose function `network`
# makes the network of a configuration.
NETWORKS = {
    "RN": "resnet",
    "T": "transformer",
    "UFM": "ufm",
}


def build(config: RunConfig) -> Network:
    """The network that `config` names."""
    file = NETWORKS[architecture_info(config.architecture).family.name]
    return import_module(f"ncengine.architectures.{file}").network(config)


def initial_parameters(config: RunConfig, dtype: torch.dtype) -> Tensor:
    """(R, P) flat initial parameters, uniform in ±1/sqrt(fan-in) as torch.nn.Linear's are, or
    as `ParameterShape.bound` says.

    A seed's values depend on that seed alone, and are the same in every precision.
    """
    shapes = parameter_shapes(config)
    rows = []
    for seed in config.seeds:
        generator = torch.Generator().manual_seed(seed)
        rows.append(
            torch.cat(
                [
                    (torch.rand(shape.size, generator=generator) * 2 - 1) * shape.bound
                    for shape in shapes
                ]
            )
        )
    return torch.stack(rows).to(dtype)
