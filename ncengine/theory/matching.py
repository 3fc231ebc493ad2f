"""A figure laid over class means: which class is which corner, and how it is turned."""

from __future__ import annotations

import numpy as np
from scipy.linalg import orthogonal_procrustes

# So many partial assignments are followed at once, which are the best of so many times as many.
BEAM, TRIED = 64, 8
# Two of them are the same but for a symmetry of the figure where what is told of them differs less.
SAME = 2e-3


def matched(figure: np.ndarray, means: np.ndarray) -> np.ndarray:
    """The figure with its corners in the order of the means, turned so as to lie over them.

    Which corner a class gets is decided by cosines alone, since these know of no rotation: class
    by class, of all ways so far those are followed whose cosines differ least, one of each kind
    that the figure's own symmetries take into each other; then corners are exchanged while that
    helps. Last comes one rotation, which may mirror.

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
    # Those first that say most of the others; but where these mislead, any order may do better.
    orders = _telling(cosines), np.arange(len(means))
    found = [_exchanged(_assigned(corners, cosines, one), corners, cosines) for one in orders]
    return min(found, key=lambda tried: _cost(tried, corners, cosines))


def _cost(order: np.ndarray, corners: np.ndarray, cosines: np.ndarray) -> float:
    return float(((corners[np.ix_(order, order)] - cosines) ** 2).sum())


def _telling(cosines: np.ndarray) -> np.ndarray:
    """(K,) classes, each the one that is least at right angles to those before it."""
    apart = cosines**2 - np.diag(np.diag(cosines) ** 2)
    told, order = apart.sum(1), []
    for _ in cosines:
        order.append(int(told.argmax()))
        told = np.where(np.isin(np.arange(len(told)), order), -1.0, apart[:, order].sum(1))
    return np.array(order)


def _assigned(corners: np.ndarray, cosines: np.ndarray, order: np.ndarray) -> np.ndarray:
    """(K,) the corner of each class, so that matrices (K, K) agree much; by a beam search."""
    classes = len(corners)
    wanted = cosines[np.ix_(order, order)]
    ways, costs = np.zeros((1, 0), np.int64), np.zeros(1)
    # (ways, corners) how every corner lies to those that are taken, weighted by their places.
    lies, weights = np.zeros((1, classes)), np.random.default_rng(0).uniform(3, 9, classes)
    for k in range(classes):
        # (ways, corners) what each corner would cost the next class.
        off = (corners[ways] - wanted[k, :k, None]) ** 2
        more = costs[:, None] + 2 * off.sum(1) + (np.diag(corners) - wanted[k, k]) ** 2
        np.put_along_axis(more, ways, np.inf, axis=1)
        count = min(TRIED * BEAM, np.isfinite(more).sum())
        best = np.argsort(more, axis=None, kind="stable")[:count]
        way, corner = np.unravel_index(best, more.shape)
        lies = lies[way] + weights[k] * corners[corner]
        kept = _different(lies)[:BEAM]
        way, corner, lies = way[kept], corner[kept], lies[kept]
        ways, costs = np.concatenate([ways[way], corner[:, None]], axis=1), more[way, corner]
    found = np.empty(classes, np.int64)
    found[order] = ways[0]
    return found


def _different(lies: np.ndarray) -> np.ndarray:
    """Which of the rows (W, K) are not one of those before in another order of its numbers.

    A symmetry of the figure takes corners to others: seen from those that are taken, all corners
    lie as before, in another order. So many ways would be one that they left no room for others.
    """
    told = np.stack([np.cos(lies).sum(1), np.sin(lies).sum(1)], axis=1)
    _, first = np.unique(np.round(told / SAME), axis=0, return_index=True)
    return np.sort(first)


def _exchanged(order: np.ndarray, corners: np.ndarray, cosines: np.ndarray) -> np.ndarray:
    """The same after all exchanges of two corners that bring the matrices nearer, best first."""
    order, own = order.copy(), np.diag(cosines)
    pairs = own[:, None] + own - 2 * cosines
    while True:
        laid = corners[np.ix_(order, order)]
        # (K, K) by how much an exchange brings the sum of products up: corners are of length 1.
        each = laid @ cosines
        gain = each + each.T - np.diag(each)[:, None] - np.diag(each) + (1 - laid) * pairs
        a, b = np.unravel_index(gain.argmax(), gain.shape)
        if gain[a, b] <= 1e-9:
            return order
        order[[a, b]] = order[[b, a]]
