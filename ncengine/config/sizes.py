"""Sides of images and of patches: which ones leave no rest."""

from __future__ import annotations

from ncengine.catalogue.datasets import DatasetInfo

# Pixels a side of an image that is averaged down, at least.
LEAST_SIDE = 4


def image_sides(info: DatasetInfo) -> tuple[int, ...]:
    """Sides to which the data set's square images can be averaged, its own first; none without."""
    if info.image_shape is None:
        return ()
    height, width, _ = info.pixels
    sides = range(height - 1, LEAST_SIDE - 1, -1) if height == width else ()
    return (height, *(side for side in sides if height % side == 0))


def patch_sizes(info: DatasetInfo, side: int = 0) -> tuple[int, ...]:
    """Sides of patches that cut images of that side without a rest; none without images.

    Args:
        info: the data set.
        side: see `image_sides`; 0 for images as they are published.
    """
    if info.image_shape is None:
        return ()
    height, width, _ = info.pixels
    height, width = (side, side) if side else (height, width)
    return tuple(p for p in range(1, height + 1) if height % p == 0 and width % p == 0)
