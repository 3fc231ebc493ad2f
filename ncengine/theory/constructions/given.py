"""What a construction starts from: samples, where the embedding puts them, and where they go."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ncengine.theory.constructions.sphere import lifted, lowered, unit
from ncengine.theory.gufm import simplex_etf

# Of so many draws of a sample the one is taken that is furthest from all before it.
DRAWS = 20


@dataclass(frozen=True)
class Given:
    """N = K n samples of width d, sorted by class.

    Attributes:
        inputs: (N, d) what the network reads.
        labels: (N,) classes, 0 to K - 1.
        embedding: (d, d) W_0 and (d,) b_0, undecayed.
        vertices: (K, d) features of the classes at an optimum of the GUFM: a simplex of norm √d.
    """

    inputs: np.ndarray
    labels: np.ndarray
    embedding: tuple[np.ndarray, np.ndarray]
    vertices: np.ndarray

    @property
    def embedded(self) -> np.ndarray:
        """(N, d) LN(W_0 x + b_0), where samples begin."""
        weight, bias = self.embedding
        return lifted(lowered(self.inputs @ weight.T + bias))


def given(classes: int, per_class: int, width: int, seed: int, *, around: bool = False) -> Given:
    """Samples at random, each well apart from those before it, and an embedding at random.

    Args:
        classes, per_class, width: K, n and d.
        seed: of all that is drawn.
        around: whether the embedding puts them all around the first class's vertex, in directions
            orthogonal to it.
    """
    random = np.random.default_rng([seed, classes, per_class, width])
    weight = random.standard_normal((width, width)) / width**0.5
    bias = random.standard_normal(width) / width**0.5
    vertices = _simplex(classes, width - 1, random)
    places = np.zeros((0, width - 1))
    for _ in range(classes * per_class):
        drawn = random.standard_normal((DRAWS, width - 1))
        if around:
            drawn = drawn - (drawn @ vertices[0])[:, None] * vertices[0]
        drawn = unit(drawn)
        best = int((drawn @ places.T).max(1, initial=-1.0).argmin())
        places = np.concatenate([places, drawn[best : best + 1]])
    embedded = lifted(places[random.permutation(len(places))])
    inputs = np.linalg.solve(weight, (embedded - bias).T).T
    labels = np.repeat(np.arange(classes), per_class)
    return Given(inputs, labels, (weight, bias), lifted(vertices))


def _simplex(classes: int, dimensions: int, random: np.random.Generator) -> np.ndarray:
    """(K, D) unit vectors, turned at random."""
    figure = np.zeros((classes, dimensions))
    figure[:, : classes - 1] = simplex_etf(classes)
    turn, _ = np.linalg.qr(random.standard_normal((dimensions, dimensions)))
    return unit(figure @ turn)
