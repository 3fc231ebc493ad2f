"""The blocks of the proof of Theorem 4: each adds to samples of its own, and leaves all others.

A block's weight is of rank one: it reads how much of a direction a sample has, and where that is
more than its bias asks for, adds in another direction. To what is added belongs a multiple of the
vector of ones, which keeps σ = ReLU open, and which LayerNorm takes out again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Blocks:
    """L blocks of one linear layer of width d.

    Attributes:
        weight: (L, d, d).
        bias: (L, d).
        size: (L,) singular value of each weight: alpha.
        outputs: (L, r, d) orthonormal rows, whose span holds what σ gives of a block's samples.
    """

    weight: np.ndarray
    bias: np.ndarray
    size: np.ndarray
    outputs: np.ndarray


def travel(points: np.ndarray, margin: float) -> Blocks:
    """Blocks that take a sample from each point to the next, eq. (16).

    The proof puts the direction along the chord; what is added there lands, after LayerNorm, about
    halfway. Here it is the tangent at x towards the next point, at an angle delta, and
    alpha = 2 tan(delta) sqrt(d + m^2/4) / m, so that LayerNorm lands on it.

    Args:
        points: (L + 1, d) of mean 0 and norm √d.
        margin: m; who has a cosine of at most 1 - m with the sample where it stands is left.
    """
    towards, amount = _steps(points)
    return added(points[:-1], towards, amount, margin)


def travel_sizes(points: np.ndarray, margin: float) -> np.ndarray:
    """(L,) alpha of each block of `travel`, without the blocks."""
    return _size(_steps(points)[1], margin, points.shape[1], points.shape[1] ** 0.5)


def _steps(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """From each point to the next: the unit tangent (L, d), and how much of it is added (L,)."""
    width = points.shape[1]
    x, after = points[:-1], points[1:]
    # What is added is orthogonal to x, so that adding sqrt(d) tan(delta) of it turns by delta.
    along = after - (after * x).sum(1, keepdims=True) / width * x
    sine = np.linalg.norm(along, axis=1) / width**0.5
    turned = np.arctan2(sine, (after * x).sum(1) / width)
    towards = along / np.maximum(np.linalg.norm(along, axis=1), 1e-300)[:, None]
    return towards, width**0.5 * np.tan(turned)


def _size(amount: np.ndarray, margin: float, width: int, reach: np.ndarray | float) -> np.ndarray:
    """alpha of blocks that add so much to who has a norm of `reach`."""
    return amount * (width + margin**2 / 4) ** 0.5 / (margin / 2 * reach)


def added(read: np.ndarray, towards: np.ndarray, amount: np.ndarray, margin: float) -> Blocks:
    """Blocks that add `amount` (L,) of the unit zero-sum vectors `towards` (L, d), and as much of
    the ones, to who stands at `read` (L, d): eq. (16), there of norm √d.

    Who stands at x is left where x @ read is at most 1 - m times the square of the norm of `read`.
    """
    half, norm = margin / 2, (read.shape[1] + margin**2 / 4) ** 0.5
    reach = np.linalg.norm(read, axis=1)
    size = _size(amount, margin, read.shape[1], reach)
    left = (1 + half * towards) / norm
    bias = np.repeat(-(1 - half) * (size * reach / norm)[:, None], read.shape[1], axis=1)
    weight = size[:, None, None] * left[:, :, None] * (read / reach[:, None])[:, None, :]
    outputs = (1 + towards) / np.linalg.norm(1 + towards, axis=1, keepdims=True)
    return Blocks(weight, bias, size, outputs[:, None])


def settle(vertex: np.ndarray, cap: float, layers: int) -> Blocks:
    """Blocks that draw all who stand within the cap around a vertex nearer to it.

    In the proof the vertex has norm √d where it stands beside the ones; with its entries below -1
    σ would close. Here it is the unit vector. And alpha = √d log(L) / (c m L): without the proof's
    factor of 16 the angle still falls to about 1/L of what it was.

    Args:
        vertex: (d,) of mean 0 and norm √d.
        cap: c m.
        layers: L, how many.
    """
    width = len(vertex)
    direction = vertex / width**0.5
    norm = (width + cap**2) ** 0.5
    size = settle_size(cap, layers, width)
    weight = size * np.outer(1 + cap * direction, direction) / norm
    bias = np.full(width, -(1 - 2 * cap) * size * width**0.5 / norm)
    outputs = np.stack([np.full(width, width**-0.5), direction])
    return Blocks(
        np.broadcast_to(weight, (layers, width, width)),
        np.broadcast_to(bias, (layers, width)),
        np.full(layers, size),
        np.broadcast_to(outputs, (layers, 2, width)),
    )


def settle_size(cap: float, layers: int, width: int) -> float:
    """alpha of each block of `settle`."""
    return float(width**0.5 * np.log(layers) / (cap * layers))


def settled(
    features: np.ndarray, vertex: np.ndarray, cap: float, layers: int, after: np.ndarray
) -> np.ndarray:
    """(A, n, d) where features (n, d) within the cap are after so many (A,) blocks of `settle`."""
    width = len(vertex)
    direction = vertex / width**0.5
    aside = features - (features @ direction)[:, None] * direction
    away = np.linalg.norm(aside, axis=1)
    aside /= np.maximum(away, 1e-300)[:, None]
    # A block adds as much of the vertex as the sample has of it, times this: the tangent of its
    # angle shrinks by the same factor each time.
    pull = np.log(layers) / layers * (width / (width + cap**2)) ** 0.5
    left = away * (1 + pull) ** -np.asarray(after, float)[:, None]
    turn = np.arctan2(left, features @ direction)[..., None]
    return width**0.5 * (np.cos(turn) * direction + np.sin(turn) * aside)


def in_two(blocks: Blocks) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The same of two linear layers each (proof of Theorem 10): W_1, b_1, W_2, b_2.

    The first has the root of alpha in place of alpha, and the second as much of the projection onto
    what σ gives of the block's samples.
    """
    root = np.sqrt(np.maximum(blocks.size, 0))
    share = np.divide(1.0, root, out=np.zeros_like(root), where=root > 0)
    projection = np.swapaxes(blocks.outputs, 1, 2) @ blocks.outputs
    return (
        blocks.weight * share[:, None, None],
        blocks.bias * share[:, None],
        root[:, None, None] * projection,
        np.zeros_like(blocks.bias),
    )
