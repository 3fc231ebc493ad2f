"""What the theorems say of the optimum, in closed form, and how their proofs come near it."""

from __future__ import annotations

import importlib
from typing import Any

from ncengine.theory.gufm import (
    GufmOptimum,
    gufm_optimum,
    ideal_figure,
    least_width,
    simplex_etf,
)

# Loaded when first asked for: with them comes scipy, of which the closed forms have no use.
_LAZY = {
    "BestFigure": "ncengine.theory.figures",
    "Construction": "ncengine.theory.constructions.construction",
    "UnequalOptimum": "ncengine.theory.unequal",
    "best_figure": "ncengine.theory.figures",
    "construction": "ncengine.theory.constructions.construction",
    "known_figures": "ncengine.theory.known",
    "meeting_ratio": "ncengine.theory.unequal",
    "unequal_optimum": "ncengine.theory.unequal",
}

__all__ = [
    "GufmOptimum",
    "gufm_optimum",
    "ideal_figure",
    "least_width",
    "simplex_etf",
    *_LAZY,
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'ncengine.theory' has no attribute {name!r}")
