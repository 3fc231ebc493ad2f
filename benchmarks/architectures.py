"""Whether every architecture of the paper trains: accuracy, gap and collapse, with the defaults.

Runs are kept in the cache like any others, so that a benchmark that was stopped goes on. MNIST,
CIFAR10 and IMDB have to be on this machine.
"""

from __future__ import annotations

import numpy as np

from benchmarks.table import show
from ncengine import run
from ncengine.catalogue.architectures import RESNETS, architectures
from ncengine.config import RunConfig
from ncengine.datasets import dataset_info

# One seed and fewer passes than the default where a pass takes a good part of a second.
BUDGET = {"RN": {}, "T": {"seeds": 1, "epochs": 400}, "imdb": {"seeds": 1, "epochs": 200}}
SCHEDULES = (("constant", 0.0025), ("1/L", 0.005), ("uniform 1/L", 0.005))


def every_network(dataset: str) -> list[RunConfig]:
    """All architectures that can read the data set, post-LN and pre-LN, with both losses."""
    readers = architectures(dataset_info(dataset))

    def budget(architecture: str) -> dict[str, int]:
        if dataset in BUDGET:
            return BUDGET[dataset]
        return BUDGET["RN" if architecture in RESNETS else "T"]

    return [
        RunConfig(
            dataset=dataset,
            architecture=architecture,
            norm=norm,
            loss=loss,
            **budget(architecture),
        )
        for architecture in readers
        if architecture != "UFM"
        for norm in ("post", "pre")
        for loss in ("CE", "MSE")
    ]


def row(config: RunConfig) -> tuple:
    """One line of a table: worst accuracy and gap over seeds, means of the rest."""
    found = run(config)
    seeds = found.summary()["seeds"]

    def over_seeds(name: str) -> np.ndarray:
        return np.array([np.nan if s[name] is None else s[name] for s in seeds], float)

    gaps = found.curves["gap"]
    return (
        config.title(),
        found.passes,
        f"{100 * over_seeds('accuracy').min():.2f} %",
        f"{over_seeds('gap').mean() / found.floor:.1%}",
        "yes" if np.nanmin(gaps) < 0 else "no",
        int(found.diverged.sum()),
        f"{over_seeds('decay_hidden').mean():.1e}",
        f"{np.log10(over_seeds('nc1')).mean():.2f}",
        f"{found.seconds:.0f} s",
    )


HEADER = (
    *("run", "passes", "train accuracy, worst seed", "gap / floor", "gap below 0", "diverged"),
    *("hidden decay", "log10 NC1", "time"),
)


def main() -> None:
    """Print the tables, each as soon as it is done."""
    digits = RunConfig(architecture="T11", norm="pre", patch_size=4, samples_per_class=60)
    show(
        "Pre-LN T11 on digits in 4 × 4-pixel patches",
        HEADER,
        [row(digits.with_(depth=depth)) for depth in (5, 13)],
    )
    rn2 = RunConfig(dataset="mnist", architecture="RN2", depth=13)
    show(
        "RN2 on MNIST: three decay schedules",
        HEADER,
        [row(rn2.with_(decay_schedule=name, weight_decay=value)) for name, value in SCHEDULES],
    )
    for dataset in ("mnist", "imdb"):
        show(f"Every architecture on {dataset}", HEADER, map(row, every_network(dataset)))


if __name__ == "__main__":
    main()
