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


def at_even_steps(curve: np.ndarray, steps: int) -> np.ndarray:
    """(steps + 1, D) points along a polyline of arcs (P, D), evenly by its length."""
    direction, angle = tangent(curve[:-1], curve[1:])
    reached = np.concatenate([[0.0], np.cumsum(angle)])
    wanted = np.linspace(0, reached[-1], steps + 1)
    piece = np.clip(np.searchsorted(reached, wanted, side="right") - 1, 0, len(angle) - 1)
    points = moved(curve[piece], direction[piece], (wanted - reached[piece])[:, None])
    points[0], points[-1] = curve[0], curve[-1]
    return unit(points)
