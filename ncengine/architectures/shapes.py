"""Which parameters a network has: their names, shapes and roles. Needs no torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from ncengine.catalogue.architectures import Part, architecture_info
from ncengine.catalogue.datasets import dataset_info
from ncengine.config import RunConfig

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
    whole = sample_size(config)
    tokens = architecture_info(config.architecture).has_tokens
    return whole // context_length(config) if tokens else whole


def sample_size(config: RunConfig) -> int:
    """Numbers that a sample consists of: d_0, or C words."""
    info = dataset_info(config.dataset)
    if info.kind == "images":
        return math.prod(config.pixels)
    return config.context if info.kind == "text" else info.input_dim or config.input_dim


def context_length(config: RunConfig) -> int:
    """Tokens C that a transformer reads of a sample: words, or patches."""
    info = dataset_info(config.dataset)
    if info.kind == "text":
        return config.context
    height, width, _ = config.pixels
    return (height // config.patch_size) * (width // config.patch_size)


def matrix_names(part: Part) -> list[str]:
    """Names of the parameters that are a part's matrices."""
    return [f"{part.name}_{matrix}" for matrix in part.matrices]


def layer_names(part: Part) -> list[str]:
    """Names of weights and biases of a part, layer by layer."""
    layers = zip(part.matrices, part.biases, strict=True)
    return [f"{part.name}_{name}" for layer in layers for name in layer]


def parameter_shapes(config: RunConfig) -> tuple[ParameterShape, ...]:
    """The parameters of one seed's network, in the order in which they are stored.

    The blocks' weights are one parameter with a leading block axis.
    """
    info = architecture_info(config.architecture)
    blocks, d = info.blocks(config.depth), config.width
    return (
        *_EMBEDDINGS[info.family.embedding](config),
        *(shape for part in info.parts for shape in _part(part, blocks, d, config.branch_scale)),
        *_last_layer(config, d**-0.5 * (1 if info.has_network else FREE_ROWS)),
    )


def _last_layer(config: RunConfig, bound: float) -> tuple[ParameterShape, ...]:
    d, classes = config.width, config.classes
    weight = ParameterShape("last_weight", (classes, d), Role.LAST, bound)
    bias = ParameterShape("last_bias", (classes,), Role.BIAS, bound)
    return (weight, bias) if config.last_bias else (weight,)


def _vector(config: RunConfig) -> tuple[ParameterShape, ...]:
    d, d0 = config.width, input_dim(config)
    return (
        ParameterShape("embedding_weight", (d, d0), Role.EMBEDDING, d0**-0.5),
        ParameterShape("embedding_bias", (d,), Role.BIAS, d0**-0.5),
    )


def _tokens(config: RunConfig) -> tuple[ParameterShape, ...]:
    d, m = config.width, input_dim(config)
    text = dataset_info(config.dataset).kind == "text"
    # A word picks one column of W_e, so each is stored as a row, and is all that adds up.
    tokens = ((m, d), 1.0) if text else ((d, m), m**-0.5)
    return (
        ParameterShape("token_embedding", tokens[0], Role.EMBEDDING, tokens[1]),
        ParameterShape("position_embedding", (context_length(config), d), Role.EMBEDDING, 1.0),
    )


def _identity(config: RunConfig) -> tuple[ParameterShape, ...]:
    samples = config.classes * config.samples_per_class
    bound = FREE_SCALE * samples**-0.5
    return (ParameterShape("free_features", (samples, config.width), Role.EMBEDDING, bound),)


_EMBEDDINGS = {"vector": _vector, "tokens": _tokens, "identity": _identity}


def _part(part: Part, blocks: int, d: int, scale: float) -> list[ParameterShape]:
    # What two layers form is as small as what one gives.
    bound = d**-0.5 * scale ** (1 / part.linear_layers)

    def weight(name: str) -> ParameterShape:
        return ParameterShape(name, (blocks, d, d), Role.HIDDEN, bound)

    if not part.biases:
        return [weight(name) for name in matrix_names(part)]
    names = layer_names(part)
    layers = zip(names[::2], names[1::2], strict=True)
    return [
        shape
        for matrix, bias in layers
        for shape in (weight(matrix), ParameterShape(bias, (blocks, d), Role.BIAS, bound))
    ]


def parameter_count(config: RunConfig) -> int:
    """Parameters of one seed's network."""
    return sum(parameter.size for parameter in parameter_shapes(config))


def activation_bytes(config: RunConfig) -> int:
    """About how much memory one sample of one seed needs between forward and backward sweep."""
    info = architecture_info(config.architecture)
    each = 8 if config.precision == "float64" else 4
    layers = config.depth if info.parts else 1
    held = info.family.held * config.width
    if not info.has_tokens:
        return held * layers * each
    context = context_length(config)
    return context * (held + 2 * context) * layers * each
