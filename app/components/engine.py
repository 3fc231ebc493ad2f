"""The engine's long-lived parts, one of each for all sessions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from ncengine.config import RunConfig
from ncengine.runs import Geometry

if TYPE_CHECKING:
    from ncengine.executors import JobQueue
    from ncengine.projection import Projection
    from ncengine.store import Store
    from ncengine.theory import GufmOptimum


def store() -> Store:
    """Where runs are read from."""
    return _engine()[0]


def jobs() -> JobQueue:
    """Where runs are put to be computed."""
    return _engine()[1]


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


@st.cache_resource(show_spinner=False, on_release=lambda parts: parts[1].close())
def _engine() -> tuple[Store, JobQueue]:
    from ncengine.executors import JobQueue
    from ncengine.store import Store

    store = Store()
    return store, JobQueue(store)
