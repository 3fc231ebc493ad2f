"""What files from elsewhere come to, once they are read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from ncengine.snapshots.names import Arrays


class Named(NamedTuple):
    """A file and what it is called: an open one, which can be sought in, or its path."""

    name: str
    content: BinaryIO | Path


@dataclass(frozen=True)
class Given:
    """A snapshot that is not measured yet.

    Attributes:
        step: such as the epoch.
        features: (N, d) float32 or float64, finite.
        labels: (N,) whole numbers 0 to K - 1, each at least once.
        weight: (K, d) of the same kind as the features; None where there is none.
        bias: (K,) beside a weight, or None.
    """

    step: float
    features: np.ndarray
    labels: np.ndarray
    weight: np.ndarray | None = None
    bias: np.ndarray | None = None


@dataclass(frozen=True)
class Measured:
    """A snapshot with its figures by name, and its points by the names of `snapshots.names`."""

    step: float
    figures: Mapping[str, float]
    points: Arrays | None
    ideal: str = "simplex"


@dataclass(frozen=True)
class Brought:
    """All that is to become one recording.

    Attributes:
        name: for readers, by the files' names.
        classes, width: K and d, the same at all snapshots.
        head: what the last layer is called, in words; empty where there is none.
        class_names: (K) texts, or none.
        thumbnails: (N, h, w) or (N, h, w, 3) uint8 of the samples, or None.
        snapshots: in the order of their steps.
        notes: what was assumed or left out, each a sentence.
    """

    name: str
    classes: int
    width: int
    head: str
    class_names: tuple[str, ...]
    thumbnails: np.ndarray | None
    snapshots: tuple[Given | Measured, ...]
    notes: tuple[str, ...]
