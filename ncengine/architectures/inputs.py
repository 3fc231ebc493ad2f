"""What an architecture reads of a sample: numbers, patches, words, or only which sample it is."""

from __future__ import annotations

import numpy as np

from ncengine.catalogue.architectures import architecture_info
from ncengine.catalogue.datasets import dataset_info
from ncengine.config import RunConfig
from ncengine.config.fields import KFAC


def network_inputs(config: RunConfig, inputs: np.ndarray) -> np.ndarray:
    """Inputs of the architecture that `config` names, from those of `datasets.Split`.

    Returns:
        ResNets: (N, d_0). Transformers: (N, C, m) patches of m numbers, or (N, C) words by rank.
        Free features: (N,) int64, for each sample the first one that is identical to it.
    """
    family = architecture_info(config.architecture).family
    if family.embedding == "identity":
        return first_identical(inputs)
    info = dataset_info(config.dataset)
    if family.has_tokens and info.kind == "images":
        return patches(inputs, config.pixels, config.patch_size)
    return inputs


def along_principal_axes(config: RunConfig) -> bool:
    """Whether a training sees its inputs along their principal axes: with K-FAC, vectors."""
    vector = architecture_info(config.architecture).family.embedding == "vector"
    return vector and config.solver == KFAC


def patches(images: np.ndarray, shape: tuple[int, ...], size: int) -> np.ndarray:
    """Square patches of images, row by row (Appendix G.1).

    Args:
        images: (N, h w c), flattened row by row, colours last.
        shape: (h, w) or (h, w, c).
        size: side of a patch, p; it divides h and w.

    Returns:
        (N, (h/p) (w/p), p² c).
    """
    height, width, colours = (*shape, 1)[:3]
    grid = images.reshape(-1, height // size, size, width // size, size, colours)
    return grid.swapaxes(2, 3).reshape(len(images), -1, size * size * colours)


def first_identical(inputs: np.ndarray) -> np.ndarray:
    """(N,) int64: for each sample the first that equals it, the relation R of Definition 3."""
    # A look-up is quicker than sorting whole rows. Adding 0 makes -0 the 0 that it equals.
    first: dict[bytes, int] = {}
    rows = (row.tobytes() for row in inputs + 0)
    return np.array([first.setdefault(row, i) for i, row in enumerate(rows)], np.int64)
