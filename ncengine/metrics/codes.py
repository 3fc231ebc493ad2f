"""More classes than a simplex has room for, K > d + 1: generalised neural collapse.

J. Jiang et al., Generalized Neural Collapse for a Large Number of Classes (2023): the rows of the
last layer become a softmax code, whose one-vs-rest margin is as large as can be.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ncengine.arguments import whole
from ncengine.metrics.arrays import Array
from ncengine.metrics.frames import as_rows

# How many classes may have their margins computed without a second thought: a minute's work.
MOST_CLASSES = 1000


def one_vs_rest_margin(rows: Array) -> np.ndarray:
    """The least distance (...) of a unit row from the convex hull of the others.

    Larger is better; see `best_margin`. NaN where a row is zero or not finite. In numpy, whatever
    it is given.

    Args:
        rows: (K, d) or (R, K, d), of the last layer or class means; K up to `MOST_CLASSES`.
    """
    units = _units(rows)
    if units.shape[-2] > MOST_CLASSES:
        raise ValueError(f"rows: {units.shape[-2]}, must be at most {MOST_CLASSES}")
    flat = units.reshape(-1, *units.shape[-2:])
    least = [min(_from_hull(one, k) for k in range(len(one))) for one in flat]
    return np.asarray(least).reshape(units.shape[:-2])


def coherence(rows: Array) -> np.ndarray:
    """The largest cosine (...) between two rows: smaller is better; arguments as above."""
    units = _units(rows)
    gram = units @ units.swapaxes(-1, -2)
    index = np.arange(gram.shape[-1])
    gram[..., index, index] = -np.inf
    return np.where(np.isnan(units).any((-2, -1)), np.nan, gram.max((-2, -1)))


def best_margin(classes: int, width: int) -> float:
    """The largest one-vs-rest margin that K unit rows of width d can have, where it is known.

    A simplex where it has room, K/(K - 1); 1 up to K = 2d, as of the axes and their opposites; on
    the circle that of a regular polygon. NaN beyond.
    """
    classes, width = whole("classes", classes, 2), whole("width", width, 1)
    if classes <= width + 1:
        return classes / (classes - 1)
    if width == 1:
        return 0.0
    if classes <= 2 * width:
        return 1.0
    return 1 - math.cos(2 * math.pi / classes) if width == 2 else math.nan


def _units(rows: Any) -> np.ndarray:
    _, rows = as_rows(rows)
    rows = rows if isinstance(rows, np.ndarray) else rows.detach().cpu().numpy()
    norms = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.divide(rows, norms, out=np.full_like(rows, np.nan), where=norms > 0)


def _from_hull(units: np.ndarray, k: int) -> float:
    """Distance of row k from the convex hull of the others.

    Of all u >= 0, |P u|² + (sum u - 1)² is least where u over its sum are the weights of the
    hull's point nearest to the origin, P being the others minus row k.
    """
    from scipy.optimize import nnls  # slow to load, and seldom asked for

    if not np.isfinite(units).all():
        return math.nan
    apart = (np.delete(units, k, axis=0) - units[k]).T
    weights, _ = nnls(np.vstack([apart, np.ones(apart.shape[1])]), _last_one(len(apart) + 1))
    return float(np.linalg.norm(apart @ (weights / weights.sum())))


def _last_one(length: int) -> np.ndarray:
    unit = np.zeros(length)
    unit[-1] = 1.0
    return unit
