"""Named grids: the paper's figures, and comparisons that are worth a look."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ncengine.catalogue.datasets import dataset_info
from ncengine.config.fields import KFAC, PAPER_DEPTHS
from ncengine.config.grid import Grid, combine
from ncengine.config.run_config import RunConfig

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Sweep:
    """A named grid.

    Attributes:
        title: its name for a reader.
        look_for: two sentences on what to look for.
        series: what is laid over each other in one picture: values by field, of which lists are
            axes. Of a size that a laptop can do.
        paper: what is said otherwise in the paper's full size; None for a field's default.
    """

    title: str
    look_for: str
    series: tuple[Values, ...]
    paper: Values = field(default_factory=dict)


DEPTHS = list(PAPER_DEPTHS)
DECAYS = [0.0005, 0.002, 0.005, 0.02, 0.05]
MNIST = {"dataset": "mnist", "samples_per_class": 100, "seeds": 5, "depth": DEPTHS}
DIGITS = {**MNIST, "dataset": "digits", "architecture": "RN1", "weight_decay": 0.005}
POST_RN1 = {**MNIST, "architecture": "RN1", "norm": "post", "weight_decay": 0.005}
POST_RN2 = {**MNIST, "architecture": "RN2", "norm": "post"}
# Attention costs so much more that a laptop sees fewer samples, and takes longer to come near the
# floor.
T11 = {
    "architecture": "T11", "samples_per_class": 20, "seeds": 3, "depth": DEPTHS, "epochs": 1000,
}  # fmt: skip
# So few numbers that a linear map of them does not tell all samples apart by itself.
AVERAGED = {"dataset": "cifar10", "image_side": 8}
# Fewer samples could be told apart by the embedding alone, to the last digit, at every depth.
MSE = {**POST_RN1, "seeds": 3, "loss": "MSE", "epochs": 1000}
TEXT = {"dataset": "imdb", "norm": "pre", "samples_per_class": 50, "context": 32, "depth": DEPTHS}
# The paper says neither how many samples it used nor the batch size: as many as there may be.
PAPER = {
    "solver": "Adam", "epochs": 5000, "seeds": 5, "samples_per_class": 5000, "depth": DEPTHS,
}  # fmt: skip

SWEEPS: dict[str, Sweep] = {
    "figure-1": Sweep(
        "Figure 1: ResNets and transformers on images",
        "NC1 and NC3 fall with depth, and so does how far above the floor they end; the deepest "
        "transformers on MNIST start from a shallower one’s network, for from random weights 1,000 "
        "passes are too few. CIFAR10 is averaged down to 8 × 8 pixels: of whole images a "
        "linear map tells so few apart by itself, see “CIFAR10: too many numbers”.",
        (
            POST_RN1,
            {**POST_RN1, **AVERAGED},
            {**T11, "dataset": "mnist", "norm": "post"},
            {**T11, **AVERAGED, "norm": "post"},
        ),
        {**PAPER, "image_side": None},
    ),
    "figure-1-mse": Sweep(
        "Figure 1 with squared error",
        "Corollary 5 promises the same of squared error: with a bias of the last layer the class "
        "means become a simplex, without it an orthogonal frame. The floor lies lower, so that all "
        "end further above it, in shares of it: see how much nearer the deep ones come.",
        ({**MSE, "last_bias": True}, {**MSE, "last_bias": False}),
        PAPER,
    ),
    "too-many-numbers": Sweep(
        "CIFAR10: too many numbers",
        "An image as published has 3,072 numbers, more than there are images: the embedding, "
        "which nothing decays, tells them apart by itself, two layers come within 2 % of the "
        "floor, and depth has little left to do. Averaged down to 8 × 8 pixels it has 192, and "
        "depth has all to do.",
        ({**POST_RN1, "dataset": "cifar10"}, {**POST_RN1, **AVERAGED}),
        PAPER,
    ),
    "figure-2-top": Sweep(
        "Figure 2, top: a pre-LN transformer on text",
        "Film reviews collapse with depth as pictures do. With pre-LN, watch the gap too: a "
        "network that shrinks its stream comes near the floor without being deep.",
        ({**T11, **TEXT},),
        {**PAPER, "learning_rate": 0.001, "context": 64},
    ),
    "figure-2-bottom": Sweep(
        "Figure 2, bottom: two linear layers a block",
        "With a constant decay the network does nothing in its hidden layers, and depth does not "
        "help. With λ/L on the hidden layers NC1 falls with depth, as Theorem 10 has it.",
        (
            {**POST_RN2, "weight_decay": 0.0025, "decay_schedule": "constant"},
            {**POST_RN2, "weight_decay": 0.005, "decay_schedule": "1/L"},
        ),
        PAPER,
    ),
    "schedules": Sweep(
        "Appendix H: three decay schedules",
        "Of constant, 1/L and uniform 1/L only the middle one lets collapse grow with depth here. "
        "The hidden decay of the other two is zero: these networks leave hidden layers alone.",
        tuple(
            {**POST_RN2, "weight_decay": decay, "decay_schedule": schedule}
            for decay, schedule in ((0.0025, "constant"), (0.005, "1/L"), (0.005, "uniform 1/L"))
        ),
        PAPER,
    ),
    "solvers": Sweep(
        "Adam, L-BFGS and K-FAC L-BFGS",
        "All minimise the same objective; look at how far above the floor each ends. What Adam "
        "leaves to be done grows with depth, so that its slope tells of the solver as well.",
        (
            {**POST_RN1, "solver": KFAC, "epochs": 400},
            {**POST_RN1, "solver": "L-BFGS", "epochs": 400},
            {**POST_RN1, "solver": "Adam", "epochs": 2000},
        ),
        {"samples_per_class": 5000, "seeds": 5},
    ),
    "decoupled": Sweep(
        "Coupled against decoupled decay",
        "Adam minimises the objective with its decay; AdamW shrinks weights beside it, and so "
        "minimises something else. See how much less it collapses.",
        (
            {**POST_RN1, "solver": "Adam", "epochs": 2000},
            {**POST_RN1, "solver": "AdamW", "epochs": 2000},
        ),
        {"samples_per_class": 5000, "epochs": 5000, "seeds": 5},
    ),
    "two-mechanisms": Sweep(
        "Pre-LN against post-LN: two mechanisms",
        "Post-LN needs depth to come near the floor. Pre-LN takes a shortcut, which this project "
        "found: it shrinks its stream, and is near the floor at every depth.",
        ({**DIGITS, "norm": "post"}, {**DIGITS, "norm": "pre"}),
        {"seeds": 5, "epochs": 5000},
    ),
    "deepening": Sweep(
        "Deepening against scratch",
        "By deepening each network starts from the trained one below it, as the proof has it, so "
        "that the objective falls at every step. From scratch each depth takes two to three times "
        "as many passes to end as low.",
        ({**POST_RN1, "start": "random"}, {**POST_RN1, "start": "deepening"}),
        {"samples_per_class": 5000, "seeds": 5},
    ),
    "digits-grid": Sweep(
        "Depth and weight decay: a map",
        "Each square is a network. Where decay is weak depth does little; the stronger it is, the "
        "more each layer matters, until the hidden layers are given up.",
        ({**DIGITS, "norm": "post", "seeds": 2, "weight_decay": DECAYS},),
        {"seeds": 5, "epochs": 5000},
    ),
}


def sweep_series(
    name: str, changes: Mapping[str, Any] | None = None, *, as_in_paper: bool = False
) -> list[Grid]:
    """The grids of a preset, one a series.

    Args:
        name: of `SWEEPS`.
        changes: values by field, of which lists are axes, that go before what the preset says.
        as_in_paper: in the paper's full size.

    Raises:
        ConfigError: a change that fits no series.
    """
    preset = SWEEPS[name]
    grids = []
    for series in preset.series:
        values = {**series, **(preset.paper if as_in_paper else {}), **(changes or {})}
        values = {name: value for name, value in values.items() if value is not None}
        info = dataset_info(RunConfig(dataset=_first(values["dataset"])).dataset)
        if as_in_paper and "samples_per_class" not in (changes or {}):
            values["samples_per_class"] = min(
                values["samples_per_class"], info.max_samples_per_class
            )
        axes = {name: value for name, value in values.items() if _is_axis(name, value)}
        given = {name: value for name, value in values.items() if name not in axes}
        grids.append(combine(given, axes))
    return grids


def sweep_grid(
    name: str, changes: Mapping[str, Any] | None = None, *, as_in_paper: bool = False
) -> Grid:
    """All of a preset in one grid; see `sweep_series`."""
    return joined(sweep_series(name, changes, as_in_paper=as_in_paper))


def joined(grids: Iterable[Grid]) -> Grid:
    """All of them, each configuration once."""
    whole = Grid(())
    for grid in grids:
        whole = whole + grid
    return whole


def _is_axis(name: str, value: Any) -> bool:
    return isinstance(value, list) and name != "seeds"


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) else value
