"""How well the model of work, scaled by one run, tells the time of others."""

from __future__ import annotations

import time
from statistics import median

from benchmarks.table import show
from ncengine.config import RunConfig
from ncengine.costs.work import run_work
from ncengine.datasets import is_available, load
from ncengine.training.device import pick_device
from ncengine.training.train import Training

CASES = (
    {"depth": 2},
    {},
    {"depth": 13, "samples_per_class": 150},
    {"depth": 34},
    {"depth": 13, "architecture": "RN2"},
    {"seeds": 10},
    {"width": 16},
    {"width": 256},
    {"samples_per_class": 10},
    {"solver": "L-BFGS"},
    {"solver": "Adam"},
    {"solver": "Adam", "batch_size": 64},
    {"precision": "float64"},
    {"dataset": "mnist"},
    {"dataset": "cifar10"},
    {"architecture": "T11"},
    {"architecture": "T11", "patch_size": 4},
    {"architecture": "T22"},
    {"architecture": "T12", "norm": "pre", "depth": 13, "samples_per_class": 20},
    {"architecture": "T11", "samples_per_class": 20, "depth": 2, "seeds": 1},
    {"dataset": "mnist", "architecture": "T11", "seeds": 1},
    {"dataset": "mnist", "architecture": "T11", "patch_size": 2, "samples_per_class": 10},
    {"dataset": "imdb", "seeds": 1},
    {"dataset": "imdb", "seeds": 1, "context": 16},
    {"architecture": "UFM", "samples_per_class": 20, "epochs": 60},
)
SECONDS = 6.0


def seconds_of(config: RunConfig) -> tuple[float, int]:
    """Time of the first passes with all looks on the way, and how many they were."""
    training = Training(config, load(config), pick_device())
    start = time.perf_counter()
    passes = 0
    for step in training.steps():
        passes = step.passes
        if time.perf_counter() - start > SECONDS and passes >= 5:
            break
    return time.perf_counter() - start, passes


def main() -> None:
    """Print, for each case, the time as the first case's speed would tell it over its own."""
    measured = []
    for values in CASES:
        config = RunConfig(**values)
        if is_available(config.dataset):
            seconds, passes = seconds_of(config)
            measured.append((config, seconds, passes, run_work(config, passes)))
    typical = median(seconds / work for _, seconds, _, work in measured)
    ratios = [typical * work / seconds for _, seconds, _, work in measured]
    rows = [
        (config.title(), len(config.seeds), passes, f"{seconds:.1f} s", f"{ratio:.2f}")
        for (config, seconds, passes, _), ratio in zip(measured, ratios, strict=True)
    ]
    show(
        "Told time over measured time, at the typical speed "
        f"(largest over smallest ratio {max(ratios) / min(ratios):.1f})",
        ("run", "seeds", "passes", "measured", "told / measured"),
        rows,
    )


if __name__ == "__main__":
    main()
