"""A run without a floor beside the best figure that is known for its classes and its width.

The figure stands where the floor does, and is never called one: it is the best of many starts, and
it is not proved that no network comes below it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ncengine.analysis.ideal import ordered
from ncengine.metrics.collapse import figure_distance
from ncengine.runs.run import Geometry, Run
from ncengine.theory.optimum import figure_of

if TYPE_CHECKING:
    from ncengine.theory.figures import BestFigure

# Of the figure's objective: what is below it by less is rounding of single precision.
ROUNDING = 1e-7


def beside_best_known(run: Run) -> Run:
    """The run with the best figure that is known for it, which is searched for where it has none.

    The first time that takes some tenths of a second, or seconds, see `optimum.figure_of`. Of a run
    that has a floor it is the run itself.
    """
    figure = run.best_figure or figure_of(run.config)
    return run if figure is None else beside(run, figure)


def beside(run: Run, figure: BestFigure, curves: Mapping[str, np.ndarray] | None = None) -> Run:
    """The run with the figure that it is compared with, and the curves that tell how far it is.

    Args:
        curves: what `curves_beside` gave of the run as it stands, where that is at hand.
    """
    known = curves_beside(run, figure) if curves is None else curves
    return replace(run, best_figure=figure, curves={**run.curves, **known})


def curves_beside(run: Run, figure: BestFigure) -> dict[str, np.ndarray]:
    """ "gap_known" and "nc2_known" (T, R), NaN where there are no class means; {} before any point.

    The gap is to the figure's objective. NC2 is that of the class means against the figure's own
    cosines, NaN where many figures are as good; each class keeps the corner that suits the seed's
    last snapshot best.
    """
    if not run.points:
        return {}
    loss = run.curves["loss"]
    distance = np.full(loss.shape, np.nan)
    if run.geometry is not None and figure.unique:
        at = {int(passes): t for t, passes in enumerate(run.curves["epoch"])}
        rows = [at.get(int(passes)) for passes in run.geometry.epoch]
        shown = [g for g, t in enumerate(rows) if t is not None]
        measured = _distances(run.geometry, figure)
        distance[[t for t in rows if t is not None]] = measured[shown]
    return {"gap_known": gap_to(loss, figure), "nc2_known": distance}


def _distances(geometry: Geometry, figure: BestFigure) -> np.ndarray:
    """(G, R) of the class means in each snapshot of each seed."""
    means = geometry.class_means.astype(np.float64)
    finite = np.asarray(np.isfinite(means).all(axis=(2, 3)))
    found = np.full(finite.shape, np.nan)
    for r in range(means.shape[1]):
        known = np.flatnonzero(finite[:, r])
        if len(known):
            corners = ordered(figure.means, means[known[-1], r])
            found[known, r] = figure_distance(means[known, r], corners @ corners.T)
    return found


def gap_to(loss: np.ndarray, figure: BestFigure) -> np.ndarray:
    """How far objectives are above the figure's; less than 0 where they are below it."""
    gap = loss - figure.loss
    return np.where((gap < 0) & (gap > -ROUNDING * figure.loss), 0.0, gap)


def entry_beside(entry: Mapping[str, Any], figure: BestFigure | None) -> Mapping[str, Any]:
    """`Run.summary()` of a run without a figure, or an entry of the index, with one beside it.

    "best_known", and per seed "gap_known"; of class means it knows nothing.
    """
    if figure is None or "best_known" in entry:
        return entry
    seeds = []
    for seed in entry["seeds"]:
        loss = seed.get("loss")
        gap = None if loss is None else float(gap_to(np.asarray(loss), figure))
        seeds.append({**seed, "gap_known": gap})
    return {**entry, "best_known": figure.loss, "seeds": seeds}
