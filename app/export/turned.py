"""Where the viewer of a player stands, as in its `camera.js` and `rotation.js`.

Rotations are unit quaternions (w, x, y, z); on the screen x goes right, y up, z to the viewer.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product as pairs

import numpy as np

from app.player.view import POSE_NUMBERS
from ncengine.config.numbers import real

EYE_DISTANCE = 4.4
HOME_YAW, HOME_PITCH = 0.62, 0.34
LEAST_ZOOM, MOST_ZOOM, MOST_PAN = 0.4, 12.0, 3.0
# Points farther apart than this share of the scene's radius are apart enough.
CLEAR = 0.8
# Turns away from the usual pose, small ones first.
_TURNS = sorted(
    ((0.26 * (n - 12), pitch) for pitch, n in pairs((-0.6, -0.3, 0.0, 0.3), range(25))),
    key=lambda turn: float(np.hypot(*turn)),
)


@dataclass(frozen=True)
class Camera:
    """A pose: rotation, zoom, and in two dimensions a shift; `flat` is the view in two."""

    rotation: np.ndarray
    zoom: float = 1.0
    pan: tuple[float, float] = (0.0, 0.0)
    flat: bool = False

    def matrix(self) -> np.ndarray:
        """(3, 3): what takes points to the screen."""
        return np.eye(3) if self.flat else matrix(self.rotation)


def camera(text: str, flat: bool, home: np.ndarray) -> Camera:
    """The pose that an address names; the one of `home` where it names none that can be."""
    try:
        numbers = [real(part) for part in text.split("_")]
    except ValueError:
        numbers = []
    turn = np.array(numbers[:4])
    if (
        len(numbers) != POSE_NUMBERS
        or not np.isfinite(numbers).all()
        or np.hypot.reduce(turn) < 0.5
    ):
        return Camera(home, flat=flat)
    zoom = float(np.clip(numbers[4], LEAST_ZOOM, MOST_ZOOM))
    across, down = np.clip(numbers[5:], -MOST_PAN, MOST_PAN)
    return Camera(unit(turn), zoom, (float(across), float(down)), flat)


def clear_pose(vertices: np.ndarray, radius: float) -> np.ndarray:
    """A pose near the usual one in which no two of the (n, 3) vertices cover each other."""
    best, most = pose(HOME_YAW, HOME_PITCH), -1.0
    for yaw, pitch in _TURNS:
        rotation = pose(HOME_YAW + yaw, HOME_PITCH + pitch)
        clear = min(CLEAR * radius, _closest(vertices @ matrix(rotation)[:2].T))
        if clear > most:
            best, most = rotation, clear
    return best


def _closest(places: np.ndarray) -> float:
    """The least distance between two of (n, 2) places."""
    away = np.linalg.norm(places[:, None] - places[None], axis=-1)
    upper = away[np.triu_indices(len(places), 1)]
    return float(upper.min()) if len(upper) else np.inf


def pose(yaw: float, pitch: float) -> np.ndarray:
    """The rotation about the screen's upright axis, then about the one across it."""
    upright = np.array([np.cos(yaw / 2), 0, np.sin(yaw / 2), 0])
    across = np.array([np.cos(pitch / 2), np.sin(pitch / 2), 0, 0])
    return _product(across, upright)


def _product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """First b, then a."""
    scalar = a[0] * b[0] - a[1:] @ b[1:]
    vector = a[0] * b[1:] + b[0] * a[1:] + np.cross(a[1:], b[1:])
    return np.concatenate([[scalar], vector])


def unit(q: np.ndarray) -> np.ndarray:
    """The rotation of a quaternion of any length but 0."""
    return q / np.linalg.norm(q)


def matrix(q: np.ndarray) -> np.ndarray:
    """(3, 3): the rows of a rotation, by Rodrigues' formula."""
    w, axis = q[0], q[1:]
    cross = np.cross(np.eye(3), axis).T
    return np.eye(3) - 2 * w * cross + 2 * cross @ cross


def perspective(depth: np.ndarray | float) -> np.ndarray | float:
    """How much larger what is so near to the viewer is than at the origin."""
    return EYE_DISTANCE / (EYE_DISTANCE - depth)
