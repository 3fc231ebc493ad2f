"""`run`: train a configuration here and now, or fetch it from the cache."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import partial

from ncengine.analysis.best_known import beside_best_known
from ncengine.config import RunConfig
from ncengine.datasets.files.local import require as require_data
from ncengine.jobs.executors import Helpers
from ncengine.jobs.ladder import missing_rungs
from ncengine.jobs.shards import COLD, cut, worker_count
from ncengine.jobs.worker import run_in_worker
from ncengine.reasons import reason
from ncengine.runs.disk import NoRoom
from ncengine.runs.identity import Identity, identify
from ncengine.runs.places import require_cache
from ncengine.runs.run import Run, Status
from ncengine.runs.store import Store

POLL_SECONDS = 0.2
STOP_SECONDS = 3.0  # how long processes that help may take to stop where they are


def run(
    config: RunConfig,
    *,
    store: Store | None = None,
    progress: Callable[[int, int], None] | None = None,
    workers: int | None = None,
) -> Run:
    """The finished run of `config`: from the cache, else trained in this process and helpers.

    What it starts from, see `RunConfig.origin`, is trained first where it is missing.

    Of one that has no floor it knows the best figure too, see `analysis.best_known`.

    Where another process trains it already, waits for that one. While it trains, the app
    shows it live.

    Args:
        config: the experiment.
        store: where results are kept; the default cache by default.
        progress: called with (passes done, budget) as it trains.
        workers: over how many processes its seeds may be spread, this one counted; by default
            `shards.worker_count()`. Fewer are used where more would not be quicker.

    Raises:
        RuntimeError: its data are not on this machine, or the training failed or was cancelled;
            says why.
        ValueError: `workers` is not from 1 to 256.
        OSError: nothing can be written to the cache, or not any more.
    """
    workers = worker_count(workers)
    store, identity = store or Store(), identify(config)
    for rung in missing_rungs(store, identity):
        run(rung.config, store=store, workers=workers)
    with ExitStack() as helpers:
        while True:
            now = store.open(identity, shipped=False)
            if now.status.finished:
                return beside_best_known(now)
            if now.status is Status.RUNNING:
                if progress:
                    progress(now.passes, config.budget)
                time.sleep(POLL_SECONDS)
                continue
            # What can be refused is refused now, before torch is loaded and anything is trained.
            require_cache(store.root)
            require_data(config.dataset)
            if store.journal(identity).exists:
                store.journal(identity).request(None)
            try:
                _work(identity, store, progress, workers, helpers)
            except NoRoom:  # which says all of that itself
                raise
            except OSError as error:  # how the run goes could not be written down
                raise OSError(
                    f"the cache folder {store.root} could not be written to any more: "
                    f"{reason(error)}; what was trained until then is kept"
                ) from error
            _raise_where_it_stopped(store.open(identity, shipped=False))


def _work(
    identity: Identity,
    store: Store,
    progress: Callable[[int, int], None] | None,
    workers: int,
    ending: ExitStack,
) -> None:
    """Train in this process, and ask others to help, as long as there is something to take up."""
    # They load torch while this process does. Where there is a GPU, they find nothing left to do.
    count = min(workers, len(_shards(identity, store, workers, "cpu"))) - 1
    if count:
        helpers = Helpers(count)
        ending.callback(helpers.end)
        # Called first: on Ctrl-C the helpers are to keep what they did before they are ended.
        ending.push(partial(stop_if_interrupted, store, lambda: [identity]))
        helpers.ask(count, run_in_worker, identity, str(store.root), workers, COLD)
    from ncengine.jobs.job import run_job
    from ncengine.training.device import pick_device, single_thread

    try:
        device = pick_device().type
    except ValueError:
        device = "cpu"  # training says what is wrong with it
    with single_thread(count > 0):
        run_job(identity, store, progress, shards=_shards(identity, store, workers, device))


def _shards(identity: Identity, store: Store, workers: int, device: str) -> list[tuple[int, ...]]:
    begun = store.journal(identity).shards()
    end = None if begun else store.ends.before(identity)
    return begun or (end and end.shards()) or cut(identity.config, workers, COLD, device)


def _raise_where_it_stopped(now: Run) -> None:
    if now.status is Status.FAILED:
        raise RuntimeError(f"run {now.key} failed: {now.error}")
    if now.status is Status.CANCELLED:
        raise RuntimeError(f"run {now.key} was stopped at pass {now.passes}")


def stop_if_interrupted(
    store: Store,
    trained: Callable[[], Iterable[Identity]],
    kind: type[BaseException] | None,
    *_: object,
) -> None:
    """Ask those who help to keep what they did of the runs `trained`, and wait for that a while."""
    if kind is None or not issubclass(kind, KeyboardInterrupt):
        return
    identities = list(trained())
    for identity in identities:
        store.journal(identity).request("cancel")
    deadline = time.monotonic() + STOP_SECONDS
    while time.monotonic() < deadline and not all(map(store.is_free, identities)):
        time.sleep(POLL_SECONDS / 4)
