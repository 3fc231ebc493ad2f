"""The engine's long-lived parts, one of each for all sessions."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from ncengine.config import RunConfig
from ncengine.datasets.sources import checksum
from ncengine.runs import Geometry

if TYPE_CHECKING:
    from ncengine.assumptions import Assumption
    from ncengine.datasets import Data
    from ncengine.executors import JobQueue
    from ncengine.projection import Projection
    from ncengine.store import Store
    from ncengine.theory import GufmOptimum

# For so long from the start a page waits for data to be read. What takes longer is told later.
GRACE_SECONDS = 0.2


@dataclass(frozen=True)
class Examination:
    """What the data of a configuration are found to be.

    Attributes:
        assumptions: what the theorems assume, and whether it holds.
        facts: see `ncengine.datasets.Data`.
        problem: why there can be no such data, in words; "" where there can.
    """

    assumptions: tuple[Assumption, ...] = ()
    facts: Mapping[str, int] = field(default_factory=dict)
    problem: str = ""


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


def parameter_formula(config: RunConfig) -> tuple[str, dict[str, int]]:
    """The number of parameters as a formula, and what its letters stand for."""
    from ncengine.architectures.formula import parameter_formula, parameter_legend

    return parameter_formula(config), parameter_legend(config)


def no_floor_reason(config: RunConfig) -> str:
    """Why there is no collapsed optimum for this configuration; "" where there is one."""
    try:
        _optimum(config)
    except ValueError as error:
        return str(error)
    return ""


def cosines(class_means: np.ndarray) -> np.ndarray:
    """(K, K) cosines of the means of shape (K, d) about their centre, from 3 classes on.

    Two points are opposite each other about their centre wherever they are: of two classes, the
    cosine about the origin tells how far they have come.
    """
    from ncengine.metrics import cosines

    if len(class_means) > 2:
        return cosines(class_means)
    means = class_means.astype(np.float64)
    means /= np.maximum(np.linalg.norm(means, axis=-1, keepdims=True), 1e-30)
    return means @ means.T


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


def examine(config: RunConfig) -> Examination | None:
    """What is found about the data and what the theorems assume; None while they are being read.

    Never downloads. Reading goes on in a thread, and is done once for all sessions.
    """
    concerned = (p for p in config.params.items() if p[1].group != "Optimiser")
    key = tuple((name, getattr(config, name)) for name, _ in concerned)
    content = checksum(config.dataset)
    found, begun = _examination(key, content, needs_download(config), _config=config)
    try:
        return found.result(max(0.0, begun + GRACE_SECONDS - time.monotonic()))
    except NotYet:
        return None


@st.cache_resource(show_spinner=False, max_entries=64)
def _examination(
    key: tuple, content: str, missing: bool, _config: RunConfig
) -> tuple[Future, float]:
    """What will be found, and since when it is looked for."""
    return _reader().submit(_examine, _config, missing), time.monotonic()


@st.cache_resource(show_spinner=False)
def _reader() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "data")


def _examine(config: RunConfig, missing: bool) -> Examination:
    from ncengine import datasets
    from ncengine.assumptions import assumptions

    facts, problem = {}, ""
    try:
        if not missing:
            facts = datasets.load(config).facts
    except (ValueError, OSError, datasets.DatasetError) as error:
        problem = str(error).rstrip(".")
    return Examination(assumptions(config), facts, problem)


def too_large(config: RunConfig) -> str:
    """Why the training does not fit into this machine's memory, in words; "" where it does."""
    from ncengine.memory import memory_here, too_large

    return too_large(config, memory_here())


def data_problem(config: RunConfig) -> str:
    """Why there can be no such data, in words; "" where there can, or while nobody knows."""
    found = examine(config)
    return found.problem if found else ""


def thumbnails(config: RunConfig, geometry: Geometry, test: bool) -> np.ndarray | None:
    """(S, h, w) or (S, h, w, 3) uint8 images of the geometry's samples; None without images.

    With `test`, its test samples follow.
    """
    data = _data_at_hand(config)
    if data is None or data.images is None:
        return None
    images = data.images[geometry.sample_index]
    return np.concatenate([images, data.test_images[geometry.test_index]]) if test else images


def captions(config: RunConfig, geometry: Geometry, test: bool) -> list[str] | None:
    """The geometry's samples as texts; None where they are none. `test` as in `thumbnails`."""
    data = _data_at_hand(config)
    if data is None or data.texts is None:
        return None
    texts = [data.texts[n] for n in geometry.sample_index]
    return texts + [data.test_texts[n] for n in geometry.test_index] if test else texts


def _data_at_hand(config: RunConfig) -> Data | None:
    """The data, once they are read; None before, or where they cannot be read."""
    from ncengine import datasets

    found = examine(config)
    if found is None or found.problem or needs_download(config):
        return None
    return datasets.load(config)


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
