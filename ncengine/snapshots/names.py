"""Names of what is recorded of a training, and of what a result holds."""

from __future__ import annotations

import numpy as np

from ncengine.catalogue.metrics import Of, names_of, of_test

# Taken where geometry is taken, and not at all for free features, which know no test sample.
OF_TEST = tuple(map(of_test, names_of(Of.TEST)))

# Of what was recorded, where it is compared with the best figure that is known.
KNOWN = names_of(Of.KNOWN)

PER_SEED = (*names_of(Of.OBJECTIVE, Of.FEATURES), *OF_TEST)

# What a snapshot holds a seed; the gap follows from the loss and the floor.
CURVES = tuple(name for name in PER_SEED if name != "gap")
# What a snapshot of the geometry holds besides, and what says which samples these are.
GEOMETRY = ("class_means", "classifier", "features", "test_features")
# Of each seed, how many test samples a class has: which ones are shown depends on it.
TESTED = "tested"
SHOWN = ("labels", "sample_index", "test_labels", "test_index")

# Of every layer, and of every block between two of them; see `metrics.layers`.
COLLAPSE = names_of(Of.LAYER)
STREAM = names_of(Of.STREAM)
LAYERS = COLLAPSE + STREAM
BLOCKS = names_of(Of.BLOCK)
# What a snapshot or a result calls that which is of layers.
OF_LAYERS = "layers_"
MEANS = f"{OF_LAYERS}class_means"
FEATURES = f"{OF_LAYERS}features"

Arrays = dict[str, np.ndarray]
