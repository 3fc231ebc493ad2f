"""The gallery: finished runs that are shipped, in one folder of JSON and .npz files.

Each run is `<name>.json`, which says what it is, and `<name>.npz`, see `runs.shipped`; the samples
that its player shows are in `samples-<checksum>.npz`, which runs on the same samples share. Nothing
in them can run code, and what was changed since it was written is passed over: the JSON is sealed
(`runs.seal`), and says the checksum of the arrays.
"""

from __future__ import annotations

import json
import logging
import threading
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from cachetools import LRUCache

from ncengine.config import RunConfig
from ncengine.config.fields import NEIGHBOUR
from ncengine.reasons import reason
from ncengine.runs.entry import judged
from ncengine.runs.identity import Identity
from ncengine.runs.journal import write_atomically
from ncengine.runs.picture import pictured
from ncengine.runs.places import no_gallery
from ncengine.runs.run import Geometry, Run
from ncengine.runs.seal import crc_of, sealed, unsealed
from ncengine.runs.shipped import collapse_of_shown, few, packed, shown_geometry, unpacked
from ncengine.snapshots.names import Arrays
from ncengine.version import is_newer

logger = logging.getLogger(__name__)

RUNS_REMEMBERED = 24
# Of `Run.machine`, what is shipped: whose machine it was concerns nobody.
MACHINE = ("device", "date", "version", "processes", "busy")


class Gallery:
    """The runs of one folder. Safe to share between threads.

    An entry is `Run.summary()` with the machine's facts, as in `index.Index`, and besides
    "data_checksum" and "engine_version", see `identity.Identity`; "rows", the names under which
    it was built; "path", its own file; "picture", see `runs.picture`; "shown", with the "seed"
    whose geometry is kept, and NC1 to NC3 of the samples shown at the last snapshot, before these
    were rounded; "file" and "crc" of its arrays; and "samples", the file of these, or null,
    whose name holds their checksum.

    Args:
        folder: where; None for a gallery without runs, which cannot be written to.
    """

    def __init__(self, folder: Path | None):
        self.folder = folder
        self._seen: float | None = None
        self._entries: dict[str, dict[str, Any]] = {}
        self._by_config: dict[str, list[Identity]] = {}
        self._started: dict[str, list[Identity]] = {}
        self._open: LRUCache[str, Run | None] = LRUCache(RUNS_REMEMBERED)
        self._damaged: set[str] = set()
        self._newer: set[str] = set()
        self._guard = threading.RLock()

    def entries(self) -> list[dict[str, Any]]:
        """All runs, in the order of their names; damaged ones are passed over with a warning."""
        with self._guard:
            self._look()
            return list(self._entries.values())

    def damaged(self) -> list[str]:
        """Names of files that were passed over since they are not as they were written."""
        with self._guard:
            self._look()
            return sorted(self._damaged)

    def newer(self) -> list[str]:
        """Names of files that later engines wrote, which are left as they are."""
        with self._guard:
            self._look()
            return sorted(self._newer)

    def entry(self, key: str) -> dict[str, Any] | None:
        """The entry of the run of that key; None where there is none that can be opened."""
        with self._guard:
            self._look()
            return self._entries.get(key)

    def stand_in(self, identity: Identity) -> Identity | None:
        """A run to be shown in place of one that is not here; None without one.

        Of the same configuration, by another engine rather than on other data. Of a network from
        random weights also the run that started from a neighbour's network, see `started`.
        """
        started = self.started(identity)
        if started is not None:
            return started
        with self._guard:
            self._look()
            others = self._by_config.get(identity.config.canonical_json(), [])
            others = [other for other in others if other.key in self._entries]
        others = [other for other in others if other.key != identity.key]
        return min(others, key=lambda other: _strangeness(other, identity), default=None)

    def started(self, identity: Identity) -> Identity | None:
        """Of a run from random weights the one that took its place, see `add`; None without one."""
        with self._guard:
            self._look()
            others = self._started.get(identity.config.canonical_json(), [])
            others = [other for other in others if other.key in self._entries]
        alike = (o for o in others if _strangeness(o, identity)[:2] == (False, False))
        return next(alike, None)

    def open(self, key: str) -> Run | None:
        """The run of that key; None where there is none, or where it is damaged."""
        with self._guard:
            entry = self.entry(key)
            if entry is None:
                return None
            if key not in self._open:
                self._open[key] = self._read(entry)
                if self._open[key] is None:
                    del self._entries[key]
            return self._open[key]

    def samples(self, key: str) -> Arrays:
        """What the samples of the run's geometry look like, in its order.

        Returns:
            "images" and "test_images", (S, h, w) or (S, h, w, 3) uint8; or "texts" and
            "test_texts", "" of one that is not `chosen`; nothing where that is not kept.
        """
        entry = self.entry(key)
        if entry is None or not entry["samples"] or self.folder is None:
            return {}
        try:
            samples = _load((self.folder / entry["samples"]).read_bytes())
            if _name_of(samples) != entry["samples"]:
                raise ValueError("its checksum differs")
            return samples
        except Exception as error:  # a damaged archive can raise anything
            self._pass_over(entry["samples"], error)
            return {}

    def add(self, identity: Identity, run: Run, rows: Sequence[str], samples: Arrays) -> Path:
        """Write a finished run; gives the file that says what it is.

        It takes the place of all that the gallery had of the same configuration, by another
        engine or on other data; and where it started from a neighbour's network, of what there was
        of its own, which that neighbour proves to be at no optimum.

        Args:
            identity: of the run.
            run: with the geometry of all its seeds.
            rows: under which names it is built.
            samples: as `samples` gives them, of all in the run's geometry; those shown are kept.

        Raises:
            ValueError: there is no folder, or nothing of the run that can be shown.
            OSError: it cannot be written.
        """
        if self.folder is None:
            raise ValueError(no_gallery())
        self.folder.mkdir(parents=True, exist_ok=True)
        geometry, r = shown_geometry(run)
        kept = few(geometry, r)
        archive = _archive(packed(run))
        entry = {
            # What it is compared with is found anew, where it is shown.
            **replace(run, best_figure=None).summary(),
            **{name: run.machine[name] for name in MACHINE if name in run.machine},
            "data_checksum": identity.data_checksum,
            "engine_version": identity.engine_version,
            "picture": pictured(kept),
            "rows": list(rows),
            "shown": {"seed": run.config.seeds[r], **collapse_of_shown(kept, 0)},
            "file": f"{identity.key}.npz",
            "crc": zlib.crc32(archive),
            "samples": _add_samples(self.folder, _of_kept(samples, geometry, kept)),
        }
        write_atomically(self.folder / entry["file"], archive)
        path = self.folder / f"{identity.key}.json"
        text = json.dumps(sealed(entry), indent=1, sort_keys=True) + "\n"
        write_atomically(path, text.encode())
        self._let_go(identity)
        return path

    def _let_go(self, identity: Identity) -> None:
        """Remove the entry that a run replaces, and samples that no other run shows."""
        with self._guard:
            self._look()
            alike = list(self._by_config.get(identity.config.canonical_json(), []))
            if identity.config.start == NEIGHBOUR:
                network = identity.config.from_random.canonical_json()
                alike += self._by_config.get(network, []) + self._started.get(network, [])
            others = [other.key for other in alike]
            gone = [self._entries[k] for k in others if k in self._entries and k != identity.key]
        for entry in gone:
            self._remove(entry["path"], entry["file"])
        for samples in {entry["samples"] for entry in gone} - {None}:
            if not self._is_named(samples):
                self._remove(samples)

    def _is_named(self, samples: str) -> bool:
        """Whether any file names these samples, be it damaged or of a later engine."""
        files = Path(self.folder or "").glob("*.json")
        return any(samples in path.read_text("utf-8", errors="replace") for path in files)

    def _remove(self, *names: str) -> None:
        for name in names:
            (Path(self.folder or "") / name).unlink(missing_ok=True)

    def _look(self) -> None:
        """Read what is in the folder, where that has changed."""
        if self.folder is None:
            return
        try:
            seen = self.folder.stat().st_mtime
        except OSError:
            seen = None
        if seen == self._seen:
            return
        self._seen, self._entries, self._by_config, self._started = seen, {}, {}, {}
        self._open.clear()
        self._damaged.clear()
        self._newer.clear()
        for path in sorted(self.folder.glob("*.json")) if seen is not None else ():
            try:
                read = unsealed(json.loads(path.read_text(encoding="utf-8")))
                if is_newer(read.get("engine_version")):
                    self._newer.add(path.name)
                    continue
                entry, identity = self._judged(path, read)
            except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
                self._pass_over(path.name, error)
                continue
            self._entries[entry["key"]] = entry
            self._by_config.setdefault(identity.config.canonical_json(), []).append(identity)
            if identity.config.start == NEIGHBOUR:
                network = identity.config.from_random.canonical_json()
                self._started.setdefault(network, []).append(identity)

    def _judged(self, path: Path, entry: dict[str, Any]) -> tuple[dict[str, Any], Identity]:
        entry, config = judged(entry)
        identity = Identity(config, str(entry["data_checksum"]), str(entry["engine_version"]))
        for name in ("file", "samples"):
            value = entry[name]
            if value is not None and (Path(value).name != value or not value.endswith(".npz")):
                raise ValueError(f"{name} = {value!r}: must be the name of an .npz file beside it")
        if not isinstance(entry["shown"], dict):
            raise ValueError("shown: must be an object")
        _checked(path.parent, entry)
        # By today's schema, which may have more fields than the one that it was written by.
        return {**entry, "key": identity.key, "path": path.name}, identity

    def _read(self, entry: Mapping[str, Any]) -> Run | None:
        facts = {name: entry[name] for name in ("passes", "seconds", *MACHINE) if name in entry}
        facts["version"] = entry["engine_version"]
        try:
            arrays = _load(_checked(Path(self.folder or ""), entry))
            run = unpacked(arrays, RunConfig(**entry["config"]), facts, entry["key"])
            return replace(run, data_checksum=str(entry["data_checksum"]))
        except Exception as error:  # a damaged archive can raise anything
            self._pass_over(entry["file"], error)
            return None

    def _pass_over(self, name: str, error: Exception) -> None:
        message = f"{type(error).__name__}: {reason(error)}"
        logger.warning("%s of the gallery was passed over: %s", name, message)
        with self._guard:
            self._damaged.add(name)


def _checked(folder: Path, entry: Mapping[str, Any]) -> bytes:
    """The file of a run's arrays. Raises ValueError where it is not the one that was written."""
    content = (folder / entry["file"]).read_bytes()
    if zlib.crc32(content) != entry["crc"]:
        raise ValueError(f"the checksum of {entry['file']} differs")
    return content


def _strangeness(other: Identity, identity: Identity) -> tuple[bool, bool, str]:
    other_data = other.data_checksum != identity.data_checksum
    return other_data, other.engine_version != identity.engine_version, other.key


def _of_kept(samples: Arrays, whole: Geometry, kept: Geometry) -> Arrays:
    train = np.searchsorted(whole.sample_index, kept.sample_index)
    test = np.searchsorted(whole.test_index, kept.test_index)
    return {n: a[test if n.startswith("test_") else train] for n, a in samples.items()}


def _add_samples(folder: Path, samples: Arrays) -> str | None:
    """Write samples where they are not there yet; gives the file's name."""
    if not samples:
        return None
    path = folder / _name_of(samples)
    if not _holds(path, samples):
        write_atomically(path, _archive(samples))
    return path.name


def _name_of(samples: Arrays) -> str:
    return f"samples-{crc_of(samples):08x}.npz"


def _holds(path: Path, samples: Arrays) -> bool:
    """Whether these samples are in the file, which may be damaged or not be there."""
    try:
        return _name_of(_load(path.read_bytes())) == _name_of(samples)
    except Exception:  # a damaged archive can raise anything
        return False


def _archive(arrays: Arrays) -> bytes:
    file = BytesIO()
    np.savez_compressed(file, allow_pickle=False, **arrays)
    return file.getvalue()


def _load(content: bytes) -> Arrays:
    """The arrays of an .npz file, none of which can run code."""
    with np.load(BytesIO(content), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}
