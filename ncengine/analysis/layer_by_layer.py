"""Layer by layer: where in a network collapse begins, and by what law it goes on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ncengine.analysis.over_seeds import log_moments
from ncengine.metrics.layers import collapsed_layers
from ncengine.metrics.rank import class_rank
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
            logarithm (the law of data separation: H. He and W. J. Su, PNAS 120, 2023), over the
            layers whose class means lie apart in `needed` directions: in fewer, `nc1_pinv` does
            not compare all classes. None where there are too few such layers.
        explained: the share of that logarithm's variance over the layers that the line explains.
        needed: K - 1.
        spanned: in how many directions the class means of each layer lie apart, of the seed with
            the fewest, see `metrics.rank.class_rank`; where only the width is known, the most
            that it has room for.
    """

    first: float
    last: float
    begins: int | None
    collapsed: int
    layers: int
    factor: float | None
    explained: float | None
    needed: int = 0
    spanned: tuple[int, ...] = ()

    @property
    def lacking(self) -> dict[int, int]:
        """Layers, from 1, whose class means lie apart in fewer directions than `needed`: in how
        many each.
        """
        return {n: rank for n, rank in enumerate(self.spanned, 1) if rank < self.needed}

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
    needed, spanned = layers.class_means.shape[-2] - 1, _spanned(layers, g)
    factor, explained = _law(_mean(layers.nc1_pinv[g]), spanned == needed)
    return LayerByLayer(
        first=float(nc1[0]),
        last=float(nc1[-1]),
        begins=int(fallen[0]) + 2 if len(fallen) else None,
        collapsed=int(collapsed_layers(nc1)),
        layers=len(nc1),
        factor=factor,
        explained=explained,
        needed=needed,
        spanned=tuple(spanned.tolist()),
    )


def _mean(values: np.ndarray) -> np.ndarray:
    """(L,) geometric mean over seeds of values (R, L); NaN where none is positive and finite."""
    return 10 ** log_moments(values.T)[0]


def _spanned(layers: Layers, g: int) -> np.ndarray:
    """(L,) in how many directions class means lie apart at snapshot number g, or at the one next
    to it of which they were kept.
    """
    _, _, count, classes, width = layers.class_means.shape
    # What is read of a layer sums to zero, as LayerNorm makes it.
    most = min(classes, width) - 1
    if not len(layers.means_epoch):
        return np.full(count, most)
    at = np.abs(np.log1p(layers.means_epoch) - np.log1p(layers.epoch[g])).argmin()
    means = layers.class_means[at]
    ranks = class_rank(means)
    # Of what is shipped, class means that were not kept are nothing but zeros.
    known = (ranks >= 0) & means.any(axis=(-3, -2, -1))[:, None]
    return np.where(known, ranks, most).min(axis=0).clip(max=most)


def _law(values: np.ndarray, whole: np.ndarray) -> tuple[float | None, float | None]:
    """Factor and share explained, of `nc1_pinv` (L,) where it is `whole`."""
    at = np.flatnonzero(whole & np.isfinite(values) & (values > 0))
    if len(at) < LEAST_FITTED:
        return None, None
    logs = np.log10(values[at])
    slope, intercept = np.polyfit(at, logs, 1)
    spread = ((logs - logs.mean()) ** 2).sum()
    rest = ((logs - intercept - slope * at) ** 2).sum()
    return float(10**slope), float(1 - rest / spread) if spread > 0 else 0.0
