"""What follows from a configuration or a run by computing, remembered where it takes long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from app.engine import shared
from ncengine.config import RunConfig
from ncengine.runs.run import Geometry, Layers, Run
from ncengine.theory.optimum import optimum_of

if TYPE_CHECKING:
    from ncengine.analysis.projection import Projection


def parameter_count(config: RunConfig) -> int:
    """Parameters of one seed's network."""
    from ncengine.architectures.shapes import parameter_count

    return parameter_count(config)


def parameter_formula(config: RunConfig) -> tuple[str, dict[str, int]]:
    """The number of parameters as a formula, and what its letters stand for."""
    from ncengine.architectures.formula import parameter_formula, parameter_legend

    return parameter_formula(config), parameter_legend(config)


def cosines(class_means: np.ndarray) -> np.ndarray:
    """(K, K) cosines of the means of shape (K, d); see `ncengine.metrics.class_cosines`."""
    from ncengine.metrics import class_cosines

    return class_cosines(class_means)


def too_large(config: RunConfig) -> str:
    """Why the training does not fit into this machine's memory, in words; "" where it does."""
    from ncengine.costs.memory import memory_here, memory_needed, too_large
    from ncengine.jobs import process_memory

    # Before it is known what a process takes, which workers tell when they are ready, pages do not
    # wait for it: a training judges again for itself.
    of_process = process_memory.known() or process_memory.ASSUMED_BYTES
    return too_large(config, memory_here(), memory_needed(config, of_process))


def project(
    run: Run,
    geometry: Geometry,
    r: int,
    basis: str,
    focus: tuple[int, ...],
    onto: np.ndarray | None = None,
) -> Projection:
    """The projection of seed number `r`, computed once for what is recorded of the run.

    Args:
        geometry: the run's, which has some by now.
        onto: (K, 3) where the classes are to come to lie, see `analysis.projection.project`.
    """
    from ncengine.analysis.projection import project

    def make() -> Projection:
        return project(geometry, r, basis=basis, focus=focus, onto=onto, **_ideal(run))

    places = None if onto is None else onto.tobytes()
    return shared.once(run, ("projection", r, basis, focus, places), make)


def trajectories(
    run: Run,
    geometry: Geometry,
    layers: Layers,
    r: int,
    basis: str,
    focus: tuple[int, ...],
) -> list[tuple[int, Projection]]:
    """The trajectories of seed number `r` through its layers, each with its moment, in order."""
    from ncengine.analysis.through_layers import through_layers

    how, pairs = {"basis": basis, "focus": focus, **_ideal(run)}, []
    for f, epoch in enumerate(layers.features_epoch):
        trajectory = through_layers(geometry, layers, f, r, **how)
        if trajectory is not None:
            pairs.append((int(epoch), trajectory))
    return pairs


def _ideal(run: Run) -> dict[str, Any]:
    """What a projection is told of the optimum: its figure, and how long the rows are."""
    name, known = run.config.nc2_name, run.best_figure
    if known is not None:
        norm = float(known.row_norms.mean())
        means = None if run.ideal is None else run.ideal.means
        return {"nc2_name": name, "figure": means, "row_norm": norm}
    try:
        return {"nc2_name": name, "row_norm": optimum_of(run.config).row_norm}
    except ValueError:
        return {"nc2_name": name}
