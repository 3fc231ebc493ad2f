"""The end of a run: its result is put together and listed in the index, and its journal goes."""

from __future__ import annotations

import json
import logging
from typing import Any

import numpy as np

from ncengine.reasons import reason, why
from ncengine.runs.assemble import (
    complete,
    finished_run,
    layers_arrays,
    stack_curves,
    stack_geometry,
    stack_layers,
)
from ncengine.runs.identity import Identity
from ncengine.runs.journal import Journal
from ncengine.runs.life import Event
from ncengine.runs.picture import pictured
from ncengine.runs.run import Run
from ncengine.runs.store import Store
from ncengine.snapshots.names import GEOMETRY, SHOWN, Arrays

logger = logging.getLogger(__name__)


def write_result(store: Store, identity: Identity, journal: Journal) -> None:
    """Put together what the shards of a run computed, all of which have ended, and list it.

    Raises:
        OSError: a journal was damaged, or the result cannot be written or read back.
    """
    store.results.compute(identity, lambda: _collected(store, identity, journal))
    if not file_away(store, identity):
        refused = store.results.refused(identity) or "it cannot be read back"
        raise OSError(f"the result was written to {store.root}, but {refused}")


def _collected(store: Store, identity: Identity, journal: Journal) -> Arrays:
    """The result of a run of which all shards have ended, from their journals.

    Returns:
        The arrays of `assemble.stack_curves` and `assemble.layers_arrays`, and, prefixed
        "geometry_", of `Geometry`; "diverged" (R,), "passes", "seconds"; "machine" and "config",
        JSON text; "data_checksum", see `Identity`.
    """
    shards, statuses = [], []
    for part in journal.parts():
        snapshots, status = part.read()[0], part.status()
        if status is None or not snapshots or int(snapshots[-1]["epoch"]) != status.passes:
            part.drop_snapshots()
            store.tell(identity, Event.BROKEN, part=part, ended=False)
            raise OSError(f"the journal in {part.folder} was damaged; train again")
        shards.append(snapshots)
        statuses.append(status)
    snapshots = list(complete(shards, [True] * len(shards), {}).values())
    geometry = stack_geometry(snapshots, identity.config)
    layers = stack_layers(snapshots, identity.config)
    names = ("epoch", *GEOMETRY, *SHOWN)
    slowest = max(statuses, key=lambda status: status.seconds)
    machine = dict(slowest.machine)
    if len(shards) > 1:
        machine["device"] = f"CPU, {len(shards)} processes"
    return {
        **_last_parameters(journal),
        **stack_curves(snapshots),
        **{f"geometry_{name}": getattr(geometry, name) for name in names},
        **({} if layers is None else layers_arrays(layers)),
        "diverged": snapshots[-1]["diverged"],
        "passes": np.array(max(status.passes for status in statuses)),
        "seconds": np.array(slowest.seconds),
        "machine": np.array(json.dumps(machine)),
        "config": np.array(identity.config_json),
        "data_checksum": np.array(identity.data_checksum),
    }


def _last_parameters(journal: Journal) -> Arrays:
    """ "last_parameters" (R, P), from which others may start, where they are kept."""
    parts = [part.parameters() for part in journal.parts()]
    kept = [part for part in parts if part is not None]
    return {"last_parameters": np.concatenate(kept)} if len(kept) == len(parts) else {}


def file_away(store: Store, identity: Identity) -> bool:
    """List a run whose result is there, and let its journal go; gives whether there is one."""
    # A first look that costs nothing, for most runs are asked about before they have ended.
    if not store.results.has(identity):
        return False
    run = store.open(identity, shipped=False)
    if not run.status.finished:
        return False
    if identity.key not in store.index:
        store.index.add(_entry(identity, run))
    journal = store.journal(identity)
    store.ends.keep(identity, journal)
    journal.remove()
    return True


def rebuild_index(store: Store) -> int:
    """List anew what the cache holds and can be shown; gives how many runs that is.

    Raises:
        OSError: the list cannot be written; this process has it all the same.
    """
    results = store.results.all(store.index.checksums())
    entries = []
    for identity, result in results:  # one after another: each may take megabytes
        try:
            entries.append(_entry(identity, finished_run(identity, result)))
        except Exception as error:  # whatever a result lacks, the others are listed
            message = f"{type(error).__name__}: {reason(error)}"
            logger.warning("the result of run %s is not listed: %s", identity.key, message)
    store.index.replace(sorted(entries, key=lambda entry: entry["date"]))
    return len(entries)


def mend_index(store: Store) -> None:
    """Rebuild the index where it is missing or damaged, so that no finished run is hidden.

    Where it cannot be written, on a full disk for one, this process has it all the same.
    """
    if not store.index.is_damaged:
        return
    try:
        if rebuild_index(store):
            logger.warning("%s was missing or damaged, and was made anew", store.index.path)
    except OSError as error:
        path = store.index.path
        logger.warning("%s was missing or damaged, and cannot be written: %s", path, why(error))


def _entry(identity: Identity, run: Run) -> dict[str, Any]:
    r = next((r for r, gone in enumerate(run.diverged) if not gone), 0)
    return {
        **run.summary(),
        **run.machine,
        "data_checksum": identity.data_checksum,
        "picture": pictured(run.geometry, r),
    }
