"""Pictures of the samples, in whatever form they were saved, as bytes."""

from __future__ import annotations

import numpy as np

from ncengine.own.limits import Budget
from ncengine.own.parts import Part
from ncengine.own.words import Told, shape_of

_CHANNELS = (1, 3, 4)
_FORMS = "(N, h, w), (N, h, w, c) or (N, c, h, w) with c = 1, 3 or 4"
# As many pixels a side as a picture beside a point takes.
SIDE = 64


def pictures(part: Part, budget: Budget) -> np.ndarray:
    """(N, h, w) or (N, h, w, 3) uint8; of four channels the last, transparency, is left out.

    Raises:
        ValueError: another shape; floats that are not 0 to 1, or whole numbers not 0 to 255.
    """
    array = _channels_last(part)
    if max(array.shape[1:3]) > budget.limits.side:
        raise Told(
            f"{part.where} is {shape_of(part.array)}: {budget.limits.side} pixels a side at most"
        )
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    whole = array.dtype.kind in "iu"
    if not whole and array.dtype.kind not in "bf":
        raise Told(f"{part.where} holds texts; must be numbers")
    most = 255 if whole else 1
    least, largest = array.min(), array.max()
    if not (least >= 0 and largest <= most):
        raise Told(
            f"{part.where} goes from {least:.4g} to {largest:.4g}; must be whole numbers 0 to 255, "
            "or floats 0 to 1"
        )
    budget.take(part.where, array.size)
    found = np.empty(array.shape, np.uint8)
    for n, one in enumerate(array):  # at once it would take a copy of all
        found[n] = one if whole else np.rint(one.astype(np.float32) * 255)
    return found


def _channels_last(part: Part) -> np.ndarray:
    array = part.array
    if array.ndim == 4 and array.shape[3] not in _CHANNELS and array.shape[1] in _CHANNELS:
        array = np.moveaxis(array, 1, 3)
    if array.ndim == 4 and array.shape[3] in _CHANNELS:
        return array[..., 0] if array.shape[3] == 1 else array[..., :3]
    if array.ndim != 3:
        raise Told(f"{part.where} is {shape_of(array)}; must be {_FORMS}")
    return array


def small(pictures: np.ndarray) -> np.ndarray:
    """The same, of `SIDE` pixels a side at most; their proportions stay."""
    from PIL import Image  # slow to load

    height, width = pictures.shape[1:3]
    if max(height, width) <= SIDE:
        return pictures
    scale = SIDE / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.stack(
        [np.asarray(Image.fromarray(one).resize(size, Image.Resampling.BOX)) for one in pictures]
    )
