"""A run's numbers as tables, for pandas, R or a spreadsheet."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ncengine.analysis.outcome import outcome, with_outcome
from ncengine.runs.places import require_writable
from ncengine.runs.run import Geometry, Layers, Run
from ncengine.runs.table import table
from ncengine.snapshots.names import BLOCKS, KNOWN, LAYERS, PER_SEED

if TYPE_CHECKING:
    import pandas as pd

# How tables are written, by the ending of their files.
FORMS = ("csv", "parquet")
SUMMARY = "summary"


def tables(run: Run, *, features: bool = False) -> dict[str, pd.DataFrame]:
    """All that was recorded, to the last digit, by what it is.

    Args:
        run: that has something recorded.
        features: whether the features of the samples shown are wanted, too.

    Returns:
        "curves": one row a pass and seed: "pass", "seed", and each curve by its metric's name.
        "layers": one row a pass, seed and layer, from 1, the embedding: "pass", "seed", "layer",
        and each metric of layers; those of blocks, "decay" and "movement", stand at the layer that
        the block ends with, and are NaN at the embedding.
        "geometry": one row a pass, seed, kind ("class mean" or "classifier") and class, from 0:
        "pass", "seed", "kind", "class", and the coordinates, "x1" to "xd".
        "features", where wanted: one row a pass, seed, split ("train" or "test") and sample:
        "pass", "seed", "split", "sample", its place within the split, "class", "x1" to "xd".
        "summary": one row a seed, see `runs.table`.
        What was not kept has no table. Of a shipped run geometry has one seed.

    Raises:
        ValueError: nothing is recorded yet.
    """
    if not run.points:
        raise ValueError(f"{run.config.title()}: {run.status}; nothing of it is recorded")
    found = {"curves": _curves(run)}
    if run.layers is not None:
        found["layers"] = _layers(run, run.layers)
    if run.geometry is not None:
        found["geometry"] = _geometry(run, run.geometry)
        if features:
            found["features"] = _features(run, run.geometry)
    return {**found, SUMMARY: table([with_outcome(run.summary(), outcome(run))])}


def write_tables(
    run: Run, folder: str | os.PathLike[str], form: str, *, features: bool = False
) -> list[Path]:
    """Write the tables of a run, each as a file; gives these.

    In CSV an infinite number is "inf", and one that is not there "nan"; in the summary nothing.

    Args:
        run, features: see `tables`.
        folder: where, made where it is not there.
        form: "csv" or "parquet".

    Raises:
        ValueError: there is no such form, or nothing is recorded.
        OSError: they cannot be written.
    """
    if form not in FORMS:
        raise ValueError(f"form = {form!r}: must be {' or '.join(FORMS)}")
    frames, where = tables(run, features=features), Path(os.path.expanduser(folder))
    where.mkdir(parents=True, exist_ok=True)
    require_writable(where, "the folder", "name another")
    written = []
    for name, frame in frames.items():
        path = where / f"{name}.{form}"
        if form == "parquet":
            frame.to_parquet(path, index=False)
        else:
            frame.to_csv(path, index=False, na_rep="" if name == SUMMARY else "nan")
        written.append(path)
    return written


def _frame(keys: Sequence[tuple[str, Any]], values: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """One row for each combination of keys, the last of which changes first.

    Args:
        keys: name and values of each axis.
        values: by column, an array with these axes.
    """
    import pandas as pd

    grids = np.meshgrid(*(np.asarray(labels) for _, labels in keys), indexing="ij")
    named = {name: grid.reshape(-1) for (name, _), grid in zip(keys, grids, strict=True)}
    return pd.DataFrame({**named, **{name: array.reshape(-1) for name, array in values.items()}})


def _curves(run: Run) -> pd.DataFrame:
    keys = ("pass", run.curves["epoch"].astype(np.int64)), ("seed", run.config.seeds)
    names = PER_SEED if run.best_figure is None else (*PER_SEED, *KNOWN)
    return _frame(keys, {name: run.curves[name] for name in names})


def _layers(run: Run, layers: Layers) -> pd.DataFrame:
    values = {name: layers.measured[name] for name in LAYERS}
    for name in BLOCKS:
        of_blocks = layers.measured[name].astype(np.float64)
        values[name] = np.pad(of_blocks, ((0, 0), (0, 0), (1, 0)), constant_values=np.nan)
    count = values[LAYERS[0]].shape[-1]
    keys = ("pass", layers.epoch), ("seed", run.config.seeds), ("layer", np.arange(1, count + 1))
    return _frame(keys, values)


def _geometry(run: Run, geometry: Geometry) -> pd.DataFrame:
    kept = _seeds_kept(run)
    both = np.stack([_single(geometry.class_means), _single(geometry.classifier)], axis=2)
    keys = (
        ("pass", geometry.epoch),
        ("seed", run.seeds_shown),
        ("kind", ["class mean", "classifier"]),
        ("class", np.arange(run.config.classes)),
    )
    return _frame(keys, _coordinates(both[:, kept]))


def _features(run: Run, geometry: Geometry) -> pd.DataFrame:
    import pandas as pd

    kept, parts = _seeds_kept(run), []
    for split, features, index, labels in (
        ("train", geometry.features, geometry.sample_index, geometry.labels),
        ("test", geometry.test_features, geometry.test_index, geometry.test_labels),
    ):
        keys = ("pass", geometry.epoch), ("seed", run.seeds_shown), ("sample", index)
        part = _frame(keys, _coordinates(_single(features[:, kept])))
        part.insert(2, "split", split)
        part.insert(4, "class", np.tile(labels, len(geometry.epoch) * len(kept)))
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _seeds_kept(run: Run) -> list[int]:
    return [run.config.seeds.index(seed) for seed in run.seeds_shown]


def _single(array: np.ndarray) -> np.ndarray:
    """Of what was kept in half precision the same numbers, in the least that Parquet surely has."""
    return array.astype(np.float32)


def _coordinates(vectors: np.ndarray) -> dict[str, np.ndarray]:
    return {f"x{n + 1}": vectors[..., n] for n in range(vectors.shape[-1])}
