"""Projections of a run's snapshots into three dimensions, for the player.

The sphere on which features lie, of radius sqrt(d), becomes the unit sphere. Classifier rows are
scaled so that at the optimum they meet the ideal figure, and the class means.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from ncengine.analysis.ideal import angle_error, edges, laid_over, ordered, polar, promised
from ncengine.arguments import whole
from ncengine.runs.run import Geometry

BASES = ("last", "each")
EXACT_WIDTH = 4
# Of the largest agreement that there can be: what is less is rounding.
TELLS = 1e-9


@dataclass(frozen=True)
class Projection:
    """One seed's snapshots in three dimensions: G frames, S samples, S' test samples, K classes.

    Attributes:
        epoch: (G,) passes over the data. Frames that are not finite (diverged) are left out.
        points: (G, S, 3) float32, features.
        means: (G, K, 3) float32, class means.
        classifier: (G, K, 3) float32, rows of the last layer.
        ideal: (G, K, 3) float32, the figure that the theory promises, turned as close to the
            class means as a rotation in the full space allows. Zeros where `ideal_fits` is False.
        ideal_fits: whether there is one: the width has room for that figure, or another stands
            in its place.
        labels: (S,) class of each sample.
        distance: (G, S) float32, from a sample to its class mean, in the full space, over sqrt(d).
        test_points: (G, S', 3) float32, features of test samples, on the same axes.
        test_labels: (S',) class of each.
        test_distance: (G, S') float32, from each to the mean of its class's training samples.
        variance_share: (G,) share of the class means' variance that the 3 dimensions carry.
        variance_share_2d: (G,) the same for the first 2.
        angle_error: (G,) degrees; the angles between class means about their centre, at worst,
            from the ideal arccos(-1/(k - 1)). Of the k focused classes, or of all. With another
            figure in its place each from that figure's own, about the origin. NaN where
            `ideal_fits` is False: there is nothing to be that far from.
        focus: the classes focused on, or ().
        exact: whether nothing is lost: features lie on a sphere of at most 2 dimensions, and the
            origin is its centre. Otherwise the origin is the centre of the (focused) class means.
        edges: pairs of classes that the ideal's wireframe joins.
        exact_2d: whether nothing is lost on the first two axes alone either.
        ideal_proved: whether the ideal is what the theory promises; else it is the best figure that
            is known, and the k-th class has the corner that suits the last snapshot best.
    """

    epoch: np.ndarray
    points: np.ndarray
    means: np.ndarray
    classifier: np.ndarray
    ideal: np.ndarray
    ideal_fits: bool
    labels: np.ndarray
    distance: np.ndarray
    test_points: np.ndarray
    test_labels: np.ndarray
    test_distance: np.ndarray
    variance_share: np.ndarray
    variance_share_2d: np.ndarray
    angle_error: np.ndarray
    focus: tuple[int, ...]
    exact: bool
    edges: tuple[tuple[int, int], ...]
    exact_2d: bool = False
    ideal_proved: bool = True

    @property
    def has_rows(self) -> bool:
        """Whether there is a classifier: where there is none, its rows are at the origin."""
        return bool(self.classifier.any())


def project(
    geometry: Geometry,
    r: int,
    *,
    nc2_name: str = "nc2a",
    basis: str = "last",
    focus: tuple[int, ...] = (),
    row_norm: float | None = None,
    onto: np.ndarray | None = None,
    figure: np.ndarray | None = None,
) -> Projection:
    """The snapshots of seed number `r` on the principal axes of the class means.

    With a focus on three classes the first two axes span exactly their plane, and the third is
    the leading direction in which the other class means stand off it; with four, the three axes
    span exactly their space. There the ideal is an undistorted triangle or tetrahedron. Where
    the class means span fewer than three dimensions, the axes that are left show the directions
    in which samples spread most about their class means.

    Args:
        nc2_name: "nc2a": the ideal is a simplex ETF; "nc2b": an orthogonal frame, which about
            its centre is a simplex too, sqrt(1 - 1/K) times as large.
        basis: "last": axes of the last snapshot throughout. "each": axes of each snapshot,
            turned to agree best with those of the next, so that nothing jumps; the first two of
            them need not be the two principal ones. The ideal is turned likewise.
        focus: three or four classes, or none.
        row_norm: norm of the classifier's rows at the optimum; by default the mean norm in the
            last snapshot.
        onto: (K, 3) class means of another projection of as many classes. The axes of the last
            snapshot are turned, by a reflection too, so that each class comes as close to its
            place there as it can. Without a focus, any three directions that the class means span
            can be the axes then, and not the principal ones alone: what is a simplex in both
            networks is the same picture.
        figure: (K, d - 1) unit vectors, the ideal where the one of `nc2_name` does not fit; where
            that does, it is left aside. Which class is which of its corners is found.

    Raises:
        ValueError: names the argument at fault, its value and what is allowed.
    """
    focus = tuple(focus)
    _check(geometry, r, nc2_name, basis, focus, onto, figure)
    frames, means, rows = _finite(geometry, r)
    classes, d = means.shape[1:]
    exact = d <= EXACT_WIDTH
    space = _zero_sum_basis(d) if exact else None
    inside = means if space is None else means @ space
    centre = _centring(focus, exact)
    train = _Samples(geometry.features[:, r], geometry.labels, frames)
    test = _Samples(geometry.test_features[:, r], geometry.test_labels, frames)

    axes = _axes(inside, train.residuals(means), basis, focus, exact, onto)
    if onto is None:
        axes[..., 2] *= _handedness(inside, axes, focus)
    into = axes if space is None else space @ axes
    points, distance = train.shown(means, into, centre(means)[1])
    test_points, test_distance = test.shown(means, into, centre(means)[1])
    chosen = list(focus or range(classes))
    promise, known = promised(nc2_name, classes, d), None
    if promise is None and figure is not None and len(means):
        known = ordered(figure, means[-1])
    shown = known if promise is None else promise
    ideal, error = np.zeros_like(inside), np.full(len(means), np.nan)
    if shown is not None:
        ideal = laid_over(inside, shown, centre, basis, () if exact else focus)
        error = angle_error(means[:, chosen], None if known is None else known[chosen])
    return Projection(
        epoch=geometry.epoch[frames],
        points=points,
        means=_single(centre(means)[0] @ into),
        classifier=_single(centre(_in_units(rows, row_norm))[0] @ into),
        ideal=_single(ideal @ axes),
        ideal_fits=shown is not None,
        labels=geometry.labels,
        distance=distance,
        test_points=test_points,
        test_labels=geometry.test_labels,
        test_distance=test_distance,
        variance_share=_variance_share(inside, axes),
        variance_share_2d=_variance_share(inside, axes[..., :2]),
        angle_error=error,
        focus=focus,
        exact=exact,
        edges=() if shown is None else edges(focus, classes, known),
        exact_2d=exact and d < EXACT_WIDTH,
        ideal_proved=promise is not None,
    )


def _finite(geometry: Geometry, r: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which snapshots (G,) have numbers; of these class means over sqrt(d), and rows (G, K, d)."""
    means = geometry.class_means[:, r].astype(np.float64) / np.sqrt(geometry.class_means.shape[-1])
    rows = geometry.classifier[:, r].astype(np.float64)
    finite = np.isfinite(means).all(axis=(1, 2)) & np.isfinite(rows).all(axis=(1, 2))
    frames = np.flatnonzero(finite)
    return frames, means[frames], rows[frames]


def _check(
    geometry: Geometry,
    r: int,
    nc2_name: str,
    basis: str,
    focus: tuple,
    onto: np.ndarray | None,
    figure: np.ndarray | None,
) -> None:
    _, seeds, classes, width = geometry.class_means.shape
    if figure is not None and np.shape(figure) != (classes, width - 1):
        raise ValueError(f"figure: shape {np.shape(figure)}, must be ({classes}, {width - 1})")
    if onto is not None and np.shape(onto) != (classes, 3):
        raise ValueError(f"onto: shape {np.shape(onto)}, must be ({classes}, 3)")
    whole("r", r, 0, seeds - 1)
    if nc2_name not in ("nc2a", "nc2b"):
        raise ValueError(f"nc2_name = {nc2_name!r}: must be one of nc2a, nc2b")
    if basis not in BASES:
        raise ValueError(f"basis = {basis!r}: must be one of {', '.join(BASES)}")
    in_range = all(number in range(classes) for number in focus)
    if len(focus) not in (0, 3, 4) or len(set(focus)) != len(focus) or not in_range:
        raise ValueError(
            f"focus = {focus!r}: must be three or four different classes from 0 to {classes - 1}"
        )


def _single(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float32)


def _zero_sum_basis(d: int) -> np.ndarray:
    """(d, d - 1): an orthonormal basis of the hyperplane in which features lie."""
    return np.linalg.svd(np.ones((1, d)))[2][1:].T


def _centring(
    focus: tuple[int, ...], exact: bool
) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """What takes a figure (..., K, d) to itself about its own centre, and that centre."""

    def centre(figure: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        chosen = figure[..., list(focus), :] if focus else figure
        middle = chosen.mean(axis=-2, keepdims=True) * (not exact)
        return figure - middle, middle

    return centre


@dataclass(frozen=True)
class _Samples:
    """One split's features (G', S, d) and classes (S,); `frames` (G,) are those that count."""

    features: np.ndarray
    labels: np.ndarray
    frames: np.ndarray

    def residuals(self, means: np.ndarray) -> Callable[[int], np.ndarray]:
        """What takes a frame's number to (S, d): samples about their class means (G, K, d)."""

        def at(g: int) -> np.ndarray:
            features = self.features[self.frames[g]].astype(np.float64)
            return features / np.sqrt(features.shape[-1]) - means[g][self.labels]

        return at

    def shown(
        self, means: np.ndarray, into: np.ndarray, origin: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Points (G, S, 3) and distances (G, S), a frame at a time, to stay in cache."""
        count, _, d = means.shape
        points = np.empty((count, len(self.labels), 3), np.float32)
        distance = np.empty((count, len(self.labels)), np.float32)
        shift = _single(origin @ into)
        into, means = _single(into / np.sqrt(d)), _single(means * np.sqrt(d))
        for g, frame in enumerate(self.frames):
            x = self.features[frame].astype(np.float32)
            points[g] = x @ into[g] - shift[g]
            x -= means[g][self.labels]
            distance[g] = np.sqrt(np.einsum("sd,sd->s", x, x) / d)
        return points, distance


def _in_units(rows: np.ndarray, row_norm: float | None) -> np.ndarray:
    """Rows (G, K, d) over their norm at the optimum, or else over their mean norm at the end."""
    if row_norm is None:
        row_norm = np.linalg.norm(rows[-1], axis=-1).mean() if len(rows) else 1.0
    return rows / (row_norm or 1.0)


def _axes(
    means: np.ndarray,
    residuals: Callable[[int], np.ndarray],
    basis: str,
    focus: tuple[int, ...],
    exact: bool,
    onto: np.ndarray | None,
) -> np.ndarray:
    """(G, m, 3) orthonormal axes for means (G, K, m); zeros where there are fewer than 3."""
    frames, _, m = means.shape
    axes = np.zeros((frames, m, 3))
    blocks: list[np.ndarray] = []
    for g in reversed(range(frames)):
        if basis == "each" or not blocks:
            new = _blocks(means[g], partial(residuals, g), focus, exact)
            # Block by block, so that a focused plane stays the plane it is.
            if blocks:
                blocks = [b @ polar(b.T @ n) for b, n in zip(new, blocks)]
            else:
                blocks = new if onto is None else _placed(new, means[g], onto, focus, exact)
        columns = np.concatenate(blocks, axis=1)
        axes[g, :, : columns.shape[1]] = columns
    return axes


def _placed(
    blocks: list[np.ndarray],
    means: np.ndarray,
    onto: np.ndarray,
    focus: tuple[int, ...],
    exact: bool,
) -> list[np.ndarray]:
    """The blocks turned so that means (K, m) come close to places (K, 3); see `project`."""
    figure = _centring(focus, exact)(means)[0]
    if not focus and len(blocks) == 1 and len(means) > 3 and figure.shape[1] >= 3:
        return [polar(figure.T @ onto)]
    placed, begin = [], 0
    for block in blocks:
        count = block.shape[1]
        alike = (figure @ block).T @ onto[:, begin : begin + count]
        # Along axes on which the means do not differ there is nothing to turn them by.
        tells = np.linalg.norm(alike) > TELLS * np.linalg.norm(onto) * np.linalg.norm(figure)
        placed.append(block @ polar(alike) if tells else block)
        begin += count
    return placed


def _handedness(means: np.ndarray, axes: np.ndarray, focus: tuple[int, ...]) -> float:
    """1, or -1 where another run's same classes could lie mirrored, which no rotation undoes."""
    if not len(means):
        return 1.0
    chosen = list(focus) or list(range(min(4, means.shape[1])))
    if len(chosen) < 4:
        return 1.0
    corners = means[-1, chosen] @ axes[-1]
    return -1.0 if np.linalg.det(corners[1:] - corners[0]) < 0 else 1.0


def _blocks(
    means: np.ndarray,
    residuals: Callable[[], np.ndarray],
    focus: tuple[int, ...],
    exact: bool,
) -> list[np.ndarray]:
    """Axes in groups, each (m, some), that span what has to stay together."""
    classes, m = means.shape
    chosen = means[list(focus)] if focus else means
    first = _principal_axes(chosen, min(3, len(chosen) - 1, m))
    missing = min(3, m) - first.shape[1]
    if missing and exact:
        return [first, np.linalg.svd(first)[0][:, first.shape[1] :]]
    if missing and focus and classes > len(focus):
        others = np.delete(means, list(focus), axis=0) - chosen.mean(axis=0)
        return [first, _leading_directions(others, first, missing)]
    if missing:
        return [first, _leading_directions(residuals(), first, missing)]
    return [first]


def _principal_axes(points: np.ndarray, count: int) -> np.ndarray:
    """(m, count): the directions in which points (n, m) spread most, about their mean.

    Of each, the largest number in size is positive. scikit-learn's PCA gives the same, and takes
    a second to be loaded, for which whoever opens the first page would wait.
    """
    rows = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)[2][:count]
    signs = np.sign(np.take_along_axis(rows, np.abs(rows).argmax(axis=1)[:, None], axis=1))
    return (rows * np.where(signs == 0, 1.0, signs)).T


def _leading_directions(vectors: np.ndarray, apart: np.ndarray, count: int) -> np.ndarray:
    """(m, count): where most of the squared length of vectors (n, m) lies, beside what `apart`
    (m, some) spans; zeros where they have none.
    """
    beside = vectors - vectors @ apart @ apart.T
    lengths, directions = np.linalg.eigh(beside.T @ beside)
    return directions[:, ::-1][:, :count] * (lengths[::-1][:count] > 1e-12)


# -- numbers to print ------------------------------------------------------------------------


def _variance_share(means: np.ndarray, axes: np.ndarray) -> np.ndarray:
    centred = means - means.mean(axis=-2, keepdims=True)
    total = np.sum(centred**2, axis=(-2, -1))
    shown = np.sum((centred @ axes) ** 2, axis=(-2, -1))
    return np.minimum(np.divide(shown, total, out=np.ones_like(total), where=total > 0), 1.0)
