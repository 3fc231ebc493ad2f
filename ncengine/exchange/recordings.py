"""A recording's numbers as files: its figures as a table, and all of it for numpy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from ncengine.catalogue.literature import in_order
from ncengine.runs.recorded import Recording

FORMS = ("csv", "parquet", "npz")


def figures_table(recording: Recording) -> pa.Table:
    """One row a snapshot: "step", and every figure by its name, NaN where it lacks it."""
    names = in_order(recording.figures)
    columns = {name: np.asarray(recording.figures[name], float) for name in names}
    return pa.table({"step": np.asarray(recording.steps, float), **columns})


def write_recording(recording: Recording, path: Path) -> Path:
    """Write it by the path's ending: ".csv" and ".parquet" hold the figures, ".npz" all of it.

    The .npz file has "recorded_steps" (T,), each figure (T,) as "figures/NAME", and "ideal", the
    figure that its training leads to, by which `own.read` knows it for a whole recording; of the
    snapshots of which points were kept "steps" (G,), "features" (G, S, d), "labels" (S,), "weight"
    and "class_means" (G, K, d); and "class_names" (K,), where classes have names.

    Raises:
        ValueError: there is no such form, or nothing is recorded.
        OSError: it cannot be written.
    """
    form = path.suffix.removeprefix(".")
    if form not in FORMS:
        raise ValueError(f"{path.name}: must end in .{', .'.join(FORMS)}")
    if not len(recording.steps):
        raise ValueError(f"{recording.about.name}: nothing is recorded yet")
    if form == "csv":
        pyarrow.csv.write_csv(figures_table(recording), path)
    elif form == "parquet":
        pyarrow.parquet.write_table(figures_table(recording), path)
    else:
        arrays: Any = _arrays(recording)
        np.savez_compressed(path, **arrays)
    return path


def _arrays(recording: Recording) -> dict[str, np.ndarray]:
    table = figures_table(recording)
    arrays = {f"figures/{n}": table[n].to_numpy() for n in table.column_names if n != "step"}
    arrays["recorded_steps"] = table["step"].to_numpy()
    geometry, about = recording.geometry, recording.about
    arrays["ideal"] = np.array(about.ideal)
    if geometry is not None:
        arrays["features"] = geometry.features[:, 0]
        arrays["labels"] = geometry.labels
        if np.nan_to_num(geometry.classifier).any():
            arrays["weight"] = geometry.classifier[:, 0]
        arrays["class_means"] = geometry.class_means[:, 0]
        arrays["steps"] = geometry.epoch
    if about.class_names:
        arrays["class_names"] = np.array(about.class_names)
    return arrays
