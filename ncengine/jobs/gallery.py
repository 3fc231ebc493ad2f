"""How the gallery is built: what is missing is trained, and each run is written as it is done."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from ncengine import datasets
from ncengine.config import RunConfig
from ncengine.config.gallery import ROWS, row
from ncengine.jobs.consistent import make_consistent
from ncengine.jobs.sweep import Progress, sweep
from ncengine.runs.chosen import chosen
from ncengine.runs.gallery import Gallery
from ncengine.runs.identity import identify
from ncengine.runs.places import no_gallery, require_cache, require_gallery
from ncengine.runs.run import Run
from ncengine.runs.store import Store
from ncengine.snapshots.names import Arrays

logger = logging.getLogger(__name__)

# Called with each run as it is done: what became of it, in a word, and the run itself.
OnEnd = Callable[[str, Run], None]


def build(
    rows: Iterable[str] = ROWS,
    *,
    scale: str = "small",
    anew: bool = False,
    workers: int | None = None,
    store: Store | None = None,
    progress: Callable[[Progress], None] | None = None,
    on_end: OnEnd | None = None,
) -> dict[str, int]:
    """Train what the gallery lacks of some rows, shortest first; gives how many came to which end.

    What one of them proves to be at no optimum is trained once more from that one's network, which
    takes its place. Each run is written as it is done. Ctrl-C keeps what is done, and the same call
    goes on from there.

    Ends are "added", "here" (it was in the gallery), and the status of a run without a
    result.

    Args:
        rows: of `config.gallery.ROWS`.
        scale: see `config.gallery.row`.
        anew: write what is in the gallery again too, from the store's result or by training it.
        workers: how many processes train; by default as `jobs.sweep` has it.
        store: where results are kept, and to whose gallery runs are added.
        progress, on_end: called as it goes on.

    Raises:
        ValueError: a row or scale that there is not, or no folder to write to.
        RuntimeError: a data set is not on this machine.
        OSError: the gallery cannot be written to.
    """
    store = store or Store()
    gallery_folder(store)
    networks = list(dict.fromkeys(config for name in rows for config in row(name, scale)))
    wanted = {identify(config).key: config for config in _kept_of_each(networks, store.gallery)}
    missing = {k: c for k, c in wanted.items() if anew or store.gallery.entry(k) is None}
    rows_of = _rows_of_each(scale)
    if missing:
        require_places(store)
    _check_data(missing.values())
    counts = {"here": len(wanted) - len(missing)}

    def ended(run: Run) -> None:
        end = str(run.status)
        if run.status.finished and run.key in missing:
            samples = samples_of(run)
            names = rows_of.get(run.config) or rows_of[run.config.from_random]
            try:
                store.gallery.add(identify(run.config), run, names, samples)
                end = "added"
            except ValueError as error:  # no seed of it can be shown; others can
                logger.warning("%s is not added: %s", run.config.title(), error)
                end = "left out"
        counts[end] = counts.get(end, 0) + 1
        if on_end:
            on_end(end, run)

    sweep(missing.values(), workers, progress, store=store, on_end=ended)

    def train(starts: list[RunConfig]) -> None:
        missing.update({identify(start).key: start for start in starts})
        sweep(starts, workers, progress, store=store, on_end=ended)

    make_consistent(networks, store.gallery.entries, train)
    return counts


def gallery_folder(store: Store) -> Path:
    """Where runs are added. Raises ValueError where there is no folder."""
    if store.gallery.folder is None:
        raise ValueError(no_gallery())
    return store.gallery.folder


def require_places(store: Store) -> None:
    """Make sure, before anything is fetched or trained, that runs can be added and kept.

    Raises:
        ValueError, OSError: they cannot.
    """
    require_gallery(gallery_folder(store))
    require_cache(store.root)


def _rows_of_each(scale: str) -> dict[RunConfig, list[str]]:
    """The rows that each run is in."""
    found: dict[RunConfig, list[str]] = {}
    for name in ROWS:
        for config in row(name, scale):
            found.setdefault(config, []).append(name)
    return found


def _kept_of_each(networks: Iterable[RunConfig], gallery: Gallery) -> Iterator[RunConfig]:
    """Of each network the run to be kept: where another has taken its place, that one."""
    for network in networks:
        started = gallery.started(identify(network))
        yield network if started is None else started.config


def _check_data(configs: Iterable[RunConfig]) -> None:
    for name in dict.fromkeys(config.dataset for config in configs):
        datasets.require(name)


def samples_of(run: Run) -> Arrays:
    """What the samples in the run's geometry look like, see `Gallery.samples`; reads its data.

    Texts are left out that are not `chosen`.
    """
    data, geometry = datasets.load(run.config), run.geometry
    if geometry is None:
        return {}
    train, test = geometry.sample_index, geometry.test_index
    if data.images is not None and data.test_images is not None:
        return {"images": data.images[train], "test_images": data.test_images[test]}
    if data.texts is not None and data.test_texts is not None:
        return {
            "texts": chosen(data.texts[n] for n in train),
            "test_texts": chosen(data.test_texts[n] for n in test),
        }
    return {}
