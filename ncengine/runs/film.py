"""Films: arrays that change little from one frame to the next, in few bytes.

All frames but the last are rounded to a step that cannot be seen; what is kept of each is by how
many steps it differs from the one before, which deflate then makes small. The last frame is kept as
float16, to measure on it.
"""

from __future__ import annotations

import numpy as np

from ncengine.snapshots.names import Arrays

# Steps in the root mean square of the vectors' lengths: on a figure of the size of a screen, which
# is as large as they are long, an error of half a pixel.
STEPS = 256
# Differences of more steps than that do not fit into two bytes.
MOST = 2**14


def encoded(frames: np.ndarray) -> Arrays:
    """Arrays by name that hold `frames`; `decoded` reads them.

    Args:
        frames: (G, …, d), G ≥ 1, all finite: vectors of width d.

    Raises:
        ValueError: there is no frame, or a number that is not finite.
    """
    frames = np.asarray(frames)
    if not len(frames) or not np.isfinite(frames).all():
        raise ValueError(f"frames: {frames.shape}, must be one or more, of finite numbers")
    early = frames[:-1].astype(np.float64)
    squares = np.square(early).sum(axis=-1)
    root = float(np.sqrt(np.mean(squares))) if early.size else 0.0
    largest = float(np.abs(early).max(initial=0.0))
    step = max(root / STEPS, largest / MOST) or 1.0
    steps = np.diff(np.rint(early / step).astype(np.int32), axis=0, prepend=np.int32(0))
    # Sign last, and all the high bytes together: they are nearly all zero.
    folded = np.where(steps < 0, -2 * steps - 1, 2 * steps).astype("<u2")
    pair = folded.view(np.uint8).reshape(*folded.shape, 2)
    return {
        "last": frames[-1].astype(np.float16),
        "step": np.float32(step),
        "low": np.ascontiguousarray(pair[..., 0]),
        "high": np.ascontiguousarray(pair[..., 1]),
    }


def decoded(arrays: Arrays) -> np.ndarray:
    """(G, …) float16 frames. Raises ValueError or KeyError where `arrays` hold none."""
    low, high, last = arrays["low"], arrays["high"], arrays["last"]
    if low.shape != high.shape or low.shape[1:] != last.shape or last.dtype != np.float16:
        raise ValueError(f"a film of {low.shape}, {high.shape} and {last.shape} {last.dtype}")
    folded = low.astype(np.int32) + 256 * high.astype(np.int32)
    steps = np.where(folded % 2, -(folded + 1) // 2, folded // 2)
    early = np.cumsum(steps, axis=0, dtype=np.int64) * float(arrays["step"])
    return np.concatenate([early.astype(np.float16), last[None]])
