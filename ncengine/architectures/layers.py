"""What the architectures are made of, batched over seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from ncengine.architectures.layer_norm import EPS

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


def layer_norm(x: Tensor, eps: float = EPS) -> Tensor:
    """LN of the last dimension, without learnable parameters: mean 0 and norm √d."""
    return F.layer_norm(x, x.shape[-1:], eps=eps)


class Linear(NamedTuple):
    """What a linear map did.

    Attributes:
        weight: (R, o, i), or (R, V, d) of words that were looked up.
        inputs: (R, N, i) what it read; of words (R, N) which they were.
        outputs: (R, N, o) what it gave, the bias included.
    """

    weight: Tensor
    inputs: Tensor
    outputs: Tensor


class Product(NamedTuple):
    """A matrix that is the product of two: `result` = `left` `right`, each (R, L, d, d).

    Attributes:
        transposed: whether `left` is a parameter's transpose.
    """

    result: Tensor
    left: Tensor
    right: Tensor
    transposed: bool


_witness: ContextVar[Callable[[Linear | Product], None] | None] = ContextVar(
    "witness", default=None
)


@contextmanager
def witnessed(tell: Callable[[Linear | Product], None]) -> Iterator[None]:
    """Within, every linear map is told of as it happens, with what it read and gave."""
    token = _witness.set(tell)
    try:
        yield
    finally:
        _witness.reset(token)


def _told(event: Linear | Product) -> None:
    if (tell := _witness.get()) is not None:
        tell(event)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x W^T (+ b) for every seed: x (R, N, i), weight (R, o, i), bias (R, o) to (R, N, o)."""
    if bias is None:
        y = torch.bmm(x, weight.transpose(1, 2))
    else:
        y = torch.baddbmm(bias.unsqueeze(1), x, weight.transpose(1, 2))
    _told(Linear(weight, x, y))
    return y


def look_up(words: Tensor, table: Tensor) -> Tensor:
    """The rows of a table (R, V, d) that words (R, N) stand for: (R, N, d)."""
    seeds, vocabulary = table.shape[:2]
    rows = torch.arange(seeds, device=words.device).view(-1, 1) * vocabulary + words
    y = F.embedding(rows, table.flatten(0, 1))
    _told(Linear(table, words, y))
    return y


def product(left: Tensor, right: Tensor, *, transposed: bool = False) -> Tensor:
    """The matrices that two layers form: (R, L, d, d) each; `transposed`: of the left's."""
    y = (left.transpose(2, 3) if transposed else left) @ right
    _told(Product(y, left, right, transposed))
    return y


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
