"""How snapshots, and the arrays of a result, become what a `Run` holds."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from ncengine.config import RunConfig
from ncengine.runs.identity import Identity
from ncengine.runs.run import Geometry, Run, Status
from ncengine.snapshots.names import CURVES, GEOMETRY, SHOWN, Arrays
from ncengine.snapshots.plan import shown
from ncengine.theory.optimum import floor_of

ROUNDING = 1e-12  # of the floor


def stack_curves(snapshots: Sequence[Arrays]) -> Arrays:
    """ "epoch" (T,) and every curve but the gap (T, R), float64."""
    curves = {"epoch": np.array([int(s["epoch"]) for s in snapshots], np.float64)}
    for name in CURVES:
        curves[name] = np.stack([np.asarray(s[name], np.float64) for s in snapshots])
    return curves


def stack_geometry(snapshots: Sequence[Arrays], config: RunConfig) -> Geometry | None:
    """The snapshots that hold geometry, stacked; None where none does."""
    full = [s for s in snapshots if "features" in s]
    if not full:
        return None
    return Geometry(
        epoch=np.array([int(s["epoch"]) for s in full]),
        **{name: np.stack([s[name] for s in full]) for name in GEOMETRY},
        **shown(config),
    )


def finish_curves(curves: Arrays, config: RunConfig) -> Arrays:
    """The curves with the gap to the floor beside them; NaN where there is no floor."""
    floor = floor_of(config)
    if floor is None:
        return {**curves, "gap": np.full_like(curves["loss"], np.nan)}
    gap = curves["loss"] - floor
    # At the optimum itself the last digit of either may fall on the other side.
    rounding = (gap < 0) & (gap > -ROUNDING * floor)
    return {**curves, "gap": np.where(rounding, 0.0, gap)}


def finished_run(identity: Identity, result: Arrays) -> Run:
    """The run that a result's arrays describe. Raises anything where they do not describe one."""
    config = identity.config
    diverged = np.array(result["diverged"], bool)
    geometry = {name: result[f"geometry_{name}"] for name in ("epoch", *GEOMETRY, *SHOWN)}
    return Run(
        config,
        Status.DIVERGED if diverged.all() else Status.DONE,
        curves=finish_curves({name: result[name] for name in ("epoch", *CURVES)}, config),
        geometry=Geometry(**geometry),
        diverged=diverged,
        floor=floor_of(config),
        passes=int(result["passes"]),
        seconds=float(result["seconds"]),
        machine=json.loads(str(result["machine"])),
        key=identity.key,
    )
