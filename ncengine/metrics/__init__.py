"""The metrics of neural collapse (Definition 2) and their relatives."""

from ncengine.metrics import layers
from ncengine.metrics.accumulator import Accumulator
from ncengine.metrics.class_moments import Moments, moments
from ncengine.metrics.codes import best_margin, coherence, one_vs_rest_margin
from ncengine.metrics.collapse import (
    NeuralCollapse,
    class_cosines,
    class_means,
    cosines,
    neural_collapse,
)
from ncengine.metrics.decisions import nc4
from ncengine.metrics.duality import nc3_frobenius, nc3_papyan
from ncengine.metrics.frames import equiangularity, equinorm, maximal_angle, nc2_frobenius
from ncengine.metrics.imbalance import seli_grams, seli_means, seli_rows
from ncengine.metrics.out_of_distribution import auroc, nc5, neco
from ncengine.metrics.together import every, ideal, of_moments, of_samples
from ncengine.metrics.variability import cdnv, nc1, nc1_pinv

__all__ = [
    "Accumulator",
    "Moments",
    "NeuralCollapse",
    "auroc",
    "best_margin",
    "cdnv",
    "class_cosines",
    "class_means",
    "coherence",
    "cosines",
    "equiangularity",
    "equinorm",
    "every",
    "ideal",
    "layers",
    "maximal_angle",
    "moments",
    "nc1",
    "nc1_pinv",
    "nc2_frobenius",
    "nc3_frobenius",
    "nc3_papyan",
    "nc4",
    "nc5",
    "neco",
    "neural_collapse",
    "of_moments",
    "of_samples",
    "one_vs_rest_margin",
    "seli_grams",
    "seli_means",
    "seli_rows",
]
