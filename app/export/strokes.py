"""Colours and shades of the player's drawing, as `player/sprites.js` has them where it is light."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
from PIL import ImageColor

RGB = tuple[float, float, float]

# In steps of depth samples fade into the sky.
_LEVELS, _DEEPEST, _FOG = 20, 1.25, 0.62
_CIRCLE_STEPS = 72
WHITE, BLACK = (255.0, 255.0, 255.0), (0.0, 0.0, 0.0)


def rgb_of(color: str) -> RGB:
    """A colour as "#rrggbb" in numbers from 0 to 255."""
    red, green, blue = ImageColor.getrgb(color)[:3]
    return float(red), float(green), float(blue)


def mixed(start: RGB, end: RGB, share: float) -> RGB:
    """A colour on the way from one to another."""
    red, green, blue = (a + (b - a) * share for a, b in zip(start, end, strict=True))
    return red, green, blue


def css(rgb: RGB) -> str:
    """As SVG writes it."""
    return "#" + "".join(f"{round(value):02x}" for value in rgb)


class Shades:
    """The shades of balls of a drawing, each defined once."""

    def __init__(self, sky: RGB):
        self._sky = sky
        self._defined: dict[str, str] = {}

    def defs(self) -> str:
        """The definitions of all that was asked for."""
        return "".join(self._defined.values())

    def hazy(self, rgb: RGB, depth: float) -> tuple[float, RGB]:
        """The depth of a sample as a step has it, and its colour there."""
        level = int(np.clip((depth + _DEEPEST) / (2 * _DEEPEST) * _LEVELS, 0, _LEVELS - 1))
        haze = _FOG * (1 - level / (_LEVELS - 1)) ** 1.3
        return (level + 0.5) / _LEVELS * 2 * _DEEPEST - _DEEPEST, mixed(rgb, self._sky, haze)

    def of(self, rgb: RGB) -> str:
        """The fill of a ball of that colour, lit from the upper left."""
        stops = ((0, mixed(rgb, WHITE, 0.45)), (0.4, rgb), (1, mixed(rgb, BLACK, 0.28)))
        drawn = "".join(f'<stop offset="{at}" stop-color="{css(color)}"/>' for at, color in stops)
        name = f"ball-{css(rgb)[1:]}"
        return self._keep(name, f'cx=".5" cy=".5" r=".525" fx=".325" fy=".3">{drawn}')

    def glass(self, ink: RGB) -> str:
        """The fill of the sphere: hardly anything in its middle."""
        drawn = "".join(
            f'<stop offset="{at}" stop-color="{css(ink)}" stop-opacity="{alpha}"/>'
            for at, alpha in ((0, 0.02), (0.75, 0.05), (1, 0.13))
        )
        return self._keep("glass", f'cx=".5" cy=".5" r=".5" fx=".325" fy=".3">{drawn}')

    def _keep(self, name: str, rest: str) -> str:
        self._defined[name] = f'<radialGradient id="{name}" {rest}</radialGradient>'
        return f"url(#{name})"


def greatest_circles(turn: np.ndarray) -> Iterator[tuple[np.ndarray, bool]]:
    """The three great circles about the axes, in parts (n, 3) before and behind the origin.

    Args:
        turn: (3, 3), the rotation to the screen.

    Yields:
        Each part, and whether it is in front.
    """
    angles = np.linspace(0, 2 * np.pi, _CIRCLE_STEPS + 1)
    for p, q in combinations(range(3), 2):
        points = np.zeros((len(angles), 3))
        points[:, p], points[:, q] = np.cos(angles), np.sin(angles)
        front = (points[1:] + points[:-1]) @ turn[2] > 0
        changes = np.flatnonzero(np.diff(front)) + 1
        for part in np.split(np.arange(len(front)), changes):
            yield points[part[0] : part[-1] + 2], bool(front[part[0]])
