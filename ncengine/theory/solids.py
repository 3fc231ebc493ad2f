"""A figure of points on a sphere as a body: the angles between its corners, and its edges."""

from __future__ import annotations

from itertools import combinations

import numpy as np

# Two faces lie in one plane where their unit normals differ by less.
FLAT = 1e-5


def angles_of(points: np.ndarray) -> np.ndarray:
    """(..., K (K - 1) / 2) radians between every two of the points (..., K, d), about the origin.

    By half-angles, so that those near 0 and pi have as many digits as others. A point at the
    origin has no direction: NaN.
    """
    lengths = np.linalg.norm(points, axis=-1, keepdims=True)
    units = np.divide(points, lengths, out=np.full(points.shape, np.nan), where=lengths > 0)
    one, other = np.triu_indices(points.shape[-2], 1)
    left, right = units[..., one, :], units[..., other, :]
    apart, together = (np.linalg.norm(v, axis=-1) for v in (left - right, left + right))
    return 2 * np.arctan2(apart, together)


def edges_of(points: np.ndarray) -> tuple[tuple[int, int], ...]:
    """Pairs of the points (K, D), up to three dimensions, that an edge of their hull joins.

    What lies within a face is no edge. Of points that fill no body, such as those on a line, every
    pair is one.
    """
    from scipy.spatial import ConvexHull, QhullError

    classes, dimensions = points.shape
    if not 2 <= dimensions <= 3 or classes <= dimensions:
        return tuple(combinations(range(classes), 2))
    try:
        hull = ConvexHull(points)
    except QhullError:
        return tuple(combinations(range(classes), 2))
    faces: dict[tuple[int, int], list[np.ndarray]] = {}
    for corners, equation in zip(hull.simplices, hull.equations, strict=True):
        for i, j in combinations(sorted(map(int, corners)), 2):
            faces.setdefault((i, j), []).append(equation[:-1])
    return tuple(sorted(edge for edge, normals in faces.items() if not _within(normals)))


def _within(normals: list[np.ndarray]) -> bool:
    """Whether the two faces beside a line are one, which was cut in two."""
    return len(normals) == 2 and bool(np.abs(normals[0] - normals[1]).max() < FLAT)
