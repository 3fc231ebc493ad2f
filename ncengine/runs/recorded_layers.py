"""The layers of a recording: brought to one width, and put together as those of a run are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ncengine.runs.run import Layers
from ncengine.snapshots.names import BLOCKS, FEATURES, LAYERS, MEANS, OF_LAYERS, Arrays

# Wider layers are kept in coordinates of their own, where these are fewer by half.
WIDEST = 512
# Points of so many moments are given, and class means of all where they take no more bytes.
MOMENTS, MOST_BYTES = 12, 32 * 2**20
# Beyond these a number of 16 bits is infinite, or has lost digits.
HALF = 2.0**-8, 2.0**15
# Of each layer by its number; and which of the geometry's samples have features.
MEANS_OF, FEATURES_OF, INDEX = f"{MEANS}/", f"{FEATURES}/", f"{OF_LAYERS}index"


def points_of(
    means: Sequence[np.ndarray], features: Sequence[np.ndarray], index: np.ndarray
) -> Arrays:
    """What a snapshot keeps of the points of further layers, by name.

    Args:
        means: of each layer (K, d'), class means.
        features: of each (S', d'), of a few samples.
        index: (S',) which of the geometry's samples these are.
    """
    arrays: Arrays = {INDEX: np.asarray(index)}
    for number, pair in enumerate(zip(means, features, strict=True)):
        of_means, of_samples = narrowed(*pair)
        arrays[f"{MEANS_OF}{number}"] = of_means.astype(np.float32)
        arrays[f"{FEATURES_OF}{number}"] = halved(of_samples)
    return arrays


def halved(features: np.ndarray) -> np.ndarray:
    """Features in 16 bits; in 32 where the largest would be infinite, or lose its digits."""
    largest = np.abs(features[np.isfinite(features)]).max(initial=0.0)
    enough = largest == 0 or HALF[0] <= largest <= HALF[1]
    return features.astype(np.float16 if enough else np.float32)


def narrowed(means: np.ndarray, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Class means (K, d') and features (S', d') of a layer, in fewer numbers where it is wide.

    Of a layer wider than `WIDEST`, at least twice as wide as there are points, the n = K + S'
    points' coordinates in the span of themselves: the first point's axis, the second one's at right
    angles to it, and so on. That is an isometry, so that all lengths and angles stay, and points
    that change little have coordinates that change little; but the coordinates of two layers, or
    of the layer and its own numbers, have nothing to do with each other.
    """
    points = np.concatenate([means, features]).astype(np.float64)
    count, width = points.shape
    if width <= WIDEST or 2 * count > width:
        return means, features
    if not np.isfinite(points).all():
        return np.full((len(means), count), np.nan), np.full((len(features), count), np.nan)
    triangle = np.linalg.qr(points.T, mode="r")
    signs = np.where(np.diagonal(triangle) < 0, -1.0, 1.0)
    found = (signs[:, None] * triangle).T
    return found[: len(means)], found[len(means) :]


def together(
    names: Sequence[str],
    shape: tuple[int, int],
    steps: np.ndarray,
    figures: Mapping[str, np.ndarray],
    points_at: np.ndarray,
    points: Arrays,
    index: np.ndarray,
) -> Layers | None:
    """The layers of a recording, as those of a run with one seed; None where it names none.

    Rows are the modules in their order, and what the head reads comes last. What was measured is
    at all snapshots, NaN where it was not; class means are of those that kept them, or where these
    are many of those of features: `MOMENTS` at most, spread evenly, the newest among them. All
    layers have the width of the widest: narrower ones are filled up with zeros.

    Args:
        names: of the modules.
        shape: K and d, where nothing else tells.
        steps: (T,) at which figures were taken, and figures (T,) by name.
        points_at: (F,) steps at which points were kept.
        points: what `points_of` gave (F, ...), and "class_means", "features" of the head's input;
            empty where there are none.
        index: (S',) see `points_of`.
    """
    if not names:
        return None
    count, nothing = len(names) + 1, np.full(len(steps), np.nan)

    def measured(name: str) -> np.ndarray:
        rows = [figures.get(f"{row}{name}", nothing) for row in (*(f"{n}." for n in names), "")]
        return np.stack(rows, -1)[:, None]

    means, features = _rows(MEANS_OF, "class_means", points), _rows(FEATURES_OF, "features", points)
    if len(means) != count or len(features) != count:
        means = features = [np.zeros((0, *shape), np.float32)] * count
        points_at, index = points_at[:0], index[:0]
    features = [*features[:-1], features[-1][:, index]]
    few = np.unique(np.linspace(0, len(points_at) - 1, MOMENTS).round().astype(int))
    few = few if len(points_at) else np.arange(0)
    whole = count * means[-1][..., 0].size * max(one.shape[-1] for one in means) * 4
    of_means = few if whole > MOST_BYTES else np.arange(len(points_at))
    of_blocks = np.full((len(steps), 1, len(names)), np.nan)
    return Layers(
        measured={n: measured(n) for n in LAYERS} | dict.fromkeys(BLOCKS, of_blocks),
        epoch=steps,
        means_epoch=points_at[of_means],
        class_means=_at_one_width([one[of_means] for one in means]),
        features_epoch=points_at[few],
        features=_at_one_width([one[few] for one in features]),
        index=index,
    )


def _rows(of: str, of_head: str, points: Arrays) -> list[np.ndarray]:
    """What there is of each layer, by its number, and of the head's input at last."""
    numbers = sorted(int(name.removeprefix(of)) for name in points if name.startswith(of))
    found = [points[f"{of}{number}"] for number in numbers]
    return [*found, points[of_head]] if found else []


def _at_one_width(rows: Sequence[np.ndarray]) -> np.ndarray:
    """(F, 1, L, n, d) of L layers (F, n, d')."""
    width = max(one.shape[-1] for one in rows)
    return np.stack([padded(one, width) for one in rows], 1)[:, None]


def padded(points: np.ndarray, width: int) -> np.ndarray:
    """Points (..., d') with zeros after them, (..., width): all lengths and angles stay."""
    spare = width - points.shape[-1]
    return np.pad(points, [(0, 0)] * (points.ndim - 1) + [(0, spare)]) if spare > 0 else points
