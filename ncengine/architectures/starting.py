"""Starts: networks that do what a trained smaller one did, to train on from.

The proofs open with it: a deeper network can copy a shallower one, so that the optimal objective
never rises with depth; nor does it when the decay falls, for the same network then costs less.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from ncengine.architectures.shapes import ParameterShape, layer_names, parameter_shapes
from ncengine.catalogue.architectures import Part, architecture_info
from ncengine.config import RunConfig

# What keeps the ReLU of a block that adds nothing open, so that it can learn to add something. The
# same constant in every direction is what LayerNorm takes away.
OPEN = 0.1
# Of its ordinary size, what the first of two layers begins with whose second is zero: were both,
# neither could ever leave it.
FAINT = 1e-3
# The fields in which a network and the one that it starts from may differ.
APART = ("depth", "weight_decay", "epochs", "start", "via")


def starts(config: RunConfig, origin: RunConfig, parameters: Tensor) -> list[Tensor]:
    """Parameters (R, P) of `config` from the (R, P') of `origin`, in one way or two.

    The first does exactly what the network of `origin` does, at a decay that is no larger but for
    what is `FAINT`. The second, where there is one, does about the same at less.

    Raises:
        ValueError: the networks differ by more than depth and decay, or `origin` is deeper.
    """
    if config.with_(**{name: getattr(origin, name) for name in APART}) != origin:
        raise ValueError("the networks differ by more than their depth and decay")
    if origin.depth > config.depth:
        raise ValueError(f"depth = {origin.depth}: must be at most {config.depth}")
    info = architecture_info(config.architecture)
    exact = padded(config, origin, parameters)
    can_split = not info.has_tokens and info.linear_layers == 1 and origin.depth < config.depth
    return [exact, split(config, origin, parameters)] if can_split else [exact]


def padded(config: RunConfig, origin: RunConfig, parameters: Tensor) -> Tensor:
    """What `origin` does, then blocks that add nothing."""
    further = {shape.name: shape for shape in parameter_shapes(config)}
    parts = {
        name: part
        for part in architecture_info(config.architecture).parts
        for name in (f"{part.name}_{each}" for each in (*part.matrices, *part.biases))
    }
    pieces = []
    for shape, piece in _by_shape(origin, parameters):
        if shape.name in parts:
            wanted = further[shape.name]
            blocks = wanted.shape[0] - shape.shape[0]
            more = _idle(parts[shape.name], wanted, blocks, config.seeds).to(piece)
            piece = torch.cat([piece, more], dim=1)
        pieces.append(piece)
    return torch.cat(pieces, dim=1)


def _by_shape(config: RunConfig, parameters: Tensor) -> Iterator[tuple[ParameterShape, Tensor]]:
    shapes = parameter_shapes(config)
    return zip(shapes, parameters.split([shape.size for shape in shapes], dim=1), strict=True)


def _idle(part: Part, shape: ParameterShape, blocks: int, seeds: tuple[int, ...]) -> Tensor:
    """(R, size) values of one parameter of so many blocks that add nothing."""
    name, each = shape.name.removeprefix(f"{part.name}_"), shape.size // shape.shape[0]
    values = torch.zeros(len(seeds), blocks * each)
    if name in part.biases:
        return values + (OPEN if name == part.biases[0] else 0.0)
    if part.linear_layers == 1 or part.matrices.index(name) % 2 == 1:
        return values
    for row, seed in zip(values, seeds, strict=True):
        generator = torch.Generator().manual_seed(seed)
        row.copy_((torch.rand(len(row), generator=generator) * 2 - 1) * shape.bound * FAINT)
    return values


def shares(blocks: int, deeper: int) -> list[int]:
    """Into how many of `deeper` blocks each of `blocks` is split: as evenly as can be."""
    return [(i + 1) * deeper // blocks - i * deeper // blocks for i in range(blocks)]


def split(config: RunConfig, origin: RunConfig, parameters: Tensor) -> Tensor:
    """Each block of `origin`, σ(W x + b), as several with W/k and b/k.

    Where LayerNorm between them changes little, together they add what it added, at 1/k of its
    decay.
    """
    info = architecture_info(config.architecture)
    times = torch.tensor(
        shares(info.blocks(origin.depth), info.blocks(config.depth)), device=parameters.device
    )
    of_blocks = {name for part in info.parts for name in layer_names(part)}
    pieces = []
    for shape, piece in _by_shape(origin, parameters):
        if shape.name in of_blocks:
            by_block = piece.view(len(piece), *shape.shape)
            each = by_block / times.to(piece).view(-1, *[1] * (len(shape.shape) - 1))
            piece = each.repeat_interleave(times, dim=1).flatten(1)
        pieces.append(piece)
    return torch.cat(pieces, dim=1)
