"""Layer by layer: where in a network collapse begins, and by what law it goes on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ncengine.analysis.over_seeds import log_moments
from ncengine.metrics.layers import collapsed_layers
from ncengine.runs.run import Layers

# NC1 at this share of its largest value before is where collapse is said to begin.
BEGINS = 0.5
# Through two points goes any line; and a line that explains less than this share of how log
# `nc1_pinv` differs over the layers is no law.
LEAST_FITTED = 3
LAW = 0.9


@dataclass(frozen=True)
class LayerByLayer:
    """What is to be seen over the layers at one snapshot, of means over seeds.

    Attributes:
        first, last: NC1 of the first and of the last layer.
        begins: the first layer, from 1, with at most `BEGINS` of the largest NC1 before it; None
            where there is none.
        collapsed: see `metrics.layers.collapsed_layers`.
        layers: how many there are.
        factor: by which `nc1_pinv` changes from a layer to the next, by the line fitted to its
            logarithm (the law of data separation: H. He and W. J. Su, PNAS 120, 2023); None where
            there are too few layers.
        explained: the share of that logarithm's variance over the layers that the line explains.
    """

    first: float
    last: float
    begins: int | None
    collapsed: int
    layers: int
    factor: float | None
    explained: float | None

    @property
    def law_holds(self) -> bool:
        """Whether separation improves by about the same factor at each layer."""
        if self.factor is None or self.explained is None:
            return False
        return self.factor < 1 and self.explained >= LAW


def layer_by_layer(layers: Layers, g: int) -> LayerByLayer | None:
    """What is to be seen at snapshot number g; None where no seed has numbers there."""
    nc1 = _mean(layers.nc1[g])
    if not np.isfinite(nc1[-1]):
        return None
    before = np.fmax.accumulate(nc1)
    fallen = np.flatnonzero(nc1[1:] <= BEGINS * before[:-1])
    factor, explained = _law(_mean(layers.nc1_pinv[g]))
    return LayerByLayer(
        first=float(nc1[0]),
        last=float(nc1[-1]),
        begins=int(fallen[0]) + 2 if len(fallen) else None,
        collapsed=int(collapsed_layers(nc1)),
        layers=len(nc1),
        factor=factor,
        explained=explained,
    )


def _mean(values: np.ndarray) -> np.ndarray:
    """(L,) geometric mean over seeds of values (R, L); NaN where none is positive and finite."""
    return 10 ** log_moments(values.T)[0]


def _law(values: np.ndarray) -> tuple[float | None, float | None]:
    at = np.flatnonzero(np.isfinite(values) & (values > 0))
    if len(at) < LEAST_FITTED:
        return None, None
    logs = np.log10(values[at])
    slope, intercept = np.polyfit(at, logs, 1)
    spread = ((logs - logs.mean()) ** 2).sum()
    rest = ((logs - intercept - slope * at) ** 2).sum()
    return float(10**slope), float(1 - rest / spread) if spread > 0 else 0.0
