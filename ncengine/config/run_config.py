"""RunConfig: the one schema of an experiment.

Widgets, the page's address, command-line options, the cache key, titles and
captions all derive from the fields below and their `Param` in `fields`. A new
parameter is one new field.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict

from ncengine.catalogue.architectures import architecture_info, architectures
from ncengine.catalogue.datasets import DATASETS, dataset_info
from ncengine.config import fields, steps
from ncengine.config.defaults import bounded, defaults_of, limits
from ncengine.config.param import ConfigError, Param, Problem, as_text
from ncengine.config.sizes import image_sides


def nc2_name(loss: str, last_bias: bool) -> str:
    """See `RunConfig.nc2_name`."""
    return "nc2a" if loss == "CE" or last_bias else "nc2b"


class RunConfig(BaseModel):
    """One experiment: data, network, objective, optimiser. Immutable.

    Text is accepted for every field ("1/L", "0.005", "true"), names of choices in
    any case. What is not given takes its default, which may depend on data set and
    architecture.

    Raises:
        ConfigError: names every field at fault, its value and what is allowed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: Annotated[str, fields.DATASET] = "digits"
    classes: Annotated[int, fields.CLASSES] = 10
    samples_per_class: Annotated[int, fields.SAMPLES_PER_CLASS] = 100
    input_dim: Annotated[int, fields.INPUT_DIM] = 16
    spread: Annotated[float, fields.SPREAD] = 0.3
    data_seed: Annotated[int, fields.DATA_SEED] = 0
    image_side: Annotated[int, fields.IMAGE_SIDE] = 8
    vocabulary: Annotated[int, fields.VOCABULARY] = 2000
    context: Annotated[int, fields.CONTEXT] = 64
    architecture: Annotated[str, fields.ARCHITECTURE] = "RN1"
    patch_size: Annotated[int, fields.PATCH_SIZE] = 1
    norm: Annotated[str, fields.NORM] = "post"
    depth: Annotated[int, fields.DEPTH] = 5
    width: Annotated[int, fields.WIDTH] = 64
    loss: Annotated[str, fields.LOSS] = "CE"
    last_bias: Annotated[bool, fields.LAST_BIAS] = False
    weight_decay: Annotated[float, fields.WEIGHT_DECAY] = 0.005
    decay_schedule: Annotated[str, fields.DECAY_SCHEDULE] = "constant"
    solver: Annotated[str, fields.SOLVER] = fields.KFAC
    start: Annotated[str, fields.START] = "random"
    via: Annotated[str, fields.VIA] = ""
    epochs: Annotated[int, fields.EPOCHS] = 500
    seeds: Annotated[tuple[int, ...], fields.SEEDS] = (0, 1, 2)
    learning_rate: Annotated[float, fields.LEARNING_RATE] = 0.005
    rate_schedule: Annotated[str, fields.RATE_SCHEDULE] = "constant"
    momentum: Annotated[float, fields.MOMENTUM] = 0.9
    batch_size: Annotated[int, fields.BATCH_SIZE] = 0
    warmup: Annotated[int, fields.WARMUP] = 0
    initial_scale: Annotated[float, fields.INITIAL_SCALE] = 0.0
    precision: Annotated[str, fields.PRECISION] = "float32"

    def __init__(self, **values: Any):
        clean, problems = _clean(values)
        if problems:
            raise ConfigError(problems)
        super().__init__(**clean)

    def with_(self, **changes: Any) -> RunConfig:
        """A copy with some fields changed, checked as a new one is.

        Images as published stay so where the data set changes, a patch that is the default for
        its images becomes the default for others, and so does an architecture's solver.
        """
        values = self.model_dump()
        causes = ("dataset", "image_side"), ("image_side", "patch_size"), ("architecture", "solver")
        for cause, name in causes:
            if cause in changes and name not in self.set_fields():
                del values[name]
        return RunConfig(**{**values, **changes})

    def repicked(self, changes: Mapping[str, Any]) -> tuple[RunConfig, list[Problem]]:
        """What a reader means who changes some of the fields in a picker, and what was wrong.

        A field that stood at its default takes the new default where data set or architecture
        change; one that was set stays, or goes to the `nearest` that fits. What does not fit is
        told only if it was changed here, or still applies.
        """
        config, problems = RunConfig.nearest({**self.set_fields(), **changes})
        return config, [p for p in problems if p.field in changes or p.field in config.params]

    def set_fields(self) -> dict[str, Any]:
        """The fields that do not stand at the default of this data set and architecture."""
        defaults = _defaults(self.dataset, self.architecture, self.start, self.image_side)
        return {name: v for name, v in self.model_dump().items() if v != defaults[name]}

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
            name: bounded(name, param, self.dataset, self.architecture, self.image_side)
            for name, param in PARAMS.items()
            if param.applies(values)
        }

    @property
    def depends_on_budget(self) -> bool:
        """Whether its first passes are others under another budget.

        The learning rate falls, or it starts from a network that was trained by that budget.
        """
        falls = "rate_schedule" in self.params and self.rate_schedule == "cosine"
        return falls or self.start != "random"

    @property
    def origin(self) -> RunConfig | None:
        """The run from whose network this one starts; None where it starts from random weights."""
        if self.start == fields.NEIGHBOUR:
            *before, (depth, weight_decay) = self.steps
            start, via = (self.start, steps.written(before)) if before else ("random", "")
            return self.with_(depth=depth, weight_decay=weight_decay, start=start, via=via)
        below = fields.depth_below(self.depth)
        if self.start != "deepening" or below is None:
            return None
        return self.with_(depth=below)

    @property
    def from_random(self) -> RunConfig:
        """The same network from random weights."""
        return self.with_(start="random", via="")

    @property
    def steps(self) -> tuple[steps.Step, ...]:
        """(L, λ) of the networks that are trained one after another before this one."""
        return steps.read(self.via, self.depth, self.weight_decay) if self.via else ()

    @property
    def budget(self) -> int:
        """Passes over the training data, at most."""
        at_the_bottom = self.start == "deepening" and self.origin is None
        return self.epochs * (fields.AT_THE_BOTTOM if at_the_bottom else 1)

    @property
    def branch_scale(self) -> float:
        """s: how large what a block adds begins, against that of torch.nn.Linear's weights."""
        if "initial_scale" not in self.params:
            return 1.0
        return self.initial_scale or min(1.0, fields.INITIAL_BLOCKS / self.depth)

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
        return nc2_name(self.loss, self.last_bias)

    def curve(self, asked: str) -> str:
        """The curve that is meant by the name of a metric: "nc2" is the one of the loss."""
        return self.nc2_name if asked == "nc2" else asked

    def canonical_json(self) -> str:
        """The fields that apply, sorted: equal for configurations that mean the same run.

        Images as they are published go without saying, as in runs from before there were others.
        """
        return self._canonical_json

    @cached_property
    def _canonical_json(self) -> str:
        values = self.model_dump(mode="json")
        told = [name for name in self.params if name != "image_side" or self.is_averaged]
        return json.dumps({name: values[name] for name in told}, sort_keys=True)

    @property
    def is_averaged(self) -> bool:
        """Whether the network sees images of fewer pixels than published."""
        published = dataset_info(self.dataset)
        return published.image_shape is not None and self.image_side != published.pixels[0]

    @property
    def pixels(self) -> tuple[int, int, int]:
        """Height, width and colours of an image. Raises ValueError where samples are none."""
        height, width, colours = dataset_info(self.dataset).pixels
        if "image_side" in self.params:
            return self.image_side, self.image_side, colours
        return height, width, colours

    def query(self) -> dict[str, str]:
        """The fields that apply as text, for the page's address; `nearest` reads it back."""
        return {name: as_text(getattr(self, name)) for name in self.params}

    def title(self) -> str:
        """What is picked in the paper's notation."""
        parts = [
            self._network_text(),
            f"{dataset_info(self.dataset).title}, {self.classes} × {self.samples_per_class}",
            self.loss + (" with bias" if self.last_bias else ""),
            f"λ = {self.weight_decay:g}" + _schedule_text(self.decay_schedule),
        ]
        if self.width != PARAMS_DEFAULTS["width"]:
            parts.insert(1, f"d = {self.width}")
        return " · ".join(parts)

    def differences(self) -> dict[str, Any]:
        """What the title does not tell, where it is not the default: values by field."""
        defaults = _defaults(self.dataset, self.architecture, self.start, self.image_side)
        return {
            name: getattr(self, name)
            for name in self.params
            if name not in _IN_TITLE and getattr(self, name) != defaults[name]
        }

    def in_words(self, name: str) -> str:
        """A field's value as a reader knows it: "pre-LN", "0.1", "1,000", "seeds 3, 5"."""
        value, param = getattr(self, name), self.params.get(name, PARAMS[name])
        if name == "seeds":
            return _seeds_text(value)
        if name == "epochs":
            return f"{value:,}"
        if isinstance(value, float):
            return f"{value:.10g}"
        return param.choices.get(value, as_text(value)) if param.choices else as_text(value)

    def full_title(self) -> str:
        """The title, then all that tells it apart from others of the same title."""
        apart = [
            f"{self.params[name].label.lower()} {self.in_words(name)}"
            for name in self.differences()
        ]
        if self.seeds != PARAMS_DEFAULTS["seeds"]:
            apart.append(self.in_words("seeds"))
        return " · ".join([self.title(), *apart])

    def _network_text(self) -> str:
        if not architecture_info(self.architecture).has_network:
            return self.architecture
        norm = f", {PARAMS['norm'].choices[self.norm]}" if "norm" in self.params else ""
        return f"{self.depth}-{self.architecture}{norm}{self._start_text()}"

    def _start_text(self) -> str:
        if self.start == fields.NEIGHBOUR:
            return ", by way of " + ", ".join(
                f"L = {depth}" + (f" at λ = {decay:g}" if decay != self.weight_decay else "")
                for depth, decay in self.steps
            )
        return ", by deepening" if self.start == "deepening" else ""


# Of which the title tells, and which seeds there are, which the page shows.
_IN_TITLE = (
    "dataset", "classes", "samples_per_class", "architecture", "norm", "depth", "width", "loss",
    "last_bias", "weight_decay", "decay_schedule", "start", "via", "seeds",
)  # fmt: skip


def _seeds_text(seeds: tuple[int, ...]) -> str:
    listed = ", ".join(map(str, seeds))
    if len(seeds) > 1:
        return f"{len(seeds)} seeds" if seeds == tuple(range(len(seeds))) else f"seeds {listed}"
    return f"seed {listed}"


def _schedule_text(schedule: str) -> str:
    return {"constant": "", "1/L": ", hidden λ/L", "uniform 1/L": ", all λ/L"}[schedule]


PARAMS: dict[str, Param] = {
    name: next(meta for meta in info.metadata if isinstance(meta, Param))
    for name, info in RunConfig.model_fields.items()
}
PARAMS_DEFAULTS: dict[str, Any] = {
    name: info.default for name, info in RunConfig.model_fields.items()
}


def _defaults(
    dataset: str, architecture: str, start: str = "random", side: int = 0
) -> dict[str, Any]:
    side = side if side in image_sides(dataset_info(dataset)) else 0
    defaults = {**PARAMS_DEFAULTS, **defaults_of(dataset, architecture, start, side)}
    most = limits(dataset_info(dataset))
    return {**defaults, **{name: min(defaults[name], high) for name, high in most.items()}}


def _check_defaults() -> None:
    """Raises ValueError where an entry of a catalogue has defaults that cannot be."""
    for dataset, info in DATASETS.items():
        given = [("", info.defaults), ("", _defaults(dataset, ""))]
        given += [(name, architecture_info(name).defaults) for name in architectures(info)]
        for architecture, values in given:
            problems = _unknown(values)
            for field in values.keys() & PARAMS.keys():
                _read(field, dataset, architecture, values, None, problems)
            if problems:
                whose = f"data set {dataset}{', ' * bool(architecture)}{architecture}"
                raise ValueError(f"{whose}, defaults: {ConfigError(problems)}")


def _clean(values: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """Checked values for every field, with the nearest allowed one where one is wrong."""
    problems = _unknown(values)
    # These first: bounds and defaults of all others follow from them.
    clean: dict[str, Any] = {"dataset": PARAMS_DEFAULTS["dataset"]}
    for name in ("dataset", "architecture", "image_side"):
        default = _defaults(clean["dataset"], "")[name]
        clean[name] = _read(name, clean["dataset"], "", values, default, problems)
    which = clean["dataset"], clean["architecture"]
    side = clean["image_side"] if dataset_info(which[0]).image_shape else 0
    defaults = _defaults(*which, side=side)
    for name in PARAMS.keys() - clean.keys():
        clean[name] = _read(name, *which, values, defaults[name], problems, side)
    for name, param in PARAMS.items():
        if not param.applies(clean):
            clean[name] = defaults[name]
    if clean["start"] != "random" and "epochs" not in values:
        clean["epochs"] = _defaults(clean["dataset"], clean["architecture"], clean["start"])[
            "epochs"
        ]
    _mend_steps(clean, problems)
    order = list(PARAMS)
    problems.sort(key=lambda p: order.index(p.field) if p.field in PARAMS else -1)
    return {name: clean[name] for name in PARAMS}, problems


def _mend_steps(clean: dict[str, Any], problems: list[Problem]) -> None:
    """What is said of the networks before, in full.

    By default, and where it cannot be, it is one: the next shallower of the paper's depths, else
    the same at twice the λ.
    """
    if clean["start"] != fields.NEIGHBOUR:
        return
    below, decay = fields.depth_below(clean["depth"]), clean["weight_decay"]
    default = str(below or f"{clean['depth']}@{min(2 * decay, PARAMS['weight_decay'].high)!r}")
    for via in (clean["via"] or default, default):
        try:
            read = steps.read(via, clean["depth"], decay)
            if max(of for _, of in read) > PARAMS["weight_decay"].high:
                raise ValueError
            clean["via"] = steps.written(read)
            return
        except ValueError:
            if not any(problem.field == "via" for problem in problems):
                problems.append(Problem("via", via, PARAMS["via"].allowed))
    clean["start"], clean["via"] = "random", ""


def _unknown(values: Mapping[str, Any]) -> list[Problem]:
    allowed = "is not a field; the fields are " + ", ".join(PARAMS)
    return [Problem(name, value, allowed) for name, value in values.items() if name not in PARAMS]


def _read(
    name: str,
    dataset: str,
    architecture: str,
    values: Mapping[str, Any],
    default: Any,
    problems: list[Problem],
    side: int = 0,
) -> Any:
    if name not in values:
        return default
    param = bounded(name, PARAMS[name], dataset, architecture, side)
    try:
        return param.parse(values[name])
    except (ValueError, TypeError, OverflowError, IndexError):
        problems.append(Problem(name, values[name], param.allowed))
        nearest = param.nearest(values[name])
        return default if nearest is None else nearest


_check_defaults()
