"""From a configuration to a network and its initial parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Protocol

import torch
from torch import Tensor

from ncengine.architectures.layers import Layer, Parameters
from ncengine.architectures.shapes import parameter_shapes
from ncengine.catalogue.architectures import architecture_info
from ncengine.config import RunConfig


class Network(Protocol):
    """What every architecture is: a way through layers, from inputs to the last one's features."""

    def layers(self, parameters: Parameters, inputs: Tensor) -> Iterator[Layer]:
        """The embedding and each block, one after another.

        Args:
            parameters: by name, with a leading seed axis; see `shapes.parameter_shapes`.
            inputs: (R, N, ...), see `inputs.network_inputs`.
        """


def features(
    network: Network,
    parameters: Parameters,
    inputs: Tensor,
    visit: Callable[[Layer], None] | None = None,
) -> Tensor:
    """(R, N, d) what the last linear layer reads; arguments as of `Network.layers`.

    `visit` is called with every layer on the way.
    """
    last = None
    for layer in network.layers(parameters, inputs):
        last = layer  # only the last is held
        if visit is not None:
            visit(layer)
    assert last is not None
    return last.read


def build(config: RunConfig) -> Network:
    """The network that `config` names, from the function `network` of its family's file."""
    file = architecture_info(config.architecture).family.network
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
