"""Trained parameters: by name, as a file of safetensors."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np

from ncengine.architectures.shapes import parameter_shapes
from ncengine.costs.memory import MOST_KEPT, keeps_parameters
from ncengine.runs.run import Run
from ncengine.runs.whole import identity_of


def parameters(run: Run) -> dict[str, np.ndarray]:
    """The trained parameters by name, each with a leading axis of seeds.

    Names and shapes are those of `architectures.shapes.parameter_shapes`; what all blocks have is
    one array, with an axis of blocks after that of seeds.

    Raises:
        ValueError: they were not kept; says why.
    """
    if run.parameters is None:
        raise ValueError(f"{run.config.title()}: {why_not_kept(run)}")
    shapes = parameter_shapes(run.config)
    ends = np.cumsum([shape.size for shape in shapes])[:-1]
    pieces = np.split(run.parameters, ends, axis=1)
    return {
        shape.name: piece.reshape(-1, *shape.shape)
        for shape, piece in zip(shapes, pieces, strict=True)
    }


def why_not_kept(run: Run) -> str:
    """Why a run has no parameters; "" where it has."""
    if run.parameters is not None:
        return ""
    if not run.status.finished:
        return f"no trained parameters, since it is {run.status}"
    if run.shipped:
        return "no trained parameters: the gallery ships none; trained here, it keeps them"
    if not keeps_parameters(run.config):
        return f"its parameters were not kept: those of all seeds are more than {MOST_KEPT:,}"
    return "its parameters were not kept when it was trained; trained anew, it keeps them"


def save_parameters(run: Run, path: str | os.PathLike[str]) -> Path:
    """Write the trained parameters, see `parameters`, as a file of safetensors.

    Its metadata: "config", the configuration as JSON; "seeds", the seed of each place on the first
    axis, as JSON; "key", "engine_version", "data_checksum".

    Raises:
        ValueError: they were not kept, or the path does not end in .safetensors.
        OSError: the file cannot be written.
    """
    from safetensors.numpy import save

    from ncengine.runs.journal import write_atomically

    file = Path(os.path.expanduser(path))
    if file.suffix.lower() != ".safetensors":
        raise ValueError(f"path = {str(path)!r}: must end in .safetensors")
    arrays = {name: np.ascontiguousarray(array) for name, array in parameters(run).items()}
    identity = identity_of(run)
    about = {
        "config": json.dumps(run.config.model_dump(mode="json")),
        "seeds": json.dumps(list(run.config.seeds)),
        "key": identity.key,
        "engine_version": identity.engine_version,
        "data_checksum": identity.data_checksum,
    }
    write_atomically(file, save(arrays, about))
    return file
