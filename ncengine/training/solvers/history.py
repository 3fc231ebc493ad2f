"""What L-BFGS remembers of its steps, and the directions that follow from it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ncengine.training.solvers.base import Matrix, taken
from ncengine.training.solvers.preconditioner import Preconditioner


class Pairs:
    """The last steps s and gradient changes y, and what is known of their inner products.

    Args:
        theta: (P,) tells the size of a vector, device and precision.
        size: how many pairs are remembered.
        products: how many rows and columns `products` has.
    """

    def __init__(self, theta: Tensor, size: int, products: int):
        self.size = size
        # s in rows 0..size-1, then y. Empty before the first pair: who goes on from a checkpoint
        # brings its own, and there may not be memory for two.
        self.rows = theta.new_zeros(0, len(theta))
        self.products = np.zeros((products, products))
        self.clear()

    def clear(self) -> None:
        self.order: list[int] = []

    @property
    def count(self) -> int:
        return len(self.order)

    @property
    def knows_curvature(self) -> bool:
        """Whether a step of length 1 along a direction is about the right one."""
        return bool(self.order)

    def push(self, s: Tensor, y: Tensor, grad: Tensor) -> np.ndarray | None:
        """Keep the pair, unless rounding left it without positive curvature.

        Returns:
            Inner products with `grad`, for `direction`: the pass over the history that gives the
            pair's own gives them too. None where the pair is not kept.
        """
        curvature, change = float(s @ y), float(y @ y)
        if not curvature > 1e-10 * change:
            return None
        slot = len(self.order) if len(self.order) < self.size else self.order.pop(0)
        self.order.append(slot)
        if not len(self.rows):
            self.rows = s.new_zeros(2 * self.size, len(s))
        self.rows[slot], self.rows[self.size + slot] = s, y
        return self._multiply(slot, s, y, grad)

    def _multiply(self, slot: int, s: Tensor, y: Tensor, grad: Tensor) -> np.ndarray:
        """Keep the inner products of the pair in that slot; gives those with `grad`."""
        raise NotImplementedError

    def direction(self, grad: Tensor, with_grad: np.ndarray | None = None) -> tuple[Tensor, float]:
        """-H grad and its slope, its inner product with grad."""
        raise NotImplementedError

    def state(self) -> dict[str, Any]:
        return {
            "rows": self.rows.cpu().numpy(),
            "products": self.products,
            "order": np.array(self.order, int),
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.rows = taken(state["rows"], self.rows)
        self.products = np.array(state["products"])
        self.order = [int(slot) for slot in state["order"]]


class History(Pairs):
    """Pairs with all their inner products.

    The two-loop recursion runs on the inner products alone (Chen, Wang and Zhou 2014), so a
    direction costs two passes over the history, not four times its length in vector operations.
    """

    def __init__(self, theta: Tensor, size: int):
        super().__init__(theta, size, 2 * size)

    def _multiply(self, slot: int, s: Tensor, y: Tensor, grad: Tensor) -> np.ndarray:
        with_s, with_y, with_grad = _products(self.rows, s, y, grad)
        self.products[slot] = self.products[:, slot] = with_s
        self.products[self.size + slot] = self.products[:, self.size + slot] = with_y
        return with_grad

    def direction(self, grad: Tensor, with_grad: np.ndarray | None = None) -> tuple[Tensor, float]:
        """-H grad and its slope, its inner product with grad."""
        if not self.order:
            return -grad, -float(grad @ grad)
        if with_grad is None:
            (with_grad,) = _products(self.rows, grad)
        weights, of_grad = self._two_loops(with_grad)
        direction = grad * of_grad
        direction.addmv_(self.rows.T, torch.from_numpy(weights).to(grad))
        return direction, float(grad @ direction)

    def _two_loops(self, with_grad: np.ndarray) -> tuple[np.ndarray, float]:
        """The two-loop recursion: the direction as weights of the rows, and of the gradient."""
        n, products = self.size, self.products
        weights, of_grad = np.zeros(2 * n), -1.0
        alphas = {}
        for slot in reversed(self.order):
            along = weights @ products[:, slot] + of_grad * with_grad[slot]
            alphas[slot] = along / products[slot, n + slot]
            weights[n + slot] -= alphas[slot]
        last = self.order[-1]
        scale = products[last, n + last] / products[n + last, n + last]
        weights, of_grad = weights * scale, of_grad * scale
        for slot in self.order:
            along = weights @ products[:, n + slot] + of_grad * with_grad[n + slot]
            weights[slot] += alphas[slot] - along / products[slot, n + slot]
        return weights, of_grad


class PreconditionedHistory(Pairs):
    """Pairs with the inner products of each s with each y.

    The two-loop recursion runs on the inner products (Chen, Wang and Zhou 2014), so that a
    direction costs a few passes over the history, not four times its length in vector operations.
    What it begins with, about the inverse of the second derivative, may change from step to step.

    Attributes:
        inverse: what it begins with; None where nothing is known of it.
    """

    def __init__(self, theta: Tensor, size: int):
        super().__init__(theta, size, size)
        self.inverse: Matrix | None = None

    @property
    def knows_curvature(self) -> bool:
        return super().knows_curvature or self.inverse is not None

    def _multiply(self, slot: int, s: Tensor, y: Tensor, grad: Tensor) -> np.ndarray:
        with_y, with_grad = _products(self._steps, y, grad)
        self.products[:, slot] = with_y
        (self.products[slot],) = _products(self._changes, s)
        return with_grad

    @property
    def _steps(self) -> Tensor:
        return self.rows[: self.size]

    @property
    def _changes(self) -> Tensor:
        return self.rows[self.size :]

    def direction(self, grad: Tensor, with_grad: np.ndarray | None = None) -> tuple[Tensor, float]:
        """-H grad and its slope, its inner product with grad."""
        if not self.order:
            direction = -grad if self.inverse is None else -self.inverse(grad)
            return direction, float(grad @ direction)
        if with_grad is None:
            (with_grad,) = _products(self._steps, grad)
        first = self._first_loop(with_grad)
        rest = torch.addmv(grad, self._changes.T, torch.from_numpy(-first).to(grad))
        rest = self._begin(rest)
        (with_rest,) = _products(self._changes, rest)
        second = self._second_loop(first, with_rest)
        rest.addmv_(self._steps.T, torch.from_numpy(second).to(grad))
        direction = rest.neg_()
        return direction, float(grad @ direction)

    def _begin(self, vector: Tensor) -> Tensor:
        """What the recursion begins with, as long as the last pair says."""
        last = self.order[-1]
        change = self._changes[last]
        if self.inverse is None:
            return vector * (self.products[last, last] / float(change @ change))
        length = self.products[last, last] / float(change @ self.inverse(change))
        return self.inverse(vector) * length

    def _first_loop(self, with_grad: np.ndarray) -> np.ndarray:
        """How much of each y goes, from the newest to the oldest."""
        weights = np.zeros(self.size)
        for slot in reversed(self.order):
            along = with_grad[slot] - weights @ self.products[slot]
            weights[slot] = along / self.products[slot, slot]
        return weights

    def _second_loop(self, first: np.ndarray, with_rest: np.ndarray) -> np.ndarray:
        """How much of each s comes, from the oldest to the newest."""
        weights = np.zeros(self.size)
        for slot in self.order:
            along = with_rest[slot] + weights @ self.products[:, slot]
            weights[slot] = first[slot] - along / self.products[slot, slot]
        return weights

    def state(self) -> dict[str, Any]:
        return super().state() | ({} if self.inverse is None else self.inverse.state())

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        self.inverse = Preconditioner.restore(state, self.rows)


def _products(rows: Tensor, *vectors: Tensor) -> np.ndarray:
    """Inner products of each vector with all rows."""
    return (torch.stack(vectors) @ rows.T).double().cpu().numpy()
