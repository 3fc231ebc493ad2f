"""All metrics of the literature at once, by name; see the README for which paper uses which."""

from __future__ import annotations

from typing import Any

from array_api_compat import device

from ncengine.metrics import codes, imbalance
from ncengine.metrics.arrays import Array, as_float, as_labels, check_range, double, namespace
from ncengine.metrics.class_moments import Moments, moments
from ncengine.metrics.collapse import check_pair, gram_distance, normalised_gram
from ncengine.metrics.decisions import decided
from ncengine.metrics.duality import nc3_cosines, nc3_frobenius, nc3_papyan
from ncengine.metrics.frames import equiangularity, equinorm, maximal_angle, nc2_frobenius
from ncengine.metrics.variability import cdnv, nc1, nc1_pinv

# What says how far it is to a simplex. Where none is to be expected, it would mislead.
OF_THE_SIMPLEX = (
    "nc2a",
    "nc2_frobenius_means",
    "nc2_frobenius_rows",
    "maximal_angle_means",
    "maximal_angle_rows",
    "nc3_frobenius",
)
# Of classes beyond these nothing that takes a program for each class is computed unasked.
MOST_MARGINS = 200


def ideal(classes: int, width: int, counts: Any = None, factor: float = imbalance.UNEQUAL) -> str:
    """The figure that collapse leads to: "simplex", or where none can be, "code" or "seli".

    "code" where the classes are too many for a simplex, K > d + 1 (see `metrics.codes`); "seli"
    where they are of unequal size (see `metrics.imbalance`).

    Args:
        counts: (K,) training samples of each class; none where they are known to be equal.
        factor: how many times the least class's samples the largest has where they are unequal.
    """
    if classes > width + 1:
        return "code"
    return "seli" if counts is not None and imbalance.unequal(counts, factor) else "simplex"


def of_moments(
    known: Moments,
    weight: Array | None = None,
    counts: Any = None,
    factor: float = imbalance.UNEQUAL,
) -> dict[str, Array]:
    """What follows from class means and spreads, and of the last layer if there is one.

    What speaks of a simplex is NaN where the `ideal` is another. Each () or (R,), in float64.

    Args:
        known: of the training samples; see `moments` and `Accumulator`.
        weight: (K, d) or (R, K, d), the last layer.
        counts, factor: as of `ideal`; without counts, those of `known`.
    """
    counts = known.counts if counts is None else counts
    # First, while there are no centred means: of a thousand classes each of these is large.
    by_pseudo_inverse = nc1_pinv(known)
    centred, classes, width = known.centred, known.classes, known.means.shape[-1]
    found = {"nc1": nc1(known), "nc1_pinv": by_pseudo_inverse, "cdnv": cdnv(known)}
    found |= _of_rows(centred, "means")
    if weight is not None:
        xp = namespace(weight=weight)
        weight = double(xp, as_float(xp, weight))
        gram = normalised_gram(xp, weight)
        found["nc2a"] = gram_distance(xp, gram, simplex=True)
        found["nc2b"] = gram_distance(xp, gram, simplex=False)
        found |= _of_rows(weight, "rows")
        found["nc3_frobenius"] = nc3_frobenius(weight, centred)
        found["nc3_papyan"] = nc3_papyan(weight, centred)
    figure = ideal(classes, width, counts, factor)
    if figure == "simplex":
        return found
    unknown = 0.0 * found["cdnv"] + float("nan")
    nc3_stays = figure == "seli"  # W M^T is like I - 11^T/K whatever the classes' sizes
    for name in set(OF_THE_SIMPLEX) & set(found) - ({"nc3_frobenius"} if nc3_stays else set()):
        found[name] = unknown
    if figure == "seli":
        found["seli_means"] = imbalance.seli_means(centred, counts)
        if weight is not None:
            found["seli_rows"] = imbalance.seli_rows(weight, counts)
    else:
        found |= _as_code(known, weight)
    return found


def every(
    features: Array,
    labels: Array,
    weight: Array,
    bias: Array | None = None,
    counts: Any = None,
    factor: float = imbalance.UNEQUAL,
) -> dict[str, Array]:
    """`of_moments`, and what needs the samples: NC3 of Definition 2, NC4, accuracy, NCC error.

    Each of shape () or (R,), in float64, whatever type the features have.

    Args:
        features: (N, d) or (R, N, d), inputs of the last linear layer.
        labels: (N,) whole numbers 0 to K - 1, each class at least once.
        weight: (K, d) or (R, K, d), the last layer; K is read from it.
        bias: (K,) or (R, K), its bias.
        counts, factor: as of `of_moments`.

    Raises:
        ValueError: shapes that do not fit, a label out of range, a class without samples.
    """
    namespace(features=features, weight=weight)
    check_pair(features, weight)
    known = moments(features, labels, weight.shape[-2])
    return of_moments(known, weight, counts, factor) | of_samples(
        features, labels, known.means, weight, bias
    )


def of_samples(
    features: Array, labels: Array, means: Array, weight: Array, bias: Array | None = None
) -> dict[str, Array]:
    """What needs the samples one by one: "nc3", "nc4", "accuracy"; arguments as of `nc4`.

    Where anything is not finite, nothing is picked: NaN.
    """
    xp = namespace(features=features, weight=weight)
    own, share = decided(features, means, weight, bias)
    labels = as_labels(xp, labels, features.shape[-2], device(features))
    check_range(xp, labels, weight.shape[-2])
    right = xp.astype(own == labels, xp.float64)
    return {
        "nc3": xp.mean(nc3_cosines(features, labels, weight), axis=-1),
        "nc4": share,
        "accuracy": xp.where(xp.isnan(share), share, xp.mean(right, axis=-1)),
    }


def _of_rows(rows: Array, name: str) -> dict[str, Array]:
    return {
        f"equinorm_{name}": equinorm(rows),
        f"equiangularity_{name}": equiangularity(rows),
        f"maximal_angle_{name}": maximal_angle(rows),
        f"nc2_frobenius_{name}": nc2_frobenius(rows),
    }


def _as_code(known: Moments, weight: Array | None) -> dict[str, Array]:
    xp = known.xp
    found = {}
    for name, rows in (("means", known.centred), ("rows", weight)):
        if rows is not None:
            found[f"coherence_{name}"] = xp.asarray(codes.coherence(rows))
            if known.classes <= MOST_MARGINS:
                margin = codes.one_vs_rest_margin(rows)
                found[f"one_vs_rest_margin_{name}"] = xp.asarray(margin)
    return found
