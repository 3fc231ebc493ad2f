"""K-FAC L-BFGS against L-BFGS: CPU time to where that ends, and where as many passes lead.

Side by side in one process, one thread, three seeds, looks and all.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch

from benchmarks.table import show
from ncengine.config import RunConfig
from ncengine.config.fields import KFAC
from ncengine.datasets import is_available, load
from ncengine.theory.optimum import floor_of
from ncengine.training.train import Training

PASSES = 1000
# From weights of torch.nn.Linear's size, after Adam steps.
AS_BEFORE = {"solver": "L-BFGS", "warmup": 50, "initial_scale": 1.0}
MNIST = {"dataset": "mnist", "norm": "post"}
MSE = {**MNIST, "samples_per_class": 50, "loss": "MSE"}
T11 = {**MNIST, "architecture": "T11", "samples_per_class": 20}
CASES: list[dict[str, Any]] = [
    *({**MNIST, "depth": depth} for depth in (5, 13, 34)),
    {"dataset": "digits", "norm": "pre", "depth": 5},
    {"dataset": "digits", "norm": "post", "depth": 13},
    *({**MNIST, "architecture": "RN2", "depth": depth} for depth in (2, 34)),
    *({**MSE, "depth": depth} for depth in (2, 5, 13)),
    {**MSE, "architecture": "RN2", "samples_per_class": 20, "depth": 5},
    {**T11, "depth": 5},
]


def trained(config: RunConfig, until: float = -np.inf) -> dict[str, Any]:
    """Where it ends, and after how many CPU seconds and passes its mean objective is `until`."""
    training = Training(config, load(config), torch.device("cpu"))
    start, reached = time.process_time(), None
    for step in training.steps():
        if step.snapshot is not None:
            last = step.snapshot
        if reached is None and float(training._at_iterates().loss.mean()) <= until:
            reached = time.process_time() - start, step.passes
    floor = floor_of(config)
    assert floor is not None
    gaps = (last["loss"] - floor) / floor
    return {
        "objective": float(last["loss"].mean()),
        "gap": f"{gaps.mean():.3g} ({gaps.min():.3g} … {gaps.max():.3g})",
        "nc1": float(np.log10(last["nc1"]).mean()),
        "seconds": time.process_time() - start,
        "reached": reached,
    }


def main() -> None:
    """Print the table; a case whose data are not here is left out."""
    torch.set_num_threads(1)
    rows = []
    for case in CASES:
        config = RunConfig(**case, seeds=3, epochs=PASSES, **AS_BEFORE)
        if not is_available(config.dataset):
            continue
        plain = trained(config)
        ours = trained(RunConfig(**case, seeds=3, epochs=PASSES), plain["objective"])
        share = f"{ours['reached'][0] / plain['seconds']:.2f}" if ours["reached"] else "never"
        passes = ours["reached"][1] if ours["reached"] else ""
        rows.append(
            (config.title(), f"{plain['seconds']:.1f} s", plain["gap"], f"{plain['nc1']:.2f}",
             f"**{share}**", passes, f"{ours['seconds']:.1f} s", ours["gap"], f"{ours['nc1']:.2f}")
        )  # fmt: skip
    head = (
        "network", "L-BFGS", "gap / floor", "log10 NC1",
        "time to its end", "passes", KFAC, "gap / floor", "log10 NC1",
    )  # fmt: skip
    show(f"K-FAC L-BFGS against L-BFGS, {PASSES:,} passes, three seeds", head, rows)


if __name__ == "__main__":
    main()
