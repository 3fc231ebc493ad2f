"""Variability collapse (NC1), as papers measure it: how samples spread about their class means."""

from __future__ import annotations

from typing import Any

from array_api_compat import device, to_device

from ncengine.metrics.arrays import AT_ONCE, Array, ratio, square
from ncengine.metrics.class_moments import Moments
from ncengine.metrics.collapse import within_over_between
from ncengine.metrics.rank import directions

# From which share of their own squared norms on a squared distance is had from products.
APART = 1e-4


def nc1(moments: Moments) -> Array:
    """tr Sigma_W / tr Sigma_B (...) (Definition 2); inf where the class means coincide."""
    return within_over_between(moments.xp, moments.within, moments.centred, moments.told)


def nc1_pinv(moments: Moments) -> Array:
    """tr(Sigma_W Sigma_B^+) / K (...) (V. Papyan, X. Y. Han and D. L. Donoho, PNAS 117, 2020).

    Directions in which no more than rounding sets the class means apart are left out, as a
    pseudo-inverse does; inf where they coincide, NaN where features are not finite. Sigma_B is
    about the unweighted mean of means.
    """
    xp = moments.xp
    here = device(moments.means)
    known = xp.isfinite(moments.within) & xp.all(xp.isfinite(moments.means), axis=(-2, -1))
    # What is not finite would have the decomposition fail, and with it a training that diverges.
    means = xp.where(known[..., None, None], moments.means, xp.zeros_like(moments.means))
    # A processor is done with a decomposition as small as this before a GPU has begun.
    found = directions(xp, to_device(means, "cpu"))
    singular, axes = (to_device(values, here) for values in found)
    kept = singular > moments.told[..., None]
    # Sigma_B has the eigenvalues singular²/K.
    each = ratio(xp, moments.along(axes), singular**2, 0.0)
    total = xp.sum(xp.where(kept, each, xp.zeros_like(each)), axis=-1)
    total = xp.where(xp.any(kept, axis=-1), total, xp.full_like(total, xp.inf))
    return xp.where(known, total, xp.full_like(total, xp.nan))


def cdnv(moments: Moments) -> Array:
    """Class-distance normalised variance (...): mean over pairs of classes of
    (Var_a + Var_b) / (2 |mu_a - mu_b|²) (T. Galanti, A. György and M. Hutter, 2021).

    Var is the mean squared distance from the class's mean. inf where two means coincide.
    """
    xp, classes = moments.xp, moments.classes
    # In place: of a thousand classes each of these is large.
    squares = squared_distances(xp, moments.centred)
    same = squares <= moments.told[..., None, None] ** 2
    squares[same] = 1.0
    each = moments.spreads[..., :, None] + moments.spreads[..., None, :]
    each /= 2
    each /= squares
    each[same] = xp.inf
    each[..., xp.eye(classes, dtype=xp.bool, device=device(each))] = 0.0
    return xp.sum(each, axis=(-2, -1)) / (classes * (classes - 1))


def squared_distances(xp: Any, rows: Array) -> Array:
    """|a - b|² (..., K, K) between rows (..., K, d), to nearly all digits.

    By products where rows lie apart, and by differences where these would cancel.
    """
    norms = square(xp, rows)
    sums = norms[..., :, None] + norms[..., None, :]
    # In place: of a thousand classes each of these is large.
    squares = rows @ xp.matrix_transpose(rows)
    squares *= -2
    squares += sums
    sums *= APART
    near = xp.nonzero(squares < sums)
    step = max(1, AT_ONCE // rows.shape[-1])
    for start in range(0, near[0].shape[0], step):
        place = tuple(part[start : start + step] for part in near)
        *seed, first, second = place
        squares[place] = square(xp, rows[(*seed, first)] - rows[(*seed, second)])
    return squares
