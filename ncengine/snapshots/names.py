"""Names of what is recorded of a training, and of what a result holds."""

from __future__ import annotations

import numpy as np

PER_SEED = (
    "loss",
    "gap",
    "fit",
    "decay_hidden",
    "decay_last",
    "nc1",
    "nc2a",
    "nc2b",
    "nc3",
    "accuracy",
    "test_accuracy",
    "test_nc1",
    "test_nc3",
)

# Taken where geometry is taken, and not at all for free features, which know no test sample.
OF_TEST = ("test_accuracy", "test_nc1", "test_nc3")

# What a snapshot holds a seed; the gap follows from the loss and the floor.
CURVES = tuple(name for name in PER_SEED if name != "gap")
# What a snapshot of the geometry holds besides, and what says which samples these are.
GEOMETRY = ("class_means", "classifier", "features", "test_features")
# Of each seed, how many test samples a class has: which ones are shown depends on it.
TESTED = "tested"
SHOWN = ("labels", "sample_index", "test_labels", "test_index")

# Of every layer, and of every block between two of them; see `metrics.layers`.
COLLAPSE = (
    "nc1",
    "nc1_pinv",
    "nc2",
    "ncc_error",
    "effective_rank",
    "effective_rank_features",
)
STREAM = ("stream_norm", "common_share")
LAYERS = COLLAPSE + STREAM
BLOCKS = ("decay", "movement")
# What a snapshot or a result calls that which is of layers.
OF_LAYERS = "layers_"
MEANS = f"{OF_LAYERS}class_means"
FEATURES = f"{OF_LAYERS}features"

Arrays = dict[str, np.ndarray]
