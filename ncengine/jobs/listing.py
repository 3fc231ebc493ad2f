"""The end of a run: its result is listed in the index, and its journal goes."""

from __future__ import annotations

import logging
from typing import Any

from ncengine.reasons import reason, why
from ncengine.runs.assemble import finished_run
from ncengine.runs.identity import Identity
from ncengine.runs.picture import pictured
from ncengine.runs.run import Run
from ncengine.runs.store import Store

logger = logging.getLogger(__name__)


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
    found = []
    for identity, result in results:  # one after another: each may take megabytes
        try:
            found.append(_entry(identity, finished_run(identity, result)))
        except Exception as error:  # whatever a result lacks, the others are listed
            said = f"{type(error).__name__}: {reason(error)}"
            logger.warning("the result of run %s is not listed: %s", identity.key, said)
    store.index.replace(sorted(found, key=lambda entry: entry["date"]))
    return len(found)


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
