"""The store: results, journals and index of one cache folder, behind one read model."""

from __future__ import annotations

import errno
import logging
import os
import threading
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from cachetools import LRUCache
from filelock import FileLock, Timeout

from ncengine.config import RunConfig
from ncengine.reasons import reason
from ncengine.runs.assemble import finished_run
from ncengine.runs.ends import Ends
from ncengine.runs.entry import version_of
from ncengine.runs.follow import JournalReader
from ncengine.runs.gallery import Gallery
from ncengine.runs.glance import Glance
from ncengine.runs.identity import Identity, identify
from ncengine.runs.imported import Imported
from ncengine.runs.index import Index
from ncengine.runs.job_status import JobStatus
from ncengine.runs.journal import Journal
from ncengine.runs.life import LIFE, Event, Who, standing
from ncengine.runs.line import Line
from ncengine.runs.places import cache_root, gallery_root
from ncengine.runs.private import UnsafeCache, make_private
from ncengine.runs.results import Damaged, Results
from ncengine.runs.run import Run, Status
from ncengine.theory.optimum import floor_of
from ncengine.version import EARLIER_VERSIONS, newer_in_words

logger = logging.getLogger(__name__)

# On a file system without flock, filelock takes files for locks, which serve as well here.
warnings.filterwarnings("ignore", message="flock not supported on this filesystem")

RUNS_REMEMBERED = 8
PATIENCE = 30.0  # seconds for a lock that is held only to write a line


class Store:
    """What one folder holds of experiments, to look at. Safe to share between threads.

    Runs are named by what was asked for, or by their identity where that is at hand.

    Args:
        root: the cache folder; `cache_root()` by default.
        gallery: the runs that are shipped; those of `gallery_root()` by default.

    Raises:
        OSError: the folder cannot be made, or is not safe (`UnsafeCache`).
    """

    def __init__(self, root: Path | str | None = None, gallery: Gallery | None = None):
        self.gallery = gallery or Gallery(gallery_root())
        self.root = Path(root) if root is not None else cache_root()
        make_private(self.root)
        self.index = Index(self.root / "index.jsonl")
        self.results = Results(self.root / "results")
        self.ends = Ends(self.root / "ends")
        self.imported = Imported(self.root / "imported")
        self.line = Line(self.root / "waiting")
        # Runs built from results, and when these were written.
        self._finished_runs: LRUCache[str, tuple[float, Run]] = LRUCache(RUNS_REMEMBERED)
        self._readers: LRUCache[str, JournalReader] = LRUCache(RUNS_REMEMBERED)
        self._guard = threading.RLock()
        # How many locks of each run this process holds.
        self._held: Counter[str] = Counter()

    def open(self, spec: RunConfig | Identity, *, shipped: bool = True) -> Run:
        """The run as it stands now. Never trains, never raises for a bad file.

        A run trained here goes before one that was imported or shipped, and so does one in
        training. An idle one does not: a whole run tells more than a part.

        Args:
            spec: which run.
            shipped: whether one of the gallery will do, or one that was imported.
        """
        identity = identify(spec)
        with self._guard:
            run = self._finished(identity)
            if run is None:
                run = self._unfinished(identity)
            if run is None:
                # It may have come to its end between the two looks.
                run = self._finished(identity)
            if shipped and (run is None or run.status.idle):
                run = self.imported.open(identity.key) or self.gallery.open(identity.key) or run
            return run or self._absent(identity)

    def _absent(self, identity: Identity) -> Run:
        """Not there; of a result that is there but is not read, why not."""
        if refused := self.results.refused(identity):
            return self._unreadable(identity, refused)
        floor = floor_of(identity.config)
        return Run(identity.config, Status.ABSENT, floor=floor, key=identity.key)

    def stand_in(self, spec: RunConfig | Identity) -> Identity | None:
        """What can be shown in place of a run that rests; None where there is nothing.

        The same configuration, trained here by an earlier engine; else one of the gallery, by
        another engine or on other data.
        """
        identity = identify(spec)
        older = (replace(identity, engine_version=version) for version in EARLIER_VERSIONS)
        earlier = next((candidate for candidate in older if self.results.has(candidate)), None)
        return earlier or self.gallery.stand_in(identity)

    def identity(self, key: str) -> Identity | None:
        """Of the finished run of that key, wherever it is from; None where there is none."""
        entry = self.entry(key)
        if entry is None:
            return None
        now = identify(RunConfig(**entry["config"]))
        identity = replace(
            now,
            data_checksum=entry.get("data_checksum", now.data_checksum),
            engine_version=version_of(entry),
        )
        # One of the index may be on data whose checksum was not listed then.
        return identity if identity.key == key else None

    def entry(self, key: str) -> dict[str, Any] | None:
        """Of the finished run of that key: trained here, else imported, else shipped."""
        return self.index.entry(key) or self.imported.entry(key) or self.gallery.entry(key)

    def glance(self, spec: RunConfig | Identity, *, shipped: bool = True) -> Glance:
        """How the run stands, without its curves: of many at once, this takes milliseconds."""
        identity = identify(spec)
        now = self._glance(identity)
        if shipped and now.status.idle:
            came = self.imported.entry(identity.key)
            entry = came or self.gallery.entry(identity.key)
            if entry is not None:
                status, imported = Status(entry["status"]), came is not None
                return Glance(status, int(entry["passes"]), None, entry, not imported, imported)
        return now

    def _glance(self, identity: Identity) -> Glance:
        status, job = self._standing(identity)
        if status is Status.DONE:
            entry = self.index.entry(identity.key)
            if entry is not None:
                status = Status.DIVERGED if entry["status"] == Status.DIVERGED else Status.DONE
                return Glance(status, int(entry["passes"]), entry=entry)
            run = self.open(identity, shipped=False)  # before it is listed
            return Glance(run.status, run.passes, run.error, run.summary())
        if job is None:
            refused = self.results.refused(identity)
            return Glance(Status.FAILED, error=refused) if refused else Glance(Status.ABSENT)
        parts = [part.status() for part in self.journal(identity).parts()]
        passes = min((part.passes for part in parts if part is not None), default=0)
        return Glance(status, passes, job.error)

    def standing(self, spec: RunConfig | Identity) -> Status:
        """Where a run stands, of those trained here: see `life.standing`."""
        return self._standing(identify(spec))[0]

    def _standing(
        self, identity: Identity, *, held: bool = False
    ) -> tuple[Status, JobStatus | None]:
        """Where a run stands, and what its journal says; `held` is whether this process trains it.

        In this order: the result is there before a lock is let go and before the journal goes.
        """
        job = self.journal(identity).status()
        written = None if job is None else job.status
        trained = held or written is Status.RUNNING and not self.is_free(identity)
        has_result = self.results.has(identity)
        return standing(written, trained=trained, has_result=has_result), job

    def tell(
        self, spec: RunConfig | Identity, event: Event, *, part: Journal | None = None, **facts: Any
    ) -> bool:
        """Write in a run's journal what happened to it; gives False where it is too late for that.

        The one way by which a run's status changes, see `life.LIFE`; one process after another.

        Args:
            spec: the run.
            event: what happened.
            part: the journal of a shard, where it happened to that alone.
            facts: what else becomes of its `JobStatus`.

        Raises:
            RuntimeError: only a process that holds a lock of the run may say so.
            OSError: it cannot be written.
        """
        identity, row = identify(spec), LIFE[event]
        held = row.who is Who.HOLDER
        if held and not self._held[identity.key]:
            raise RuntimeError(f"{event} of run {identity.key}: by a process that holds no lock")
        journal = self.journal(identity)
        with self.lock(identity, "journal", PATIENCE) as mine:
            if not mine:
                raise OSError(f"the journal of run {identity.key} is locked")
            if part is None or part.folder == journal.folder:
                part, (before, _) = journal, self._standing(identity, held=held)
            else:
                job = part.status()
                before = Status.ABSENT if job is None else job.status
            if before not in row.before:
                return False
            if before is not Status.RUNNING and part.asked() is None:
                part.create(identity.as_dict())
            part.change(row.after, **{**row.facts, **facts})
        return True

    def newer(self) -> str:
        """What is to be said of runs of later engines, here or shipped; "" where there is none."""
        return newer_in_words(len(self.index.newer()) + len(self.gallery.newer()))

    def at_hand(self) -> Sequence[dict[str, Any]]:
        """Entries of all finished runs, those trained here, those imported and those shipped."""
        return [*self.list(), *self.imported.entries(), *self.gallery.entries()]

    def list(self) -> Sequence[dict[str, Any]]:
        """Every finished run, newest first: see `index.Index`."""
        return self.index.entries()[::-1]

    def delete(self, spec: RunConfig | Identity) -> bool:
        """Delete a finished run that was trained here or imported; gives False while it trains."""
        identity = identify(spec)
        with self.lock(identity) as held:
            if not held or not self._parts_are_free(identity):
                return False
            self.results.remove(identity)
            self.index.remove(identity.key)
            self.ends.remove(identity)
            self.imported.remove(identity.key)
        with self._guard:
            self._finished_runs.pop(identity.key, None)
        return True

    def bytes(self) -> int:
        """How much of the disk results, journals and ends of trainings take."""
        size = 0
        for folder, _, names in os.walk(self.root):
            for name in names:
                with suppress(OSError):
                    size += os.lstat(os.path.join(folder, name)).st_size
        return size

    def journal(self, spec: RunConfig | Identity) -> Journal:
        """The run's journal, whether it exists or not."""
        return Journal(self.root / "journal" / identify(spec).key, self.line)

    def job(self, key: str) -> JobStatus | None:
        """What is written of the unfinished run of that key; None where there is none."""
        return Journal(self.root / "journal" / key, self.line).status()

    def asked(self, key: str) -> Identity | None:
        """Which run the journal of that key is for; None where that cannot be told."""
        try:
            return Identity.from_dict(Journal(self.root / "journal" / key).asked() or {})
        except (ValueError, TypeError, KeyError):
            return None

    def journals(self) -> Sequence[tuple[Identity, Journal]]:
        """All journals there are, those first in the queue first. Reads each of them."""
        journals = []
        for folder in (self.root / "journal").glob("*"):
            journal = Journal(folder, self.line)
            identity, status = self.asked(folder.name), journal.status()
            if identity is not None and status is not None and identity.key == folder.name:
                journals.append((status.queued_at, identity, journal))
        return [
            (identity, journal) for _, identity, journal in sorted(journals, key=lambda f: f[0])
        ]

    @contextmanager
    def lock(
        self,
        spec: RunConfig | Identity,
        shard: int | Literal["journal"] | None = None,
        patience: float = 1.0,
    ) -> Iterator[bool]:
        """Hold the lock of a run, or of one of its shards; gives False where another process does.

        Who trains a shard holds that shard's lock. The run's own is held for moments only, to
        decide how it is cut, and to write its result; that of its journal by who writes in it what
        happened. The operating system frees a lock when its holder dies, however that happens.

        Readers probe a shard's lock for a moment, and a holder keeps it for as long as it trains:
        `patience` is how many seconds to wait before it counts as held.
        """
        identity = identify(spec)
        lock = self._lock(identity, shard)
        try:
            lock.acquire(timeout=patience, poll_interval=0.02)
        except Timeout:
            yield False
            return
        trains = shard != "journal"
        self._held[identity.key] += trains
        try:
            yield True
        finally:
            self._held[identity.key] -= trains
            lock.release()

    def is_free(self, spec: RunConfig | Identity) -> bool:
        """Whether no process trains any part of the run, or writes its result."""
        identity = identify(spec)
        return self._parts_are_free(identity) and self._is_free(identity, None)

    def _parts_are_free(self, identity: Identity) -> bool:
        parts = range(len(self.journal(identity).parts()))
        return all(self._is_free(identity, shard) for shard in parts)

    def _lock(self, identity: Identity, shard: int | str | None) -> FileLock:
        folder = self.root / "locks"
        folder.mkdir(exist_ok=True)
        name = identity.key if shard is None else f"{identity.key}-{shard}"
        return FileLock(folder / f"{name}.lock", is_singleton=False)

    def _finished(self, identity: Identity) -> Run | None:
        """The run of a result, built once; one that is damaged is set aside."""
        changed = self.results.changed(identity) if self.results.has(identity) else None
        if changed is None:
            self._finished_runs.pop(identity.key, None)
            return None
        known = self._finished_runs.get(identity.key)
        if known is None or known[0] != changed:
            try:
                known = changed, finished_run(identity, self.results.load(identity))
            except (UnsafeCache, FileNotFoundError):
                return None  # since the look at it
            except (OSError, MemoryError) as error:
                return self._unreadable(identity, f"its result cannot be read ({reason(error)})")
            except Damaged as error:
                return self._without_damaged(identity, error)
            except Exception as error:
                return self._unreadable(
                    identity,
                    f"its result is whole, but this engine cannot show it ({type(error).__name__}: "
                    f"{reason(error)}); moved away from {self.results.path(identity)}, it can be "
                    "trained anew",
                )
            self._finished_runs[identity.key] = known
        return known[1]

    def _without_damaged(self, identity: Identity, error: Damaged) -> Run | None:
        self._finished_runs.pop(identity.key, None)
        try:
            self.results.set_aside(identity, error)
        except OSError as trouble:
            message = f"its result is damaged ({error}) and cannot be moved ({reason(trouble)})"
            return self._unreadable(identity, message)
        return None

    def _unfinished(self, identity: Identity) -> Run | None:
        status, job = self._standing(identity)
        if job is None or status is Status.DONE:
            self._readers.pop(identity.key, None)
            return None
        journal = self.journal(identity)
        reader = self._readers.setdefault(identity.key, JournalReader(journal, identity))
        place = self._place(identity) if status is Status.QUEUED else None
        try:
            return reader.run(status, job, place)
        except OSError as error:
            self._readers.pop(identity.key)
            return self._unreadable(identity, f"its journal cannot be read ({reason(error)})")

    @staticmethod
    def _unreadable(identity: Identity, why: str) -> Run:
        """Not to be seen for now; what is there stays."""
        floor = floor_of(identity.config)
        return Run(identity.config, Status.FAILED, floor=floor, error=why, key=identity.key)

    def _is_free(self, identity: Identity, shard: int | None) -> bool:
        try:
            lock = self._lock(identity, shard)
            lock.acquire(timeout=0)
        except Timeout:
            return False
        except OSError as error:
            if error.errno != errno.EROFS:  # where nobody can train
                message = "the lock of run %s cannot be looked at: %s"
                logger.warning(message, identity.key, reason(error))
            return True
        lock.release()
        return True

    def _place(self, identity: Identity) -> int:
        waiting = self.line.keys()
        return waiting.index(identity.key) + 1 if identity.key in waiting else 1
