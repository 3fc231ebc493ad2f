"""A network that is built, not trained: its parameters, and what the objective makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ncengine.architectures.layer_norm import layer_norm
from ncengine.arguments import positive, whole
from ncengine.metrics.collapse import neural_collapse
from ncengine.theory.constructions.blocks import Blocks, in_two, settle, settled, travel
from ncengine.theory.constructions.costs import cross_entropy, last_layer, squares
from ncengine.theory.constructions.given import Given, given
from ncengine.theory.constructions.networks import NETWORKS
from ncengine.theory.constructions.planned import Planned, planned
from ncengine.theory.constructions.shortcut import shortcut
from ncengine.theory.gufm import GufmOptimum, gufm_optimum

# Of all weights together, and layers of each phase.
MOST_BYTES, MOST_LAYERS = 2**30, 1_000_000
MOST_SAMPLES = 60
# Of the shortcut: in a smaller stream LayerNorm's own 1e-12 is felt.
LEAST_DELTA, MOST_DELTA = 1e-6, 1e-2


@dataclass(frozen=True)
class Construction:
    """A network of the proof of Theorem 4 or 10, or of the pre-LN shortcut.

    Attributes:
        network: one of `NETWORKS`.
        given: its samples, and where they go.
        parameters: by name as of `architectures.shapes.parameter_shapes`, without seeds: float64.
        features: (N, d) what the last layer reads.
        depth: L, as the paper counts.
        loss, floor: the objective, and L*_GUFM.
        fit_gap: how far the loss function and the last layer's decay are above the floor.
        decay_travel, decay_settle: hidden decay of the two phases; of the shortcut all of it.
        margin: m.
        conditions: of the proof, 1 to 5, whether they hold; () of the shortcut.
        nc1: of the features (Definition 2).
        stops: of the proof, where samples are: (N + K + 1, N, d), at first and after each sample's
            and each class's blocks.
        budget: blocks of each sample, and of each class.
    """

    network: str
    given: Given
    parameters: dict[str, np.ndarray]
    features: np.ndarray
    depth: int
    loss: float
    floor: float
    fit_gap: float
    decay_travel: float
    decay_settle: float
    margin: float
    conditions: tuple[bool, ...]
    nc1: float
    stops: np.ndarray
    budget: tuple[int, int]

    @property
    def gap(self) -> float:
        """The objective minus the floor."""
        return self.loss - self.floor

    @property
    def decay_hidden(self) -> float:
        """lambda/2 of the squared norms of all hidden weights."""
        return self.decay_travel + self.decay_settle

    def summary(self) -> dict[str, Any]:
        """Its figures, as plain values."""
        names = "depth loss floor gap fit_gap decay_hidden decay_travel decay_settle margin nc1"
        figures = {name: getattr(self, name) for name in names.split()}
        return {"network": self.network, **figures, "conditions": list(self.conditions)}


def construction(
    classes: int = 4,
    per_class: int = 3,
    width: int = 4,
    weight_decay: float = 0.005,
    *,
    travel: int = 1000,
    settle: int = 1000,
    seed: int = 0,
    network: str = "RN1",
    delta: float = 1e-4,
    margin: float | None = None,
) -> Construction:
    """Build a network whose objective comes as near to the floor as one likes, with cross entropy.

    Args:
        classes: K, at least 2.
        per_class: n, samples of each class.
        width: d, at least 4 and K.
        weight_decay: lambda, everywhere: of RN2 too, whose hidden decay then stays (Theorem 10).
        travel: L_1, blocks in which a sample travels to its vertex's cap, each by less than 90
            degrees.
        settle: L_2, blocks in which a class settles, at least 2.
        seed: of samples and embedding.
        network: "RN1" (Theorem 4), "RN2" (Theorem 10), or "pre-LN", the shortcut of depth N + 2.
        delta: of the shortcut, how small the stream becomes, `LEAST_DELTA` to `MOST_DELTA`.
        margin: m of the proof, at most the largest that curves are found to keep, which is what
            None stands for. A smaller one costs more.

    Raises:
        ValueError: a value is out of range, or samples lie too close to each other.
    """
    if network not in NETWORKS:
        raise ValueError(f"network = {network!r}: must be one of {', '.join(NETWORKS)}")
    classes = whole("classes", classes, 2, MOST_SAMPLES)
    per_class = whole("per_class", per_class, 1, MOST_SAMPLES // classes)
    width = whole("width", width, max(4, classes), 64)
    budget = whole("travel", travel, 1, MOST_LAYERS), whole("settle", settle, 2, MOST_LAYERS)
    seed, weight_decay = whole("seed", seed, 0), positive("weight_decay", weight_decay)
    if not LEAST_DELTA <= positive("delta", delta) <= MOST_DELTA:
        raise ValueError(f"delta = {delta!r}: must be from {LEAST_DELTA:g} to {MOST_DELTA:g}")
    optimum = gufm_optimum(classes, width, weight_decay)
    if network == "pre-LN":
        samples = given(classes, per_class, width, seed, around=True)
        return _finite(_of_shortcut(samples, weight_decay, optimum, delta), weight_decay)
    _check_size(classes, per_class, width, budget, network)
    plan = planned(classes, per_class, width, seed, margin)
    plan.check(budget[0])
    return _finite(_of_proof(plan, weight_decay, optimum, budget, network), weight_decay)


def _finite(made: Construction, weight_decay: float) -> Construction:
    if not np.isfinite(made.loss):
        raise ValueError(
            f"weight_decay = {weight_decay!r}: must be less, for the objective to be a number"
        )
    return made


def _check_size(
    classes: int, per_class: int, width: int, budget: tuple[int, int], network: str
) -> None:
    travel, settle = budget
    layers, taken = layers_and_bytes(classes, per_class, width, travel, settle, network)
    if taken > MOST_BYTES:
        raise ValueError(
            f"travel = {travel:,}, settle = {settle:,}: {layers:,} blocks of width {width} take "
            f"more than {MOST_BYTES / 2**30:g} GiB, which is the most allowed"
        )


def layers_and_bytes(
    classes: int, per_class: int, width: int, travel: int, settle: int, network: str
) -> tuple[int, int]:
    """How many blocks a construction has, and what they take; arguments as of `construction`."""
    layers = classes * per_class * travel + classes * settle
    linear_layers = {"RN1": 1, "RN2": 2, "pre-LN": 0}[network]
    return layers, layers * (width**2 + width) * 8 * linear_layers


def _of_proof(
    plan: Planned, weight_decay: float, optimum: GufmOptimum, budget: tuple[int, int], network: str
) -> Construction:
    samples, cap = plan.given, plan.curves.cap
    features = samples.embedded
    travelling, settling, stops = [], [], [features]
    for n in range(len(features)):
        points = plan.points(n, budget[0])
        travelling.append(travel(points, plan.curves.margin))
        features = features.copy()
        features[n] = points[-1]
        stops.append(features)
    for k, vertex in enumerate(samples.vertices):
        settling.append(settle(vertex, cap, budget[1]))
        own = samples.labels == k
        features = features.copy()
        last = np.array([budget[1]])
        features[own] = settled(features[own], vertex, cap, budget[1], last)[0]
        stops.append(features)
    decays = [weight_decay / 2 * _squares(blocks, network) for blocks in (travelling, settling)]
    return _built(
        network,
        samples,
        _parameters([*travelling, *settling], network),
        features,
        optimum,
        weight_decay,
        decays=(decays[0], decays[1]),
        margin=plan.curves.margin,
        conditions=plan.conditions,
        stops=np.stack(stops),
        budget=budget,
    )


def _squares(made: list[Blocks], network: str) -> float:
    """Of all weights of these blocks."""
    return sum(float(squares(b.size, b.outputs.shape[1], network).sum()) for b in made)


def _parameters(made: list[Blocks], network: str) -> dict[str, np.ndarray]:
    if network == "RN2":
        halves = zip(*(in_two(blocks) for blocks in made), strict=True)
        names = ("block_weight_1", "block_bias_1", "block_weight_2", "block_bias_2")
        return {name: np.concatenate(parts) for name, parts in zip(names, halves, strict=True)}
    return {
        "block_weight": np.concatenate([blocks.weight for blocks in made]),
        "block_bias": np.concatenate([blocks.bias for blocks in made]),
    }


def _of_shortcut(
    samples: Given, weight_decay: float, optimum: GufmOptimum, delta: float
) -> Construction:
    made = shortcut(samples, delta)
    features = layer_norm(made.streams[-1])
    return _built(
        "pre-LN",
        Given(samples.inputs, samples.labels, made.embedding, samples.vertices),
        _parameters([made.blocks], "pre-LN"),
        features,
        optimum,
        weight_decay,
        decays=(weight_decay / 2 * _squares([made.blocks], "pre-LN"), 0.0),
        margin=made.margin,
        conditions=(),
        stops=made.streams,
        budget=(1, 0),
    )


def _built(
    network: str,
    samples: Given,
    hidden: dict[str, np.ndarray],
    features: np.ndarray,
    optimum: GufmOptimum,
    weight_decay: float,
    *,
    decays: tuple[float, float],
    margin: float,
    conditions: tuple[bool, ...],
    stops: np.ndarray,
    budget: tuple[int, int],
) -> Construction:
    rows = last_layer(samples, optimum)
    fit = float(cross_entropy(features, rows, samples.labels))
    weight, bias = samples.embedding
    parameters = {"embedding_weight": weight, "embedding_bias": bias, **hidden, "last_weight": rows}
    last = weight_decay / 2 * float((rows**2).sum())
    return Construction(
        network=network,
        given=samples,
        parameters=parameters,
        features=features,
        depth=len(next(iter(hidden.values()))) + 1,
        loss=fit + last + sum(decays),
        floor=optimum.loss,
        fit_gap=fit + last - optimum.loss,
        decay_travel=decays[0],
        decay_settle=decays[1],
        margin=margin,
        conditions=conditions,
        nc1=float(neural_collapse(features, samples.labels, rows).nc1),
        stops=stops,
        budget=budget,
    )
