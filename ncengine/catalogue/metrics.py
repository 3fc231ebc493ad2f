"""What is measured of a network: facts on each metric that need no data, and no torch.

An entry says how a metric is called, explained and drawn, of what it is taken, and where it is
shown. What snapshots, results, summaries and tables hold, and what pages and the command line
show, follow from the entries and their order.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Of(StrEnum):
    """Of what a metric is taken.

    `OBJECTIVE`: of the whole network: the objective, and its parts.
    `FEATURES`: of the features of the training samples, and the last layer.
    `TEST`: the same of test samples, under a name that begins with "test_".
    `LAYER`: of what each layer is for the next one, at training samples.
    `STREAM`: of what each layer is before LayerNorm.
    `BLOCK`: of each block, between two layers.
    `KNOWN`: of what was recorded, beside the best figure that is known where no simplex and no
        orthogonal frame fits: recorded by nobody, see `analysis.best_known`.
    """

    OBJECTIVE = "objective"
    FEATURES = "features"
    TEST = "test"
    LAYER = "layer"
    STREAM = "stream"
    BLOCK = "block"
    KNOWN = "known"


class Scale(StrEnum):
    """How values are drawn and averaged over seeds.

    `LOG`: from 0 up, on a logarithmic axis, by their geometric mean.
    `LINEAR`: by their arithmetic mean.
    `SHARE`: the same, between 0 and 1.
    """

    LOG = "log"
    LINEAR = "linear"
    SHARE = "share"


class Place(StrEnum):
    """Where a metric of features or of the objective is shown."""

    READOUTS = "readouts"
    CURVES = "curves"
    DEPTH = "depth"
    LIBRARY = "library"
    COMPARE = "compare"
    TERMINAL = "terminal"


# The scales that a place has axes for, where these are not all.
_SCALES = {
    Place.CURVES: frozenset({Scale.LOG, Scale.SHARE}),
    Place.DEPTH: frozenset({Scale.LOG}),
    Place.COMPARE: frozenset({Scale.LOG}),
}
EVERYWHERE = frozenset(Place)
ACCURACY = frozenset({Place.READOUTS, Place.CURVES, Place.LIBRARY, Place.TERMINAL})
NEUTRAL = "#7c8798"
BLUE, GREEN, ORANGE, PURPLE = "#3b7cf0", "#12a07f", "#e07b1a", "#d040b8"
PINK, TEAL, OCHRE = "#d6457f", "#1c94b8", "#a38a12"


@dataclass(frozen=True)
class Metric:
    """A metric.

    Attributes:
        name: in curves, summaries, tables, addresses and options.
        title: as readers see it.
        help: what it says, in sentences.
        of: what it is taken of; under one name of several.
        color: of its lines, on light and dark ground.
        scale: how it is drawn.
        low, high: its least and largest value.
        since: the version of the engine since which it is recorded.
        shown: where, as long as it is taken of features or the objective.
        shown_of_test: where of test samples.
        asked_as: the name by which it is asked for where the loss decides between several.
    """

    name: str
    title: str
    help: str
    of: frozenset[Of]
    color: str
    scale: Scale = Scale.LOG
    low: float = 0.0
    high: float = math.inf
    since: int = 3
    shown: frozenset[Place] = frozenset()
    shown_of_test: frozenset[Place] = frozenset()
    asked_as: str = ""

    def __post_init__(self) -> None:
        if self.low >= self.high:
            raise ValueError(f"{self.name}: low = {self.low}: must be less than high = {self.high}")
        if self.scale is Scale.LOG and self.low < 0:
            raise ValueError(
                f"{self.name}: low = {self.low}: must be from 0 on to have a LOG scale"
            )
        if self.scale is Scale.SHARE and (self.low, self.high) != (0.0, 1.0):
            raise ValueError(f"{self.name}: low, high: must be 0, 1 to have a SHARE scale")
        for place in sorted(self.shown | self.shown_of_test):
            fit = _SCALES.get(place, frozenset(Scale))
            if self.scale not in fit:
                raise ValueError(
                    f"{self.name}: scale = {self.scale}: must be {' or '.join(sorted(fit))} "
                    f"to be shown in {place}"
                )


def _of(*taken: Of) -> frozenset[Of]:
    return frozenset(taken)


_ENTRIES = (
    Metric(
        "loss",
        "objective",
        "What training makes small: the fit, how badly training samples are told apart, plus the "
        "weight decay.",
        _of(Of.OBJECTIVE),
        BLUE,
        shown=frozenset({Place.READOUTS, Place.CURVES, Place.COMPARE, Place.TERMINAL}),
    ),
    Metric(
        "gap",
        "gap to the floor",
        "How far the objective is above the proven least value, that of the collapsed optimum. The "
        "smaller, the closer training came to the global optimum.",
        _of(Of.OBJECTIVE),
        NEUTRAL,
        shown=EVERYWHERE - {Place.CURVES},
    ),
    Metric(
        "gap_known",
        "gap to the best known",
        "How far the objective is above the least that is known for so many classes in so few "
        "dimensions, the best of many starts. It is not proved to be the least there is: a "
        "network may come below it.",
        _of(Of.KNOWN),
        NEUTRAL,
        low=-math.inf,
        scale=Scale.LINEAR,
    ),
    Metric(
        "fit",
        "fit",
        "How badly training samples are told apart: the objective without its decays.",
        _of(Of.OBJECTIVE),
        GREEN,
    ),
    Metric(
        "decay_hidden",
        "hidden decay",
        "What the weights of all layers before the last pay to weight decay.",
        _of(Of.OBJECTIVE),
        ORANGE,
    ),
    Metric(
        "decay_last",
        "last-layer decay",
        "What the last layer pays to weight decay.",
        _of(Of.OBJECTIVE),
        PURPLE,
    ),
    Metric(
        "nc1",
        "NC1",
        "How much samples of one class still differ, compared with how much the classes differ. "
        "0: every class has shrunk to a point.",
        _of(Of.FEATURES, Of.TEST, Of.LAYER),
        PINK,
        shown=EVERYWHERE,
        shown_of_test=frozenset({Place.CURVES}),
    ),
    Metric(
        "nc1_pinv",
        "NC1, by pseudo-inverse",
        "NC1 in each direction for itself: tr(Σ_W Σ_B⁺)/K. A network that separates well makes it "
        "smaller by about the same factor at each layer, which is called the law of data "
        "separation. Directions in which the class means do not differ are left out.",
        _of(Of.LAYER),
        PINK,
        since=4,
    ),
    Metric(
        "nc2a",
        "NC2",
        "How far the classifier's rows are from a simplex: as many directions as classes, all at "
        "the same, widest possible angle.",
        _of(Of.FEATURES),
        TEAL,
        high=1.0,
        shown=EVERYWHERE,
        asked_as="nc2",
    ),
    Metric(
        "nc2b",
        "NC2",
        "How far the classifier's rows are from an orthogonal frame: all of one length, and at "
        "right angles to each other.",
        _of(Of.FEATURES),
        TEAL,
        high=1.0,
        shown=EVERYWHERE,
        asked_as="nc2",
    ),
    Metric(
        "nc2_known",
        "NC2 to best known",
        "How far the class means are from the best figure that is known where no simplex fits: as "
        "NC2, but of the means, and with that figure’s own angles. 0: it is that figure. It is "
        "not proved to be the best.",
        _of(Of.KNOWN),
        TEAL,
        high=1.0,
    ),
    Metric(
        "nc2",
        "NC2 of class means",
        "How far the class means are from a simplex, where all are equally far apart. 0: perfect.",
        _of(Of.LAYER),
        TEAL,
        high=1.0,
        since=4,
    ),
    Metric(
        "nc3",
        "NC3",
        "How far the samples are from pointing along their class's classifier row. 0: features and "
        "classifier are one.",
        _of(Of.FEATURES, Of.TEST),
        OCHRE,
        high=2.0,
        shown=EVERYWHERE,
        shown_of_test=frozenset({Place.CURVES}),
    ),
    Metric(
        "accuracy",
        "accuracy",
        "Share of the samples that are told apart right.",
        _of(Of.FEATURES, Of.TEST),
        GREEN,
        Scale.SHARE,
        high=1.0,
        shown=ACCURACY,
        shown_of_test=ACCURACY,
    ),
    Metric(
        "ncc_error",
        "Nearest-mean error",
        "Share of training samples to which another class’s mean is nearer than their own.",
        _of(Of.LAYER),
        OCHRE,
        Scale.SHARE,
        high=1.0,
        since=4,
    ),
    Metric(
        "effective_rank",
        "Rank of class means",
        "In how many directions the class means effectively spread about their centre. A simplex "
        "of K classes has K − 1.",
        _of(Of.LAYER),
        TEAL,
        Scale.LINEAR,
        since=4,
    ),
    Metric(
        "effective_rank_features",
        "Rank of features",
        "In how many directions the samples effectively lie: the exponential of the entropy of "
        "their singular values.",
        _of(Of.LAYER),
        TEAL,
        Scale.LINEAR,
        since=4,
    ),
    Metric(
        "stream_norm",
        "Norm of the stream",
        "Mean norm of what LayerNorm reads: the stream without the mean of its entries.",
        _of(Of.STREAM),
        BLUE,
        since=4,
    ),
    Metric(
        "common_share",
        "Share common to all",
        "How much of the stream is the same for all samples. 1: all of it.",
        _of(Of.STREAM),
        BLUE,
        Scale.SHARE,
        high=1.0,
        since=4,
    ),
    Metric(
        "decay",
        "decay paid",
        "What the weights of a block pay to weight decay.",
        _of(Of.BLOCK),
        ORANGE,
        Scale.LINEAR,
        since=4,
    ),
    Metric(
        "movement",
        "turn of a sample",
        "The mean angle, in radians, by which a block turns a sample.",
        _of(Of.BLOCK),
        GREEN,
        Scale.LINEAR,
        high=math.pi,
        since=4,
    ),
)

METRICS: Mapping[str, Metric] = MappingProxyType({metric.name: metric for metric in _ENTRIES})


def names_of(*taken: Of) -> tuple[str, ...]:
    """The metrics that are taken of one of these, in their order."""
    return tuple(name for name, metric in METRICS.items() if metric.of & frozenset(taken))


def of_test(name: str) -> str:
    """What a metric of features is called where it is taken of test samples."""
    return f"test_{name}"


def metric_of(curve: str) -> Metric:
    """The metric of a curve, be it of training or of test samples."""
    return METRICS[curve.removeprefix("test_")]


def shown_in(place: Place, *, test: bool = False) -> tuple[Metric, ...]:
    """The metrics that are shown there of training samples, or of test samples, in their order."""
    return tuple(
        metric
        for metric in METRICS.values()
        if place in (metric.shown_of_test if test else metric.shown)
    )


def asked_for(place: Place) -> dict[str, str]:
    """What can be asked for there: titles by name, those of features first.

    See `RunConfig.curve` for what is meant by a name.
    """
    shown = sorted(shown_in(place), key=lambda metric: Of.FEATURES not in metric.of)
    return {metric.asked_as or metric.name: metric.title for metric in shown}
