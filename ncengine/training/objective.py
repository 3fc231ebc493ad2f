"""Loss plus weight decay, eq. (3), with its parts and its gradient, for all seeds at once."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ncengine.architectures.build import build
from ncengine.architectures.build import features as features_of
from ncengine.architectures.layers import Layer, Parameters, last_layer, layer_norm, linear
from ncengine.architectures.shapes import Role, parameter_shapes
from ncengine.config import RunConfig
from ncengine.costs.memory import sweep_samples


@dataclass(frozen=True)
class Evaluation:
    """The objective at one point a seed, and what was computed on the way.

    Attributes:
        fit, decay_hidden, decay_last: (R,) float64, the three parts of the objective.
        grad: (R, P) gradient of the objective; None where none was asked for.
        features: (R, N, d) inputs of the last layer.
        accuracy: (R,) float64, share of samples whose largest logit is their class's.
        last_weight: (R, K, d) rows of the last layer.
        last_bias: (R, K) its bias; None where it has none.
        layers: the embedding and each block, see `Network.layers`; empty where not asked for.
    """

    fit: Tensor
    decay_hidden: Tensor
    decay_last: Tensor
    grad: Tensor | None
    features: Tensor
    accuracy: Tensor
    last_weight: Tensor
    last_bias: Tensor | None
    layers: tuple[Layer, ...] = ()

    @property
    def gradient(self) -> Tensor:
        """(R, P) `grad`, where it was asked for. Raises ValueError where it was not."""
        if self.grad is None:
            raise ValueError("no gradient was asked for")
        return self.grad

    @property
    def loss(self) -> Tensor:
        """(R,) float64, the objective."""
        return self.fit + self.decay_hidden + self.decay_last

    def where(self, chosen: np.ndarray, other: Evaluation) -> Evaluation:
        """This one for the seeds chosen (R,), else the other; without gradients or layers."""
        keep = torch.from_numpy(chosen).to(self.fit.device)

        def rows(mine: Tensor, others: Tensor) -> Tensor:
            return torch.where(keep.view(-1, *[1] * (mine.dim() - 1)), mine, others)

        names = ["fit", "decay_hidden", "decay_last", "features", "accuracy", "last_weight"]
        if self.last_bias is not None:
            names.append("last_bias")
        chosen_rows = {name: rows(getattr(self, name), getattr(other, name)) for name in names}
        return replace(self, grad=None, layers=(), **chosen_rows)


class Objective:
    """The objective of `config` on one set of samples.

    Args:
        config: what to minimise.
        inputs: (N, ...) as `architectures.inputs.network_inputs` gives them or, where every seed
            sees its own samples, (R, N, ...).
        labels: (N,) or (R, N) classes.
    """

    def __init__(self, config: RunConfig, inputs: Tensor, labels: Tensor):
        self.config = config
        self.network = build(config)
        self.inputs = inputs
        self.labels = labels
        self.shapes = parameter_shapes(config)
        self.decay = {Role.HIDDEN: config.decay_hidden, Role.LAST: config.decay_last}
        self.sweep = sweep_samples(config)

    @property
    def in_one_sweep(self) -> bool:
        """Whether all samples go through the network at once, so that it holds all layers."""
        return self.labels.shape[-1] <= self.sweep

    def evaluate(self, theta: Tensor, *, gradient: bool = True, layers: bool = False) -> Evaluation:
        """The objective at theta (R, P), one row a seed; `layers` keeps every layer."""
        parameters = self.parameters(theta)
        inputs, labels = self.inputs, self.labels
        if labels.dim() == 1:
            inputs = inputs.expand(len(theta), *inputs.shape)
            labels = labels.expand(len(theta), -1)
        sweeps, grad, seen = [], None, []
        for x, y in zip(
            inputs.split(self.sweep, dim=1), labels.split(self.sweep, dim=1), strict=True
        ):
            on_the_way: list[Layer] | None = [] if layers else None
            *values, one_grad = self._sweep(parameters, x, y, gradient, on_the_way)
            seen.append(on_the_way or [])
            sweeps.append(values)
            # Added up at once: a gradient is as large as all parameters.
            grad = one_grad if grad is None or one_grad is None else grad.add_(one_grad)
        losses, logits, features = (list(parts) for parts in zip(*sweeps, strict=True))
        if grad is not None:
            grad.div_(labels.shape[1])
        decay = self._decay(parameters, grad)
        hits = torch.cat(logits, dim=1).argmax(-1) == labels
        return Evaluation(
            fit=torch.cat(losses, dim=1).mean(1, dtype=torch.float64),
            decay_hidden=decay[Role.HIDDEN],
            decay_last=decay[Role.LAST],
            grad=grad,
            features=torch.cat(features, dim=1),
            accuracy=hits.mean(1, dtype=torch.float64),
            last_weight=parameters["last_weight"].detach().clone(),
            last_bias=parameters["last_bias"].detach().clone() if self.config.last_bias else None,
            layers=tuple(map(_joined, zip(*seen, strict=True))),
        )

    def block_decay(self, theta: Tensor) -> Tensor:
        """(R, B) float64, what each block pays of `Evaluation.decay_hidden` at theta (R, P)."""
        parameters = self.parameters(theta)
        hidden = [parameters[s.name] for s in self.shapes if s.role is Role.HIDDEN]
        if not hidden:
            return torch.zeros(len(theta), 0, dtype=torch.float64, device=theta.device)
        squares = [(w * w).flatten(2).sum(2, dtype=torch.float64) for w in hidden]
        return self.config.decay_hidden / 2 * torch.stack(squares).sum(0)

    def _sweep(
        self,
        parameters: Parameters,
        inputs: Tensor,
        labels: Tensor,
        gradient: bool,
        layers: list[Layer] | None,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
        """Losses (R, n), logits and features of some samples; gradient (R, P) of the sum.

        `layers`, where it is a list, takes every layer.
        """

        def visit(layer: Layer) -> None:
            if layers is not None:
                stream, read = layer
                detached = stream.detach()
                layers.append(Layer(detached, detached if read is stream else read.detach()))

        with torch.set_grad_enabled(gradient):
            if gradient:
                for parameter in parameters.values():
                    parameter.requires_grad_()
            features = features_of(self.network, parameters, inputs, visit)
            logits = last_layer(parameters, features)
            losses = _losses(logits, labels, self.config.loss)
            grad = self._gradient(losses, parameters) if gradient else None
        return losses.detach(), logits.detach(), features.detach(), grad

    def exact_last_layer(
        self, features: Tensor, weight: Tensor, bias: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Fit and last-layer decay (R,) in float64, for features that are normalised exactly.

        In single precision a collapsed network's fit can read 1e-7 too low, which is below
        the floor.
        """
        exact = layer_norm(features.double())
        logits = linear(exact, weight.double(), None if bias is None else bias.double())
        losses = _losses(logits, self.labels.expand(logits.shape[:2]), self.config.loss)
        fit = losses.mean(1)
        decay = self.config.decay_last / 2 * weight.double().square().sum((1, 2))
        return fit, decay

    def parameters(self, theta: Tensor) -> Parameters:
        """Parameters by name (R, ...), which lie where theta (R, P) does."""
        parameters, start = {}, 0
        for shape in self.shapes:
            piece = theta[:, start : start + shape.size]
            parameters[shape.name] = piece.view(len(theta), *shape.shape).detach()
            start += shape.size
        return parameters

    def _gradient(self, losses: Tensor, parameters: Parameters) -> Tensor:
        # Seeds share nothing, so the gradient of the sum holds each seed's own.
        pieces = torch.autograd.grad(losses.sum(), list(parameters.values()))
        return torch.cat([piece.reshape(len(losses), -1) for piece in pieces], dim=1)

    def _decay(self, parameters: Parameters, grad: Tensor | None) -> dict[Role, Tensor]:
        """The decay terms (R,) by role; adds their gradient to `grad`."""
        some = next(iter(parameters.values()))
        terms = {
            role: torch.zeros(len(some), dtype=torch.float64, device=some.device)
            for role in self.decay
        }
        start = 0
        for shape in self.shapes:
            if shape.role in self.decay:
                weight = parameters[shape.name].detach().reshape(len(some), -1)
                coefficient = self.decay[shape.role]
                terms[shape.role] += coefficient / 2 * (weight * weight).sum(1, dtype=torch.float64)
                if grad is not None:
                    grad[:, start : start + shape.size].add_(weight, alpha=coefficient)
            start += shape.size
        return terms


def _joined(parts: tuple[Layer, ...]) -> Layer:
    """One layer of all samples, from those of some samples each."""
    if len(parts) == 1:
        return parts[0]
    stream = torch.cat([part.stream for part in parts], dim=1)
    if all(part.read is part.stream for part in parts):
        return Layer(stream, stream)
    return Layer(stream, torch.cat([part.read for part in parts], dim=1))


def _losses(logits: Tensor, labels: Tensor, loss: str) -> Tensor:
    """(R, N) loss of each sample: CE, or half the squared error, so that the mean is eq. (3)'s."""
    if loss == "CE":
        each = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none")
        return each.view(labels.shape)
    target = F.one_hot(labels, logits.shape[-1]).to(logits.dtype)
    return (logits - target).square().sum(-1) / 2
