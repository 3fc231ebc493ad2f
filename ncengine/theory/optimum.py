"""The floor of an experiment: the GUFM's optimum for what its configuration asks for.

Where no collapsed optimum fits, nothing is proved; there the best figure that is known stands in
its place, and is never called a floor.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from ncengine.config import RunConfig
from ncengine.theory.gufm import GufmOptimum, gufm_optimum, ideal_figure, least_width

if TYPE_CHECKING:
    from ncengine.theory.figures import BestFigure

_optimum = lru_cache(maxsize=256)(gufm_optimum)


def optimum_of(config: RunConfig) -> GufmOptimum:
    """The collapsed optimum that bounds the runs of `config` (Definition 3, Lemma 9).

    Raises:
        ValueError: no collapsed optimum fits; says why (see `gufm.gufm_optimum`).
    """
    return _optimum(config.classes, config.width, config.decay_last, config.loss, config.last_bias)


def floor_of(config: RunConfig) -> float | None:
    """L*_GUFM of the configuration; None where no collapsed optimum fits."""
    try:
        return optimum_of(config).loss
    except ValueError:
        return None


# What stands in its place where nothing is proved.
FLOOR, BEST_KNOWN = "floor", "best known"
UNPROVED = (
    "the best known, the least that many starts have found for free features, which is not proved "
    "to be the least of all"
)


@dataclass(frozen=True)
class Least:
    """The least objective that is known of a configuration.

    Attributes:
        value: fit and last layer's decay of free features.
        proved: whether no network can come below it: then it is the floor. Else it is the least
            that many starts have found, and some network may come below it.
    """

    value: float
    proved: bool

    @property
    def name(self) -> str:
        """What it is called, so that nobody takes the one for the other."""
        return FLOOR if self.proved else BEST_KNOWN


def least_name(config: RunConfig) -> str:
    """What `Least.name` is of a configuration, whether or not its value is known yet."""
    return BEST_KNOWN if why_no_figure(config) else FLOOR


def figure_of(config: RunConfig) -> BestFigure | None:
    """The best figure that is known where no collapsed optimum fits, see `figures.best_figure`.

    None where one fits, and of more classes than are looked at. The first time it takes some tenths
    of a second, or seconds where there are many classes.
    """
    if not why_no_figure(config):
        return None
    from ncengine.theory import figures

    if config.classes > figures.MOST_CLASSES:
        return None
    return figures.best_figure(*asked_of_figures(config))


def asked_of_figures(config: RunConfig) -> tuple[int, int, float, str, bool]:
    """What of a configuration decides its best figure, as `figures.best_figure` takes it."""
    return config.classes, config.width, config.decay_last, config.loss, config.last_bias


def why_no_figure(config: RunConfig) -> str:
    """Why classes cannot collapse to the ideal figure at this width; "" where they can.

    A clause that goes on a sentence. Without the figure there is no floor in closed form either.
    """
    figure = ideal_figure(config.loss, config.last_bias)
    if config.width >= least_width(config.classes, figure):
        return ""
    name = {"simplex": "simplex of K = {} points", "orthogonal": "orthogonal frame of K = {} rows"}
    return (
        f"no {name[figure].format(config.classes)} fits in the d − 1 = {config.width - 1} "
        f"dimensions that LayerNorm leaves of width d = {config.width}"
    )
