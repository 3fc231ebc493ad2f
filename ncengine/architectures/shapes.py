"""Which parameters a network has: their names, shapes and roles. Needs no torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from ncengine.catalogue.datasets import dataset_info
from ncengine.config import RunConfig
from ncengine.config.fields import TRANSFORMERS

# Free features start so small, and the last layer's rows even more so, that both find their
# direction before their size: LayerNorm makes small parameters turn fast. From rows of ordinary
# size the squared error is fitted at once, and features then hardly move any more.
FREE_SCALE = 0.1
FREE_ROWS = 0.01


class Role(Enum):
    """What a parameter is to the objective (3): only `HIDDEN` and `LAST` are decayed."""

    EMBEDDING = "embedding"
    BIAS = "bias"
    HIDDEN = "hidden"
    LAST = "last"


@dataclass(frozen=True)
class ParameterShape:
    """One parameter of one seed's network. Its initial values are uniform in ±`bound`."""

    name: str
    shape: tuple[int, ...]
    role: Role
    bound: float

    @property
    def size(self) -> int:
        return math.prod(self.shape)


def input_dim(config: RunConfig) -> int:
    """Dimension of what the embedding reads: d_0 of an input, m of a patch, V of a word."""
    info = dataset_info(config.dataset)
    if info.kind == "text":
        return config.vocabulary
    if config.architecture in TRANSFORMERS:
        return info.input_dim // context_length(config)
    return info.input_dim or config.input_dim


def context_length(config: RunConfig) -> int:
    """Tokens C that a transformer reads of a sample: words, or patches."""
    info = dataset_info(config.dataset)
    if info.kind == "text":
        return config.context
    height, width = info.image_shape[:2]
    return (height // config.patch_size) * (width // config.patch_size)


def branch_names(prefix: str, linear_layers: int) -> list[str]:
    """Names of weights and biases of what a block adds, layer by layer."""
    layers = ("",) if linear_layers == 1 else ("_1", "_2")
    return [f"{prefix}_{kind}{layer}" for layer in layers for kind in ("weight", "bias")]


def parameter_shapes(config: RunConfig) -> tuple[ParameterShape, ...]:
    """The parameters of one seed's network, in the order in which they are stored.

    The blocks' weights are one parameter with a leading block axis.
    """
    if config.architecture == "UFM":
        body = _free_features(config)
    elif config.architecture in TRANSFORMERS:
        body = _transformer(config)
    else:
        body = _resnet(config)
    d, classes = config.width, config.classes
    bound = d**-0.5 * (FREE_ROWS if config.architecture == "UFM" else 1)
    last = (ParameterShape("last_weight", (classes, d), Role.LAST, bound),)
    if config.last_bias:
        last += (ParameterShape("last_bias", (classes,), Role.BIAS, bound),)
    return body + last


def _free_features(config: RunConfig) -> tuple[ParameterShape, ...]:
    samples = config.classes * config.samples_per_class
    bound = FREE_SCALE * samples**-0.5
    return (ParameterShape("free_features", (samples, config.width), Role.EMBEDDING, bound),)


def _resnet(config: RunConfig) -> tuple[ParameterShape, ...]:
    d, d0 = config.width, input_dim(config)
    return (
        ParameterShape("embedding_weight", (d, d0), Role.EMBEDDING, d0**-0.5),
        ParameterShape("embedding_bias", (d,), Role.BIAS, d0**-0.5),
        *_branch("block", int(config.architecture[-1]), config.depth - 1, d),
    )


def _transformer(config: RunConfig) -> tuple[ParameterShape, ...]:
    d, m, blocks = config.width, input_dim(config), config.depth
    text = dataset_info(config.dataset).kind == "text"
    # A word picks one column of W_e, so each is stored as a row, and is all that adds up.
    tokens = ((m, d), 1.0) if text else ((d, m), m**-0.5)
    single = config.architecture[1] == "1"
    attention = ("qk", "vo") if single else ("q", "k", "v", "o")
    return (
        ParameterShape("token_embedding", tokens[0], Role.EMBEDDING, tokens[1]),
        ParameterShape("position_embedding", (context_length(config), d), Role.EMBEDDING, 1.0),
        *(
            ParameterShape(f"attention_{n}", (blocks, d, d), Role.HIDDEN, d**-0.5)
            for n in attention
        ),
        *_branch("mlp", int(config.architecture[-1]), blocks, d),
    )


def _branch(prefix: str, linear_layers: int, blocks: int, d: int) -> tuple[ParameterShape, ...]:
    return tuple(
        ParameterShape(name, (blocks, d, d), Role.HIDDEN, d**-0.5)
        if "weight" in name
        else ParameterShape(name, (blocks, d), Role.BIAS, d**-0.5)
        for name in branch_names(prefix, linear_layers)
    )


def parameter_count(config: RunConfig) -> int:
    """Parameters of one seed's network."""
    return sum(parameter.size for parameter in parameter_shapes(config))


def activation_bytes(config: RunConfig) -> int:
    """About how much memory one sample of one seed needs between forward and backward sweep."""
    each = 8 if config.precision == "float64" else 4
    if config.architecture == "UFM":
        return 4 * config.width * each
    if config.architecture in TRANSFORMERS:
        context = context_length(config)
        return context * (16 * config.width + 2 * context) * config.depth * each
    return 5 * config.width * config.depth * each
