"""About the inverse of the objective's second derivative, for L-BFGS to begin with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ncengine.architectures.shapes import ParameterShape, Role
from ncengine.training.curvature import Factor, Factors
from ncengine.training.solvers.base import taken

# Of the largest curvature of a parameter: what is added where there is no decay to do it.
# Measured, see benchmarks/RESULTS.md.
EMBEDDING_DAMPING = 1e-3
# Of inputs along their principal axes with squared error, of what half of the axes exceed: every
# sample is to have one value, no more and no less, and axes of little variance decide that.
EXACT_DAMPING = 1e-2
BIAS_DAMPING = 1e-2
LEAST_DAMPING = 1e-6


@dataclass(frozen=True)
class _Part:
    """Of one parameter of one seed, whose matrices W it takes to Q_r (D ∘ (Q_r^T W Q_c)) Q_c^T.

    Attributes:
        start: where the parameter begins.
        scale: D, of the shape of W; of a bias (..., d, 1).
        rows, columns: Q_r and Q_c; None where they are the identity.
    """

    start: int
    scale: Tensor
    rows: Tensor | None
    columns: Tensor | None

    def __call__(self, vector: Tensor) -> Tensor:
        x = vector[self.start : self.start + self.scale.numel()].view(self.scale.shape)
        if self.rows is not None:
            x = self.rows.mT @ x
        if self.columns is not None:
            x = x @ self.columns
        x = x * self.scale
        if self.columns is not None:
            x = x @ self.columns.mT
        if self.rows is not None:
            x = self.rows @ x
        return x.flatten()


class Preconditioner:
    """A symmetric positive matrix of one seed's parameters (P,), block by block."""

    def __init__(self, parts: list[_Part]):
        self.parts = parts

    def __call__(self, vector: Tensor) -> Tensor:
        return torch.cat([part(vector) for part in self.parts])

    def state(self) -> dict[str, Any]:
        """What `restore` needs, by name."""
        state: dict[str, Any] = {}
        for n, part in enumerate(self.parts):
            for name in ("scale", "rows", "columns"):
                if (array := getattr(part, name)) is not None:
                    state[f"curvature {n} {name}"] = array.cpu().numpy()
        return state

    @classmethod
    def restore(cls, state: Mapping[str, Any], like: Tensor) -> Preconditioner | None:
        """The one that gave the state; None where there was none."""
        parts: list[_Part] = []
        start = 0
        while f"curvature {len(parts)} scale" in state:
            arrays = {
                name: taken(state[key], like) if key in state else None
                for name in ("scale", "rows", "columns")
                for key in [f"curvature {len(parts)} {name}"]
            }
            scale = arrays["scale"]
            assert scale is not None
            parts.append(_Part(start, scale, arrays["rows"], arrays["columns"]))
            start += scale.numel()
        return cls(parts) if parts else None


def preconditioners(
    factors: Mapping[str, Factors],
    shapes: tuple[ParameterShape, ...],
    decay: Mapping[Role, float],
    like: Tensor,
    exact: bool = False,
) -> list[Preconditioner]:
    """One for each of the R seeds that the factors are of.

    A weight's is (κ g_i a_j + λ)^-1 in the eigenvectors of its factors. Blocks do the same work
    together, of which a block alone knows nothing: κ, the root of their number, is between what
    holds if they all move alike, and if none does.

    Args:
        factors: see `curvature.curvature`.
        shapes: of the parameters.
        decay: λ by role.
        like: a tensor on the device and in the precision to be used.
        exact: whether every sample is to have one value, as squared error asks for.
    """
    parts, start = [], 0
    given = next(iter(factors.values())).given
    for shape in shapes:
        of = factors.get(shape.name)
        if of is None:
            added = shape.role is Role.BIAS or len(shape.shape) == 2
            of = _of_what_is_added(shape, given) if added else _as_others(shape, factors)
        given = of.given
        together = shape.shape[0] ** 0.5 if _in_blocks(shape) else 1.0
        inverse = _inverse(of, shape, together, decay.get(shape.role, 0.0), exact)
        parts.append((start, *inverse))
        start += shape.size
    return [
        Preconditioner(
            [_part(r, start, scale, rows, columns, like) for start, scale, rows, columns in parts]
        )
        for r in range(len(given.matrix))
    ]


def _part(
    r: int, start: int, scale: Tensor, rows: Tensor | None, columns: Tensor | None, like: Tensor
) -> _Part:
    """That of seed r."""

    def of_seed(array: Tensor) -> Tensor:
        # As it comes out of a checkpoint: products of another layout may be rounded otherwise.
        return array[r].to(like).contiguous()

    return _Part(
        start,
        of_seed(scale),
        None if rows is None else of_seed(rows),
        None if columns is None else of_seed(columns),
    )


def _as_others(shape: ParameterShape, factors: Mapping[str, Factors]) -> Factors:
    """Of a weight of which nothing is known: as curved as others are on average, every way."""
    curved = [_mean(of.rows) * _mean(of.columns) for of in factors.values()]
    mean = torch.stack(curved).mean(0)
    *blocks, rows, columns = shape.shape
    size = (len(mean), *blocks)
    spread = mean.view(-1, *[1] * (len(blocks) + 1)).expand(*size, rows)
    ones = mean.new_ones(*size, columns)
    given = Factor(torch.diag_embed(spread))
    return Factors(given, Factor(ones, is_diagonal=True), given)


def _mean(factor: Factor) -> Tensor:
    """(R,) the mean of its eigenvalues."""
    matrix = factor.matrix
    diagonal = matrix if factor.is_diagonal else matrix.diagonal(dim1=-2, dim2=-1)
    return diagonal.flatten(1).mean(1)


def _in_blocks(shape: ParameterShape) -> bool:
    hidden_bias = shape.role is Role.BIAS and len(shape.shape) == 2
    return shape.role is Role.HIDDEN or hidden_bias


def _of_what_is_added(shape: ParameterShape, given: Factor) -> Factors:
    """Of a bias, or of positions: it adds to what the map gives that comes before it."""
    matrix = given.matrix
    if shape.role is Role.BIAS:
        ones = matrix.new_ones(*matrix.shape[:-2], 1)
        return Factors(given, Factor(ones, is_diagonal=True), given)
    positions = shape.shape[0]
    ones = matrix.new_ones(len(matrix), positions)
    each = Factor(matrix / positions)
    return Factors(Factor(ones, is_diagonal=True), each, each)


def _inverse(
    of: Factors, shape: ParameterShape, together: float, decay: float, exact: bool
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    (g, rows), (a, columns) = _spectrum(of.rows), _spectrum(of.columns)
    product = together * g.unsqueeze(-1) * a.unsqueeze(-2)
    largest = product.amax((-2, -1), keepdim=True)
    relative = {Role.EMBEDDING: EMBEDDING_DAMPING, Role.BIAS: BIAS_DAMPING}
    damping = decay + relative.get(shape.role, LEAST_DAMPING) * largest
    if exact and shape.role is Role.EMBEDDING and of.columns.is_diagonal:
        usual = torch.where(a > 0, a, torch.nan).nanmedian(-1, keepdim=True).values
        damping = (EXACT_DAMPING * together * g.amax(-1, keepdim=True) * usual).unsqueeze(-1)
    # Where nothing is curved at all, as with a network that does nothing yet, a step of 1 is one.
    scale = torch.where(damping > 0, 1 / (product + damping).clamp(min=1e-30), 1.0)
    return scale, rows, columns


def _spectrum(factor: Factor) -> tuple[Tensor, Tensor | None]:
    """Eigenvalues and eigenvectors of a factor; None for those of a diagonal one."""
    if factor.is_diagonal:
        return factor.matrix, None
    values, vectors = torch.linalg.eigh(factor.matrix)
    return values.clamp(min=0.0), vectors
