"""All finished runs at hand, a row each: those trained here and those shipped. Reads no result."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import streamlit as st

from app.engine import runs
from ncengine.catalogue.datasets import dataset_info
from ncengine.config import PARAMS, RunConfig
from ncengine.runs.identity import Identity, identify
from ncengine.version import ENGINE_VERSION

logger = logging.getLogger(__name__)

HERE, GALLERY = "here", "gallery"
# What a row tells beside the fields of the configuration, as plain values.
MEASURED = ("nc1", "nc2", "nc3", "gap", "accuracy", "test_accuracy", "seconds", "date")
# `loss` is a field, and the objective is not shown.
COLUMNS = ("key", "picture", "from", *PARAMS, *MEASURED)


def rows() -> list[dict[str, Any]]:
    """A row a run, newest first, by column of `COLUMNS`; see `row`."""
    store = runs.store()
    own = store.list()
    known = {entry["key"] for entry in own}
    shipped = [entry for entry in store.gallery.entries() if entry["key"] not in known]
    found = [row(entry, HERE) for entry in own] + [row(entry, GALLERY) for entry in shipped]
    return sorted(found, key=lambda one: one["date"] or "", reverse=True)


def row(entry: Mapping[str, Any], where: str) -> dict[str, Any]:
    """An entry of the index, or of the gallery, in one row.

    Fields that were not there when it was written, and what has no value, are None. NC1 to NC3 are
    geometric means over the seeds that did not diverge, all others are arithmetic ones; the gap
    is over the floor.
    """
    config, seeds = entry["config"], [one for one in entry["seeds"] if not one["diverged"]]
    version = entry.get("version", ENGINE_VERSION)
    if version != ENGINE_VERSION:
        where += f", version {version}"
    simplex = config.get("loss") == "CE" or config.get("last_bias")
    gap, floor = _mean(seeds, "gap"), entry["floor"]
    return {
        "key": entry["key"],
        "picture": entry.get("picture") or "",
        "from": where,
        **{name: config.get(name) for name in PARAMS},
        "seeds": len(entry["seeds"]),
        "nc1": _geometric_mean(seeds, "nc1"),
        "nc2": _geometric_mean(seeds, "nc2a" if simplex else "nc2b"),
        "nc3": _geometric_mean(seeds, "nc3"),
        "gap": None if gap is None or not floor else gap / floor,
        "accuracy": _mean(seeds, "accuracy"),
        "test_accuracy": _mean(seeds, "test_accuracy"),
        "seconds": float(entry["seconds"]),
        "date": entry.get("date"),
    }


def _geometric_mean(seeds: Sequence[Mapping[str, Any]], name: str) -> float | None:
    values = [v for one in seeds if isinstance(v := one.get(name), (int, float)) and v > 0]
    logs = [math.log(value) for value in values if value < math.inf]
    return math.exp(sum(logs) / len(logs)) if logs else None


def _mean(seeds: Sequence[Mapping[str, Any]], name: str) -> float | None:
    values = [v for one in seeds if isinstance(v := one.get(name), (int, float)) and v < math.inf]
    return sum(values) / len(values) if values else None


def config_of(key: str) -> RunConfig | None:
    """The configuration of the run of that key; None where there is none."""
    entry = runs.store().index.entry(key) or runs.store().gallery.entry(key)
    return None if entry is None else RunConfig(**entry["config"])


def delete(keys: Iterable[str]) -> list[str]:
    """Delete runs that were trained here; gives the titles of those that could not be."""
    store, left = runs.store(), []
    for key in keys:
        config = config_of(key)
        identity = _identity(key)
        try:
            gone = identity is not None and store.delete(identity)
        except OSError as error:
            logger.warning("The run %s could not be deleted: %s", key, error)
            gone = False
        if config is not None and not gone:
            left.append(config.title())
    return left


def _identity(key: str) -> Identity | None:
    """Of a run trained here; None where it is unknown, or on other data than those meant now."""
    entry = runs.store().index.entry(key)
    if entry is None:
        return None
    now = identify(RunConfig(**entry["config"]))
    then = replace(now, engine_version=entry.get("version", ENGINE_VERSION))
    return next((one for one in (now, then) if one.key == key), None)


@st.cache_data(show_spinner=False, ttl=10.0)
def disk() -> tuple[int, int]:
    """Bytes that the cache takes, and the gallery; as of ten seconds ago at most."""
    folder = runs.store().gallery.folder
    shipped = 0
    for path in folder.glob("*.*") if folder else ():
        with suppress(OSError):  # gone meanwhile
            shipped += path.stat().st_size
    within = folder is not None and folder.resolve().is_relative_to(runs.store().root.resolve())
    return runs.store().bytes() - (shipped if within else 0), shipped


def heading(name: str) -> str:
    """What a column is called: a letter, where the paper has one."""
    return (name in PARAMS and PARAMS[name].letter) or label(name)


def label(name: str) -> str:
    """What a column's values are."""
    own = {"from": "From", "nc1": "NC1", "nc2": "NC2", "nc3": "NC3", "gap": "Gap"}
    own |= {"accuracy": "Train acc.", "test_accuracy": "Test acc."}
    return own.get(name) or (PARAMS[name].label if name in PARAMS else name.capitalize())


def text_of(name: str, value: Any) -> str:
    """A value as the picker says it."""
    if name == "dataset":
        return dataset_info(value).title
    return str(PARAMS[name].choices.get(value, value)) if name in PARAMS else str(value)
