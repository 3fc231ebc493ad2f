"""One solver after another: Adam finds the valley, L-BFGS goes down it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor

from ncengine.training.solvers.base import Matrix, Solver


class WarmStart:
    """`first` for a number of steps, then `second` from where it got to."""

    def __init__(self, first: Solver, second: Solver, steps: int):
        self.first, self.second, self.steps = first, second, steps

    def start(self, theta: Tensor) -> None:
        self.taken = 0
        self.active = self.first if self.steps else self.second
        self.active.start(theta)

    @property
    def theta(self) -> Tensor:
        return self.active.theta

    @property
    def resting(self) -> np.ndarray:
        return self.active.resting

    @property
    def diverged(self) -> np.ndarray:
        return self.active.diverged

    def step(self, loss: Tensor, grad: Tensor) -> np.ndarray:
        accepted = self.active.step(loss, grad)
        self.taken += 1
        if self.taken == self.steps:
            diverged = self.first.diverged
            self.active = self.second
            self.second.start(self.first.theta)
            self.second.diverged[diverged] = True
        return accepted

    def precondition(self, inverses: Sequence[Matrix]) -> None:
        self.active.precondition(inverses)

    def state(self) -> dict[str, Any]:
        return {"taken": self.taken, **self.active.state()}

    def restore(self, state: dict[str, Any], theta: Tensor) -> None:
        self.taken = int(state["taken"])
        self.active = self.first if self.taken < self.steps else self.second
        self.active.restore(state, theta)
