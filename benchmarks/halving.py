"""The end's objective when λ is halved. The optimum never rises: the same network costs less.

A test of the defaults, for every architecture, norm and loss at three sizes.
"""

from __future__ import annotations

from itertools import pairwise, product
from typing import Any

import numpy as np
import torch

from benchmarks.table import show
from ncengine.catalogue.architectures import ARCHITECTURES
from ncengine.config import RunConfig
from ncengine.datasets import load
from ncengine.training.train import Training

DECAYS = (0.02, 0.01, 0.005, 0.0025)
SIZES: tuple[dict[str, Any], ...] = (
    {"classes": 3, "samples_per_class": 20, "width": 16, "depth": 3},
    {"classes": 6, "samples_per_class": 10, "width": 24, "depth": 5},
    {"classes": 10, "samples_per_class": 15, "width": 32, "depth": 8},
)


def objective(config: RunConfig) -> float:
    """Mean over seeds at the end."""
    training = Training(config, load(config), torch.device("cpu"))
    last = [step.snapshot for step in training.steps() if step.snapshot is not None][-1]
    return float(np.mean(last["loss"]))


def main() -> None:
    """Print, for each network, the objectives, and by how much one is above the one before."""
    torch.set_num_threads(1)
    rows = []
    networks = [name for name, info in ARCHITECTURES.items() if info.has_network]
    for architecture, norm, loss, size in product(networks, ("post", "pre"), ("CE", "MSE"), SIZES):
        base = RunConfig(architecture=architecture, norm=norm, loss=loss, seeds=2, **size)
        ends = [objective(base.with_(weight_decay=decay)) for decay in DECAYS]
        rise = max(after / before - 1 for before, after in pairwise(ends))
        title = f"{base.depth}-{architecture}, {norm}-LN, {loss}, {base.classes} × "
        title += f"{base.samples_per_class}, d = {base.width}"
        rows.append((title, *(f"{end:.5f}" for end in ends), f"{rise:+.2%}"))
        print(*rows[-1], sep="  ", flush=True)  # the whole takes long
    head = ("network", *(f"λ = {decay:g}" for decay in DECAYS), "largest rise")
    show("Objective at the end, digits, defaults, two seeds", head, rows)
    print(f"{sum(row[-1].startswith('+') for row in rows)} of {len(rows)} rise")


if __name__ == "__main__":
    main()
