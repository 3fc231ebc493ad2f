"""Linear layers that no module stands for: products with a matrix, by functions of torch.

What is proposed here is checked by its numbers before it is believed (see `affine`), so that it is
enough to know which axes are multiplied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import permutations
from string import ascii_letters
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F


class Product(NamedTuple):
    """Features (..., d), weight (K, d), bias (K,) or None, and what came of it (..., K)."""

    given: Tensor
    weight: Tensor
    bias: Tensor | None
    gave: Tensor


_MATMULS = (
    torch.matmul,
    torch.mm,
    torch.bmm,
    torch.Tensor.matmul,
    torch.Tensor.mm,
    torch.Tensor.bmm,
    torch.Tensor.__matmul__,
    torch.Tensor.__rmatmul__,
)
_ADDMMS = (torch.addmm, torch.Tensor.addmm)
_INNERS = (torch.inner, torch.Tensor.inner)
_CONVOLUTIONS = (
    F.conv1d,
    F.conv2d,
    F.conv3d,
)


def products(
    func: Callable, args: Sequence[Any], kwargs: Mapping[str, Any], output: Tensor
) -> list[Product]:
    """What such a function may have multiplied; none where it is another."""
    if kwargs.get("out") is not None:
        return []
    try:
        return [one for one in _proposed(func, args, kwargs, output) if _fits(one)]
    except (TypeError, ValueError, IndexError, RuntimeError):
        return []  # called in a way that is not known here: the model has run, and goes on


def _proposed(
    func: Callable, args: Sequence[Any], kwargs: Mapping[str, Any], output: Tensor
) -> Iterator[Product]:
    values = [*args, *kwargs.values()]
    if func is F.linear:
        yield from _of_linear(*args, **kwargs, output=output)
    elif func in _CONVOLUTIONS:
        yield from _of_convolution(*args[:3], **kwargs, output=output)
    elif func in _MATMULS:
        first, second = values[:2]
        turned = func is torch.Tensor.__rmatmul__
        yield from _of_factors(second if turned else first, first if turned else second, output)
    elif func in _ADDMMS:
        yield from _of_addmm(values, kwargs, output)
    elif func in _INNERS:
        yield Product(values[0], values[1], None, output)
    elif func is torch.tensordot:
        yield from _of_tensordot(*args, **kwargs, output=output)
    elif func is torch.einsum:
        yield from _of_einsum(args, output)


def _fits(one: Product) -> bool:
    given, weight, bias, gave = one
    if not isinstance(given, Tensor) or not isinstance(weight, Tensor):
        return False
    right = weight.ndim == 2 and given.ndim >= 2 and given.shape[-1] == weight.shape[1]
    right = right and gave.shape == (*given.shape[:-1], weight.shape[0])
    return right and (bias is None or bias.shape == weight.shape[:1])


def _of_linear(input: Any, weight: Any, bias: Any = None, *, output: Tensor) -> Iterator[Product]:
    yield Product(input, weight, bias, output)


def _of_convolution(
    input: Any, weight: Any, bias: Any = None, *_: Any, output: Tensor, **__: Any
) -> Iterator[Product]:
    """Of a kernel of one pixel, or as large as the map that it is given."""
    if weight.shape[2:].numel() == 1:
        rows, gave = input.movedim(1, -1), output.movedim(1, -1)
        yield Product(rows.flatten(1, -2), weight.flatten(1), bias, gave.flatten(1, -2))
    elif output.shape[2:].numel() == 1:
        yield Product(input.flatten(1), weight.flatten(1), bias, output.flatten(1))


def _of_factors(a: Any, b: Any, output: Tensor) -> Iterator[Product]:
    """Of features times matrix, or of matrix times features that lie in columns."""
    if not isinstance(a, Tensor) or not isinstance(b, Tensor) or min(a.ndim, b.ndim) < 2:
        return
    if (matrix := _one_of(b)) is not None:
        yield Product(a, matrix.mT, None, output)
    if (matrix := _one_of(a)) is not None:
        yield Product(b.mT, matrix, None, output.mT)


def _one_of(factor: Tensor) -> Tensor | None:
    """The matrix that it is, or is for every sample; None where these differ."""
    if factor.ndim == 2 or factor.device.type == "meta":
        return factor if factor.ndim == 2 else None
    if factor.ndim != 3 or not len(factor):
        return None
    alike = factor.stride(0) == 0 or torch.equal(factor[0], factor[-1])
    return factor[0] if alike and bool((factor == factor[:1]).all()) else None


def _of_addmm(
    values: Sequence[Any], kwargs: Mapping[str, Any], output: Tensor
) -> Iterator[Product]:
    """bias + features @ matrix, each taken once."""
    if len(values) != 3 or {"alpha", "beta"} & set(kwargs):
        return
    bias, first, second = values
    for found in _of_factors(first, second, output):
        # Of a matrix times features the bias is a column.
        yield found._replace(bias=bias.flatten() if bias.numel() == len(found.weight) else bias)


def _of_tensordot(a: Any, b: Any, dims: Any = 2, *, output: Tensor, **_: Any) -> Iterator[Product]:
    """Over one axis of each."""
    if isinstance(dims, Sequence) and len(dims) == 2:
        first, second = ([one] if isinstance(one, int) else list(one) for one in dims)
    elif dims == 1:
        first, second = [a.ndim - 1], [0]
    else:
        return
    if len(first) == len(second) == 1:
        a, b = a.movedim(first[0], -1), b.movedim(second[0], -1)
        yield Product(a, b, None, output)
        yield Product(b, a, None, output.movedim(0, -1))


def _of_einsum(args: Sequence[Any], output: Tensor) -> Iterator[Product]:
    """Such as "bd,kd->bk": one axis of features goes, that of the matrix's rows comes."""
    if len(args) == 2 and isinstance(args[1], list | tuple):
        args = [args[0], *args[1]]
    if len(args) != 3 or not isinstance(args[0], str):
        return
    named = _axes(args[0], args[1:])
    if named is None:
        return
    *axes, result = named
    for n in (0, 1):
        of_features, k_and_d = axes[n], axes[1 - n]
        values, matrix = args[1 + n], args[2 - n]
        for k, d in permutations(k_and_d) if len(k_and_d) == 2 else ():
            fits = d in of_features and k in result and k not in of_features
            if fits and result.replace(k, "") == of_features.replace(d, ""):
                yield Product(
                    values.movedim(of_features.index(d), -1),
                    matrix.movedim(k_and_d.index(k), 0),
                    None,
                    output.movedim(result.index(k), -1),
                )


def _axes(equation: str, operands: Sequence[Any]) -> tuple[str, str, str] | None:
    """A letter for each axis of both operands and of the result; None where these repeat."""
    given, arrow, result = equation.replace(" ", "").partition("->")
    parts = given.split(",")
    if len(parts) != 2:
        return None
    free = [letter for letter in ascii_letters if letter not in equation]
    dots = [one.ndim - len(part.replace("...", "")) for part, one in zip(parts, operands)]
    first, second = (
        part.replace("...", "".join(free[max(dots, default=0) - many : max(dots)]))
        for part, many in zip(parts, dots)
    )
    wide = "".join(free[: max(dots)]) if "..." in given else ""
    if arrow:
        result = result.replace("...", wide)
    else:
        once = {letter for letter in first + second if (first + second).count(letter) == 1}
        result = wide + "".join(sorted(once - set(wide)))
    repeats = any(len(set(one)) < len(one) for one in (first, second, result))
    return None if repeats else (first, second, result)
