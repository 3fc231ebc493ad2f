"""Fashion-MNIST, in the split in which it was published."""

from ncengine.datasets.images import of_idx_files

DATASET = of_idx_files("fashion-mnist")
