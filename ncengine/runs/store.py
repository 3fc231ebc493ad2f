"""The store: results, journals and index of one cache folder, behind one read model."""

from __future__ import annotations

import errno
import logging
import os
import stat
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cachetools import LRUCache
from filelock import FileLock, Timeout

from ncengine.config import RunConfig
from ncengine.reasons import reason
from ncengine.runs.assemble import finished_run
from ncengine.runs.ends import Ends
from ncengine.runs.follow import JournalReader
from ncengine.runs.gallery import Gallery
from ncengine.runs.identity import Identity, identify
from ncengine.runs.index import Index
from ncengine.runs.job_status import JobStatus
from ncengine.runs.journal import Journal
from ncengine.runs.line import Line
from ncengine.runs.places import cache_root, gallery_root
from ncengine.runs.private import OPEN_TO_OTHERS, UnsafeCache, check
from ncengine.runs.results import Damaged, Results
from ncengine.runs.run import Run, Status
from ncengine.theory.optimum import floor_of
from ncengine.version import EARLIER_VERSIONS, newer_in_words

logger = logging.getLogger(__name__)

# On a file system without flock, filelock takes files for locks, which serve as well here.
warnings.filterwarnings("ignore", message="flock not supported on this filesystem")

RUNS_REMEMBERED = 8


def make_private(root: Path) -> None:
    """Make the folder if need be, such that nobody but its owner may write to it.

    Raises:
        UnsafeCache: it is another user's, or others may have written to the results in it.
        OSError: it cannot be made.
    """
    try:
        if not root.is_dir():
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(
            f"the cache folder cannot be made: {reason(error)}; NCENGINE_CACHE names another"
        ) from error
    results = root / "results"
    if not results.exists() and root.stat().st_mode & OPEN_TO_OTHERS:
        # Nothing in it yet that could have been planted: a checkout under a generous umask.
        with suppress(OSError):
            root.chmod(stat.S_IMODE(root.stat().st_mode) & ~OPEN_TO_OTHERS)
    check(root.resolve(), results.resolve())


@dataclass(frozen=True)
class Glance:
    """How a run stands.

    Attributes:
        status: see `Status`.
        passes: passes over the data done so far.
        error: one line for a reader, when failed.
        entry: of a finished run, see `index.Index`.
        shipped: whether it comes from the gallery.
    """

    status: Status
    passes: int = 0
    error: str | None = None
    entry: Mapping[str, Any] | None = None
    shipped: bool = False


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
        self.line = Line(self.root / "waiting")
        # Runs built from results, and when these were written.
        self._finished_runs: LRUCache[str, tuple[float, Run]] = LRUCache(RUNS_REMEMBERED)
        self._readers: LRUCache[str, JournalReader] = LRUCache(RUNS_REMEMBERED)
        self._guard = threading.RLock()

    def open(self, what: RunConfig | Identity, *, shipped: bool = True) -> Run:
        """The run as it stands now. Never trains, never raises for a bad file.

        A run trained here goes before one of the gallery, and so does one that is at it; one that
        rests does not, for a whole run tells more than a part.

        Args:
            what: which run.
            shipped: whether one of the gallery will do.
        """
        identity = identify(what)
        with self._guard:
            run = self._finished(identity)
            if run is None:
                run = self._unfinished(identity)
            if run is None:
                # It may have come to its end between the two looks.
                run = self._finished(identity)
            if shipped and (run is None or run.status.rests):
                run = self.gallery.open(identity.key) or run
            return run or self._absent(identity)

    def _absent(self, identity: Identity) -> Run:
        """Not there; of a result that is there but is not read, why not."""
        if refused := self.results.refused(identity):
            return self._unreadable(identity, refused)
        floor = floor_of(identity.config)
        return Run(identity.config, Status.ABSENT, floor=floor, key=identity.key)

    def stand_in(self, what: RunConfig | Identity) -> Identity | None:
        """What can be shown in place of a run that rests; None where there is nothing.

        The same configuration, trained here by an earlier engine; else one of the gallery, by
        another engine or on other data.
        """
        identity = identify(what)
        older = (replace(identity, engine_version=version) for version in EARLIER_VERSIONS)
        own = next((one for one in older if self.results.has(one)), None)
        return own or self.gallery.stand_in(identity)

    def identity(self, key: str) -> Identity | None:
        """Of the finished run of that key, trained here or shipped; None where there is none."""
        entry = self.index.entry(key) or self.gallery.entry(key)
        if entry is None:
            return None
        now = identify(RunConfig(**entry["config"]))
        found = replace(
            now,
            data_checksum=entry.get("data_checksum", now.data_checksum),
            engine_version=entry.get("engine_version", entry.get("version", now.engine_version)),
        )
        # One of the index may be on data whose checksum was not listed then.
        return found if found.key == key else None

    def glance(self, what: RunConfig | Identity, *, shipped: bool = True) -> Glance:
        """How the run stands, without its curves: of many at once, this takes milliseconds."""
        identity = identify(what)
        now = self._glance(identity)
        if shipped and now.status.rests:
            entry = self.gallery.entry(identity.key)
            if entry is not None:
                return Glance(Status.DONE, int(entry["passes"]), entry=entry, shipped=True)
        return now

    def _glance(self, identity: Identity) -> Glance:
        if self.results.has(identity):
            entry = self.index.entry(identity.key)
            if entry is not None:
                status = Status.DIVERGED if entry["status"] == Status.DIVERGED else Status.DONE
                return Glance(status, int(entry["passes"]), entry=entry)
            run = self.open(identity, shipped=False)  # before it is listed
            return Glance(run.status, run.passes, run.error, run.summary())
        journal = self.journal(identity)
        standing = self._standing(identity, journal)
        if standing is None:
            if self.results.has(identity):  # it has come to its end meanwhile
                return self._glance(identity)
            refused = self.results.refused(identity)
            return Glance(Status.FAILED, error=refused) if refused else Glance(Status.ABSENT)
        job, status = standing
        parts = [part.status() for part in journal.parts()]
        passes = min((part.passes for part in parts if part is not None), default=0)
        return Glance(status, passes, job.error)

    def _standing(self, identity: Identity, journal: Journal) -> tuple[JobStatus, Status] | None:
        """What the journal says of a run, and how the run stands: interrupted, where it is said to
        be in training and no process trains it.

        None where nobody has said anything of it, or where it has come to its end meanwhile.
        """
        job = journal.status()
        if job is None:
            return None
        if job.status is not Status.RUNNING or not self.is_free(identity):
            return job, job.status
        if self.results.has(identity) or not journal.exists:
            return None
        return job, Status.INTERRUPTED

    def newer(self) -> str:
        """What is to be said of runs of later engines, here or shipped; "" where there is none."""
        return newer_in_words(len(self.index.newer()) + len(self.gallery.newer()))

    def list(self) -> Sequence[dict[str, Any]]:
        """Every finished run, newest first: see `index.Index`."""
        return self.index.entries()[::-1]

    def delete(self, what: RunConfig | Identity) -> bool:
        """Delete a finished run that was trained here; gives False while somebody trains it."""
        identity = identify(what)
        with self.lock(identity) as held:
            if not held or not self.is_free(identity):
                return False
            self.results.remove(identity)
            self.index.remove(identity.key)
            self.ends.remove(identity)
        with self._guard:
            self._finished_runs.pop(identity.key, None)
        return True

    def bytes(self) -> int:
        """How much of the disk results, journals and ends of trainings take."""
        found = 0
        for folder, _, names in os.walk(self.root):
            for name in names:
                with suppress(OSError):
                    found += os.lstat(os.path.join(folder, name)).st_size
        return found

    def journal(self, what: RunConfig | Identity) -> Journal:
        """The run's journal, whether it exists or not."""
        return Journal(self.root / "journal" / identify(what).key, self.line)

    def job(self, key: str) -> JobStatus | None:
        """What is said of the unfinished run of that key; None where there is none."""
        return Journal(self.root / "journal" / key, self.line).status()

    def journals(self) -> Sequence[tuple[Identity, Journal]]:
        """All journals there are, those first in the queue first. Reads each of them."""
        found = []
        for folder in (self.root / "journal").glob("*"):
            journal = Journal(folder, self.line)
            asked, status = journal.asked(), journal.status()
            if asked is None or status is None:
                continue
            try:
                identity = Identity.from_dict(asked)
            except (ValueError, TypeError, KeyError):
                continue
            if identity.key == folder.name:
                found.append((status.queued_at, identity, journal))
        return [(identity, journal) for _, identity, journal in sorted(found, key=lambda f: f[0])]

    @contextmanager
    def lock(
        self, what: RunConfig | Identity, shard: int | None = None, patience: float = 1.0
    ) -> Iterator[bool]:
        """Hold the lock of a run, or of one of its shards; gives False where another process does.

        Who trains a shard holds that shard's lock. The run's own is held for moments only, to
        decide how it is cut, and to write its result. The operating system frees a lock when its
        holder dies, however that happens.

        Readers probe a shard's lock for a moment, and a holder keeps it for as long as it trains:
        `patience` is how many seconds to wait before it counts as held.
        """
        lock = self._lock(identify(what), shard)
        try:
            lock.acquire(timeout=patience, poll_interval=0.02)
        except Timeout:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    def is_free(self, what: RunConfig | Identity) -> bool:
        """Whether no process trains any part of the run."""
        identity = identify(what)
        parts = range(len(self.journal(identity).parts()))
        return all(self._is_free(identity, shard) for shard in parts)

    def _lock(self, identity: Identity, shard: int | None) -> FileLock:
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
            said = f"its result is damaged ({error}) and cannot be moved ({reason(trouble)})"
            return self._unreadable(identity, said)
        return None

    def _unfinished(self, identity: Identity) -> Run | None:
        journal = self.journal(identity)
        standing = self._standing(identity, journal)
        if standing is None:
            self._readers.pop(identity.key, None)
            return None
        job, status = standing
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

    def _is_free(self, identity: Identity, shard: int) -> bool:
        try:
            lock = self._lock(identity, shard)
            lock.acquire(timeout=0)
        except Timeout:
            return False
        except OSError as error:
            if error.errno != errno.EROFS:  # where nobody can train
                said = "the lock of run %s cannot be looked at: %s"
                logger.warning(said, identity.key, reason(error))
            return True
        lock.release()
        return True

    def _place(self, identity: Identity) -> int:
        waiting = self.line.keys()
        return waiting.index(identity.key) + 1 if identity.key in waiting else 1
