"""Deepening: a deeper network that does what a shallower one did, to start from.

The proofs open with it: a deeper network can copy a shallower one, so that the optimal objective
never rises with depth. Here each block is split evenly over several, so that each does its share
and the decay falls.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ncengine.architectures.shapes import layer_names, parameter_shapes
from ncengine.catalogue.architectures import architecture_info
from ncengine.config import RunConfig


def shares(blocks: int, deeper: int) -> list[int]:
    """Into how many of `deeper` blocks each of `blocks` is split: as evenly as can be."""
    return [(i + 1) * deeper // blocks - i * deeper // blocks for i in range(blocks)]


def deepened(config: RunConfig, shallower: RunConfig, parameters: Tensor) -> Tensor:
    """(R, P) parameters of `config` from the (R, P') of an otherwise equal shallower network.

    A block σ(W x + b) that is split into k becomes k blocks with W/k and b/k: where LayerNorm
    between them changes little, together they add what it added, at 1/k of its decay.

    Raises:
        ValueError: the networks differ by more than depth, or have two linear layers a block.
    """
    info = architecture_info(config.architecture)
    if info.has_tokens or info.linear_layers != 1:
        raise ValueError(
            f"architecture = {config.architecture!r}: must have one linear layer a block"
        )
    if config.with_(depth=shallower.depth, epochs=shallower.epochs) != shallower:
        raise ValueError("the networks differ by more than their depth")
    split = torch.tensor(
        shares(info.blocks(shallower.depth), info.blocks(config.depth)), device=parameters.device
    )
    of_blocks = {name for part in info.parts for name in layer_names(part)}
    pieces, start = [], 0
    for shape in parameter_shapes(shallower):
        piece = parameters[:, start : start + shape.size]
        start += shape.size
        if shape.name in of_blocks:
            by_block = piece.view(len(piece), *shape.shape)
            each = by_block / split.to(piece).view(-1, *[1] * (len(shape.shape) - 1))
            piece = each.repeat_interleave(split, dim=1).flatten(1)
        pieces.append(piece)
    return torch.cat(pieces, dim=1)
