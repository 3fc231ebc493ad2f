"""From a configuration to a network and its initial parameters."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from ncengine.architectures.layers import Parameters
from ncengine.architectures.resnet import ResNet
from ncengine.architectures.shapes import parameter_shapes
from ncengine.architectures.transformer import Transformer
from ncengine.architectures.ufm import FreeFeatures
from ncengine.config import RunConfig
from ncengine.config.fields import RESNETS


class Network(Protocol):
    """What every architecture is: a way from inputs to the last layer's features."""

    def features(self, parameters: Parameters, inputs: Tensor) -> Tensor:
        """(R, N, d) features of the inputs (R, N, ...); see `inputs.network_inputs`."""


def build(config: RunConfig) -> Network:
    """The network that `config` names."""
    if config.architecture == "UFM":
        return FreeFeatures()
    pre_norm = config.norm == "pre"
    layers = [int(digit) for digit in config.architecture if digit.isdigit()]
    if config.architecture in RESNETS:
        return ResNet(linear_layers=layers[0], pre_norm=pre_norm)
    return Transformer(attention_layers=layers[0], mlp_layers=layers[1], pre_norm=pre_norm)


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
