"""How snapshots, and the arrays of a result, become what a `Run` holds."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import fields

import numpy as np

from ncengine.config import RunConfig
from ncengine.runs.earlier import without_noise
from ncengine.runs.identity import Identity
from ncengine.runs.run import Geometry, Layers, Run, Status
from ncengine.snapshots.names import (
    BLOCKS,
    CURVES,
    FEATURES,
    GEOMETRY,
    LAYERS,
    MEANS,
    OF_LAYERS,
    OF_TEST,
    SHOWN,
    TESTED,
    Arrays,
)
from ncengine.snapshots.plan import shown, shown_in_layers
from ncengine.theory.optimum import floor_of

ROUNDING = 1e-12  # of the floor
# What is kept of layers beside the metrics.
_BESIDE = [field.name for field in fields(Layers) if field.name != "measured"]


def complete(
    shards: Sequence[Sequence[Arrays]], ended: Sequence[bool], known: Mapping[int, Arrays]
) -> dict[int, Arrays]:
    """Snapshots of all seeds, by pass, from those of the shards that the seeds were cut into.

    A pass is there once every shard has a snapshot of it, or had ended before: one that rests
    early holds its last values, as a seed does that rests beside others in one process.

    Args:
        shards: each shard's snapshots, in the order of their passes.
        ended: whether the shard will have no more.
        known: what was found at an earlier look, which is not computed again.
    """
    if len(shards) == 1:
        return {int(s["epoch"]): s for s in shards[0]}
    by_pass = [{int(s["epoch"]): s for s in snapshots} for snapshots in shards]
    last = [max(shard, default=0) if over else math.inf for shard, over in zip(by_pass, ended)]
    joined = {}
    for passes in sorted(set().union(*by_pass)):
        if all(passes in shard or passes > end for shard, end in zip(by_pass, last)):
            joined[passes] = known.get(passes) or _joined(
                passes, [shard.get(passes) or shard[int(end)] for shard, end in zip(by_pass, last)]
            )
    return joined


def _joined(passes: int, parts: Sequence[Arrays]) -> Arrays:
    """One snapshot of the seeds of all parts, with geometry where every part has it."""
    names = set.intersection(*(set(part) for part in parts)) - {"epoch"}
    joined = {name: np.concatenate([part[name] for part in parts]) for name in names}
    if "features" not in names:
        # Who holds its last values has those of test samples; the others took none here.
        joined |= {name: np.full_like(joined[name], np.nan) for name in OF_TEST}
    return {"epoch": np.array(passes), **joined}


def stack_curves(snapshots: Sequence[Arrays]) -> Arrays:
    """ "epoch" (T,) and every curve but the gap (T, R), float64."""
    curves = {"epoch": np.array([int(s["epoch"]) for s in snapshots], np.float64)}
    for name in CURVES:
        curves[name] = np.stack([_recorded(s, name, "loss") for s in snapshots]).astype(np.float64)
    return curves


def stack_geometry(snapshots: Sequence[Arrays], config: RunConfig) -> Geometry | None:
    """The snapshots that hold geometry, stacked; None where none does."""
    full = [s for s in snapshots if "features" in s]
    if not full:
        return None
    tested = full[0].get(TESTED)
    return Geometry(
        epoch=_passes(full),
        **{name: np.stack([s[name] for s in full]) for name in GEOMETRY},
        **shown(config, None if tested is None else int(tested[0])),
    )


def stack_layers(snapshots: Sequence[Arrays], config: RunConfig) -> Layers | None:
    """The snapshots that hold layers, stacked; None where none does."""
    full = [s for s in snapshots if f"{OF_LAYERS}nc1" in s]
    means = [s for s in full if MEANS in s]
    features = [s for s in full if FEATURES in s]
    if not features:
        return None
    return Layers(
        measured={n: np.stack([_of_layers(s, n) for s in full]) for n in (*LAYERS, *BLOCKS)},
        epoch=_passes(full),
        means_epoch=_passes(means),
        class_means=np.stack([s[MEANS] for s in means]),
        features_epoch=_passes(features),
        features=np.stack([s[FEATURES] for s in features]),
        index=shown_in_layers(config),
    )


def _of_layers(arrays: Arrays, name: str) -> np.ndarray:
    like = "decay" if name in BLOCKS else "nc1"
    return _recorded(arrays, f"{OF_LAYERS}{name}", f"{OF_LAYERS}{like}")


def _recorded(arrays: Arrays, name: str, like: str) -> np.ndarray:
    """The array of that name; where an engine that did not measure it made them, NaN of a shape."""
    return arrays[name] if name in arrays else np.full(arrays[like].shape, np.nan)


def layers_arrays(layers: Layers) -> Arrays:
    """What a result holds of them; `finished_run` reads it back."""
    arrays = {**layers.measured, **{name: getattr(layers, name) for name in _BESIDE}}
    return {f"{OF_LAYERS}{name}": array for name, array in arrays.items()}


def _passes(snapshots: Sequence[Arrays]) -> np.ndarray:
    return np.array([int(s["epoch"]) for s in snapshots])


def finish_curves(curves: Arrays, config: RunConfig) -> Arrays:
    """The curves with the gap to the floor beside them; NaN where there is no floor."""
    floor = floor_of(config)
    if floor is None:
        return {**curves, "gap": np.full_like(curves["loss"], np.nan)}
    gap = curves["loss"] - floor
    # At the optimum itself the last digit of either may fall on the other side.
    rounding = (gap < 0) & (gap > -ROUNDING * floor)
    return {**curves, "gap": np.where(rounding, 0.0, gap)}


def _curves(result: Arrays) -> Arrays:
    return {"epoch": result["epoch"], **{n: _recorded(result, n, "loss") for n in CURVES}}


def _not_recorded(result: Arrays) -> frozenset[str]:
    names = {*CURVES}
    if f"{OF_LAYERS}epoch" in result:
        names |= {f"{OF_LAYERS}{name}" for name in (*LAYERS, *BLOCKS)}
    return frozenset(names - result.keys())


def finished_run(identity: Identity, result: Arrays) -> Run:
    """The run that a result's arrays describe; NaN of what was not recorded when it was trained.

    Raises anything where they do not describe one.
    """
    config = identity.config
    diverged = np.array(result["diverged"], bool)
    geometry = {name: result[f"geometry_{name}"] for name in ("epoch", *GEOMETRY, *SHOWN)}
    layers = None
    if f"{OF_LAYERS}epoch" in result:
        layers = Layers(
            measured={name: _of_layers(result, name) for name in (*LAYERS, *BLOCKS)},
            **{name: result[f"{OF_LAYERS}{name}"] for name in _BESIDE},
        )
        layers = without_noise(layers, identity.engine_version)
    return Run(
        config,
        Status.DIVERGED if diverged.all() else Status.DONE,
        curves=finish_curves(_curves(result), config),
        geometry=Geometry(**geometry),
        layers=layers,
        diverged=diverged,
        floor=floor_of(config),
        passes=int(result["passes"]),
        seconds=float(result["seconds"]),
        machine=json.loads(str(result["machine"])),
        key=identity.key,
        not_recorded=_not_recorded(result),
        parameters=result.get("last_parameters"),
        data_checksum=identity.data_checksum,
    )
