"""What the theorems say of the optimum, in closed form, and how their proofs come near it."""

from ncengine.theory.best_figure import BestFigure, best_figure
from ncengine.theory.constructions import Construction, construction
from ncengine.theory.gufm import (
    GufmOptimum,
    gufm_optimum,
    ideal_figure,
    least_width,
    simplex_etf,
)
from ncengine.theory.unequal import UnequalOptimum, unequal_optimum

__all__ = [
    "UnequalOptimum",
    "unequal_optimum",
    "BestFigure",
    "best_figure",
    "Construction",
    "GufmOptimum",
    "construction",
    "gufm_optimum",
    "ideal_figure",
    "least_width",
    "simplex_etf",
]
