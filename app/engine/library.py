"""All finished runs at hand, a row each: trained here, imported or shipped. Reads no result."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from typing import Any, BinaryIO

import streamlit as st

from app.engine import public, runs
from app.engine.limits import Deed, Refused, refuse
from ncengine.analysis.outcome import outcome_of
from ncengine.analysis.over_seeds import by_scale
from ncengine.catalogue.datasets import dataset_info
from ncengine.catalogue.metrics import Place, asked_for, of_test, shown_in
from ncengine.config import PARAMS, PARAMS_DEFAULTS, RunConfig, as_text
from ncengine.config.run_config import nc2_name
from ncengine.datasets.files.sources import checksum
from ncengine.jobs.stop import Going, going
from ncengine.jobs.stop import stop as ask_to_stop
from ncengine.runs.identity import Identity, identify
from ncengine.runs.places import require_cache
from ncengine.runs.run import Run
from ncengine.version import ENGINE_VERSION

logger = logging.getLogger(__name__)

HERE, IMPORTED, GALLERY = "here", "imported", "gallery"
# What each metric of a row is called, by name: of training samples, and of test samples.
TRAINED = asked_for(Place.LIBRARY)
TESTED = {of_test(metric.name): metric.title for metric in shown_in(Place.LIBRARY, test=True)}
# What a row tells beside the fields of the configuration, as plain values.
MEASURED = ("outcome", *TRAINED, *TESTED, "seconds", "date")
# `loss` is a field, and the objective is not shown.
COLUMNS = ("key", "picture", "from", *PARAMS, *MEASURED)


def rows() -> list[dict[str, Any]]:
    """A row a run, newest first, by column of `COLUMNS`; see `row`."""
    store, at_hand = runs.store(), dict[str, tuple[Mapping[str, Any], str]]()
    # What stands first is what is opened.
    for where, entries in (
        (HERE, store.list()),
        (IMPORTED, store.imported.entries()),
        (GALLERY, store.gallery.entries()),
    ):
        for entry in entries:
            at_hand.setdefault(entry["key"], (entry, where))
    meant = cache(checksum)

    def as_row(entry: Mapping[str, Any], where: str) -> dict[str, Any]:
        here = meant(entry["config"].get("dataset", RunConfig().dataset))
        return row(entry, where, other_files=entry.get("data_checksum", here) != here)

    table = [as_row(entry, where) for entry, where in at_hand.values()]
    return sorted(table, key=lambda record: record["date"] or "", reverse=True)


def row(entry: Mapping[str, Any], where: str, *, other_files: bool = False) -> dict[str, Any]:
    """An entry of the index, or of what was imported or shipped, in one row.

    `other_files`: its data are not those that are meant here and now.

    Fields that were not there when it was written, and what has no value, are None. NC1 to NC3 are
    geometric means over the seeds that did not diverge, see `over_seeds.typical`, all others are
    arithmetic ones; the gap is over the floor.
    """
    config, seeds = entry["config"], [seed for seed in entry["seeds"] if not seed["diverged"]]
    version = entry.get("version", ENGINE_VERSION)
    if version != ENGINE_VERSION:
        where += f", version {version}"
    if other_files:
        where += ", other files"
    floor = entry["floor"]
    measured = {name: _measured(config, seeds, name) for name in (*TRAINED, *TESTED)}
    gap = measured["gap"]
    return {
        "key": entry["key"],
        "picture": entry.get("picture") or "",
        "from": where,
        **{name: config.get(name) for name in PARAMS},
        "seeds": len(entry["seeds"]),
        "outcome": outcome_of(entry).verdict,
        **measured,
        "gap": None if gap is None or not floor else gap / floor,
        "seconds": float(entry["seconds"]),
        "date": entry.get("date"),
    }


def _measured(
    config: Mapping[str, Any], seeds: Sequence[Mapping[str, Any]], asked: str
) -> float | None:
    """A metric over the seeds, by its scale."""
    # As `RunConfig.curve` has it, without making one of each of thousands of entries.
    of_loss = nc2_name(config.get("loss", ""), bool(config.get("last_bias")))
    curve = of_loss if asked == "nc2" else asked
    return by_scale(curve, (v for s in seeds if isinstance(v := s.get(curve), (int, float))))


def identity(key: str) -> Identity | None:
    """Of the run of that key; where it cannot be told, of today's of the same configuration.

    None where no run is listed under that key.
    """
    store = runs.store()
    entry = store.entry(key)
    if entry is None:
        return None
    return store.identity(key) or identify(RunConfig(**entry["config"]))


def with_more_seeds(config: RunConfig) -> RunConfig | None:
    """The configuration with the most seeds, those of `config` among them, that is at hand and
    finished, and otherwise the same; None without one.
    """
    wanted = set(config.seeds)
    same = {n: v for n, v in config.model_dump(mode="json").items() if n in config.params}
    del same["seeds"]
    candidates = set()
    for entry in runs.store().at_hand():
        other = PARAMS_DEFAULTS | entry["config"]
        seeds = tuple(seed["seed"] for seed in entry["seeds"])
        if wanted < set(seeds) and all(other.get(name) == value for name, value in same.items()):
            candidates.add(seeds)
    for seeds in sorted(candidates, key=lambda seeds: (-len(seeds), seeds)):
        more = config.with_(seeds=seeds)
        if runs.glance(more).status.finished:
            return more
    return None


def in_training() -> list[Going]:
    """Runs that train or wait, of this server or of any terminal."""
    return [*going(runs.store()).values()]


def stop(identity: Identity) -> None:
    """Have a run stopped, whoever began it; by visitors, see `public`.

    Raises:
        OSError: its journal cannot be written.
        Refused: it is not the visitor's.
    """
    if why := public.why_not_stop(identity):
        raise Refused(why)
    if identity == identify(identity.config):
        runs.jobs().cancel(identity.config)
    else:
        ask_to_stop(runs.store(), [identity], patience=0.0)


def is_deletable(key: str) -> bool:
    """Whether the run of that key was trained here, or imported."""
    store = runs.store()
    return key in store.index or store.imported.entry(key) is not None


def take_in(file: BinaryIO) -> Run:
    """The run of a file that someone brings along, kept from now on.

    Raises:
        Refused: this is a public server.
        ValueError: it is no such file, or damaged; nothing is taken in then.
        OSError: it cannot be kept.
    """
    refuse(Deed.IMPORT)
    store = runs.store()
    require_cache(store.root)
    return store.imported.add_file(file)


def delete(keys: Iterable[str]) -> list[str]:
    """Delete runs trained here or imported; gives the titles of those that could not be.

    Raises:
        Refused: nobody deletes anything on a public server.
    """
    refuse(Deed.DELETE)
    store, left = runs.store(), []
    for key in keys:
        target = identity(key)
        try:
            deletable = target is not None and target.key == key and is_deletable(key)
            gone = target is not None and deletable and store.delete(target)
        except OSError as error:
            logger.warning("The run %s could not be deleted: %s", key, error)
            gone = False
        if target is not None and not gone:
            left.append(target.config.title())
    return left


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
    if name in TESTED:
        return f"Test {TESTED[name]}"
    if name in TRAINED:
        title = TRAINED[name]
        return f"Train {title}" if of_test(name) in TESTED else title[:1].upper() + title[1:]
    return PARAMS[name].label if name in PARAMS else name.capitalize()


def text_of(name: str, value: Any) -> str:
    """A value as the picker says it."""
    if name == "dataset":
        return dataset_info(value).title
    choices = PARAMS[name].choices if name in PARAMS else {}
    return str(choices[value]) if value in choices else as_text(value)
