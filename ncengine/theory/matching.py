"""A figure laid over class means: which class is which corner, and how it is turned."""

from __future__ import annotations

import numpy as np
from scipy.linalg import orthogonal_procrustes

# So many partial assignments are followed at once.
BEAM = 256


def matched(figure: np.ndarray, means: np.ndarray) -> np.ndarray:
    """The figure with its corners in the order of the means, turned so as to lie over them.

    Which corner a class gets is decided by cosines alone, since these know of no rotation: class
    by class, of all ways so far those are followed whose cosines differ least; then corners are
    exchanged while that helps. Last comes one rotation, which may mirror.

    Args:
        figure: (K, D) unit vectors.
        means: (K, D) unit vectors.

    Returns:
        (K, D) unit vectors; the k-th belongs to the k-th mean.
    """
    order = corners_of(figure, means)
    turn, _ = orthogonal_procrustes(figure[order], means)
    return figure[order] @ turn


def corners_of(figure: np.ndarray, means: np.ndarray) -> np.ndarray:
    """(K,) which corner each class gets, see `matched`.

    Args:
        figure: (K, D) unit vectors.
        means: (K, d) of any length, in as many dimensions or others. One that is 0 has no
            direction, and is at right angles to all others.
    """
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    units = means / np.where(lengths > 0, lengths, 1.0)
    corners, cosines = figure @ figure.T, units @ units.T
    return _exchanged(_assigned(corners, cosines), corners, cosines)


def _assigned(corners: np.ndarray, cosines: np.ndarray) -> np.ndarray:
    """(K,) the corner of each class, so that matrices (K, K) agree much; by a beam search."""
    classes = len(corners)
    ways, costs = np.zeros((1, 0), np.int64), np.zeros(1)
    for k in range(classes):
        # (ways, corners) what each corner would cost the next class.
        off = (corners[ways] - cosines[k, :k, None]) ** 2
        more = costs[:, None] + 2 * off.sum(1) + (np.diag(corners) - cosines[k, k]) ** 2
        np.put_along_axis(more, ways, np.inf, axis=1)
        best = np.argsort(more, axis=None, kind="stable")[: min(BEAM, np.isfinite(more).sum())]
        way, corner = np.unravel_index(best, more.shape)
        ways, costs = np.concatenate([ways[way], corner[:, None]], axis=1), more[way, corner]
    return ways[0]


def _exchanged(order: np.ndarray, corners: np.ndarray, cosines: np.ndarray) -> np.ndarray:
    """The same after all exchanges of two corners that bring the matrices nearer."""

    def cost(tried: np.ndarray) -> float:
        return float(((corners[np.ix_(tried, tried)] - cosines) ** 2).sum())

    least, helped = cost(order), True
    while helped:
        helped = False
        for a in range(len(order)):
            for b in range(a):
                tried = order.copy()
                tried[[a, b]] = tried[[b, a]]
                if (found := cost(tried)) < least * (1 - 1e-9):
                    order, least, helped = tried, found, True
    return order
