"""Small pictures of the samples that a network is looked at with, where these are images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ncengine.recorder.probe import Batch

# Pixels of the longer side.
LARGEST = 32


def thumbnails(batches: Sequence[Batch], index: np.ndarray) -> np.ndarray | None:
    """Of the samples at `index` (S,): (S, h, w) in grey or (S, h, w, 3) in colour, uint8.

    None where inputs are no images (B, 1 or 3, h, w). How they were normalised is not known: the
    least number of a colour among these samples is black, the largest its brightest.
    """
    found = [_images_of(batch) for batch in batches]
    images = [one for one in found if one is not None]
    if not images or len(images) < len(found) or len({one.shape[1:] for one in images}) > 1:
        return None
    starts = np.cumsum([0, *map(len, images)])
    places = zip(np.searchsorted(starts, index, side="right") - 1, index, strict=True)
    some = torch.stack([images[b][n - starts[b]] for b, n in places]).float().cpu()
    share = LARGEST / max(some.shape[2:])
    if share < 1:
        size = [max(1, round(share * side)) for side in some.shape[2:]]
        some = F.interpolate(some, size=size, mode="area")
    low, high = some.amin((0, 2, 3), keepdim=True), some.amax((0, 2, 3), keepdim=True)
    if not bool(torch.isfinite(low + high).all()):
        return None
    shown = (255 * (some - low) / (high - low).clamp(min=1e-30)).round().to(torch.uint8).numpy()
    return shown[:, 0] if shown.shape[1] == 1 else np.moveaxis(shown, 1, -1)


def _images_of(batch: Batch) -> Tensor | None:
    """Its first input, or what it holds by name, where these are images."""
    tensors = (one for one in (*batch.inputs[:1], *batch.named.values()) if isinstance(one, Tensor))
    return next((one for one in tensors if _are_images(one)), None)


def _are_images(values: Tensor) -> bool:
    return values.ndim == 4 and values.shape[1] in (1, 3) and min(values.shape[2:]) > 1
