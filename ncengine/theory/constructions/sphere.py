"""Points on the unit sphere, as rows, and great-circle arcs between them.

LayerNorm puts features of width d onto the zero-sum sphere of radius √d: the unit sphere of
d - 1 dimensions, in an orthonormal basis of the vectors of sum zero.
"""

from __future__ import annotations

import numpy as np

from ncengine.metrics.rank import contrasts


def lifted(points: np.ndarray) -> np.ndarray:
    """Features (..., d) of mean 0 and norm √d, from unit vectors (..., d - 1)."""
    width = points.shape[-1] + 1
    return np.sqrt(width) * points @ contrasts(width)


def lowered(features: np.ndarray) -> np.ndarray:
    """The inverse of `lifted`; of features of any norm the direction of their zero-sum part."""
    return unit(features @ contrasts(features.shape[-1]).T)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Rows of length 1."""
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def tangent(start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The unit direction (..., D) in which the arc leaves `start`, and its angle (...).

    Where the two points are one, or opposite, the direction is any.
    """
    # By the chord, of which small angles are not lost in rounding.
    along = end - start
    along = along - (along * start).sum(-1, keepdims=True) * start
    length = np.linalg.norm(along, axis=-1, keepdims=True)
    other = np.zeros(start.shape)
    np.put_along_axis(other, np.abs(start).argmin(-1)[..., None], 1.0, axis=-1)
    other = unit(other - (other * start).sum(-1, keepdims=True) * start)
    direction = np.where(length > 0, along / np.where(length > 0, length, 1.0), other)
    return direction, np.arctan2(length[..., 0], (start * end).sum(-1))


def arc(start: np.ndarray, end: np.ndarray, step: float) -> np.ndarray:
    """Points (P, D) from `start` to `end`, at most `step` apart, both included."""
    direction, angle = tangent(start, end)
    count = max(1, int(np.ceil(angle / step)))
    return moved(start, direction, np.linspace(0, angle, count + 1)[:, None])


def moved(start: np.ndarray, direction: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Where the arc is after an angle (..., 1)."""
    return np.cos(angle) * start + np.sin(angle) * direction


def nearest_on_arcs(starts: np.ndarray, ends: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(E,) the largest cosine of any point (O, D) with any of an arc from (E, D) to (E, D)."""
    if not len(points):
        return np.full(len(starts), -1.0)
    direction, angle = tangent(starts, ends)
    along, across = points @ starts.T, points @ direction.T
    turn = np.arctan2(across, along)
    within = (turn >= 0) & (turn <= angle)
    best = np.where(within, np.hypot(along, across), np.maximum(along, points @ ends.T))
    return best.max(0)


def nearest_of_arcs(a: tuple[np.ndarray, np.ndarray], b: tuple[np.ndarray, np.ndarray]) -> float:
    """The largest cosine of any point of any of some arcs with any point of any of others.

    Args:
        a, b: where arcs start (E, D), and where they end (E, D), less than half around.
    """
    if not len(a[0]) or not len(b[0]):
        return -1.0
    # It is at an end of one of the two arcs, or within both, where circles come nearest.
    ends_of_a, ends_of_b = np.concatenate(a), np.concatenate(b)
    closest = float(max(nearest_on_arcs(*a, ends_of_b).max(), nearest_on_arcs(*b, ends_of_a).max()))
    (along_a, angle_a), (along_b, angle_b) = tangent(*a), tangent(*b)
    same, aside = a[0] @ b[0].T, along_a @ along_b.T
    off, other = a[0] @ along_b.T, along_a @ b[0].T
    # The cosine at angles s and t: one wave in s - t, and one in s + t.
    minus, plus = np.arctan2(other - off, same + aside), np.arctan2(other + off, same - aside)
    s, t = (plus + minus) / 2, (plus - minus) / 2
    height = (np.hypot(same + aside, other - off) + np.hypot(same - aside, other + off)) / 2
    # There, and at the two points opposite.
    for half in (0, np.pi):
        on_a = (s + half) % (2 * np.pi) <= angle_a[:, None]
        within = on_a & ((t + half) % (2 * np.pi) <= angle_b)
        closest = max(closest, float(height.max(initial=-1.0, where=within)))
    return closest


def at_even_steps(curve: np.ndarray, steps: int) -> np.ndarray:
    """(steps + 1, D) points along a polyline of arcs (P, D), evenly by its length."""
    direction, angle = tangent(curve[:-1], curve[1:])
    reached = np.concatenate([[0.0], np.cumsum(angle)])
    wanted = np.linspace(0, reached[-1], steps + 1)
    piece = np.clip(np.searchsorted(reached, wanted, side="right") - 1, 0, len(angle) - 1)
    points = moved(curve[piece], direction[piece], (wanted - reached[piece])[:, None])
    points[0], points[-1] = curve[0], curve[-1]
    return unit(points)
