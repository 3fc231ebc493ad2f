"""What architectures there are: facts that need no data, and no torch.

An entry says what a network is made of; its parameters, their number and formula, its cost, its
place in the picker and its defaults follow from that. The network itself is a file of
`ncengine.architectures`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from ncengine.catalogue.datasets import DatasetInfo

# What σ can be; `architectures.layers` computes it.
ACTIVATIONS = ("relu", "gelu", "silu", "tanh")
# Where LayerNorm can sit: after each block has added to the stream, or on what a block reads.
NORMS = ("post", "pre")
# Theorems that speak of an architecture, if one does: of one linear layer a block, and of two.
THEOREMS = ("Theorem 4", "Theorem 10")


@dataclass(frozen=True)
class Part:
    """A residual branch of a block: d × d matrices, and with them biases where it has any.

    Attributes:
        name: what its parameters' names begin with.
        matrices: what each matrix is called beyond that.
        biases: what the bias beside each matrix is called; empty without biases.
        linear_layers: matrices that follow each other, 1 or 2.
        operations: how much it dispatches, in units of one linear layer with its activation.
        activation: σ, one of `ACTIVATIONS`; "" without one.
    """

    name: str
    matrices: tuple[str, ...]
    biases: tuple[str, ...]
    linear_layers: int
    operations: int
    activation: str = ""


def mlp(name: str, linear_layers: int, activation: str = "relu") -> Part:
    """σ(W x + b), or W_2 σ(W_1 x + b_1) + b_2 (eq. 6, 7 and 10); the paper's σ is ReLU."""
    numbers = ("",) if linear_layers == 1 else ("_1", "_2")
    matrices, biases = (tuple(f"{k}{n}" for n in numbers) for k in ("weight", "bias"))
    return Part(name, matrices, biases, linear_layers, operations=1, activation=activation)


def attention(name: str, linear_layers: int) -> Part:
    """Single-head attention by W_QK and W_VO, or by W_Q, W_K, W_V and W_O (eq. 11 and 22)."""
    matrices = ("qk", "vo") if linear_layers == 1 else ("q", "k", "v", "o")
    return Part(name, matrices, (), linear_layers, operations=2)


@dataclass(frozen=True)
class Family:
    """What several architectures have in common.

    Attributes:
        name: how their names begin.
        network: the file of `ncengine.architectures` that makes the network; see `build`.
        help: what they are, for a reader, after their names and a colon.
        reads: kinds of samples that they can read, see `DatasetInfo.kind`.
        embedding: what they read of a sample: "vector" (all its numbers), "tokens" (its patches or
            words, the last of which predicts) or "identity" (only which sample it is).
        blocks_less: how many blocks fewer than its depth L a network has.
        held: vectors of width d that a block holds a token between forward and backward sweep.
    """

    name: str
    network: str
    help: str
    reads: tuple[str, ...]
    embedding: str
    blocks_less: int
    held: int

    @property
    def has_network(self) -> bool:
        """Whether there are layers that take a sample to its feature, test samples too."""
        return self.embedding != "identity"

    @property
    def has_tokens(self) -> bool:
        """Whether a sample is read as a row of tokens."""
        return self.embedding == "tokens"


RESNET = Family(
    name="RN",
    network="resnet",
    help="a residual network. Each block adds to its input what one or two linear "
    "layers make of it (Definition 6).",
    reads=("points", "images"),
    embedding="vector",
    blocks_less=1,
    held=5,
)
TRANSFORMER = Family(
    name="T",
    network="transformer",
    help="a transformer. Each block mixes the tokens by attention, then changes "
    "each by an MLP; the two digits say how many linear layers either has (Definition 7).",
    reads=("images", "text"),
    embedding="tokens",
    blocks_less=0,
    held=16,
)
FREE_FEATURES = Family(
    name="UFM",
    network="ufm",
    help="no network at all. Every sample's feature is free to move, which shows the best "
    "that any network could do: the floor of all the others (Definition 3).",
    reads=("points", "images", "text"),
    embedding="identity",
    blocks_less=0,
    held=4,
)


@dataclass(frozen=True)
class ArchitectureInfo:
    """Facts about an architecture.

    Attributes:
        name: the value of `RunConfig.architecture`.
        family: what it has in common with others.
        parts: the branches of each of its blocks, in turn; empty without blocks.
        defaults: defaults of `RunConfig` that differ for this architecture.
        norms: where LayerNorm can sit, of `NORMS`.
        theorem: which of `THEOREMS` covers it, as far as `theory.assumptions` hold; "" where the
            paper proves nothing of it.

    Raises:
        ValueError: facts that cannot be.
    """

    name: str
    family: Family
    parts: tuple[Part, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    norms: tuple[str, ...] = NORMS
    theorem: str = ""

    def __post_init__(self) -> None:
        given = {
            "norms": (self.norms, NORMS),
            "theorem": ((self.theorem,) if self.theorem else (), THEOREMS),
            "activation": ([p.activation for p in self.parts if p.activation], ACTIVATIONS),
        }
        for name, (values, known) in given.items():
            for value in values:
                if value not in known:
                    raise ValueError(
                        f"architecture {self.name}: {name} = {value!r}: must be one of "
                        + ", ".join(known)
                    )
        if not self.norms:
            raise ValueError(f"architecture {self.name}: norms: must be some of {', '.join(NORMS)}")

    @property
    def has_network(self) -> bool:
        """See `Family.has_network`."""
        return self.family.has_network

    @property
    def has_tokens(self) -> bool:
        """See `Family.has_tokens`."""
        return self.family.has_tokens

    @property
    def linear_layers(self) -> int:
        """Linear layers of a block's last branch (a transformer's MLP); 0 without blocks."""
        return self.parts[-1].linear_layers if self.parts else 0

    @property
    def attention(self) -> Part | None:
        """The branch that mixes tokens, if there is one."""
        return self.parts[0] if self.has_tokens else None

    def blocks(self, depth: int) -> int:
        """How many blocks a network of depth L has (Definitions 6 and 7)."""
        return depth - self.family.blocks_less if self.parts else 0

    def layers(self, depth: int) -> int:
        """How many layers are looked at: the embedding, and each block."""
        return 1 + self.blocks(depth)


def _resnet(linear_layers: int, defaults: Mapping[str, Any]) -> ArchitectureInfo:
    return ArchitectureInfo(
        f"RN{linear_layers}",
        RESNET,
        (mlp("block", linear_layers),),
        MappingProxyType(defaults),
        theorem=THEOREMS[linear_layers - 1],
    )


def _transformer(in_attention: int, in_mlp: int, defaults: Mapping[str, Any]) -> ArchitectureInfo:
    name = f"T{in_attention}{in_mlp}"
    parts = (attention("attention", in_attention), mlp("mlp", in_mlp))
    # At the rate of the others Adam's steps shake a transformer more than they help it.
    defaults = {"learning_rate": 0.001, **defaults}
    theorem = THEOREMS[in_mlp - 1]
    return ArchitectureInfo(name, TRANSFORMER, parts, MappingProxyType(defaults), theorem=theorem)


# Theorem 10: with two linear layers a block, collapse needs hidden decay that vanishes in L.
_VANISHING = {"decay_schedule": "1/L"}
# Where the matrices of attention are products of two, a small start was measured to cost more than
# it gives, see benchmarks/RESULTS.md.
_AS_LINEAR = {"initial_scale": 1.0}

ARCHITECTURES: Mapping[str, ArchitectureInfo] = MappingProxyType(
    {
        info.name: info
        for info in (
            _resnet(1, {}),
            _resnet(2, _VANISHING),
            _transformer(1, 1, {}),
            _transformer(1, 2, _VANISHING),
            _transformer(2, 1, _AS_LINEAR),
            _transformer(2, 2, {**_VANISHING, **_AS_LINEAR}),
            ArchitectureInfo(
                name="UFM",
                family=FREE_FEATURES,
                # Exact, and still instant; without layers there is no curvature of any to look at.
                defaults=MappingProxyType(
                    {"solver": "L-BFGS", "epochs": 1000, "precision": "float64"}
                ),
            ),
        )
    }
)


def architecture_info(name: str) -> ArchitectureInfo:
    """Facts about the architecture of that name. Raises KeyError for an unknown one."""
    return ARCHITECTURES[name]


def of_family(family: Family) -> tuple[str, ...]:
    """Names of the family's architectures."""
    return tuple(name for name, info in ARCHITECTURES.items() if info.family is family)


def families() -> tuple[Family, ...]:
    """All families, in the order of their first architectures."""
    return tuple(dict.fromkeys(info.family for info in ARCHITECTURES.values()))


def architectures(info: DatasetInfo) -> tuple[str, ...]:
    """Architectures that can read the data set: transformers need patches or words."""
    return tuple(
        name
        for name, architecture in ARCHITECTURES.items()
        if info.kind in architecture.family.reads
    )


RESNETS = of_family(RESNET)
TRANSFORMERS = of_family(TRANSFORMER)
