"""Metrics of the literature, as they are measured of networks of one's own: facts on each.

Those that our own trainings record are in `catalogue.metrics`, and not here again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ncengine.catalogue.metrics import (
    BLUE,
    GREEN,
    METRICS,
    NEUTRAL,
    OCHRE,
    ORANGE,
    PINK,
    PURPLE,
    TEAL,
    Scale,
)


@dataclass(frozen=True)
class Measured:
    """What readers are told of a figure of a recording.

    Attributes:
        title: as they see it.
        help: what it says, in sentences, with who defined it.
        color: of its lines, on light and dark ground.
        scale: how it is drawn.
    """

    title: str
    help: str
    color: str
    scale: Scale = Scale.LOG


_OF = {"means": "class means about their centre", "rows": "the classifier's rows"}


def _of_both(name: str, title: str, help: str, color: str, scale: Scale = Scale.LOG) -> dict:
    """The same of the class means and of the classifier's rows."""
    return {
        f"{name}_{of}": Measured(f"{title} of {of}", help.format(of=words), color, scale)
        for of, words in _OF.items()
    }


# Of the catalogue's own, those that are measured of any network, under the names that they have.
_OWN = {
    name: Measured(metric.title, metric.help, metric.color, metric.scale)
    for name, metric in METRICS.items()
    if name
    in (
        "gap",
        "nc1",
        "nc1_pinv",
        "nc3",
        "accuracy",
        "ncc_error",
        "effective_rank",
        "effective_rank_features",
        "nc2",
    )  # fmt: skip
}
# Which stand first, where all are listed.
_FIRST = ("gap", "nc1", "nc2a", "nc2b", "nc3", "nc4", "accuracy", "cdnv", "nc1_pinv")

_ENTRIES: dict[str, Measured] = {
    **_OWN,
    "nc2a": Measured("NC2A", METRICS["nc2a"].help, TEAL),
    "nc2b": Measured("NC2B", METRICS["nc2b"].help, BLUE),
    "loss_gufm": Measured(
        "last layer's objective",
        "The fit, and what the last layer pays to weight decay: what the floor is of.",
        BLUE,
    ),
    "cdnv": Measured(
        "CDNV",
        "Class-distance normalised variance: how much two classes spread, compared with how far "
        "apart they are, on average over pairs (Galanti, György and Hutter 2021). 0: points.",
        PURPLE,
    ),
    **_of_both(
        "equinorm",
        "Norms",
        "How unequal the norms of {of} are: their standard deviation over their mean (Papyan, Han "
        "and Donoho 2020). 0: equal.",
        ORANGE,
    ),
    **_of_both(
        "equiangularity",
        "Angles",
        "How unequal the angles between {of} are: the standard deviation of their cosines "
        "(Papyan, Han and Donoho 2020). 0: equal.",
        GREEN,
    ),
    **_of_both(
        "maximal_angle",
        "Widest angle",
        "How far the cosines between {of} are from −1/(K − 1), those of a simplex (Papyan, Han and "
        "Donoho 2020). 0: as wide as can be.",
        BLUE,
    ),
    **_of_both(
        "nc2_frobenius",
        "NC2, Frobenius,",
        "How far the Gram matrix of {of} is from a simplex's, both at norm 1 (Zhu et al. 2021; "
        "Zhou et al. 2022). 0: a simplex.",
        TEAL,
    ),
    "nc3_frobenius": Measured(
        "NC3, Frobenius",
        "How far the product of classifier and class means is from a simplex's, both at norm 1 "
        "(Zhu et al. 2021; Zhou et al. 2022). 0: they are one simplex.",
        OCHRE,
    ),
    "nc3_papyan": Measured(
        "NC3, Papyan",
        "Squared distance of the classifier from the centred class means, both at norm 1 (Papyan, "
        "Han and Donoho 2020). 0: the same.",
        PINK,
    ),
    "nc4": Measured(
        "NC4",
        "Share of samples on which the classifier, its bias included, and the nearest class mean "
        "disagree (Papyan, Han and Donoho 2020).",
        NEUTRAL,
        Scale.SHARE,
    ),
    "nc5": Measured(
        "NC5",
        "How far foreign samples, on average, are from being at right angles to the class means "
        "(Ammar et al. 2024). 0: at right angles.",
        PURPLE,
    ),
    "neco_auroc": Measured(
        "NECO, AUROC",
        "How well NECO tells training samples from foreign ones (Ammar et al. 2024). 1: always.",
        GREEN,
        Scale.SHARE,
    ),
    **_of_both(
        "one_vs_rest_margin",
        "One-vs-rest margin",
        "Least distance of one of {of}, at norm 1, from the hull of the others: what is as large "
        "as can be where there are too many classes for a simplex (Jiang et al. 2023).",
        TEAL,
        Scale.LINEAR,
    ),
    **_of_both(
        "coherence",
        "Coherence",
        "Largest cosine between two of {of} (Jiang et al. 2023). The smaller, the farther apart.",
        BLUE,
        Scale.LINEAR,
    ),
    "seli_means": Measured(
        "SELI of means",
        "How far the class means' Gram matrix is from SELI's, the figure that classes of unequal "
        "size lead to (Thrampoulidis et al. 2022). 0: it is that figure.",
        TEAL,
    ),
    "seli_rows": Measured(
        "SELI of rows",
        "How far the rows' Gram matrix is from SELI's, the figure that classes of unequal size "
        "lead to (Thrampoulidis et al. 2022). 0: it is that figure.",
        BLUE,
    ),
}

_ORDER = dict.fromkeys((*_FIRST, *_ENTRIES))
MEASURED: Mapping[str, Measured] = MappingProxyType({name: _ENTRIES[name] for name in _ORDER})
# What of it stands for NC2, by the figure that a training leads to, see `metrics.ideal`: of the
# classifier's rows, else of the class means.
NC2 = {
    "simplex": ("nc2a", "nc2", "nc2_frobenius_means"),
    "seli": ("seli_rows", "seli_means"),
    "code": ("one_vs_rest_margin_rows", "one_vs_rest_margin_means"),
}


def told(name: str) -> Measured:
    """What there is to tell of a figure; of one that is none of these, its name.

    Of test samples, of a layer and of a head it is said whose it is: "test.nc1", "layer3.cdnv".
    """
    whose, dot, figure = name.rpartition(".")
    if dot and figure in MEASURED:
        one = MEASURED[figure]
        title = f"Test {one.title}" if whose == "test" else f"{one.title} · {whose}"
        return Measured(title, one.help, one.color, one.scale)
    if name in MEASURED:
        return MEASURED[name]
    return Measured(name, "As it was given when it was recorded.", NEUTRAL, Scale.LINEAR)


def in_order(names: Iterable[str]) -> list[str]:
    """Those names: the figures of the whole first, as they are listed here, then what was given."""
    listed = list(MEASURED)
    place = {name: n for n, name in enumerate(listed)}
    return sorted(names, key=lambda name: ("." in name, place.get(name, len(listed)), name))
