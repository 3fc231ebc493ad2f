"""RunConfig: the one schema of an experiment.

Widgets, the page's address, command-line options, the cache key, titles and
captions all derive from the fields below and their `Param`. A new parameter is
one new field.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict

from ncengine import ENGINE_VERSION
from ncengine.datasets.registry import DATASETS, dataset_info
from ncengine.param import ConfigError, Param, Problem, as_text

PAPER_DEPTHS = (2, 3, 5, 8, 13, 21, 34)


def _first_order(values: Mapping[str, Any]) -> bool:
    return values["solver"] != "L-BFGS"


class RunConfig(BaseModel):
    """One experiment: data, network, objective, optimiser. Immutable.

    Text is accepted for every field ("1/L", "0.005", "true"), names of choices in
    any case. What is not given takes its default, which may depend on the data set.

    Raises:
        ConfigError: names every field at fault, its value and what is allowed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: Annotated[
        str,
        Param(
            "Data set",
            "What the network learns to tell apart. Digits and Gaussian clusters need no download.",
            "Data",
            "choice",
            choices={name: info.title for name, info in DATASETS.items()},
        ),
    ] = "digits"
    classes: Annotated[
        int,
        Param(
            "Classes K",
            "How many classes are used: the first K of the data set. With K = 4 and width d = 4 "
            "the features live on an ordinary sphere, and the player shows them exactly.",
            "Data",
            "int",
            low=2,
            high=10,
        ),
    ] = 10
    samples_per_class: Annotated[
        int,
        Param(
            "Samples per class n",
            "Training samples drawn from each class; the data are balanced, N = K n.",
            "Data",
            "int",
            low=1,
            high=5000,
            suggested=(10, 20, 50, 100, 150),
        ),
    ] = 100
    input_dim: Annotated[
        int,
        Param(
            "Input dimension d₀",
            "Dimension of the space in which the Gaussian clusters lie.",
            "Data",
            "int",
            low=2,
            high=1024,
            applies=lambda values: values["dataset"] == "gaussian",
        ),
    ] = 16
    spread: Annotated[
        float,
        Param(
            "Spread",
            "Standard deviation of a cluster in each direction, when the clusters' centres have "
            "standard deviation 1. From about 0.5 on, clusters overlap.",
            "Data",
            "float",
            low=0.0,
            high=5.0,
            suggested=(0.1, 0.2, 0.3, 0.5, 1.0),
            applies=lambda values: values["dataset"] == "gaussian",
        ),
    ] = 0.3
    data_seed: Annotated[
        int,
        Param(
            "Data seed",
            "Which samples are drawn from the data set. The same for every seed of the network.",
            "Data",
            "int",
            low=0,
            high=2**31 - 1,
            advanced=True,
        ),
    ] = 0
    architecture: Annotated[
        str,
        Param(
            "Architecture",
            "Residual network with one (RN1) or two (RN2) linear layers a block (Definition 6).",
            "Network",
            "choice",
            choices={"RN1": "RN1", "RN2": "RN2"},
        ),
    ] = "RN1"
    norm: Annotated[
        str,
        Param(
            "LayerNorm",
            "post: after each block, on the residual stream (Definition 6). "
            "pre: inside each block, before its first layer (Definition 12).",
            "Network",
            "choice",
            choices={"post": "post-LN", "pre": "pre-LN"},
        ),
    ] = "post"
    depth: Annotated[
        int,
        Param(
            "Depth L",
            "As the paper counts: an L-RN has L − 1 residual blocks and a last linear layer.",
            "Network",
            "int",
            low=2,
            high=200,
            suggested=PAPER_DEPTHS,
        ),
    ] = 5
    width: Annotated[
        int,
        Param(
            "Width d",
            "Dimension of every hidden layer. Features have norm √d and mean 0.",
            "Network",
            "int",
            low=2,
            high=1024,
            suggested=(4, 8, 16, 32, 64, 128),
        ),
    ] = 64
    loss: Annotated[
        str,
        Param(
            "Loss",
            "Cross entropy (CE) or mean squared error (MSE), averaged over the samples.",
            "Objective",
            "choice",
            choices={"CE": "CE", "MSE": "MSE"},
        ),
    ] = "CE"
    last_bias: Annotated[
        bool,
        Param(
            "Last-layer bias",
            "Gives the last layer a bias, which is not decayed. With MSE it decides which figure "
            "is optimal: with it a simplex ETF (NC2A), without it an orthogonal frame (NC2B).",
            "Objective",
            "bool",
        ),
    ] = False
    weight_decay: Annotated[
        float,
        Param(
            "Weight decay λ",
            "The objective adds λ/2 times the squared norm of the weights of hidden and last "
            "layer; biases and the embedding are never decayed (eq. 3).",
            "Objective",
            "float",
            low=1e-6,
            high=1.0,
            suggested=tuple(float(f"{m}e{e}") for e in range(-5, 0) for m in (1, 2, 2.5, 5)),
            log=True,
        ),
    ] = 0.005
    decay_schedule: Annotated[
        str,
        Param(
            "Decay schedule",
            "constant: λ everywhere (Theorem 4). 1/L: λ/L on hidden layers, λ on the last "
            "(Theorem 10). uniform 1/L: λ/L everywhere (Appendix H).",
            "Objective",
            "choice",
            choices={"constant": "constant", "1/L": "1/L", "uniform 1/L": "uniform 1/L"},
        ),
    ] = "constant"
    solver: Annotated[
        str,
        Param(
            "Solver",
            "L-BFGS starts with Adam, then goes on to (nearly) an optimum, which is what the "
            "theorems speak of. Adam at the paper's rate for 5000 epochs is the preset “Paper”.",
            "Optimiser",
            "choice",
            choices={"L-BFGS": "L-BFGS", "Adam": "Adam", "SGD": "SGD"},
        ),
    ] = "L-BFGS"
    epochs: Annotated[
        int,
        Param(
            "Budget",
            "Passes over the training data. One evaluation of the full objective and its gradient "
            "is one pass, so solvers compare fairly.",
            "Optimiser",
            "int",
            low=1,
            high=100_000,
            suggested=(200, 400, 1000, 2000, 5000),
        ),
    ] = 1000
    seeds: Annotated[
        tuple[int, ...],
        Param(
            "Seeds",
            "Independent initialisations, trained side by side; figures are means over them.",
            "Optimiser",
            "seeds",
            low=0,
            high=2**31 - 1,
            suggested=(1, 2, 3, 5, 10),
        ),
    ] = (0, 1, 2)
    learning_rate: Annotated[
        float,
        Param(
            "Learning rate",
            "Step size of Adam and SGD. The Adam steps with which L-BFGS starts take twice this.",
            "Optimiser",
            "float",
            low=1e-6,
            high=10.0,
            suggested=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1),
            log=True,
            advanced=True,
        ),
    ] = 0.005
    rate_schedule: Annotated[
        str,
        Param(
            "Rate schedule",
            "constant, or falling to 0 over the budget along half a cosine.",
            "Optimiser",
            "choice",
            choices={"constant": "constant", "cosine": "cosine"},
            advanced=True,
            applies=_first_order,
        ),
    ] = "constant"
    momentum: Annotated[
        float,
        Param(
            "Momentum",
            "Momentum of SGD.",
            "Optimiser",
            "float",
            low=0.0,
            high=0.999,
            suggested=(0.0, 0.5, 0.9, 0.95, 0.99),
            advanced=True,
            applies=lambda values: values["solver"] == "SGD",
        ),
    ] = 0.9
    batch_size: Annotated[
        int,
        Param(
            "Batch size",
            "Samples a step; 0 is the full batch.",
            "Optimiser",
            "int",
            low=0,
            high=60_000,
            suggested=(0, 32, 64, 128, 256, 512),
            advanced=True,
            applies=_first_order,
        ),
    ] = 0
    warmup: Annotated[
        int,
        Param(
            "Adam steps first",
            "Passes that Adam takes before L-BFGS begins.",
            "Optimiser",
            "int",
            low=0,
            high=10_000,
            suggested=(0, 20, 50, 100, 200, 300),
            advanced=True,
            applies=lambda values: values["solver"] == "L-BFGS",
        ),
    ] = 50
    precision: Annotated[
        str,
        Param(
            "Precision",
            "Floating-point format of the training. float64 is about half as fast.",
            "Optimiser",
            "choice",
            choices={"float32": "float32", "float64": "float64"},
            advanced=True,
        ),
    ] = "float32"

    def __init__(self, **values: Any):
        clean, problems = _clean(values)
        if problems:
            raise ConfigError(problems)
        super().__init__(**clean)

    def with_(self, **changes: Any) -> RunConfig:
        """A copy with some fields changed, checked as a new one is."""
        return RunConfig(**{**self.model_dump(), **changes})

    @classmethod
    def nearest(cls, values: Mapping[str, Any]) -> tuple[RunConfig, list[Problem]]:
        """The valid configuration nearest to `values`, and what had to be changed.

        Numbers out of bounds go to the bound, anything else wrong to its default,
        unknown names are left out. Never raises.
        """
        clean, problems = _clean(values)
        return cls(**clean), problems

    @property
    def params(self) -> dict[str, Param]:
        """The parameters that apply to this configuration, by field name, bounds included."""
        values = self.model_dump()
        return {
            name: bounded(name, self.dataset)
            for name, param in PARAMS.items()
            if param.applies(values)
        }

    @property
    def decay_last(self) -> float:
        """λ of the last layer."""
        uniform = self.decay_schedule == "uniform 1/L"
        return self.weight_decay / self.depth if uniform else self.weight_decay

    @property
    def decay_hidden(self) -> float:
        """λ of the hidden layers."""
        constant = self.decay_schedule == "constant"
        return self.weight_decay if constant else self.weight_decay / self.depth

    @property
    def nc2_name(self) -> str:
        """The NC2 metric that the loss makes meaningful: "nc2a" or "nc2b" (Definition 2)."""
        return "nc2a" if self.loss == "CE" or self.last_bias else "nc2b"

    def canonical_json(self) -> str:
        """The fields that apply, sorted: equal for configurations that mean the same run."""
        return self._canonical_json

    @cached_property
    def _canonical_json(self) -> str:
        values = self.model_dump(mode="json")
        return json.dumps({name: values[name] for name in self.params}, sort_keys=True)

    @cached_property
    def key(self) -> str:
        """Hexadecimal name of this run: of fields, the data's checksum, the engine's version."""
        parts = (self.canonical_json(), dataset_info(self.dataset).checksum, ENGINE_VERSION)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:20]

    def query(self) -> dict[str, str]:
        """The fields that apply as text, for the page's address; `nearest` reads it back."""
        return {name: as_text(getattr(self, name)) for name in self.params}

    def title(self) -> str:
        """What is picked in the paper's notation."""
        parts = [
            f"{self.depth}-{self.architecture}, {PARAMS['norm'].choices[self.norm]}",
            f"{dataset_info(self.dataset).title}, {self.classes} × {self.samples_per_class}",
            self.loss + (" with bias" if self.last_bias else ""),
            f"λ = {self.weight_decay:g}" + _schedule_text(self.decay_schedule),
        ]
        if self.width != PARAMS_DEFAULTS["width"]:
            parts.insert(1, f"d = {self.width}")
        return " · ".join(parts)


def _schedule_text(schedule: str) -> str:
    return {"constant": "", "1/L": ", hidden λ/L", "uniform 1/L": ", all λ/L"}[schedule]


PARAMS: dict[str, Param] = {
    name: next(meta for meta in info.metadata if isinstance(meta, Param))
    for name, info in RunConfig.model_fields.items()
}
PARAMS_DEFAULTS: dict[str, Any] = {
    name: info.default for name, info in RunConfig.model_fields.items()
}


def bounded(name: str, dataset: str) -> Param:
    """The field's `Param` with the bounds that the data set sets."""
    param = PARAMS[name]
    info = dataset_info(dataset)
    limits = {"classes": info.classes, "samples_per_class": info.max_samples_per_class}
    if name not in limits:
        return param
    high = min(param.high, limits[name])
    suggested = tuple(value for value in param.suggested if value <= high)
    return replace(param, high=high, suggested=suggested)


def _clean(values: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """Checked values for every field, with the nearest allowed one where one is wrong."""
    problems = [
        Problem(name, value, "is not a field; the fields are " + ", ".join(PARAMS))
        for name, value in values.items()
        if name not in PARAMS
    ]
    dataset = _read("dataset", PARAMS["dataset"], values, PARAMS_DEFAULTS["dataset"], problems)
    defaults = {**PARAMS_DEFAULTS, **dataset_info(dataset).defaults}
    clean = {}
    for name in PARAMS:
        clean[name] = (
            dataset
            if name == "dataset"
            else _read(name, bounded(name, dataset), values, defaults[name], problems)
        )
    for name, param in PARAMS.items():
        if not param.applies(clean):
            clean[name] = defaults[name]
    return clean, problems


def _read(
    name: str, param: Param, values: Mapping[str, Any], default: Any, problems: list[Problem]
) -> Any:
    if name not in values:
        return default
    try:
        return param.parse(values[name])
    except (ValueError, TypeError, OverflowError, IndexError):
        problems.append(Problem(name, values[name], param.allowed))
        nearest = param.nearest(values[name])
        return default if nearest is None else nearest


def paper_preset(config: RunConfig) -> RunConfig:
    """The paper's training (Appendix I) for the network and data of `config`."""
    two_layers = config.architecture.endswith("2")
    return config.with_(
        solver="Adam",
        learning_rate=0.005,
        rate_schedule="constant",
        batch_size=0,
        epochs=5000,
        seeds=5,
        width=64,
        loss="CE",
        last_bias=False,
        weight_decay=0.005,
        decay_schedule="1/L" if two_layers else "constant",
    )
