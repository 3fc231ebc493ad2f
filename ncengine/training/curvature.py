"""The Gauss-Newton matrix of the fit, as a Kronecker product for each linear map.

For a map y = W x + b the Gauss-Newton matrix of W is approximated by A ⊗ G, with A = E[x x^T] of
what it reads and G = E[g g^T] of the derivatives of the logits by what it gives, weighted by the
second derivative of the loss (Martens and Grosse 2015, Optimizing Neural Networks with
Kronecker-factored Approximate Curvature). Of maps that several tokens share, A is the mean over
samples and tokens, G the sum over tokens.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ncengine.architectures.build import features as features_of
from ncengine.architectures.layers import Linear, Parameters, Product, last_layer, witnessed
from ncengine.training.objective import Objective


class Factor(NamedTuple):
    """One of the two.

    Attributes:
        matrix: (R, ..., n, n) float64, or its diagonal (R, ..., n).
        is_diagonal: whether it is that.
    """

    matrix: Tensor
    is_diagonal: bool = False


class Factors(NamedTuple):
    """Of a parameter's matrices W: the factor of their rows, and that of their columns.

    Attributes:
        given: G, the one of what the map gives.
    """

    rows: Factor
    columns: Factor
    given: Factor


def curvature(objective: Objective, theta: Tensor, passes: int) -> dict[str, Factors]:
    """Factors of every weight that `layers.linear` is given, at theta (R, P), by its name.

    Args:
        passes: with the seed it decides the signs by which classes are drawn together.
    """
    parameters = objective.parameters(theta)
    sums = _Sums(parameters)
    inputs, labels = objective.inputs, objective.labels
    signs = _signs(objective, len(labels), passes).to(theta)
    inputs = inputs.expand(len(theta), *inputs.shape)
    for some, signs_of_some in zip(
        inputs.split(objective.sweep, dim=1), signs.split(objective.sweep, dim=1), strict=True
    ):
        _add_sweep(objective, parameters, some, signs_of_some, sums)
    return sums.factors(parameters, len(labels))


def _signs(objective: Objective, samples: int, passes: int) -> Tensor:
    """(R, N, K) of 1 and -1: a seed's depend on that seed alone."""
    size = (samples, objective.config.classes)
    draws = [np.random.default_rng([seed, passes]) for seed in objective.config.seeds]
    return torch.from_numpy(np.stack([draw.choice([-1.0, 1.0], size) for draw in draws]))


def _add_sweep(
    objective: Objective, parameters: Parameters, inputs: Tensor, signs: Tensor, sums: _Sums
) -> None:
    events: list[Linear | Product] = []
    with torch.enable_grad(), witnessed(events.append):
        for parameter in parameters.values():
            parameter.requires_grad_()
        logits = last_layer(parameters, features_of(objective.network, parameters, inputs))
    for event in events:
        if isinstance(event, Product):
            sums.take_product(event)
    maps = [event for event in events if isinstance(event, Linear) and sums.knows(event)]
    root = _root_of_second_derivative(logits.detach(), objective.config.loss, signs)
    derivatives = torch.autograd.grad(logits, [event.outputs for event in maps], root)
    for event, derivative in zip(maps, derivatives, strict=True):
        sums.add(event, derivative)


def _root_of_second_derivative(logits: Tensor, loss: str, signs: Tensor) -> Tensor:
    """(R, N, K) vectors v with E[v v^T] the second derivative of a sample's loss by its logits.

    CE: diag(p) - p p^T = Σ_k p_k (e_k - p)(e_k - p)^T, whose terms random signs keep apart. One
    sweep then does for all classes, and a class drawn by p would nearly always be the true one.
    """
    if loss == "MSE":
        return signs
    p = logits.softmax(-1)
    drawn = signs * p.sqrt()
    return drawn - p * drawn.sum(-1, keepdim=True)


class _Sums:
    """What is added up over the samples, for each matrix of each parameter."""

    def __init__(self, parameters: Parameters):
        # Where in memory each matrix begins tells which one a map was given.
        self.places: dict[int, tuple[str, int]] = {}
        for name, parameter in parameters.items():
            for block in range(parameter.shape[1] if parameter.dim() == 4 else 1):
                part = parameter[:, block] if parameter.dim() == 4 else parameter
                self.places[part.data_ptr()] = name, block
        self.products: dict[str, Product] = {}
        self.read: dict[tuple[str, int], Tensor] = {}
        self.given: dict[tuple[str, int], Tensor] = {}
        self.tokens: dict[tuple[str, int], int] = {}
        self.looked_up: set[str] = set()

    def knows(self, event: Linear) -> bool:
        """Whether it is a parameter that the map was given, and not what was made of some."""
        return event.weight.data_ptr() in self.places

    def take_product(self, event: Product) -> None:
        sides = [self.places[side[:, 0].data_ptr()][0] for side in (event.left, event.right)]
        name = " times ".join(sides)
        for block in range(event.result.shape[1]):
            self.places[event.result[:, block].data_ptr()] = name, block
        self.products[name] = event

    def add(self, event: Linear, derivative: Tensor) -> None:
        place = self.places[event.weight.data_ptr()]
        inputs, given = event.inputs.detach(), _gram(derivative)
        if inputs.is_floating_point():
            # Along principal axes nothing is correlated.
            diagonal = place[0] == "embedding_weight"
            read = inputs.square().sum(1).double() if diagonal else _gram(inputs)
        else:
            self.looked_up.add(place[0])
            read = torch.zeros(*event.weight.shape[:2], dtype=torch.float64, device=inputs.device)
            read.scatter_add_(1, inputs, torch.ones_like(inputs, dtype=torch.float64))
        self.read[place] = self.read[place] + read if place in self.read else read
        self.given[place] = self.given[place] + given if place in self.given else given
        self.tokens[place] = self.tokens.get(place, 0) + inputs.shape[1]

    def factors(self, parameters: Parameters, samples: int) -> dict[str, Factors]:
        joined: dict[str, Factors] = {}
        for name in dict.fromkeys(name for name, _ in self.read):
            places = sorted(place for place in self.read if place[0] == name)
            read = [self.read[place] / self.tokens[place] for place in places]
            given = [self.given[place] / samples for place in places]
            in_blocks = name in self.products or parameters[name].dim() == 4
            a = torch.stack(read, 1) if in_blocks else read[0]
            g = Factor(torch.stack(given, 1) if in_blocks else given[0])
            reads = Factor(a, is_diagonal=a.dim() < g.matrix.dim())
            # Of a table of words each row is what one of them gives.
            joined[name] = Factors(reads, g, g) if name in self.looked_up else Factors(g, reads, g)
        for name, event in self.products.items():
            joined |= self._of_product(joined.pop(name), event)
        return joined

    def _of_product(self, of: Factors, event: Product) -> dict[str, Factors]:
        """W = L R: L reads R x, and R gives what L reads."""
        left, right = event.left.detach(), event.right.detach()
        names = [self.places[side[:, 0].data_ptr()][0] for side in (left, right)]
        left, right = (left.mT if event.transposed else left).double(), right.double()
        g, a = of.rows, of.columns
        read_by_left = Factor(right @ a.matrix @ right.mT)
        given_by_right = Factor(left.mT @ g.matrix @ left)
        of_left = Factors(read_by_left, g, g) if event.transposed else Factors(g, read_by_left, g)
        of_right = Factors(given_by_right, a, given_by_right)
        return dict(zip(names, (of_left, of_right), strict=True))


def _gram(x: Tensor) -> Tensor:
    """(R, n, d) to (R, d, d): the sum of x x^T over n."""
    return torch.bmm(x.transpose(1, 2), x).double()
