"""What a network of the proof costs, without building it: for pictures of the depth law.

Of many budgets at once, up to a million of layers. The same as `construction` makes of the real
network, which the tests hold against each other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ncengine.theory.constructions.blocks import settle_size, settled, travel_sizes
from ncengine.theory.constructions.given import Given
from ncengine.theory.constructions.planned import Planned
from ncengine.theory.gufm import GufmOptimum

# Blocks of a sample that are counted one by one; of more, all but rounding follows from these.
COUNTED = 2**12


@dataclass(frozen=True)
class Costs:
    """Of one network; see `Construction`, of which these are attributes too.

    Attributes:
        budget: L_1 and L_2, blocks of each sample and of each class.
        bound_travel, bound_settle: what the paper's proof says at most of the decays of the two
            phases, 32 d pi^2 lambda N / (L_1 m^2) and 2^7 N d lambda log(L_2)^2 / (m^2 L_2); it is
            of RN1.
    """

    budget: tuple[int, int]
    depth: int
    floor: float
    fit_gap: float
    decay_travel: float
    decay_settle: float
    bound_travel: float
    bound_settle: float

    @property
    def decay_hidden(self) -> float:
        """Of both phases."""
        return self.decay_travel + self.decay_settle

    @property
    def gap(self) -> float:
        """The objective minus the floor."""
        return self.fit_gap + self.decay_hidden


def costs(
    plan: Planned,
    weight_decay: float,
    optimum: GufmOptimum,
    budget: tuple[int, int],
    network: str = "RN1",
) -> Costs:
    """Of the plan's network of such a budget.

    Args:
        plan: see `planned`.
        weight_decay: lambda.
        optimum: of the GUFM, for the plan's classes and width.
        budget: L_1 and L_2.
        network: "RN1" or "RN2".

    Raises:
        ValueError: blocks are too few for a sample's way, see `Planned.check`.
    """
    travel, settle = budget
    plan.check(travel)
    samples, margin, cap = plan.given, plan.curves.margin, plan.curves.cap
    count, width = samples.inputs.shape
    classes = len(samples.vertices)
    counted = min(travel, COUNTED)
    travelled = float(squares(_travelled(plan, counted), 1, network).sum())
    if network == "RN1":
        # Of one linear layer the decay goes as 1 / L_1; of two it stays.
        travelled *= counted / travel
    each = squares(np.array(settle_size(cap, settle, width)), 2, network)
    bound = weight_decay * count * width / margin**2
    return Costs(
        budget=budget,
        depth=count * travel + classes * settle + 1,
        floor=optimum.loss,
        fit_gap=_fit_gap(plan, weight_decay, optimum, settle),
        decay_travel=weight_decay / 2 * travelled,
        decay_settle=weight_decay / 2 * classes * settle * float(each),
        bound_travel=32 * math.pi**2 * bound / travel,
        bound_settle=2**7 * bound * math.log(settle) ** 2 / settle,
    )


@lru_cache(maxsize=32)
def _travelled(plan: Planned, travel: int) -> np.ndarray:
    """(N, travel) alpha of all blocks that make samples travel."""
    return np.stack(
        [
            travel_sizes(plan.points(n, travel), plan.curves.margin)
            for n in range(len(plan.given.labels))
        ]
    )


def squares(size: np.ndarray, outputs: int, network: str) -> np.ndarray:
    """Of all weights of a block of such an alpha, of which sigma gives so many directions."""
    # Of two layers the root of alpha, and as much of a projection.
    return size * (1 + outputs) if network == "RN2" else size**2


def last_layer(samples: Given, optimum: GufmOptimum) -> np.ndarray:
    """(K, d) the last layer's rows: those of the GUFM's optimum."""
    return optimum.row_norm * samples.vertices / samples.vertices.shape[1] ** 0.5


def cross_entropy(features: np.ndarray, rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(...) the mean over features (..., N, d)."""
    logits = features @ rows.T
    samples = np.arange(len(labels))
    above = logits - logits[..., samples, labels][..., None]
    # The own class's 1 stands aside, for the others to keep their digits beside it, however small.
    above[..., samples, labels] = -np.inf
    return np.logaddexp(0.0, np.logaddexp.reduce(above, -1)).mean(-1)


def _fit_gap(plan: Planned, weight_decay: float, optimum: GufmOptimum, settle: int) -> float:
    samples, cap = plan.given, plan.curves.cap
    features = np.stack([plan.points(n, 1)[-1] for n in range(len(samples.labels))])
    for k, vertex in enumerate(samples.vertices):
        own = samples.labels == k
        features[own] = settled(features[own], vertex, cap, settle, np.array([settle]))[0]
    rows = last_layer(samples, optimum)
    fit = float(cross_entropy(features, rows, samples.labels))
    return fit + weight_decay / 2 * float((rows**2).sum()) - optimum.loss
