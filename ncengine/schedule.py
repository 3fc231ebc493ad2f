"""When snapshots are taken: evenly on a logarithmic scale of passes over the data."""

from __future__ import annotations

import numpy as np

METRIC_POINTS = 110
GEOMETRY_POINTS = 48


def log_spaced(last: int, points: int) -> frozenset[int]:
    """At most `points` different whole numbers from 1 to `last`, both included."""
    if last <= points:
        return frozenset(range(1, last + 1))
    # Rounding merges the crowd at the low end, so ask for more until there are enough.
    wanted = points
    while True:
        found = np.unique(np.geomspace(1, last, wanted).round().astype(int))
        if len(found) >= points or wanted > 8 * points:
            break
        wanted = int(wanted * 1.1) + 1
    keep = np.unique(np.linspace(0, len(found) - 1, points).round().astype(int))
    return frozenset(found[keep].tolist())


def snapshot_passes(epochs: int) -> tuple[frozenset[int], frozenset[int]]:
    """Passes at which metrics are taken, and those at which geometry is taken too."""
    geometry = log_spaced(epochs, GEOMETRY_POINTS)
    return log_spaced(epochs, METRIC_POINTS) | geometry, geometry
