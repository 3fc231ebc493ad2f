"""What was recorded, as a file."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from ncengine.reasons import reason
from ncengine.recorder.floor import Judged
from ncengine.recorder.looking import Seen
from ncengine.recorder.probe import Batch
from ncengine.recorder.said import Said
from ncengine.recorder.snapshot import Snapshot
from ncengine.recorder.thumbnails import thumbnails
from ncengine.runs.grown import THUMBNAILS
from ncengine.runs.journal import replacing
from ncengine.runs.recorded import About, Writer
from ncengine.runs.recorded_layers import halved, points_of

logger = logging.getLogger(__name__)

ENDINGS = (".json", ".csv", ".npz")
# Of so many samples features are kept, and no more bytes of all snapshots together.
SHOWN, SHOWN_IN_LAYERS = 150, 60
MOST_BYTES = 256 * 2**20


@dataclass(frozen=True)
class Looked:
    """What the points of one snapshot are: class means (K, d), rows of the last layer (K, d), and
    some features (S, d) of classes (S,); without the last two where samples were not kept.

    `layers` are the points of further layers, see `recorded_layers.points_of`; `thumbnails` are
    pictures of the S samples.
    """

    means: np.ndarray
    weight: np.ndarray
    features: np.ndarray | None
    labels: np.ndarray | None
    layers: dict[str, np.ndarray] = field(default_factory=dict)
    thumbnails: np.ndarray | None = None

    def points(self) -> dict[str, np.ndarray]:
        """By the names of `snapshots.names`, those that there are."""
        arrays = {
            "class_means": self.means,
            "classifier": self.weight,
            "features": self.features,
            "labels": self.labels,
            THUMBNAILS: self.thumbnails,
        }
        return {name: values for name, values in arrays.items() if values is not None} | self.layers


class Geometry:
    """The points of all snapshots, as long as these do not take too much memory.

    Where those of the last layer and those of further ones do together, the latter go first.
    """

    def __init__(self) -> None:
        self.looks: list[Looked | None] = []
        self._bytes = 0

    def add(self, looked: Looked | None) -> None:
        """Keep it, or None in its place where there is none or too much."""
        if looked is not None:
            arrays = (looked.means, looked.weight, looked.features)
            self._bytes += sum(one.nbytes for one in arrays if one is not None)
            of_layers = sum(one.nbytes for one in looked.layers.values())
            if self._bytes + of_layers > MOST_BYTES:
                looked, of_layers = replace(looked, layers={}), 0
            self._bytes += of_layers
        self.looks.append(looked if self._bytes <= MOST_BYTES else None)


class Kept:
    """A recording in the cache, which begins with its first snapshot.

    A disk that cannot be written to stops no training: it is told once, and no more is kept.
    """

    def __init__(self, name: str, cache: str | os.PathLike[str] | None, said: Said):
        self._name, self._cache = name, None if cache is None else Path(cache)
        self._said = said
        self._writer: Writer | None = None
        self._failed = False

    def add(self, snapshot: Snapshot, looked: Looked | None, head: str, judged: Judged) -> None:
        """Keep a snapshot, with its points if there are any, and whether there is a floor."""
        if not self._failed:
            self._try(lambda: self._add(snapshot, looked, head, judged))

    def end(self) -> None:
        """No more will come."""
        if self._writer is not None and not self._failed:
            self._try(self._writer.end)

    def _add(self, snapshot: Snapshot, looked: Looked | None, head: str, judged: Judged) -> None:
        of_floor: dict[str, Any] = {"floor": judged.floor, "without_floor": judged.why}
        if self._writer is None:
            classes, width = (0, 0) if looked is None else looked.means.shape
            about = About(
                name=self._name,
                classes=classes,
                width=width,
                head=head,
                layers=tuple(snapshot.called().values()),
                ideal=snapshot.ideal,
                **asdict(self._said),
                **of_floor,
            )
            self._writer = Writer(about, self._cache)
        # Another head may have taken its place.
        of_head = {} if looked is None else {"head": head, "width": looked.means.shape[1]}
        self._writer.change(**of_floor, **of_head)
        points = None if looked is None else looked.points()
        self._writer.append(snapshot.step, snapshot.numbers(), points)

    def _try(self, write: Callable[[], None]) -> None:
        try:
            write()
        except OSError as error:
            self._failed = True
            if self._writer is not None:
                self._writer.leave()
            logger.warning("the recording is not kept any more: %s", reason(error))


def of(seen: Seen, pictured: Sequence[Batch] = ()) -> Looked:
    """Of what was seen: the first features of each class, with pictures from these batches."""
    assert seen.labels is not None
    labels = seen.labels.cpu().numpy()
    weight = seen.matrices[-1][0].float().cpu().numpy()
    index = _first_of(labels, len(weight))
    layers = _of_layers(seen, labels, index) if seen.layers else {}
    looked = _looked(seen.joined, labels, weight, index, layers)
    return replace(looked, thumbnails=thumbnails(pictured, index))


def of_features(features: Tensor, labels: Tensor, classes: int) -> Looked:
    """The same where there is no last layer: its rows are NaN."""
    weight = np.full((classes, features.shape[1]), np.nan, np.float32)
    numbers = labels.cpu().numpy()
    return _looked(features, numbers, weight, _first_of(numbers, classes), {})


def _first_of(labels: np.ndarray, classes: int) -> np.ndarray:
    each = max(1, SHOWN // classes)
    return np.concatenate([np.flatnonzero(labels == k)[:each] for k in range(classes)])


def _looked(
    features: Tensor,
    labels: np.ndarray,
    weight: np.ndarray,
    index: np.ndarray,
    layers: dict[str, np.ndarray],
) -> Looked:
    rows = features.double().cpu().numpy()
    # Of what is not finite there are no means, which is no news.
    with np.errstate(all="ignore"):
        means = np.stack([rows[labels == k].mean(0) for k in range(len(weight))])
        return Looked(means.astype(np.float32), weight, halved(rows[index]), labels[index], layers)


def _of_layers(seen: Seen, labels: np.ndarray, index: np.ndarray) -> dict[str, np.ndarray]:
    """Points of the further layers, of the first of the samples at `index` of each class."""
    numbers, shown = np.unique(labels), labels[index]
    each = max(1, SHOWN_IN_LAYERS // len(numbers))
    of_layers = np.concatenate([np.flatnonzero(shown == k)[:each] for k in numbers])
    means, features = [], []
    for values in seen.layers.values():
        rows = values.double().cpu().numpy()
        means.append(np.stack([rows[labels == k].mean(0) for k in numbers]))
        features.append(rows[index[of_layers]])
    return points_of(means, features, of_layers)


def save(snapshots: Sequence[Snapshot], geometry: Geometry, name: str | None, path: Path) -> Path:
    """Write all of it; what was there stays until then. See `Recorder.save`."""
    if path.suffix not in ENDINGS:
        raise ValueError(f"path = {str(path)!r}: must end with {', '.join(ENDINGS)}")
    if not snapshots:
        raise ValueError("nothing was recorded yet")
    with replacing(path) as file:
        if path.suffix == ".json":
            rows = [snapshot.to_dict() for snapshot in snapshots]
            file.write(json.dumps({"name": name, "snapshots": rows}, indent=1).encode())
        elif path.suffix == ".csv":
            import pandas as pd  # slow to load

            pd.DataFrame([snapshot.flat() for snapshot in snapshots]).to_csv(file, index=False)
        else:
            arrays: dict[str, Any] = _arrays(snapshots, geometry)
            np.savez_compressed(file, **arrays)
    return path


def _arrays(snapshots: Sequence[Snapshot], geometry: Geometry) -> dict[str, np.ndarray]:
    """Figures (T,) by name, and the points of those T' snapshots that have all of them."""
    rows = [snapshot.flat() for snapshot in snapshots]
    names = dict.fromkeys(name for row in rows for name in row if name != "ideal")
    arrays = {
        f"figures/{name}": np.asarray(
            [np.nan if row.get(name) is None else row[name] for row in rows]
        )
        for name in names
    }
    arrays["ideal"] = np.asarray([snapshot.ideal for snapshot in snapshots])
    for of, kept in (("means", "class_means"), ("weight", "classifier"), ("features", "features")):
        values = [(n, getattr(look, of)) for n, look in enumerate(geometry.looks) if look]
        values = [(n, one) for n, one in values if one is not None]
        if values and len({one.shape for _, one in values}) == 1:
            arrays[f"geometry/{kept}"] = np.stack([one for _, one in values])
            arrays[f"geometry/{kept}_at"] = np.asarray([n for n, _ in values])
    labels = [look.labels for look in geometry.looks if look and look.labels is not None]
    if labels:
        arrays["geometry/labels"] = labels[0]
    return arrays
