"""A training so small that it only shows what any training takes: what it loads, and memory."""

from __future__ import annotations

from ncengine.config import RunConfig


def rehearse() -> None:
    """Train a little, so that all is loaded that training needs."""
    from ncengine.datasets import load
    from ncengine.training.device import one_thread, pick_device
    from ncengine.training.train import Training

    one_thread()
    device = pick_device()
    config = RunConfig(classes=2, samples_per_class=2, width=4, depth=2, epochs=2, seeds=1)
    for _ in Training(config, load(config), device).steps():
        pass
