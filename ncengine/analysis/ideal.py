"""The ideal: the figure that class means are compared with, laid over them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np

from ncengine.metrics.collapse import cosines
from ncengine.theory import least_width, simplex_etf
from ncengine.theory.solids import angles_of, edges_of

# Up to so many dimensions the body of a figure can be seen whole.
SEEN = 3
# Of so few classes every pair is joined.
FEW = 4


def promised(nc2_name: str, classes: int, width: int) -> np.ndarray | None:
    """(K, j) the figure that the theory promises; None where the width has no room for it."""
    simplex = nc2_name == "nc2a"
    if width < least_width(classes, "simplex" if simplex else "orthogonal"):
        return None
    return simplex_etf(classes) if simplex else np.eye(classes)


def ordered(figure: np.ndarray, means: np.ndarray) -> np.ndarray:
    """The best figure that is known (K, D), its corners in the order of means (K, d)."""
    from ncengine.theory.matching import corners_of

    return figure[corners_of(figure, means)]


def laid_over(
    means: np.ndarray,
    figure: np.ndarray,
    centre: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
    basis: str,
    focus: tuple[int, ...],
) -> np.ndarray:
    """(G, K, m): the figure (K, j) turned onto the means of the last frame, or of each.

    Args:
        means: (G, K, m).
        centre: what takes either to itself about its own centre, and that centre.
        basis: see `projection.project`.
        focus: whose part of the figure is to show undistorted; () for none.
    """
    frames = len(means)
    figure, means = centre(figure)[0], centre(means)[0]
    turned = np.zeros_like(means)
    for g in reversed(range(frames)):
        if basis == "each" or g == frames - 1:
            latest = _turned(figure, means[g], focus)
        turned[g] = latest
    return turned


def _turned(figure: np.ndarray, means: np.ndarray, focus: tuple[int, ...]) -> np.ndarray:
    """The figure (K, j), turned into R^m as close to the means (K, m) as can be.

    With a focus, its part goes exactly into the span of the focused means, so that it shows
    undistorted; the rest follows in the directions that are left.
    """
    if not focus:
        return figure @ polar(figure.T @ means)
    chosen, rank = list(focus), len(focus) - 1
    from_plane = np.linalg.svd(figure[chosen], full_matrices=False)[2][:rank]
    to_plane = np.linalg.svd(means[chosen], full_matrices=False)[2][:rank]
    flat, target = figure @ from_plane.T, means @ to_plane.T
    placed = flat @ polar(flat[chosen].T @ target[chosen]) @ to_plane
    left, _, right = np.linalg.svd(
        (figure - flat @ from_plane).T @ (means - target @ to_plane), full_matrices=False
    )
    others = min(len(figure) - len(focus), figure.shape[1] - rank)
    return placed + (figure - flat @ from_plane) @ left[:, :others] @ right[:others]


def polar(matrix: np.ndarray) -> np.ndarray:
    """The (partial) rotation nearest to a matrix: the solution of orthogonal Procrustes."""
    left, _, right = np.linalg.svd(matrix, full_matrices=False)
    return left @ right


def edges(
    focus: tuple[int, ...], classes: int, known: np.ndarray | None = None
) -> tuple[tuple[int, int], ...]:
    """Of a focus, or of few classes, all pairs; of a known figure that can be seen its body's."""
    if known is not None and not focus and known.shape[1] <= SEEN:
        return edges_of(known)
    return tuple(combinations(focus or (range(classes) if classes <= FEW else ()), 2))


def angle_error(means: np.ndarray, known: np.ndarray | None = None) -> np.ndarray:
    """(G,) degrees by which an angle between two of the means (G, k, d) is off, at worst.

    From that of a simplex of k, about their centre; or each from its own in a `known` figure (k, D)
    of the same order, about the origin.
    """
    if known is not None:
        off = np.abs(angles_of(means) - angles_of(known))
    else:
        k = means.shape[-2]
        one, other = np.triu_indices(k, 1)
        off = np.abs(np.arccos(cosines(means)[..., one, other]) - np.arccos(-1 / (k - 1)))
    return np.degrees(off.max(axis=-1))
