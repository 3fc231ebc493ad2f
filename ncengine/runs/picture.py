"""Pictures of a run's end, small enough to stand in a list: class means and a few samples, flat."""

from __future__ import annotations

from base64 import b64decode, b64encode

import numpy as np

from ncengine.runs.run import Geometry

# Samples in a picture, and how far its numbers reach.
SAMPLES = 40
REACH = 127


def pictured(geometry: Geometry | None, r: int = 0) -> str:
    """The last snapshot of a seed on the two axes on which the class means spread most.

    Returns:
        A text that `read` reads; "" where there are no numbers to show.
    """
    if geometry is None or not len(geometry):
        return ""
    means = geometry.class_means[-1, r].astype(np.float64)
    features = geometry.features[-1, r].astype(np.float64)
    if not (np.isfinite(means).all() and np.isfinite(features).all()):
        return ""
    classes = len(means)
    per_class = max(1, len(features) // classes)
    each = min(per_class, max(1, SAMPLES // classes))
    kept = np.flatnonzero(np.arange(len(features)) % per_class < each)
    centre = means.mean(axis=0)
    axes = np.linalg.svd(means - centre, full_matrices=False)[2][:2]
    flat = (np.concatenate([means, features[kept]]) - centre) @ axes.T
    flat = np.pad(flat, ((0, 0), (0, 2 - flat.shape[1])))
    flat *= REACH / (np.abs(flat).max() or 1.0)
    labels = np.concatenate([np.arange(classes), geometry.labels[kept]])
    rows = np.column_stack([labels, np.rint(flat)]).astype(np.int16)
    return b64encode(bytes([classes]) + (rows % 256).astype(np.uint8).tobytes()).decode()


def read(text: str) -> tuple[int, np.ndarray, np.ndarray]:
    """What `pictured` drew: K, the classes of M points (M,), and their places (M, 2).

    The first K are the class means; places are whole numbers up to `REACH` from the middle.
    Raises ValueError for any other text.
    """
    content = b64decode(text, validate=True)
    if not content or (len(content) - 1) % 3:
        raise ValueError(f"no picture has {len(content)} bytes")
    rows = np.frombuffer(content[1:], np.uint8).reshape(-1, 3)
    return content[0], rows[:, 0], rows[:, 1:].view(np.int8)
