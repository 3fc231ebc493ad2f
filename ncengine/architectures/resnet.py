"""RN1 and RN2, post-LN (Definition 6) and pre-LN (Definition 12), batched over seeds."""

from __future__ import annotations

from torch import Tensor

from ncengine.architectures.layers import Parameters, branch, by_block, layer_norm, linear
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
        self.names = layer_names(block)
        self.pre_norm = pre_norm

    def features(self, parameters: Parameters, inputs: Tensor) -> Tensor:
        """Inputs of the last linear layer, after the last LayerNorm.

        Args:
            parameters: by name, with a leading seed axis; see `shapes.parameter_shapes`.
            inputs: (R, N, d_0).

        Returns:
            (R, N, d), each row of mean 0 and norm √d.
        """
        x = layer_norm(linear(inputs, parameters["embedding_weight"], parameters["embedding_bias"]))
        for block in by_block(parameters, self.names):
            if self.pre_norm:
                x = x + branch(layer_norm(x), *block)
            else:
                x = layer_norm(x + branch(x, *block))
        return layer_norm(x) if self.pre_norm else x
