"""L-BFGS for many seeds at once: one evaluation of all serves each seed's own line search."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ncengine.costs.memory import KFAC_HISTORY, LBFGS_HISTORY
from ncengine.training.solvers.base import Matrix, taken
from ncengine.training.solvers.history import History, Pairs, PreconditionedHistory
from ncengine.training.solvers.line_search import LineSearch, Point

QUIET_STEPS = 20  # so many iterates in a row that gain less than rounding, and a seed rests
QUIET = 1e-9  # relative gain of one step that counts as none


class LBFGS:
    """Limited-memory BFGS (Nocedal 1980) with a strong Wolfe line search per seed.

    A seed rests when its iterates stop gaining, or when even the steepest descent leads nowhere:
    with ReLU that can be a kink. One that never came below where it began has diverged, unless
    it begins where another training had come to.

    Args:
        history: steps that it remembers.
        trained: whether it begins at such a place.
    """

    def __init__(self, history: int = LBFGS_HISTORY, *, trained: bool = False):
        self.history, self.trained = history, trained

    def start(self, theta: Tensor) -> None:
        self.theta = theta
        self.seeds = [_Seed(row, self._remember(row), self.trained) for row in theta]
        self.resting = np.zeros(len(theta), bool)
        self.diverged = np.zeros(len(theta), bool)

    def _remember(self, theta: Tensor) -> Pairs:
        return History(theta, self.history)

    def precondition(self, inverses: Sequence[Matrix]) -> None:
        """It has no use for it."""

    def step(self, loss: Tensor, grad: Tensor) -> np.ndarray:
        accepted = np.zeros(len(self.seeds), bool)
        for r, (seed, value) in enumerate(zip(self.seeds, loss.tolist(), strict=True)):
            if not (self.diverged[r] or self.resting[r]):
                accepted[r], further = seed.step(self.theta[r], value, grad[r])
                if further is not None:
                    self.theta[r] = further
                self.resting[r], self.diverged[r] = seed.resting, seed.diverged
        return accepted

    def state(self) -> dict[str, Any]:
        state = {"theta": self.theta.cpu().numpy()}
        state["resting"], state["diverged"] = self.resting.copy(), self.diverged.copy()
        for r, seed in enumerate(self.seeds):
            state |= {f"{name}_{r}": value for name, value in seed.state().items()}
        return state

    def restore(self, state: dict[str, Any], theta: Tensor) -> None:
        self.start(taken(state["theta"], theta))
        self.resting = np.array(state["resting"], bool)
        self.diverged = np.array(state["diverged"], bool)
        for r, seed in enumerate(self.seeds):
            suffix = f"_{r}"
            of_seed = {n.removesuffix(suffix): v for n, v in state.items() if n.endswith(suffix)}
            seed.restore(of_seed, self.theta)


class PreconditionedLBFGS(LBFGS):
    """One that can be told about the second derivative at any iterate, see `precondition`.

    What it remembers stays of use: it is kept as it is, and only what each direction begins with
    changes. Knowing so much it needs to remember less.
    """

    def __init__(self, history: int = KFAC_HISTORY, *, trained: bool = False):
        super().__init__(history, trained=trained)

    def _remember(self, theta: Tensor) -> Pairs:
        return PreconditionedHistory(theta, self.history)

    def precondition(self, inverses: Sequence[Matrix]) -> None:
        """From now on directions begin with these, one a seed."""
        for seed, inverse in zip(self.seeds, inverses, strict=True):
            assert isinstance(seed.recent, PreconditionedHistory)
            seed.recent.inverse = inverse


class _Seed:
    """One seed's L-BFGS, which begins at theta (P,)."""

    def __init__(self, theta: Tensor, recent: Pairs, trained: bool):
        self.trained = trained
        self.iterate = theta.clone()
        self.grad = torch.zeros_like(theta)
        self.value = self.first_value = math.inf
        self.direction = torch.zeros_like(theta)
        self.search: LineSearch | None = None
        self.recent = recent
        self.quiet = 0
        self.resting = self.diverged = False

    def step(self, at: Tensor, value: float, grad: Tensor) -> tuple[bool, Tensor | None]:
        """Take value and gradient (P,) at the point that was to be evaluated.

        Returns:
            Whether that is an iterate, and where to evaluate next; None: where it was.
        """
        if self.search is None:
            if not (math.isfinite(value) and bool(grad.sum().isfinite())):
                self.diverged = True
                return False, None
            self.value = self.first_value = value
            self.grad.copy_(grad)
            return True, self._search_along_new_direction()
        verdict = self.search.tell(value, float(grad @ self.direction))
        if verdict == "accept":
            return True, self._accept(at, value, grad)
        if verdict == "trial":
            return False, self._trial()
        if self.recent.count:
            # The curvature gathered may be what misleads: once more, from steepest descent.
            self.recent.clear()
            return False, self._search_along_new_direction()
        self.resting = self.trained or self.value < self.first_value
        self.diverged = not self.resting
        return False, self.iterate

    def _accept(self, at: Tensor, value: float, grad: Tensor) -> Tensor | None:
        with_grad = self.recent.push(at - self.iterate, grad - self.grad, grad)
        self.iterate.copy_(at)
        self.grad.copy_(grad)
        gained = self.value - value
        self.quiet = self.quiet + 1 if gained <= QUIET * abs(value) else 0
        self.value = value
        self.resting = self.quiet >= QUIET_STEPS
        return None if self.resting else self._search_along_new_direction(with_grad)

    def _search_along_new_direction(self, with_grad: np.ndarray | None = None) -> Tensor | None:
        self.direction, slope = self.recent.direction(self.grad, with_grad)
        if not slope < 0 and self.recent.count:
            self.recent.clear()
            self.direction, slope = self.recent.direction(self.grad)
        if not slope < 0:
            self.resting = True
            return None
        first = 1.0 if self.recent.knows_curvature else min(1.0, 0.1 / math.sqrt(-slope))
        self.search = LineSearch.begin(self.value, slope, first)
        return self._trial()

    def _trial(self) -> Tensor:
        assert self.search is not None
        return torch.add(self.iterate, self.direction, alpha=self.search.t)

    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = {
            "iterate": self.iterate.cpu().numpy(),
            "grad": self.grad.cpu().numpy(),
            "direction": self.direction.cpu().numpy(),
            "value": self.value,
            "first_value": self.first_value,
            "quiet": self.quiet,
            "searching": self.search is not None,
            **self.recent.state(),
        }
        if self.search is not None:
            state["search"] = _search_to_array(self.search)
        return state

    def restore(self, state: dict[str, Any], like: Tensor) -> None:
        self.iterate = taken(state["iterate"], like)
        self.grad = taken(state["grad"], like)
        self.direction = taken(state["direction"], like)
        self.value = float(state["value"])
        self.first_value = float(state["first_value"])
        self.quiet = int(state["quiet"])
        self.search = _search_from_array(state["search"]) if state["searching"] else None
        self.recent.restore(state)


def _search_to_array(search: LineSearch) -> np.ndarray:
    flat = asdict(search)
    high = flat["high"] or dict.fromkeys(("t", "value", "slope"), math.nan)
    points = [*flat["start"].values(), *flat["low"].values(), *high.values()]
    return np.array(
        [search.first, search.t, search.trials, search.settling, search.high is not None, *points]
    )


def _search_from_array(array: np.ndarray) -> LineSearch:
    first, t, trials, settling, has_high, *points = (float(value) for value in array)
    start, low, high = (Point(*points[i : i + 3]) for i in (0, 3, 6))
    return LineSearch(
        start=start,
        first=first,
        t=t,
        low=low,
        high=high if has_high else None,
        trials=int(trials),
        settling=bool(settling),
    )
