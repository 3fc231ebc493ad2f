"""Adam and SGD with momentum, all seeds in one tensor."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ncengine.training.solvers.base import Matrix, finite, taken


@dataclass(frozen=True)
class Rate:
    """Learning rate over a budget of steps: constant, or half a cosine down to 0."""

    value: float
    steps: int
    cosine: bool = False

    def at(self, step: int) -> float:
        """The rate of the step of that number, from 0."""
        if not self.cosine:
            return self.value
        return self.value * (1 + math.cos(math.pi * min(step / max(self.steps, 1), 1))) / 2


class _FirstOrder:
    """What Adam and SGD share: every evaluation is an iterate; broken seeds stand still."""

    moments: int  # how many running averages the method keeps

    def __init__(self, rate: Rate):
        self.rate = rate

    def start(self, theta: Tensor) -> None:
        self.theta = theta
        self.averages = [torch.zeros_like(theta) for _ in range(self.moments)]
        self.steps = 0
        self.resting = np.zeros(len(theta), bool)
        self.diverged = np.zeros(len(theta), bool)

    def step(self, loss: Tensor, grad: Tensor) -> np.ndarray:
        self.diverged |= ~finite(loss, grad)
        if self.diverged.any():
            grad = grad.clone()
            grad[torch.from_numpy(self.diverged).to(grad.device)] = 0
        self._move(grad, self.rate.at(self.steps))
        self.steps += 1
        return ~self.diverged

    def precondition(self, inverses: Sequence[Matrix]) -> None:
        """They have no use for it."""

    def _move(self, grad: Tensor, rate: float) -> None:
        raise NotImplementedError

    def state(self) -> dict[str, Any]:
        averages = {f"average_{i}": m.cpu().numpy() for i, m in enumerate(self.averages)}
        return {
            "theta": self.theta.cpu().numpy(),
            "steps": self.steps,
            "diverged": self.diverged.copy(),
            **averages,
        }

    def restore(self, state: dict[str, Any], theta: Tensor) -> None:
        self.start(taken(state["theta"], theta))
        self.averages = [taken(state[f"average_{i}"], theta) for i in range(self.moments)]
        self.steps = int(state["steps"])
        self.diverged = np.array(state["diverged"], bool)


class Adam(_FirstOrder):
    """Adam (Kingma and Ba 2015, algorithm 1), betas 0.9 and 0.999, epsilon 1e-8.

    The weight decay is part of the gradient (coupled), as in objective (3).
    """

    moments = 2

    def _move(self, grad: Tensor, rate: float) -> None:
        first, second = self.averages
        t = self.steps + 1
        first.lerp_(grad, 0.1)
        second.mul_(0.999).addcmul_(grad, grad, value=0.001)
        root = second.sqrt().div_(math.sqrt(1 - 0.999**t)).add_(1e-8)
        self.theta.addcdiv_(first, root, value=-rate / (1 - 0.9**t))


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2).

    It shrinks weights beside Adam's step, so that what it minimises is not objective (3).

    Args:
        rate: of both.
        decay: (P,) the weight decay of each parameter, whose gradient `step` is given too.
    """

    def __init__(self, rate: Rate, decay: Tensor):
        super().__init__(rate)
        self.decay = decay

    def start(self, theta: Tensor) -> None:
        super().start(theta)
        self.decay = self.decay.to(theta)

    def _move(self, grad: Tensor, rate: float) -> None:
        decayed = self.theta * self.decay
        decayed[torch.from_numpy(self.diverged).to(decayed.device)] = 0
        super()._move(grad - decayed, rate)
        self.theta.sub_(decayed, alpha=rate)


class Sgd(_FirstOrder):
    """Gradient descent with heavy-ball momentum: v <- m v + g, theta <- theta - rate v."""

    moments = 1

    def __init__(self, rate: Rate, momentum: float):
        super().__init__(rate)
        self.momentum = momentum

    def _move(self, grad: Tensor, rate: float) -> None:
        (velocity,) = self.averages
        velocity.mul_(self.momentum).add_(grad)
        self.theta.add_(velocity, alpha=-rate)
