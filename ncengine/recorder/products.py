"""Linear layers that no module stands for: products with a matrix, by functions of torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

# Features (..., d), weight (K, d), and bias (K,) or None.
Product = tuple[Tensor, Tensor, Tensor | None]

_MATMULS = (
    torch.matmul,
    torch.mm,
    torch.Tensor.matmul,
    torch.Tensor.mm,
    torch.Tensor.__matmul__,
)
_ADDMMS = (torch.addmm, torch.Tensor.addmm)


def product(func: Callable, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Product | None:
    """What such a function multiplies; None where it is another, or multiplies something else."""
    found = None
    if func is F.linear:
        found = _of_linear(*args, **kwargs)
    elif func in _MATMULS:
        found = _of_matrix([*args, *kwargs.values()])
    elif func in _ADDMMS:
        found = _of_addmm([*args, *kwargs.values()], kwargs)
    elif func is torch.einsum:
        found = _of_einsum(args)
    if found is None or not all(isinstance(one, Tensor) for one in found[:2]):
        return None
    given, weight, bias = found
    fits = weight.ndim == 2 and given.ndim >= 2 and given.shape[-1] == weight.shape[1]
    fits = fits and (bias is None or bias.shape == weight.shape[:1])
    return found if fits else None


def _of_linear(input: Any, weight: Any, bias: Any = None) -> Product:
    return input, weight, bias


def _of_matrix(factors: Sequence[Any]) -> Product | None:
    if len(factors) < 2 or not isinstance(factors[1], Tensor) or factors[1].ndim != 2:
        return None
    return factors[0], factors[1].T, None


def _of_addmm(values: Sequence[Any], kwargs: Mapping[str, Any]) -> Product | None:
    """bias + features @ matrix, each taken once."""
    if len(values) != 3 or {"alpha", "beta"} & set(kwargs):
        return None
    bias, *factors = values
    found = _of_matrix(factors)
    return None if found is None else (found[0], found[1], bias)


def _of_einsum(args: Sequence[Any]) -> Product | None:
    """Such as "bd,kd->bk": the last axis of features goes, that of the matrix's rows comes last."""
    if len(args) != 3 or not isinstance(args[0], str):
        return None
    given, _, result = args[0].replace(" ", "").partition("->")
    axes = given.split(",")
    for n in (0, 1):
        of_features, of_matrix = axes[n], axes[1 - n]
        values, matrix = args[1 + n], args[2 - n]
        for turned in (False, True):
            k_and_d = of_matrix[::-1] if turned else of_matrix
            if len(k_and_d) == 2 and of_features[-1:] == k_and_d[1]:
                if result == of_features[:-1] + k_and_d[0]:
                    return values, matrix.T if turned else matrix, None
    return None
