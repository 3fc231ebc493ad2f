"""The floor of an experiment: the GUFM's optimum for what its configuration asks for."""

from __future__ import annotations

from functools import lru_cache

from ncengine.config import RunConfig
from ncengine.theory.gufm import GufmOptimum, gufm_optimum, ideal_figure, least_width

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
