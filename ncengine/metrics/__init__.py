"""The metrics of neural collapse (Definition 2) and their relatives."""

from ncengine.metrics import layers
from ncengine.metrics.collapse import (
    NeuralCollapse,
    class_cosines,
    class_means,
    cosines,
    neural_collapse,
)

__all__ = ["NeuralCollapse", "class_cosines", "class_means", "cosines", "layers", "neural_collapse"]
