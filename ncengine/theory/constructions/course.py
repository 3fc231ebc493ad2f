"""How samples fare in a network of the proof, layer by layer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ncengine.architectures.layer_norm import layer_norm
from ncengine.metrics.collapse import neural_collapse
from ncengine.theory.constructions.blocks import settle_size, settled, travel_sizes
from ncengine.theory.constructions.construction import Construction
from ncengine.theory.constructions.costs import COUNTED, cross_entropy, last_layer, squares
from ncengine.theory.constructions.planned import Planned
from ncengine.theory.gufm import GufmOptimum

# Pictures of a sample on its way, and of a class that settles: as far as there are layers.
OF_TRAVEL, OF_SETTLE = 24, 16


@dataclass(frozen=True)
class Course:
    """F of the network's layers, the first and the last among them.

    Attributes:
        layer: (F,) which, from 1, what the embedding gives, to L.
        features: (F, N, d) what the next layer reads.
        streams: (F, N) norms of the zero-sum part before LayerNorm.
        size: (F,) norm of all weights of that layer, of the first 0, for it is not decayed.
        hidden: (F,) the decay of all layers so far.
        ended: (F,) the objective, if the last layer came right after.
        nc1: (F,) of the features.
        mover: (F,) the sample that this layer moves; -1 where it is a whole class, or none.
        moved: (F,) the class that it moves, or the sample's; -1 where it is none.
    """

    layer: np.ndarray
    features: np.ndarray
    streams: np.ndarray
    size: np.ndarray
    hidden: np.ndarray
    ended: np.ndarray
    nc1: np.ndarray
    mover: np.ndarray
    moved: np.ndarray


def course(
    plan: Planned,
    weight_decay: float,
    optimum: GufmOptimum,
    budget: tuple[int, int],
    network: str = "RN1",
) -> Course:
    """Of the plan's network of such a budget; arguments as of `costs`."""
    samples, (travel, settle) = plan.given, budget
    at = samples.embedded
    features, layer, size, hidden, mover, moved = [at[None]], [1], [0.0], [0.0], [-1], [-1]

    def goes_on(
        after: np.ndarray,
        places: np.ndarray,
        each: np.ndarray,
        paid: np.ndarray,
        who: int,
        k: int,
    ) -> None:
        """So many blocks later (A,) all are at these places (A, N, d).

        `each`: squares of that block's weights (A,). `paid`: of all of them by then (A,).
        """
        begin = layer[-1]
        layer.extend(begin + after)
        features.append(places)
        size.extend(each**0.5)
        hidden.extend(hidden[-1] + weight_decay / 2 * paid)
        mover.extend([who] * len(after))
        moved.extend([k] * len(after))

    for n, k in enumerate(samples.labels):
        counted = min(travel, COUNTED)
        points, after = plan.points(n, counted), _evenly(counted, OF_TRAVEL)
        places = np.repeat(at[None], len(after), axis=0)
        places[:, n] = points[after]
        # As many times smaller as there are more of them.
        alpha = travel_sizes(points, plan.curves.margin) * counted / travel
        each = squares(alpha, 1, network)[after - 1]
        paid = np.cumsum(squares(alpha, 1, network))[after - 1] * travel / counted
        goes_on(after * travel // counted, places, each, paid, n, int(k))
        at = places[-1]
    for k, vertex in enumerate(samples.vertices):
        after, own = _evenly(settle, OF_SETTLE), samples.labels == k
        places = np.repeat(at[None], len(after), axis=0)
        places[:, own] = settled(at[own], vertex, plan.curves.cap, settle, after)
        alike = settle_size(plan.curves.cap, settle, len(vertex))
        each = np.full(len(after), squares(np.array(alike), 2, network))
        goes_on(after, places, each, each * after, -1, k)
        at = places[-1]
    whole = np.concatenate(features)
    # Post-LN normalises the stream itself.
    streams = np.full(whole.shape[:2], whole.shape[2] ** 0.5)
    return _course(
        samples.labels,
        last_layer(samples, optimum),
        weight_decay,
        layer=np.array(layer),
        features=whole,
        streams=streams,
        size=np.array(size),
        hidden=np.array(hidden),
        mover=np.array(mover),
        moved=np.array(moved),
    )


def course_of_shortcut(made: Construction, weight_decay: float) -> Course:
    """Of the pre-LN shortcut: all its layers."""
    weights, labels = made.parameters["block_weight"], made.given.labels
    squared = np.array([0.0, *(weights**2).sum((1, 2))])
    aside = made.stops - made.stops.mean(-1, keepdims=True)
    # The first block takes away what all have in common; then each moves its own sample.
    mover = np.array([-1, -1, *range(len(labels))])
    return _course(
        labels,
        made.parameters["last_weight"],
        weight_decay,
        layer=np.arange(1, made.depth + 1),
        features=layer_norm(made.stops),
        streams=np.linalg.norm(aside, axis=-1),
        size=squared**0.5,
        hidden=weight_decay / 2 * np.cumsum(squared),
        mover=mover,
        moved=np.where(mover < 0, -1, labels[mover]),
    )


def _course(
    labels: np.ndarray, rows: np.ndarray, weight_decay: float, **known: np.ndarray
) -> Course:
    features = known["features"]
    fit = cross_entropy(features, rows, labels) + weight_decay / 2 * float((rows**2).sum())
    every = np.broadcast_to(rows, (len(features), *rows.shape))
    nc1 = neural_collapse(features, labels, every).nc1
    return Course(ended=fit + known["hidden"], nc1=nc1, **known)


def _evenly(steps: int, most: int) -> np.ndarray:
    """Up to so many numbers from 1 to `steps`, which is the last of them."""
    return np.unique(np.linspace(1, steps, min(steps, most)).round().astype(int))
