"""T11, T12, T21 and T22, post-LN (Definition 7) and pre-LN (Definition 13), batched over seeds."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from ncengine.architectures.attention import causal_mix, last_mix
from ncengine.architectures.layers import (
    Layer,
    Parameters,
    branch,
    by_block,
    layer_norm,
    linear,
    look_up,
    product,
)
from ncengine.architectures.shapes import layer_names, matrix_names
from ncengine.catalogue.architectures import Part, architecture_info
from ncengine.config import RunConfig


def network(config: RunConfig) -> Transformer:
    """The transformer that `config` names."""
    attention, mlp = architecture_info(config.architecture).parts
    return Transformer(attention, mlp, pre_norm=config.norm == "pre")


class Transformer:
    """An L-T11, L-T12, L-T21 or L-T22 for R seeds at once, predicting from the last token.

    Of the last block only what the last token needs is computed: nothing else reaches the output.

    Args:
        attention: one linear layer (W_QK, W_VO), or two (W_Q, W_K, W_V, W_O).
        mlp: one linear layer, or two.
        pre_norm: whether the stream itself stays without LayerNorm (Definition 13).
    """

    def __init__(self, attention: Part, mlp: Part, *, pre_norm: bool):
        self.matrices = matrix_names(attention)
        self.names, self.activation = layer_names(mlp), mlp.activation
        self.pre_norm = pre_norm

    def layers(self, parameters: Parameters, inputs: Tensor) -> Iterator[Layer]:
        """As of `build.Network`, at the last token; attention and MLP are one block.

        Args:
            parameters: by name, with a leading seed axis; see `shapes.parameter_shapes`.
            inputs: (R, N, C, m) patches of m numbers, or (R, N, C) words by rank, int64.
        """
        x = self._with_read(layer_norm(self.embed(parameters, inputs)))
        yield _last_token(x)
        mixing = list(zip(*(w.unbind(1) for w in self._attention(parameters)), strict=True))
        blocks = list(zip(mixing, by_block(parameters, self.names), strict=True))
        for (qk, vo), mlp in blocks[:-1]:
            x = self._plus(x.stream, _attend(x.read, qk, vo))
            x = self._plus(x.stream, self._each_token(x.read, mlp))
            yield _last_token(x)
        (qk, vo), mlp = blocks[-1]
        x = self._plus(x.stream[:, :, -1], _attend_from_last(x.read, qk, vo))
        yield self._plus(x.stream, branch(x.read, *mlp, activation=self.activation))

    def embed(self, parameters: Parameters, inputs: Tensor) -> Tensor:
        """W_e Z + W_p, (R, N, C, d)."""
        table = parameters["token_embedding"]
        if inputs.is_floating_point():
            tokens = linear(inputs.flatten(1, 2), table)
        else:
            tokens = look_up(inputs.flatten(1, 2), table)
        tokens = tokens.unflatten(1, inputs.shape[1:3])
        return tokens + parameters["position_embedding"].unsqueeze(1)

    def _attention(self, parameters: Parameters) -> tuple[Tensor, Tensor]:
        """W_QK and W_VO, (R, L, d, d). Two layers count only as the product that they form."""
        matrices = [parameters[name] for name in self.matrices]
        if len(matrices) == 2:
            qk, vo = matrices
            return qk, vo
        q, k, v, o = matrices
        return product(k, q, transposed=True), product(o, v)

    def _each_token(self, z: Tensor, mlp: tuple[Tensor, ...]) -> Tensor:
        return branch(z.flatten(1, 2), *mlp, activation=self.activation).view_as(z)

    def _plus(self, stream: Tensor, added: Tensor) -> Layer:
        """The stream with what attention or MLP adds to it, and what is read of it next."""
        if self.pre_norm:
            return self._with_read(stream + added)
        return self._with_read(layer_norm(stream + added))

    def _with_read(self, stream: Tensor) -> Layer:
        return Layer(stream, layer_norm(stream) if self.pre_norm else stream)


def _last_token(layer: Layer) -> Layer:
    return Layer(layer.stream[:, :, -1], layer.read[:, :, -1])


def _attend(z: Tensor, qk: Tensor, vo: Tensor) -> Tensor:
    """W_VO Z A(Z) for all tokens, (R, N, C, d)."""
    flat = z.flatten(1, 2)
    query = linear(flat, qk).view_as(z)
    mixed = causal_mix(query.flatten(0, 1), z.flatten(0, 1))
    return linear(mixed.view_as(flat), vo).view_as(z)


def _attend_from_last(z: Tensor, qk: Tensor, vo: Tensor) -> Tensor:
    """The last token's column of W_VO Z A(Z), (R, N, d)."""
    query = linear(z[:, :, -1], qk)
    mixed = last_mix(query.flatten(0, 1), z.flatten(0, 1))
    return linear(mixed.view_as(query), vo)
