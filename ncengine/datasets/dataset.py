"""How the samples of a data set come about: what each data set's own module says of itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from ncengine.datasets.data import Data


@dataclass(frozen=True)
class Dataset:
    """How samples come about; the constant `DATASET` of a module of this folder.

    Attributes:
        draw: `draw(pool, classes, n, seed, **fields)`: n training samples of each of the first
            classes, which `seed` chooses, and those held out, which it does not; `fields` are those
            of `RunConfig` that the data set's entry in the catalogue names. Raises ConfigError
            where there are fewer.
        read: the pool: all samples, from the files in the catalogue's order. Raises DatasetDamaged.
            None of a data set that is made and not read, of which the pool is None.
    """

    draw: Callable[..., Data]
    read: Callable[[Sequence[Path]], Any] | None = None


def dataset(name: str) -> Dataset:
    """That of the catalogue's entry of that name."""
    module = import_module(f"ncengine.datasets.{name.replace('-', '_')}")
    return module.DATASET
