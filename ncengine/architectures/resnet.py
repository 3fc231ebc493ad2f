"""RN1 and RN2, post-LN (Definition 6) and pre-LN (Definition 12), batched over seeds."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from ncengine.architectures.layers import Layer, Parameters, branch, by_block, layer_norm, linear
from ncengine.architectures.shapes import layer_names
from ncengine.catalogue.architectures import Part, architecture_info
from ncengine.config import RunConfig


def network(config: RunConfig) -> ResNet:
    """The ResNet that `config` names."""
    (block,) = architecture_info(config.architecture).parts
    return ResNet(block, pre_norm=config.norm == "pre")


class ResNet:
    """An L-RN1 or L-RN2 for R seeds at once.

    Args:
        block: what a block adds: one linear layer, or two.
        pre_norm: whether LayerNorm sits inside the block (Definition 12).
    """

    def __init__(self, block: Part, *, pre_norm: bool):
        self.names, self.activation = layer_names(block), block.activation
        self.pre_norm = pre_norm

    def layers(self, parameters: Parameters, inputs: Tensor) -> Iterator[Layer]:
        """As of `build.Network`, for inputs (R, N, d_0)."""
        x = layer_norm(linear(inputs, parameters["embedding_weight"], parameters["embedding_bias"]))
        z = layer_norm(x) if self.pre_norm else x
        yield Layer(x, z)
        for block in by_block(parameters, self.names):
            if self.pre_norm:
                x = x + branch(z, *block, activation=self.activation)
                z = layer_norm(x)
            else:
                x = z = layer_norm(x + branch(x, *block, activation=self.activation))
            yield Layer(x, z)
