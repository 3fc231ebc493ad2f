"""The data of what is picked: whether they are here, what is found in them, how they look."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass, field
from threading import Condition
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from cachetools import LRUCache, cached
from streamlit import runtime

from app.engine import runs
from app.engine.limits import Deed, limits, refuse, refused
from ncengine.catalogue.datasets import dataset_info
from ncengine.config import ConfigError, RunConfig
from ncengine.datasets.files.sources import checksum
from ncengine.reasons import in_full
from ncengine.runs.run import Run

if TYPE_CHECKING:
    from ncengine.config import Problem
    from ncengine.datasets import Data
    from ncengine.theory.assumptions import Assumption

# A page waits this long for data to be read; what takes longer is shown once it is there.
GRACE_SECONDS = 0.2


@dataclass(frozen=True)
class Examination:
    """What the data of a configuration are found to be.

    Attributes:
        assumptions: what the theorems assume, and whether it holds.
        remark: see `ncengine.theory.assumptions.remark`.
        facts: see `ncengine.datasets.Data`.
        problem: why there can be no such data, in words; "" where there can.
        wrong: the same as what is wrong with one field; None where it is no field's fault.
    """

    assumptions: tuple[Assumption, ...] = ()
    facts: Mapping[str, int] = field(default_factory=dict)
    problem: str = ""
    wrong: Problem | None = None
    remark: str = ""


def needs_download(config: RunConfig) -> bool:
    """Whether the data set is not on this machine yet."""
    from ncengine import datasets

    return not datasets.is_available(config.dataset)


def no_download(name: str) -> str:
    """Why the data set cannot be fetched here, and what to do; "" where it can be."""
    return refused(Deed.DOWNLOAD, limits()) or _no_mirror(name)


@st.cache_data(show_spinner=False, ttl=60.0)
def _no_mirror(name: str) -> str:
    from ncengine import datasets

    try:
        if datasets.mirrors(name):
            return ""
        datasets.require(name)
    except (datasets.DatasetError, OSError) as error:
        return in_full(error)
    return ""


def download(name: str, progress: Callable[[int, int], None]) -> None:
    """Fetch the data set; `progress(done, total)` in bytes.

    Raises:
        RuntimeError: it cannot be fetched, or is not, for visitors (`Refused`); says why.
    """
    from ncengine import datasets

    refuse(Deed.DOWNLOAD)
    try:
        datasets.download(name, progress=progress)
    except datasets.DownloadError as error:
        raise RuntimeError(str(error)) from error


def examine(config: RunConfig) -> Examination | None:
    """What is found about the data and what the theorems assume; None while they are being read.

    Never downloads. For pages, reading goes on in a thread, and is done once for all sessions; a
    command, of which no page waits, is always told.
    """
    concerned = (p for p in config.params.items() if p[1].group != "Optimiser")
    key = tuple((name, getattr(config, name)) for name, _ in concerned)
    content = checksum(config.dataset)
    future, begun = _examination((key, content, needs_download(config)), config)
    try:
        return future.result(max(0.0, begun + GRACE_SECONDS - time.monotonic()))
    except NotYet:
        return None


def is_being_read(config: RunConfig) -> bool:
    """Whether only reading its files will tell if there are such data, and goes on."""
    return bool(dataset_info(config.dataset).files) and examine(config) is None


@cached(LRUCache(64), key=lambda which, _: which, condition=Condition())
def _examination(which: tuple[tuple, str, bool], config: RunConfig) -> tuple[Future, float]:
    """What will be found of these data, missing or not, and since when it is looked for."""
    _, _, missing = which
    if runtime.exists():
        return _reader().submit(_examine, config, missing), time.monotonic()
    # A command stopped amid the start of a pool's thread would wait for that thread for good.
    found: Future = Future()
    found.set_result(_examine(config, missing))
    return found, time.monotonic()


@st.cache_resource(show_spinner=False)
def _reader() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "data")


def _examine(config: RunConfig, missing: bool) -> Examination:
    from ncengine import datasets
    from ncengine.theory.assumptions import assumptions, remark

    facts: Mapping[str, int] = {}
    problem, wrong = "", None
    try:
        if not missing:
            facts = datasets.load(config).facts
    except (ValueError, OSError, datasets.DatasetError) as error:
        problem = in_full(error).rstrip(".")
        wrong = error.problems[0] if isinstance(error, ConfigError) else None
    return Examination(assumptions(config), facts, problem, wrong, remark(config))


@dataclass(frozen=True)
class Example:
    """One sample for a reader to see: of an image data set its picture, of a text its words.

    Attributes:
        name: of its class.
        image: (h, w) or (h, w, 3) uint8; None of a text.
        text: "" of an image.
    """

    name: str
    image: np.ndarray | None = None
    text: str = ""


def examples(config: RunConfig) -> list[Example]:
    """A training sample of each class; none where samples are points, or are not at hand."""
    data = _data_at_hand(config)
    if data is None:
        return []
    names = dataset_info(config.dataset).class_names[: config.classes]
    first = [k * config.samples_per_class for k in range(config.classes)]
    if data.images is not None:
        return [Example(name, image=data.images[n]) for name, n in zip(names, first, strict=True)]
    if data.texts is not None:
        return [Example(name, text=data.texts[n]) for name, n in zip(names, first, strict=True)]
    return []


def thumbnails(run: Run, test: bool) -> np.ndarray | None:
    """(S, h, w) or (S, h, w, 3) uint8 images of the geometry's samples; None without images.

    With `test`, its test samples follow.
    """
    if run.shipped:
        kept = {} if run.imported else runs.samples(run)
        names = ("images", "test_images") if test else ("images",)
        return np.concatenate([kept[name] for name in names]) if "images" in kept else None
    data, geometry = _data_of(run), run.geometry
    if data is None or data.images is None or geometry is None:
        return None
    images = data.images[geometry.sample_index]
    if not test or data.test_images is None:
        return images
    return np.concatenate([images, data.test_images[geometry.test_index]])


def captions(run: Run, test: bool) -> list[str] | None:
    """The geometry's samples as texts; None where they are none. `test` as in `thumbnails`.

    Of the gallery's those that were chosen to be shown to anyone.
    """
    if run.shipped:
        kept = {} if run.imported else runs.samples(run)
        names = ("texts", "test_texts") if test else ("texts",)
        if "texts" not in kept:
            return None
        without = f"A {dataset_info(run.config.dataset).noun} whose words are not shipped."
        return [str(text) or without for name in names for text in kept[name]]
    data, geometry = _data_of(run), run.geometry
    if data is None or data.texts is None or geometry is None:
        return None
    texts = [data.texts[n] for n in geometry.sample_index]
    if not test or data.test_texts is None:
        return texts
    return texts + [data.test_texts[n] for n in geometry.test_index]


def _data_of(run: Run) -> Data | None:
    """The data that it was trained on, as `_data_at_hand`; None where those here are others."""
    others = run.imported and run.data_checksum != checksum(run.config.dataset)
    return None if others else _data_at_hand(run.config)


def _data_at_hand(config: RunConfig) -> Data | None:
    """The data, once they are read; None before, or where they cannot be read."""
    from ncengine import datasets

    examination = examine(config)
    if examination is None or examination.problem or needs_download(config):
        return None
    return datasets.load(config)
