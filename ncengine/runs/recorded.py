"""Recordings: what was measured of networks that others train, each a folder that grows.

Beside the runs, in the journals' own records. A recording has no configuration, so it is no run:
it has a name, one seed, and steps of whatever its training counts by.
"""

from __future__ import annotations

import logging
import shutil
import threading
import time
import uuid
import warnings
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from filelock import FileLock, Timeout

from ncengine.reasons import reason
from ncengine.runs.grown import FIGURES, STEP, Grown
from ncengine.runs.journal import Journal
from ncengine.runs.places import cache_root
from ncengine.runs.private import make_private
from ncengine.runs.run import Geometry, Layers
from ncengine.snapshots.names import Arrays
from ncengine.version import ENGINE_VERSION

logger = logging.getLogger(__name__)
# On a file system without flock, filelock takes files for locks, which serve as well here.
warnings.filterwarnings("ignore", message="flock not supported on this filesystem")

FOLDER, FORMAT = "recorded", "neural-collapse-explorer recording"
# Held by who writes, in the recording's folder.
LOCK = "writer.lock"
# So many recordings stay in memory once they were looked at, and of their files so many bytes.
KEPT, KEPT_BYTES = 8, 2**30
# In seconds since 1970: no calendar goes further.
LATEST = 2e11


class BeingRecorded(ValueError):
    """Who records it is still at it."""


@dataclass(frozen=True)
class About:
    """What a recording is of.

    Attributes:
        name: for readers.
        classes, width: K and d.
        head: which layer gives the logits, in words.
        layers: further modules that are measured.
        ideal: the figure that its training leads to, see `metrics.ideal`.
        begun: in seconds since 1970.
        version: of the engine.
        class_names: K of them; empty where they are not known.
        weight_decay: lambda of the last layer, as `Recorder` was told; None where it was not.
        loss: "CE" or "MSE".
        floor: the least that no network's loss and last-layer decay can come below; None where
            none is known.
        without_floor: why there is none, as a sentence; "" where there is one.
        origin: "recorder", or "files" of what came as files.
    """

    name: str
    classes: int
    width: int
    head: str = ""
    layers: tuple[str, ...] = ()
    ideal: str = "simplex"
    begun: float = field(default_factory=time.time)
    version: str = ENGINE_VERSION
    class_names: tuple[str, ...] = ()
    weight_decay: float | None = None
    loss: str = "CE"
    floor: float | None = None
    without_floor: str = ""
    origin: str = "recorder"


@dataclass(frozen=True)
class Recording:
    """A recording as it stands at this moment. Its arrays are not to be written to.

    Attributes:
        key: its folder's name, 20 hexadecimal digits.
        about: what it is of.
        ended: whether its recorder was closed; where not, more may come.
        live: whether someone is at it now. Neither live nor ended: its process ended without a
            word.
        steps: (T,) as they were given.
        figures: by name (T,), NaN where a snapshot lacks one: "nc1", "loss", "test.nc1", and of
            layers "layer3.nc1".
        geometry: as of a run with one seed, with steps in place of passes, and without test
            samples; None where none was kept.
        layers: the modules, and at last what the head reads, likewise; None where none is
            recorded. See `recorded_layers`.
        thumbnails: (S, h, w) or (S, h, w, 3) uint8, of the geometry's samples; None where there
            are none.
        replaced: how many snapshots `recorded_order.in_order` left out.
    """

    key: str
    about: About
    ended: bool
    steps: np.ndarray
    figures: Mapping[str, np.ndarray]
    geometry: Geometry | None
    live: bool = False
    layers: Layers | None = None
    thumbnails: np.ndarray | None = None
    replaced: int = 0


class Header(NamedTuple):
    """What a table says of a recording, without its arrays; `snapshots` is how many there are."""

    key: str
    about: About
    live: bool
    ended: bool
    snapshots: int


class Writer:
    """Keeps a recording, snapshot by snapshot; it is live until `end`, or until the process ends.

    Raises OSError where its folder cannot be made.
    """

    def __init__(self, about: About, root: Path | str | None = None):
        root = cache_root() if root is None else Path(root)
        root.mkdir(parents=True, exist_ok=True)
        make_private(root)
        # Not by a random number of Python's, which trainings count on.
        self.key = uuid.uuid4().hex[:20]
        folder = root / FOLDER / self.key
        folder.mkdir(parents=True)
        # Whoever closes a recorder may be another thread than who began it.
        self._lock = FileLock(folder / LOCK, is_singleton=False, thread_local=False)
        self._lock.acquire(timeout=1.0)
        self._journal, self._about = Journal(folder), about
        self._tell(ended=False)

    def append(self, step: float, figures: Mapping[str, float], points: Arrays | None) -> None:
        """Add a snapshot.

        Args:
            figures: by name; of a layer or of test samples with its name and a dot before.
            points: "class_means", "classifier" (K, d), and "features" (S, d) with "labels" (S,),
                sorted; what `recorded_layers.points_of` gives of layers; and "thumbnails" of the S
                samples, (S, h, w) or (S, h, w, 3) uint8, of which the last ones given count.
        """
        arrays = {STEP: np.asarray(float(step))}
        arrays |= {f"{FIGURES}{name}": np.asarray(value, float) for name, value in figures.items()}
        self._journal.append(arrays | (points or {}))

    def change(self, **fields: Any) -> None:
        """Say otherwise what it is of, by fields of `About`."""
        about = replace(self._about, **fields)
        if about != self._about:
            self._about = about
            self._tell(ended=False)

    def end(self) -> None:
        """Say that no more will come."""
        try:
            self._tell(ended=True)
        finally:
            self._lock.release()

    def leave(self) -> None:
        """Write no more, and do not say that it ended: as if the process had."""
        self._lock.release()

    def _tell(self, ended: bool) -> None:
        self._journal.create({"format": FORMAT, **asdict(self._about), "ended": ended})


def headers(root: Path | str | None = None) -> list[Header]:
    """Of all recordings of a cache, the newest first; what cannot be read is passed over."""
    found = []
    for key in _keys(root):
        journal = Journal(_folder(key, root))
        told = _told(journal)
        if told is not None:
            about, ended = told
            live = not ended and is_live(journal.folder)
            found.append(Header(key, about, live, ended, journal.count()))
    return sorted(found, key=lambda one: one.about.begun, reverse=True)


def recordings(root: Path | str | None = None) -> list[Recording]:
    """All recordings of a cache, the newest first; what cannot be read is passed over."""
    found = [one for key in _keys(root) if (one := recording(key, root)) is not None]
    return sorted(found, key=lambda one: one.about.begun, reverse=True)


def recording(key: str, root: Path | str | None = None) -> Recording | None:
    """The recording of that key; None where there is none, or where it cannot be read.

    Of one that was looked at before only what came since is read; the same object is given as long
    as nothing came.
    """
    if not key.isalnum():
        return None
    folder = _folder(key, root)
    with _GUARD:
        reading = _READINGS.pop(folder, None) or _Reading(key, folder)
        _READINGS[folder] = reading
    found = reading.now()
    with _GUARD:
        if found is None:
            _READINGS.pop(folder, None)
        while len(_READINGS) > 1 and (
            len(_READINGS) > KEPT or sum(one.bytes for one in _READINGS.values()) > KEPT_BYTES
        ):
            _READINGS.popitem(last=False)
    return found


def delete(key: str, root: Path | str | None = None) -> bool:
    """Remove a recording; gives False where there is none.

    Raises:
        BeingRecorded: it is live.
        OSError: it cannot be removed.
    """
    folder = _folder(key, root)
    if not key.isalnum() or not folder.is_dir():
        return False
    lock = FileLock(folder / LOCK, is_singleton=False)
    try:
        # Readers hold it for moments.
        lock.acquire(timeout=1.0, poll_interval=0.02)
    except Timeout:
        told = _told(Journal(folder))
        raise BeingRecorded(
            f"{told[0].name if told else key}: is being recorded now, so it stays; it can be "
            "deleted once its training has ended"
        ) from None
    try:
        shutil.rmtree(folder)
    finally:
        lock.release()
    with _GUARD:
        _READINGS.pop(folder, None)
    return True


def is_live(folder: Path) -> bool:
    """Whether someone writes the recording in that folder now."""
    if not (folder / LOCK).is_file():
        return False
    lock = FileLock(folder / LOCK, is_singleton=False)
    try:
        with _PROBING:
            lock.acquire(timeout=0)
            lock.release()
    except Timeout:
        return True
    except OSError:
        return False  # where nobody can write
    return False


class _Reading:
    """What was read of a recording, and where to read on."""

    def __init__(self, key: str, folder: Path):
        self._key, self._journal = key, Journal(folder)
        self._guard = threading.Lock()
        self._about: About | None = None
        self._begin()

    def _begin(self) -> None:
        self._grown: Grown | None = None
        self._start = self._size = 0
        self._last: Recording | None = None

    @property
    def bytes(self) -> int:
        """Of the file, how much was read."""
        return self._start

    def now(self) -> Recording | None:
        """As it stands; the one given last where nothing came."""
        with self._guard:
            told = _told(self._journal)
            if told is None:
                return None
            try:
                return self._now(*told)
            except (OSError, ValueError, TypeError, KeyError) as error:
                self._begin()
                _passed_over(self._journal.folder, error)
                return None

    def _now(self, about: About, ended: bool) -> Recording:
        known = self._about
        if known is not None and known.layers != about.layers:
            self._begin()
        self._about = about
        came = self._read(about)
        live = not ended and is_live(self._journal.folder)
        last = self._last
        if last is None or came or (last.about, last.ended, last.live) != (about, ended, live):
            grown = self._grown
            assert grown is not None
            self._last = Recording(
                key=self._key,
                about=about,
                ended=ended,
                live=live,
                steps=grown.steps,
                figures=grown.figures(),
                geometry=grown.geometry() if came or last is None else last.geometry,
                layers=grown.layers() if came or last is None else last.layers,
                thumbnails=grown.thumbnails(),
            )
            last = self._last
        return last

    def _read(self, about: About) -> bool:
        """Whether there is anything new."""
        size = self._journal.size()
        if size < self._start:
            self._begin()  # it was cut
        if self._grown is None:
            self._grown = Grown((about.classes, about.width), about.layers)
        elif size == self._size:
            return False
        snapshots, self._start = self._journal.read(self._start)
        self._size = size
        for snapshot in snapshots:
            self._grown.append(snapshot)
        return bool(snapshots)


_READINGS: OrderedDict[Path, _Reading] = OrderedDict()
_GUARD, _PROBING = threading.Lock(), threading.Lock()


def _keys(root: Path | str | None) -> list[str]:
    folder = (cache_root() if root is None else Path(root)) / FOLDER
    try:
        return sorted(path.name for path in folder.iterdir() if path.is_dir())
    except OSError:
        return []


def _folder(key: str, root: Path | str | None) -> Path:
    return (cache_root() if root is None else Path(root)) / FOLDER / key


def _told(journal: Journal) -> tuple[About, bool] | None:
    """What it is of, and whether it has ended; None where there is no recording to be read."""
    asked = journal.asked()
    if asked is None or asked.get("format") != FORMAT:
        return None
    fields = {name: asked[name] for name in About.__dataclass_fields__ if name in asked}
    try:
        for name in ("layers", "class_names"):
            fields[name] = tuple(fields.get(name, ()))
        about = About(**fields)
        _check(about)
        return about, bool(asked.get("ended"))
    except (TypeError, ValueError) as error:
        _passed_over(journal.folder, error)
        return None


def _check(about: About) -> None:
    """Raises ValueError where a field cannot be shown: what another program wrote may hold all."""
    for name in ("name", "head", "ideal", "version", "loss", "without_floor", "origin"):
        if not isinstance(getattr(about, name), str):
            raise ValueError(f"{name} = {getattr(about, name)!r}: must be a text")
    for name in ("classes", "width"):
        value = getattr(about, name)
        if not isinstance(value, int) or value < 0:
            raise ValueError(f"{name} = {value!r}: must be a whole number, at least 0")
    for name in ("layers", "class_names"):
        if not all(isinstance(one, str) for one in getattr(about, name)):
            raise ValueError(f"{name}: must be texts")
    if len(about.class_names) not in (0, about.classes):
        raise ValueError(f"class_names: {len(about.class_names)}, must be {about.classes}")
    if not isinstance(about.begun, int | float) or not 0 <= about.begun < LATEST:
        raise ValueError(f"begun = {about.begun!r}: must be seconds since 1970")


def _passed_over(folder: Path, error: Exception) -> None:
    _warn(folder, reason(error))


@lru_cache(maxsize=256)
def _warn(folder: Path, why: str) -> None:
    """Once, though a page looks every second."""
    logger.warning("%s was passed over: %s", folder, why)
