"""What the theorems say of the optimum, in closed form."""

from ncengine.theory.gufm import (
    GufmOptimum,
    gufm_optimum,
    ideal_figure,
    least_width,
    simplex_etf,
)

__all__ = ["GufmOptimum", "gufm_optimum", "ideal_figure", "least_width", "simplex_etf"]
