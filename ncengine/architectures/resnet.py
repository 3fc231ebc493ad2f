"""RN1 and RN2, post-LN (Definition 6) and pre-LN (Definition 12), batched over seeds."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

# The paper's LayerNorm has no epsilon; this one only keeps a constant vector from dividing by zero.
LAYER_NORM_EPS = 1e-12

Parameters = dict[str, Tensor]


def layer_norm(x: Tensor) -> Tensor:
    """LN of the last dimension, without learnable parameters: mean 0 and norm √d."""
    return F.layer_norm(x, x.shape[-1:], eps=LAYER_NORM_EPS)


def linear(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """x W^T + b for every seed: x (R, N, i), weight (R, o, i), bias (R, o) to (R, N, o)."""
    return torch.baddbmm(bias.unsqueeze(1), x, weight.transpose(1, 2))


class ResNet:
    """An L-RN1 or L-RN2 for R seeds at once.

    Args:
        linear_layers: linear layers a block, 1 or 2.
        pre_norm: whether LayerNorm sits inside the block (Definition 12).
    """

    def __init__(self, *, linear_layers: int, pre_norm: bool):
        self.branch = self._one_layer if linear_layers == 1 else self._two_layers
        self.layers = ("",) if linear_layers == 1 else ("_1", "_2")
        self.pre_norm = pre_norm

    def features(self, parameters: Parameters, inputs: Tensor) -> Tensor:
        """Inputs of the last linear layer, after the last LayerNorm.

        Args:
            parameters: by name, with a leading seed axis; see `shapes.parameter_shapes`.
            inputs: (N, d_0), or (R, N, d_0) where every seed has its own.

        Returns:
            (R, N, d), each row of mean 0 and norm √d.
        """
        seeds = parameters["embedding_weight"].shape[0]
        if inputs.dim() == 2:
            inputs = inputs.expand(seeds, *inputs.shape)
        x = layer_norm(linear(inputs, parameters["embedding_weight"], parameters["embedding_bias"]))
        names = [f"block_{kind}{layer}" for layer in self.layers for kind in ("weight", "bias")]
        for block in zip(*(parameters[name].unbind(1) for name in names), strict=True):
            if self.pre_norm:
                x = x + self.branch(layer_norm(x), *block)
            else:
                x = layer_norm(x + self.branch(x, *block))
        return layer_norm(x) if self.pre_norm else x

    def logits(self, parameters: Parameters, features: Tensor) -> Tensor:
        """W_L x (+ b_L): (R, N, d) to (R, N, K)."""
        weight = parameters["last_weight"]
        if "last_bias" in parameters:
            return linear(features, weight, parameters["last_bias"])
        return torch.bmm(features, weight.transpose(1, 2))

    @staticmethod
    def _one_layer(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return torch.relu(linear(x, weight, bias))

    @staticmethod
    def _two_layers(x: Tensor, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor) -> Tensor:
        return linear(torch.relu(linear(x, w1, b1)), w2, b2)
