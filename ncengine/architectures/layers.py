"""What the architectures are made of, batched over seeds."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

# The paper's LayerNorm has no epsilon; this one only keeps a constant vector from dividing by zero.
LAYER_NORM_EPS = 1e-12

Parameters = dict[str, Tensor]


class Layer(NamedTuple):
    """What a layer, the embedding or a block, puts out.

    Attributes:
        stream: (R, N, d); of a transformer the last token's, from which it predicts.
        read: (R, N, d) what the next layer reads of it: rows of mean 0 and norm √d. The same
            where the stream itself is normalised.
    """

    stream: Tensor
    read: Tensor


def layer_norm(x: Tensor, eps: float = LAYER_NORM_EPS) -> Tensor:
    """LN of the last dimension, without learnable parameters: mean 0 and norm √d."""
    return F.layer_norm(x, x.shape[-1:], eps=eps)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x W^T (+ b) for every seed: x (R, N, i), weight (R, o, i), bias (R, o) to (R, N, o)."""
    if bias is None:
        return torch.bmm(x, weight.transpose(1, 2))
    return torch.baddbmm(bias.unsqueeze(1), x, weight.transpose(1, 2))


# σ, by the names of `catalogue.architectures.ACTIVATIONS`.
_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "gelu": F.gelu,
    "silu": F.silu,
    "tanh": torch.tanh,
}


def branch(x: Tensor, *layers: Tensor, activation: str) -> Tensor:
    """What a block adds: σ(W x + b), or W_2 σ(W_1 x + b_1) + b_2 (eq. 6, 7 and 10).

    Args:
        x: (R, N, d).
        layers: weight (R, d, d) and bias (R, d) of the one layer, or of both.
        activation: σ, see `Part.activation`.
    """
    hidden = _ACTIVATIONS[activation](linear(x, *layers[:2]))
    return linear(hidden, *layers[2:]) if len(layers) > 2 else hidden


def last_layer(parameters: Parameters, features: Tensor) -> Tensor:
    """W x (+ b) of the last layer: (R, N, d) to (R, N, K)."""
    return linear(features, parameters["last_weight"], parameters.get("last_bias"))


def by_block(parameters: Parameters, names: list[str]) -> list[tuple[Tensor, ...]]:
    """For each block, its share (R, ...) of the parameters of these names."""
    return list(zip(*(parameters[name].unbind(1) for name in names), strict=True))
