"""The shortcut of pre-LN: at the fixed depth N + 2 as near to the floor as one likes.

A finding of this project, not of the paper. In a pre-LN network (Definition 12) a branch reads
LN(x), while nothing normalises the stream x itself, and neither biases nor the embedding are
decayed. So all samples are put at one point, plus a cloud of size delta; one block takes the point
away, at no decay, since its weight is zero; what is left is the cloud, which LayerNorm enlarges to
the sphere; and one block a sample, of rank one as in eq. (16), adds T = delta^(-1/2) times as much
in the direction of its vertex. The features end within O(1/T) of the simplex, and hidden decay is
O(N delta^2 T^2 / m^2): both go to 0 with delta.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ncengine.architectures.layer_norm import layer_norm
from ncengine.theory.constructions.blocks import Blocks, added
from ncengine.theory.constructions.given import Given

# The cloud is so many times delta: above what keeps LayerNorm from dividing by zero.
CLOUD = 10.0


@dataclass(frozen=True)
class Shortcut:
    """The network's embedding and blocks, and what becomes of the samples.

    Attributes:
        embedding: (d, d) W_0 and (d,) b_0.
        blocks: N + 1 of them.
        streams: (N + 2, N, d), the stream after the embedding and after each block.
        margin: m of the enlarged cloud and the vertices.
    """

    embedding: tuple[np.ndarray, np.ndarray]
    blocks: Blocks
    streams: np.ndarray
    margin: float


def shortcut(given: Given, delta: float) -> Shortcut:
    """Build it. The embedding is `given`'s, made small, and moved far away by its bias.

    Raises:
        ValueError: samples lie so close to each other that no block fires for one alone.
    """
    width, samples = given.inputs.shape[1], len(given.inputs)
    far = given.vertices[0]
    weight, bias = given.embedding
    small = delta * CLOUD * weight, delta * CLOUD * bias + far
    stream = layer_norm(given.inputs @ small[0].T + small[1])
    # What all have in common is taken away; the ones keep ReLU open.
    common = layer_norm(far[None])[0]
    first = -common + (1 + common.max())
    streams = [stream, stream + np.maximum(first, 0)]
    directions = given.vertices / width**0.5
    margin = _margin(layer_norm(streams[-1]), given)
    if margin <= 0:
        raise ValueError(f"{samples} samples of width {width} lie too close to each other")
    made = []
    for n in range(samples):
        read = layer_norm(streams[-1])
        aside = streams[-1][n] - streams[-1][n].mean()
        amount = np.array([delta**-0.5 * np.linalg.norm(aside)])
        block = added(read[n : n + 1], directions[given.labels[n]][None], amount, margin)
        made.append(block)
        streams.append(streams[-1] + np.maximum(read @ block.weight[0].T + block.bias[0], 0))
    nothing = np.zeros((1, width, width))
    blocks = Blocks(
        np.concatenate([nothing, *(block.weight for block in made)]),
        np.concatenate([first[None], *(block.bias for block in made)]),
        np.concatenate([[0.0], *(block.size for block in made)]),
        np.concatenate([np.zeros((1, 1, width)), *(block.outputs for block in made)]),
    )
    return Shortcut(small, blocks, np.stack(streams), margin)


def _margin(cloud: np.ndarray, given: Given) -> float:
    """A block fires for its sample alone: neither for another, nor for who is at a vertex."""
    others = cloud @ cloud.T - np.diag(np.full(len(cloud), np.inf))
    closest = np.maximum(others.max(1), (cloud @ given.vertices.T).max(1))
    # A little less, since who has moved is not quite at its vertex.
    return 0.9 * float(1 - (closest / (cloud**2).sum(1)).max())
