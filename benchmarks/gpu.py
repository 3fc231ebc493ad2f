"""The GPU beside this machine's processor: a pass in turns, looks, and memory told and taken.

Nothing is printed where there is no GPU.
"""

from __future__ import annotations

import time
from statistics import median

import torch

from benchmarks.table import show
from ncengine.config import RunConfig
from ncengine.costs.memory import device_memory_needed
from ncengine.datasets import is_available, load
from ncengine.snapshots.plan import snapshot_passes
from ncengine.training.train import Training

MEBIBYTE = 2**20
CASES = (
    {"seeds": 3},
    {"dataset": "mnist", "samples_per_class": 100, "depth": 13},
    {"dataset": "mnist", "samples_per_class": 100, "depth": 34, "architecture": "RN2"},
    {"dataset": "mnist", "samples_per_class": 5000, "depth": 5, "seeds": 5, "solver": "Adam"},
    {"dataset": "mnist", "samples_per_class": 20, "architecture": "T11", "seeds": 3},
    {"dataset": "mnist", "samples_per_class": 100, "architecture": "T11", "depth": 13, "seeds": 3},
    {"dataset": "imdb", "samples_per_class": 50, "depth": 21, "context": 32, "norm": "pre",
     "seeds": 3},
    {"architecture": "UFM", "samples_per_class": 100},
)  # fmt: skip
ROUNDS = 10
# Passes of a training whose looks are timed: enough for some without one.
LOOKED = 60
HEADER = (
    *("run", "seeds", "solver", "processor, ms a pass", "GPU, ms a pass", "ratio"),
    *("looks of the GPU's time", "memory told, MiB", "taken, MiB"),
)


def seconds_of_pass(training: Training) -> float:
    """Seconds of one evaluation and the solver's step."""
    start = time.perf_counter()
    evaluation = training.train.evaluate(training.solver.theta)
    training.solver.step(evaluation.loss, evaluation.gradient)
    if training.device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def share_of_looks(training: Training) -> float:
    """Which part of the time of a whole training goes into snapshots."""
    seconds: dict[str, list[float]] = {"none": [], "metrics": [], "geometry": []}
    start = time.perf_counter()
    for step in training.steps():
        torch.cuda.synchronize()
        now = time.perf_counter()
        kind = "geometry" if "features" in (step.snapshot or ()) else "metrics"
        seconds[kind if step.snapshot else "none"].append(now - start)
        start = now
        if step.passes == LOOKED:
            break
    plain = median(seconds["none"])
    budget = training.config.budget
    metrics, geometry = (len(passes) for passes in snapshot_passes(budget))
    looks = (metrics - geometry) * (median(seconds["metrics"]) - plain)
    looks += geometry * (median(seconds["geometry"]) - plain)
    return looks / (looks + budget * plain)


def row(config: RunConfig) -> tuple:
    """One line of the table."""
    data = load(config)
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    looks = share_of_looks(Training(config, data, torch.device("cuda")))
    taken = torch.cuda.max_memory_allocated() - before
    trainings = [Training(config, data, torch.device(name)) for name in ("cpu", "cuda")]
    times = [[seconds_of_pass(training) for training in trainings] for _ in range(ROUNDS)]
    cpu, gpu = (median(column) for column in zip(*times[2:], strict=True))
    return (
        config.title(),
        len(config.seeds),
        config.solver,
        f"{1e3 * cpu:.1f}",
        f"{1e3 * gpu:.1f}",
        f"{cpu / gpu:.1f}",
        f"{looks:.0%}",
        f"{device_memory_needed(config) / MEBIBYTE:,.0f}",
        f"{taken / MEBIBYTE:,.0f}",
    )


def main() -> None:
    """Print the table."""
    if not torch.cuda.is_available():
        return
    configs = [RunConfig(**values) for values in CASES]
    threads = torch.get_num_threads()
    show(
        f"{torch.cuda.get_device_name()} beside the processor's {threads} threads",
        HEADER,
        [row(config) for config in configs if is_available(config.dataset)],
    )


if __name__ == "__main__":
    main()
