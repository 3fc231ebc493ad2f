"""What every solver is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor


class Matrix(Protocol):
    """A symmetric positive matrix, which takes a vector (P,) to another."""

    def __call__(self, vector: Tensor) -> Tensor: ...

    def state(self) -> dict[str, Any]: ...


class Solver(Protocol):
    """Minimises one function a seed by saying where to evaluate it next.

    Use: `start(theta)`, then over and over evaluate at `theta` and `step(loss, grad)`.
    No seed's state depends on another's.

    Attributes:
        theta: (R, P) where to evaluate next, one row a seed.
        resting: (R,) seeds that have ended: no further descent was found.
        diverged: (R,) seeds whose loss is no number any more, or that found no descent at all.
    """

    @property
    def theta(self) -> Tensor: ...

    @property
    def resting(self) -> np.ndarray: ...

    @property
    def diverged(self) -> np.ndarray: ...

    def start(self, theta: Tensor) -> None:
        """Begin at theta (R, P), which the solver then owns."""

    def step(self, loss: Tensor, grad: Tensor) -> np.ndarray:
        """Take loss (R,) and gradient (R, P) at `theta`, and move `theta` on.

        Returns:
            (R,) whether the point just evaluated is an iterate, not a mere trial.
        """

    def precondition(self, inverses: Sequence[Matrix]) -> None:
        """Take about the inverse of the second derivative, one a seed, where it is of use."""

    def state(self) -> dict[str, Any]:
        """All that is needed to go on: numpy arrays and plain numbers, by name."""

    def restore(self, state: dict[str, Any], theta: Tensor) -> None:
        """Go on from a state that `state` gave; `theta` tells device and precision.

        The state's arrays are the solver's from then on.
        """


def finite(loss: Tensor, grad: Tensor) -> np.ndarray:
    """(R,) whether a seed's loss and whole gradient are finite."""
    # A sum is finite only if every entry is; cheaper than testing each.
    return (loss.isfinite() & grad.sum(1).isfinite()).cpu().numpy()


def taken(array: np.ndarray, like: Tensor) -> Tensor:
    """An array as a tensor on the device and in the precision of another one.

    It is the array's own memory where it can be: a history may be most of what there is.
    """
    if not array.flags.writeable:
        array = array.copy()
    return torch.as_tensor(array, dtype=like.dtype, device=like.device)
