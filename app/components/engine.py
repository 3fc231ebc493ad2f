"""The engine's long-lived parts, one of each for all sessions."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

import ncengine
from ncengine.config import RunConfig
from ncengine.runs import Geometry

if TYPE_CHECKING:
    from ncengine.executors import JobQueue
    from ncengine.projection import Projection
    from ncengine.store import Store
    from ncengine.theory import GufmOptimum

# Seconds between two looks at the engine's source: a hundred files are not worth a look at
# every call.
SOURCE_SECONDS = 2.0


def store() -> Store:
    """Where runs are read from."""
    return _engine().parts()[0]


def jobs() -> JobQueue:
    """Where runs are put to be computed."""
    return _engine().parts()[1]


def parameter_count(config: RunConfig) -> int:
    """Parameters of one seed's network."""
    from ncengine.architectures.shapes import parameter_count

    return parameter_count(config)


def no_floor_reason(config: RunConfig) -> str:
    """Why there is no collapsed optimum for this configuration; "" where there is one."""
    try:
        _optimum(config)
    except ValueError as error:
        return str(error)
    return ""


def cosines(class_means: np.ndarray) -> np.ndarray:
    """(K, K) cosines of the centred means of shape (K, d)."""
    from ncengine.metrics import cosines

    return cosines(class_means)


def needs_download(config: RunConfig) -> bool:
    """Whether the data set is not on this machine yet."""
    from ncengine import datasets

    return not datasets.is_available(config.dataset)


def download(name: str, progress: Callable[[int, int], None]) -> None:
    """Fetch the data set; `progress(done, total)` in bytes. Raises RuntimeError in words."""
    from ncengine import datasets

    try:
        datasets.download(name, progress=progress)
    except datasets.DownloadError as error:
        raise RuntimeError(str(error)) from error


def thumbnails(config: RunConfig, geometry: Geometry) -> np.ndarray | None:
    """(S, h, w) uint8 images of the geometry's samples; None where there are none to show."""
    if needs_download(config):
        return None
    return _thumbnails(config, _geometry=geometry)


@st.cache_resource(show_spinner=False, max_entries=8)
def _thumbnails(config: RunConfig, _geometry: Geometry) -> np.ndarray | None:
    from ncengine import datasets

    images = datasets.load(config).images
    return None if images is None else images[_geometry.sample_index]


def project(
    config: RunConfig, geometry: Geometry, r: int, basis: str, focus: tuple[int, ...]
) -> Projection:
    """The projection of seed number `r`, computed once for each set of snapshots."""
    return _project(config, len(geometry), r, basis, focus, _geometry=geometry)


@st.cache_resource(show_spinner=False, max_entries=32)
def _project(
    config: RunConfig, frames: int, r: int, basis: str, focus: tuple, _geometry: Geometry
) -> Projection:
    from ncengine.projection import project

    return project(
        _geometry, r, nc2_name=config.nc2_name, basis=basis, focus=focus, row_norm=_row_norm(config)
    )


def _row_norm(config: RunConfig) -> float | None:
    try:
        return _optimum(config).row_norm
    except ValueError:
        return None


def _optimum(config: RunConfig) -> GufmOptimum:
    from ncengine.theory import gufm_optimum

    return gufm_optimum(
        config.classes, config.width, config.decay_last, config.loss, config.last_bias
    )


class _Engine:
    """Store and queue, made anew when the engine's source changes under a hot reload."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._source = ""
        self._looked = -SOURCE_SECONDS
        self._parts: tuple[Store, JobQueue] | None = None

    def parts(self) -> tuple[Store, JobQueue]:
        with self._guard:
            if self._parts is not None and time.monotonic() - self._looked < SOURCE_SECONDS:
                return self._parts
            source, self._looked = _source(), time.monotonic()
            if self._parts is None or self._source != source:
                # The old queue ends first: both would share one pool of workers.
                self.close()
                self._parts, self._source = _make_parts(), source
            return self._parts

    def close(self) -> None:
        if self._parts is not None:
            self._parts[1].close()
            self._parts = None


@st.cache_resource(show_spinner=False, on_release=lambda engine: engine.close())
def _engine() -> _Engine:
    return _Engine()


def _make_parts() -> tuple[Store, JobQueue]:
    from ncengine.executors import JobQueue
    from ncengine.store import Store

    store = Store()
    return store, JobQueue(store)


def _source() -> str:
    """Names the engine's source as it is on disk now."""
    files = sorted(Path(ncengine.__file__).parent.rglob("*.py"))
    stamps = [f"{file}:{file.stat().st_mtime_ns}" for file in files]
    return hashlib.sha256("\n".join(stamps).encode()).hexdigest()
