"""Class names beside their means, of which none covers another: as `player/labels.js` has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from PIL import ImageFont

from app.export import press

# Shares of half a name's size, to the right and down.
_SIDES = (
    (1, 0), (-1, 0), (0, -1), (0, 1), (0.8, -0.9), (-0.8, -0.9), (0.8, 0.9), (-0.8, 0.9),
)  # fmt: skip
_FILE = Path(__file__).resolve().parents[1] / "static" / f"inter-{press.BOLD}.ttf"
# Widths are measured at this size.
_EM = 1000

Box = tuple[float, float, float, float]


def beside(
    means: Mapping[int, np.ndarray], names: Sequence[str], radius: float, size: tuple[float, float]
) -> dict[int, tuple[float, float, float]]:
    """Where the names stand: the middle of each, its base line, and its width.

    Those nearest to the viewer choose first. What finds no place is left out.

    Args:
        means: by class, the place of its mean and its depth.
        names: of all classes.
        radius: of a mean's ball.
        size: of the drawing.
    """
    near = sorted(means, key=lambda k: -means[k][2])
    balls = [_box(means[k][0], means[k][1], radius, radius) for k in near]
    taken: list[Box] = []
    placed = {}
    for k in near:
        width = _width(names[k])
        half = width / 2 + 0.3 * press.TEXT, 0.6 * press.TEXT + 0.32 * press.TEXT
        offered = [_at(means[k], side, radius, half) for side in _SIDES]
        offered = [at for at in offered if _within(_box(*at, *half), size)]
        free = [at for at in offered if _free(_box(*at, *half), [*taken, *balls])]
        free += [at for at in offered if _free(_box(*at, *half), taken)]
        if free:
            x, y = free[0]
            taken.append(_box(x, y, *half))
            placed[k] = x, y + 0.36 * press.TEXT, width
    return placed


def _at(
    mean: np.ndarray, side: tuple[float, float], radius: float, half: tuple[float, float]
) -> tuple[float, float]:
    gap = 1.9 * radius
    return (
        float(mean[0] + side[0] * (gap + half[0])),
        float(mean[1] + side[1] * (gap + 0.6 * half[1])),
    )


def _box(x: float, y: float, half_width: float, half_height: float) -> Box:
    return x - half_width, y - half_height, x + half_width, y + half_height


def _within(box: Box, size: tuple[float, float]) -> bool:
    return box[0] >= 0 and box[1] >= 0 and box[2] <= size[0] and box[3] <= size[1]


def _free(box: Box, others: Sequence[Box]) -> bool:
    return not any(
        box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]
        for other in others
    )


@cache
def _font() -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(_FILE), _EM)


def _width(words: str) -> float:
    return _font().getlength(words) * press.TEXT / _EM
