"""A finished run as one file, to take along: all that is known of it, to the bit."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ncengine.config import RunConfig
from ncengine.costs.memory import memory_here
from ncengine.datasets.data import read_only
from ncengine.reasons import why
from ncengine.runs import npz
from ncengine.runs.entry import judged
from ncengine.runs.gallery import MACHINE
from ncengine.runs.identity import Identity
from ncengine.runs.journal import replacing
from ncengine.runs.needed import (
    DECAY,
    DIVERGED,
    LOSS,
    NC1,
    PARAMETERS,
    check_forms,
    check_values,
    most_bytes,
)
from ncengine.runs.npz import Form, Unsound
from ncengine.runs.picture import pictured
from ncengine.runs.places import require_file
from ncengine.runs.run import Geometry, Layers, Run, Status
from ncengine.snapshots.names import BLOCKS, LAYERS, OF_LAYERS, PER_SEED, Arrays
from ncengine.theory.optimum import floor_of
from ncengine.version import is_newer

# What such a file says that it is; raised when files of a new kind cannot be read as before.
FORMAT, FORMAT_VERSION = "neural-collapse-explorer run", 1
_CURVES, _GEOMETRY, _LAYERS, _MEASURED = "curves/", "geometry/", "layers/", "layers/measured/"
_OF_GEOMETRY = tuple(field.name for field in fields(Geometry))
_OF_LAYERS = tuple(field.name for field in fields(Layers) if field.name != "measured")


def identity_of(run: Run) -> Identity:
    """Which run this is.

    Raises:
        ValueError: it does not say on which data it was trained.
    """
    identity = Identity(run.config, run.data_checksum, str(run.machine.get("version")))
    if not run.data_checksum or identity.key != run.key:
        raise ValueError(f"{run.config.title()}: it does not say by what engine, on which data")
    return identity


def save(run: Run, path: str | os.PathLike[str]) -> Path:
    """Write a finished run as one .npz file; what was there stays until then.

    `load` gives all of it back, to the bit. numpy reads the file, too: `numpy.load(path)` has the
    arrays, such as "curves/nc1", "geometry/features", "layers/measured/nc1" and "parameters".

    Args:
        run: trained here, shipped, or loaded.
        path: ends in .npz.

    Raises:
        ValueError: the run is not finished, or the path does not end so.
        OSError: the file cannot be written.
    """
    file = Path(os.path.expanduser(path))
    if file.suffix.lower() != ".npz":
        raise ValueError(f"path = {str(path)!r}: must end in .npz")
    if not run.status.finished:
        raise ValueError(f"{run.config.title()}: {run.status}; only a finished run can be saved")
    entry, arrays = entry_of(run), arrays_of(run)
    with replacing(file) as out:
        npz.write(out, entry, arrays)
    return file


def load(path: str | os.PathLike[str]) -> Run:
    """The run that `save` wrote, read-only.

    The file may come from anywhere: nothing in it is run, and it takes no more memory than a run
    of its configuration does.

    Raises:
        ValueError: it is no such file, is damaged, or was written by a later engine; says which
            part of it, and why.
        OSError: it cannot be read.
    """
    where = Path(os.path.expanduser(path))
    require_file(where)
    with where.open("rb") as file:
        try:
            return read(file)
        except Unsound as error:
            raise ValueError(f"{path}: {error}") from error


def read(file: BinaryIO) -> Run:
    """As `load`, of an open file. Raises Unsound, which does not name the file."""
    entry, arrays = npz.read(file, _check)
    try:
        check_values(RunConfig(**entry["config"]), arrays)
        return _run_of(entry, arrays)
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise Unsound(why(error)) from error


def read_entry(file: BinaryIO) -> dict[str, Any]:
    """What a file says of its run: as an entry of `index.Index`, in today's fields, and its key.

    Raises:
        Unsound: it says nothing that can be read; "newer" in it where a later engine wrote it.
        OSError: it cannot be read.
    """
    entry = npz.read_entry(file)
    try:
        return _judged(entry)
    except (ValueError, TypeError, KeyError) as error:
        raise Unsound(f"{npz.ENTRY}: {_words(error)}") from error


def entry_of(run: Run) -> dict[str, Any]:
    """What the file says of the run, as values that JSON can hold."""
    identity = identity_of(run)
    r = run.config.seeds.index(run.seeds_shown[0])
    if run.shown_seed is None:
        r = next((r for r, gone in enumerate(run.diverged) if not gone), 0)
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        # What it is compared with is found anew, where it is read.
        **replace(run, best_figure=None).summary(),
        **{name: run.machine[name] for name in MACHINE if name in run.machine},
        "data_checksum": identity.data_checksum,
        "engine_version": identity.engine_version,
        "picture": pictured(run.geometry, r),
        "shown_seed": run.shown_seed,
        "not_recorded": sorted(run.not_recorded),
    }


def arrays_of(run: Run) -> Arrays:
    """All arrays of a run, by the names of `needed.ALL`."""
    arrays = {f"{_CURVES}{name}": run.curves[name] for name in ("epoch", *PER_SEED)}
    arrays[DIVERGED] = run.diverged
    if run.geometry is not None:
        arrays |= {f"{_GEOMETRY}{name}": getattr(run.geometry, name) for name in _OF_GEOMETRY}
    if run.layers is not None:
        arrays |= {f"{_LAYERS}{name}": getattr(run.layers, name) for name in _OF_LAYERS}
        measured = run.layers.measured
        arrays |= {f"{_MEASURED}{name}": measured[name] for name in (*LAYERS, *BLOCKS)}
    if run.parameters is not None:
        arrays[PARAMETERS] = run.parameters
    return {name: np.asarray(array) for name, array in arrays.items()}


def _words(error: Exception) -> str:
    return f"{why(error)} is not there" if isinstance(error, KeyError) else why(error)


def _judged(entry: dict[str, Any]) -> dict[str, Any]:
    """The entry, its configuration in today's fields, under the key of its run.

    Raises ValueError, TypeError or KeyError where it is none.
    """
    if entry.get("format") != FORMAT:
        raise ValueError("it is not that of a run")
    version, form = entry["engine_version"], entry["format_version"]
    if is_newer(version) or type(form) is int and form > FORMAT_VERSION:
        raise ValueError(f"written by a later engine, version {version}: this one cannot read it")
    entry, config = judged(entry)
    identity = Identity(config, str(entry["data_checksum"]), str(version))
    if identity.key != entry["key"]:
        raise ValueError(f"key = {entry['key']!r}: must be {identity.key}, by what else it says")
    if str(entry["version"]) != str(version):
        raise ValueError("version: must be that of engine_version")
    if entry["status"] not in (Status.DONE, Status.DIVERGED):
        raise ValueError(f"status = {entry['status']!r}: must be done or diverged")
    if entry["shown_seed"] not in (None, *config.seeds):
        raise ValueError(f"shown_seed = {entry['shown_seed']!r}: must be one of its seeds, or null")
    known = {*PER_SEED, *(f"{OF_LAYERS}{name}" for name in (*LAYERS, *BLOCKS))}
    if not known.issuperset(entry["not_recorded"]):
        raise ValueError("not_recorded: must be names of metrics")
    for name in MACHINE:
        if not isinstance(entry.get(name), str | int | float | None):
            raise ValueError(f"{name}: must be a text")
    return entry


def _check(entry: dict[str, Any], forms: Mapping[str, Form]) -> None:
    """Before any array is read; what `npz.read` asks."""
    try:
        entry |= _judged(entry)
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{npz.ENTRY}: {_words(error)}") from error
    config = RunConfig(**entry["config"])
    check_forms(config, forms)
    if most_bytes(config) > memory_here():
        raise ValueError("a run of its configuration can take more memory than this machine has")


def _completed(arrays: Arrays) -> tuple[Arrays, set[str]]:
    """With NaN in place of metrics that were added since; and these, as in `Run.not_recorded`."""
    likes = [(LOSS, PER_SEED), (NC1, LAYERS), (DECAY, BLOCKS)]
    found, lacking = dict(arrays), set()
    for like, names in likes:
        start = like.rpartition("/")[0] + "/"
        for name in names if like in arrays else ():
            if f"{start}{name}" not in arrays:
                found[f"{start}{name}"] = read_only(np.full(arrays[like].shape, np.nan))
                lacking.add(name if start == _CURVES else f"{OF_LAYERS}{name}")
    return found, lacking


def _run_of(entry: Mapping[str, Any], arrays: Arrays) -> Run:
    config, seeds = RunConfig(**entry["config"]), len(entry["seeds"])
    arrays, lacking = _completed(arrays)
    under = {
        start: {n.removeprefix(start): a for n, a in arrays.items() if n.startswith(start)}
        for start in (_CURVES, _GEOMETRY, _LAYERS, _MEASURED)
    }
    geometry = Geometry(**under[_GEOMETRY]) if under[_GEOMETRY] else None
    layers = None
    if under[_LAYERS]:
        beside = {name: under[_LAYERS][name] for name in _OF_LAYERS}
        layers = Layers(measured=under[_MEASURED], **beside)
    diverged = arrays[DIVERGED]
    status = Status.DIVERGED if seeds and diverged.all() else Status.DONE
    return Run(
        config,
        status,
        curves=under[_CURVES],
        geometry=geometry,
        layers=layers,
        diverged=diverged,
        floor=floor_of(config),
        passes=int(entry["passes"]),
        seconds=float(entry["seconds"]),
        machine={name: entry[name] for name in MACHINE if name in entry},
        key=entry["key"],
        shown_seed=entry["shown_seed"],
        not_recorded=frozenset(entry["not_recorded"]) | lacking,
        parameters=arrays.get(PARAMETERS),
        data_checksum=entry["data_checksum"],
    )
