"""The store: results, journals and index of one cache folder, behind one read model."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from joblib.memory import FIRST_LINE_TEXT, extract_first_line

from ncengine.config import RunConfig
from ncengine.config.param import ConfigError
from ncengine.costs.seconds import estimate_seconds
from ncengine.datasets.files.sources import checksum
from ncengine.runs.assemble import finished_run
from ncengine.runs.follow import JournalReader
from ncengine.runs.index import Index
from ncengine.runs.journal import Journal, write_atomically
from ncengine.runs.results import cached_compute
from ncengine.runs.run import Run, Status
from ncengine.snapshots.names import Arrays
from ncengine.theory.optimum import floor_of
from ncengine.version import ENGINE_VERSION

logger = logging.getLogger(__name__)

RUNS_IN_MEMORY = 8


def cache_root() -> Path:
    """The folder that `NCENGINE_CACHE` names, else `cache/` of the checkout."""
    named = os.environ.get("NCENGINE_CACHE")
    if named:
        return Path(named).expanduser().resolve()
    return Path(__file__).resolve().parents[2] / "cache"


class Store:
    """Results, journals and index under one folder. Safe to share between threads.

    Args:
        root: the cache folder; `cache_root()` by default.
    """

    def __init__(self, root: Path | str | None = None):
        self.root = Path(root) if root is not None else cache_root()
        self.root.mkdir(parents=True, exist_ok=True)
        self.index = Index(self.root / "index.jsonl")
        self._cached = cached_compute(str(self.root / "results"))
        self._check_function_code()
        self._memory: OrderedDict[str, tuple[float, Run]] = OrderedDict()
        self._readers: OrderedDict[str, JournalReader] = OrderedDict()
        self._guard = threading.RLock()

    def open(self, config: RunConfig) -> Run:
        """The run of `config` as it stands now. Never trains, never raises for a bad file."""
        with self._guard:
            run = self._finished(config)
            if run is None:
                run = self._unfinished(config)
            if run is None:
                # It may have come to its end between the two looks.
                run = self._finished(config)
            return run or Run(config, Status.ABSENT, floor=floor_of(config))

    def estimate(self, config: RunConfig) -> float | None:
        """Seconds that training would take, judged by earlier runs; None without any."""
        return estimate_seconds(config, self.index.entries())

    def list(self) -> list[dict[str, Any]]:
        """Every finished run, newest first: see `index.Index`."""
        return self.index.entries()[::-1]

    def has_result(self, config: RunConfig) -> bool:
        """Whether the cache holds a whole result, as far as can be told without reading it."""
        return self._cached.check_call_in_cache(*self._arguments(config))

    def compute(self, config: RunConfig) -> Arrays:
        """The result of `config`: from the cache, else computed here, now, and kept."""
        if self.has_result(config) and self._load(config) is None:
            logger.info("computing %s again", config.key)
        return self._cached(*self._arguments(config))

    def journal(self, config: RunConfig) -> Journal:
        """The journal of `config`, whether it exists or not."""
        return Journal(self.root / "journal" / config.key)

    def journals(self) -> list[tuple[RunConfig, Journal]]:
        """All journals there are, those first in the queue first."""
        found = []
        for folder in (self.root / "journal").glob("*"):
            journal = Journal(folder)
            try:
                config = RunConfig(**(journal.config() or {}))
            except ConfigError:
                continue
            if journal.exists and config.key == folder.name:
                found.append((config, journal))
        return sorted(found, key=lambda pair: pair[1].status().get("queued_at", 0.0))

    @contextmanager
    def lock(self, config: RunConfig) -> Iterator[bool]:
        """Hold the run's lock; gives False where another process holds it.

        The operating system frees it when its holder dies, however that happens.
        """
        lock = self._lock(config)
        try:
            # Readers probe the lock for a moment; a holder keeps it for as long as it trains.
            lock.acquire(timeout=1.0, poll_interval=0.02)
        except Timeout:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    def settle(self, config: RunConfig) -> None:
        """A run's result is there: list it, and let its journal go."""
        result = self._load(config)
        if result is not None:
            if all(entry["key"] != config.key for entry in self.index.entries()):
                self._add_to_index(config, result)
            self.journal(config).remove()

    def _add_to_index(self, config: RunConfig, result: Arrays) -> None:
        self.index.add(finished_run(config, result).summary() | json.loads(str(result["machine"])))

    def rebuild_index(self) -> int:
        """List anew what the cache holds; gives how many runs that is."""
        self.index.clear()
        backend, found = self._cached.store_backend, []
        for item in backend.get_items():
            call_id = (self._cached.func_id, Path(item.path).name)
            try:
                result = backend.load_item(call_id)
                config = RunConfig(**json.loads(str(result["config"])))
            except Exception as error:  # a broken pickle can raise anything
                logger.warning("a damaged result was passed over: %s", error)
                continue
            if self._call_id(config) == call_id:
                found.append((json.loads(str(result["machine"]))["date"], config, result))
        for _, config, result in sorted(found, key=lambda entry: entry[0]):
            self._add_to_index(config, result)
        return len(found)

    def _check_function_code(self) -> None:
        """Keep a damaged note of joblib's from standing in the way of every result.

        joblib compares it with the function's code, and drops all results where they differ.
        """
        path = Path(self._cached.store_backend.location, self._cached.func_id, "func_code.py")
        try:
            code, _ = extract_first_line(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            if not isinstance(error, FileNotFoundError):
                logger.warning("%s is damaged and is written anew", path)
            path.parent.mkdir(parents=True, exist_ok=True)
            code = self._cached.func_code_info[0]
            write_atomically(path, f"{FIRST_LINE_TEXT} -1\n{code}".encode())
        if code != self._cached.func_code_info[0]:
            logger.warning("the cached function has changed: all results in %s go", self.root)

    def _lock(self, config: RunConfig) -> FileLock:
        folder = self.root / "locks"
        folder.mkdir(exist_ok=True)
        return FileLock(folder / f"{config.key}.lock", is_singleton=False)

    def _arguments(self, config: RunConfig) -> tuple[str, str, str, str]:
        content = checksum(config.dataset)
        return config.canonical_json(), content, ENGINE_VERSION, str(self.root)

    def _call_id(self, config: RunConfig) -> tuple[str, str]:
        return self._cached.func_id, self._cached._get_args_id(*self._arguments(config))

    def _finished(self, config: RunConfig) -> Run | None:
        if not self.has_result(config):
            self._memory.pop(config.key, None)
            return None
        path = Path(self._cached.store_backend.location, *self._call_id(config), "output.pkl")
        try:
            changed = path.stat().st_mtime
        except OSError:
            return None
        known = self._memory.get(config.key)
        if known is None or known[0] != changed:
            result = self._load(config)
            if result is None:
                return None
            known = (changed, finished_run(config, result))
            self._memory[config.key] = known
            while len(self._memory) > RUNS_IN_MEMORY:
                self._memory.popitem(last=False)
        self._memory.move_to_end(config.key)
        return known[1]

    def _load(self, config: RunConfig) -> Arrays | None:
        """The cached result; None, and gone from the cache, where it cannot be read."""
        try:
            result = self._cached.store_backend.load_item(self._call_id(config))
            finished_run(config, result)
        except Exception as error:  # a broken pickle can raise anything
            logger.warning(
                "the cached result of run %s (%s) is damaged and was dropped: %s: %s",
                config.key,
                config.title(),
                type(error).__name__,
                error,
            )
            self._clear(config)
            return None
        return result

    def _clear(self, config: RunConfig) -> None:
        self._memory.pop(config.key, None)
        call_id = self._call_id(config)
        if self._cached.store_backend.contains_item(call_id):
            self._cached.store_backend.clear_item(call_id)

    def _unfinished(self, config: RunConfig) -> Run | None:
        journal = self.journal(config)
        said = journal.status()
        if not said:
            self._readers.pop(config.key, None)
            return None
        status = Status(said["status"])
        if status is Status.RUNNING and self._is_free(config):
            if self.has_result(config) or not journal.exists:
                return None
            status = Status.INTERRUPTED
        reader = self._readers.setdefault(config.key, JournalReader(journal, config))
        while len(self._readers) > RUNS_IN_MEMORY:
            self._readers.popitem(last=False)
        return reader.run(status, said, self._place(config) if status is Status.QUEUED else None)

    def _is_free(self, config: RunConfig) -> bool:
        """Whether no process holds the run's lock."""
        lock = self._lock(config)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return False
        lock.release()
        return True

    def _place(self, config: RunConfig) -> int:
        waiting = [
            other.key
            for other, journal in self.journals()
            if journal.status().get("status") == Status.QUEUED and not self.has_result(other)
        ]
        return waiting.index(config.key) + 1 if config.key in waiting else 1


def enqueue(store: Store, config: RunConfig) -> None:
    """Write into the journal of `config` that it waits its turn; keeps what it had computed."""
    journal = store.journal(config)
    journal.create(config.model_dump(mode="json"))
    journal.wish(None)
    said = journal.status()
    kept = {name: said[name] for name in ("passes", "seconds", "machine") if name in said}
    journal.set_status(**kept, status=str(Status.QUEUED), queued_at=time.time(), attempts=0)
