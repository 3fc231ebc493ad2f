"""What was brought, measured as a recorder does it, and kept as a recording."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ncengine.metrics import every, ideal, of_moments
from ncengine.metrics.class_moments import moments
from ncengine.metrics.layers import layer_collapse
from ncengine.own import images
from ncengine.own.brought import Brought, Given, Measured
from ncengine.own.limits import LONGEST
from ncengine.own.words import shown
from ncengine.runs.recorded import About, Writer
from ncengine.runs.recorded_layers import HALF
from ncengine.snapshots.names import Arrays

# Of so many samples features are kept, and no more bytes of all snapshots: as a recorder does.
SHOWN, MOST_BYTES = 150, 256 * 2**20
# Of features alone what goes through products of d x d numbers.
OF_LAYER, WIDEST = ("ncc_error", "effective_rank"), 2048


def record(
    brought: Brought,
    root: Path | str | None = None,
    *,
    name: str | None = None,
    told: Callable[[int, int], None] | None = None,
) -> str:
    """Measure each snapshot, and keep all as a recording; gives its key.

    Of each class the same number of samples is kept at all snapshots, the first ones in order.
    Nothing is written before all is measured.

    Args:
        brought: what `read` gave.
        root: the folder of the cache, if it is not the one that `ncengine where` tells.
        name: for readers, if it is not the files'.
        told: called with how many snapshots are measured, and how many there are.

    Raises:
        ValueError: the name is empty.
        OSError: the recording cannot be written.
    """
    title = brought.name if name is None else shown(name.strip(), LONGEST)
    if not title:
        raise ValueError("name = '': must say what the recording is of")
    total = len(brought.snapshots)
    each, room = list[Measured](), MOST_BYTES
    each_class, kind = _each(brought), _kind(brought)
    for n, one in enumerate(brought.snapshots):
        measured = one if isinstance(one, Measured) else measure(one, each_class, kind)
        room -= sum(values.nbytes for values in (measured.points or {}).values())
        each.append(measured if room >= 0 else replace(measured, points=None))
        if told is not None:
            told(n + 1, total)
    _with_thumbnails(brought, each)
    writer = Writer(_about(brought, title, each[-1].ideal), root)
    for one in each:
        writer.append(one.step, one.figures, one.points)
    writer.end()
    return writer.key


def measure(given: Given, each: int, kind: Any = np.float16) -> Measured:
    """The figures of a snapshot that have a value, and its points.

    Args:
        each, kind: how many samples of each class are kept, and in which type.
    """
    counts = np.bincount(given.labels)
    classes, width = len(counts), given.features.shape[1]
    # Where all features are the same, quotients are of nothing by nothing.
    with np.errstate(all="ignore"):
        found = _of_features(given, classes) if given.weight is None else _of_both(given)
    figures = {name: float(value) for name, value in found.items() if math.isfinite(value)}
    figures["samples"] = float(len(given.labels))
    return Measured(given.step, figures, points(given, each, kind), ideal(classes, width, counts))


def _of_both(given: Given) -> dict[str, Any]:
    return every(given.features, given.labels, given.weight, given.bias)


def _of_features(given: Given, classes: int) -> dict[str, Any]:
    found = of_moments(moments(given.features, given.labels, classes))
    if given.features.shape[1] <= WIDEST:
        whole = layer_collapse(given.features, given.labels, classes)
        found |= {name: getattr(whole, name) for name in OF_LAYER}
    return found


def points(given: Given, each: int, kind: Any) -> Arrays:
    """By the names of `snapshots.names`; the rows of a last layer that is not there are zeros: of
    others that are no numbers the whole snapshot would not be shown."""
    labels, classes = given.labels, int(given.labels.max()) + 1
    means = np.stack([given.features[labels == k].mean(0, dtype=float) for k in range(classes)])
    weight = np.zeros(means.shape) if given.weight is None else given.weight
    index = chosen(labels, each)
    return {
        "class_means": means.astype(np.float32),
        "classifier": weight.astype(np.float32),
        "features": given.features[index].astype(kind),
        "labels": labels[index],
    }


def chosen(labels: np.ndarray, each: int) -> np.ndarray:
    """Which samples are kept: the first of each class, so many, class by class."""
    classes = range(int(labels.max()) + 1)
    return np.concatenate([np.flatnonzero(labels == k)[:each] for k in classes])


def _each(brought: Brought) -> int:
    """As many of each class as all snapshots have, so that the same are kept at all of them."""
    given = [one for one in brought.snapshots if isinstance(one, Given)]
    least = min((int(np.bincount(one.labels).min()) for one in given), default=0)
    return min(max(1, SHOWN // max(1, brought.classes)), least)


def _kind(brought: Brought) -> Any:
    """Of 16 bits, as a recorder's features are, where these are enough at all snapshots."""
    given = [one.features for one in brought.snapshots if isinstance(one, Given)]
    largest = [max(float(one.max()), -float(one.min())) for one in given]
    enough = all(HALF[0] <= one <= HALF[1] for one in largest)
    return np.float16 if enough else np.float32


def _with_thumbnails(brought: Brought, each: list[Measured]) -> None:
    """Put the pictures of the samples that are kept beside the last points that are."""
    last = next((n for n in reversed(range(len(each))) if each[n].points is not None), None)
    if brought.thumbnails is None or last is None:
        return
    given = brought.snapshots[last]
    assert isinstance(given, Given)
    index = chosen(given.labels, _each(brought))
    pictures = {"thumbnails": images.small(brought.thumbnails[index])}
    each[last] = replace(each[last], points={**(each[last].points or {}), **pictures})


def _about(brought: Brought, name: str, figure: str) -> About:
    return About(
        name,
        brought.classes,
        brought.width,
        brought.head,
        ideal=figure,
        class_names=brought.class_names,
        origin="files",
    )
