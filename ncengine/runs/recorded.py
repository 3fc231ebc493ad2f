"""Recordings: what was measured of networks that others train, each a folder that grows.

Beside the runs, in the journals' own records. A recording has no configuration, so it is no run:
it has a name, one seed, and steps of whatever its training counts by.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ncengine.reasons import reason
from ncengine.runs.journal import Journal
from ncengine.runs.places import cache_root
from ncengine.runs.private import make_private
from ncengine.runs.run import Geometry
from ncengine.snapshots.names import GEOMETRY, Arrays
from ncengine.version import ENGINE_VERSION

logger = logging.getLogger(__name__)

FOLDER, FORMAT = "recorded", "neural-collapse-explorer recording"
# What is measured of a snapshot as a whole; of a layer or of test samples their name comes before.
FIGURES, STEP = "figures/", "epoch"


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
    """

    name: str
    classes: int
    width: int
    head: str = ""
    layers: tuple[str, ...] = ()
    ideal: str = "simplex"
    begun: float = field(default_factory=time.time)
    version: str = ENGINE_VERSION


@dataclass(frozen=True)
class Recording:
    """A recording as it stands at this moment.

    Attributes:
        key: its folder's name, 20 hexadecimal digits.
        about: what it is of.
        ended: whether its recorder was closed; where not, more may come.
        steps: (T,) as they were given.
        figures: by name (T,), NaN where a snapshot lacks one: "nc1", "loss", "test.nc1", and of
            layers "layer3.nc1".
        geometry: as of a run with one seed, with steps in place of passes, and without test
            samples; None where none was kept.
    """

    key: str
    about: About
    ended: bool
    steps: np.ndarray
    figures: Mapping[str, np.ndarray]
    geometry: Geometry | None


class Writer:
    """Keeps a recording, snapshot by snapshot.

    Raises OSError where its folder cannot be made.
    """

    def __init__(self, about: About, root: Path | str | None = None):
        root = cache_root() if root is None else Path(root)
        root.mkdir(parents=True, exist_ok=True)
        make_private(root)
        # Not by a random number of Python's, which trainings count on.
        self.key = uuid.uuid4().hex[:20]
        self._journal = Journal(root / FOLDER / self.key)
        self._about = {"format": FORMAT, **asdict(about), "ended": False}
        self._journal.create(self._about)

    def append(self, step: float, figures: Mapping[str, float], points: Arrays | None) -> None:
        """Add a snapshot.

        Args:
            figures: by name.
            points: "class_means", "classifier" (K, d), and "features" (S, d) with "labels" (S,).
        """
        arrays = {STEP: np.asarray(float(step))}
        arrays |= {f"{FIGURES}{name}": np.asarray(value, float) for name, value in figures.items()}
        self._journal.append(arrays | (points or {}))

    def end(self) -> None:
        """Say that no more will come."""
        self._journal.create({**self._about, "ended": True})


def recordings(root: Path | str | None = None) -> list[Recording]:
    """All recordings of a cache, the newest first; what cannot be read is passed over."""
    folder = (cache_root() if root is None else Path(root)) / FOLDER
    try:
        keys = sorted(path.name for path in folder.iterdir() if path.is_dir())
    except OSError:
        return []
    found = [one for key in keys if (one := recording(key, root)) is not None]
    return sorted(found, key=lambda one: one.about.begun, reverse=True)


def recording(key: str, root: Path | str | None = None) -> Recording | None:
    """The recording of that key; None where there is none, or where it cannot be read."""
    if not key.isalnum():
        return None
    folder = (cache_root() if root is None else Path(root)) / FOLDER / key
    journal = Journal(folder)
    asked = journal.asked()
    if asked is None or asked.get("format") != FORMAT:
        return None
    try:
        about = _about(asked)
        snapshots, _ = journal.read()
        return _put_together(key, about, bool(asked.get("ended")), snapshots)
    except (OSError, ValueError, TypeError, KeyError) as error:
        logger.warning("%s was passed over: %s", folder, reason(error))
        return None


def _about(asked: Mapping[str, Any]) -> About:
    fields = {name: asked[name] for name in About.__dataclass_fields__ if name in asked}
    return About(**{**fields, "layers": tuple(fields.get("layers", ()))})


def _put_together(key: str, about: About, ended: bool, snapshots: Sequence[Arrays]) -> Recording:
    steps = np.array([float(one[STEP]) for one in snapshots])
    names = dict.fromkeys(n for one in snapshots for n in one if n.startswith(FIGURES))
    figures = {
        name.removeprefix(FIGURES): np.array([float(one.get(name, np.nan)) for one in snapshots])
        for name in names
    }
    return Recording(key, about, ended, steps, figures, _geometry(snapshots))


def _geometry(snapshots: Sequence[Arrays]) -> Geometry | None:
    """Of those snapshots that have points like the last one's."""
    full = [one for one in snapshots if "features" in one]
    shape = full[-1]["features"].shape if full else ()
    full = [one for one in full if one["features"].shape == shape]
    if not full:
        return None
    labels = full[-1]["labels"]
    stacked = {name: np.stack([one[name] for one in full])[:, None] for name in GEOMETRY[:3]}
    return Geometry(
        epoch=np.array([float(one[STEP]) for one in full]),
        **stacked,
        labels=labels,
        sample_index=np.arange(len(labels)),
        test_features=np.zeros((len(full), 1, 0, shape[-1]), np.float16),
        test_labels=labels[:0],
        test_index=np.arange(0),
    )
