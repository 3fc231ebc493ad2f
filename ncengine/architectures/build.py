"""From a configuration to a network and its initial parameters."""

from __future__ import annotations

import torch
from torch import Tensor

from ncengine.architectures.resnet import ResNet
from ncengine.architectures.shapes import parameter_shapes
from ncengine.config import RunConfig


def build(config: RunConfig) -> ResNet:
    """The network that `config` names."""
    return ResNet(
        linear_layers=1 if config.architecture == "RN1" else 2, pre_norm=config.norm == "pre"
    )


def initial_parameters(config: RunConfig, dtype: torch.dtype) -> Tensor:
    """(R, P) flat initial parameters, uniform in ±1/sqrt(fan_in) as torch.nn.Linear's are.

    A seed's values depend on that seed alone, and are the same in every precision.
    """
    shapes = parameter_shapes(config)
    rows = []
    for seed in config.seeds:
        generator = torch.Generator().manual_seed(seed)
        rows.append(
            torch.cat(
                [
                    (torch.rand(shape.size, generator=generator) * 2 - 1) * shape.fan_in**-0.5
                    for shape in shapes
                ]
            )
        )
    return torch.stack(rows).to(dtype)
