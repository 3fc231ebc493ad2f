"""What comes out of a model and its layers, as rows of one sample each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from typing import Any

import torch
from torch import Tensor, nn

Pool = str | Callable[[Tensor], Tensor]
POOLS = ("mean", "max", "first", "last", "flatten")
# What models call their logits among other things that they give.
NAMES = ("logits", "logit", "out", "output", "scores")


# Under which index or name the logits are; None where that goes by `NAMES`, or they come first.
Place = int | str | None


def logits_of(output: Any, place: Place = None) -> Tensor:
    """The logits (B, K) among what a model gives.

    Args:
        place: where they are, one of `places`.

    Raises:
        ValueError: there are none, or they are no vector a sample; says what there is.
    """
    # In training a model may give the logits alone.
    if place is None or isinstance(output, Tensor):
        found = _first_logits(output)
    else:
        found = _parts(output).get(place)
    if found is None:
        raise ValueError(
            f"model: gives {_described(output)}, must give logits (B, K), or hold them as 'logits'"
        )
    found = _as_vectors(found)
    if found.ndim == 1 or (found.ndim == 2 and found.shape[1] == 1):
        raise ValueError(
            f"model: gives one number a sample, of shape {tuple(found.shape)}, must give logits "
            "(B, K), K at least 2; where it tells two classes apart use observe, with the rows "
            "-w/2 and w/2"
        )
    if found.ndim != 2 or found.shape[1] < 2:
        raise ValueError(
            f"model: gives logits of shape {tuple(found.shape)}, must be (B, K), one a class, K at "
            "least 2"
        )
    return found


def places(output: Any) -> list[Place]:
    """Where among what a model gives the logits can be: what is called so, or any vectors."""
    parts = {place: _as_vectors(one) for place, one in _parts(output).items()}
    vectors: list[Place] = [p for p, one in parts.items() if one.ndim == 2 and one.shape[1] > 1]
    return [None] if _called_so(output) is not None or not vectors else vectors


def _as_vectors(values: Tensor) -> Tensor:
    """Without axes of length 1 at the end."""
    if values.ndim > 2 and values.numel() == values.shape[0] * values.shape[1]:
        return values.flatten(1)
    return values


def _first_logits(output: Any) -> Tensor | None:
    if isinstance(output, Tensor):
        return output
    called = _called_so(output)
    # A loss may come first.
    return next(iter(_parts(output).values()), None) if called is None else called


def _called_so(output: Any) -> Tensor | None:
    for name in NAMES:
        if isinstance(output, Mapping) and isinstance(output.get(name), Tensor):
            return output[name]
        if isinstance(getattr(output, name, None), Tensor):
            return getattr(output, name)
    return None


def _parts(output: Any) -> dict[int | str, Tensor]:
    """Those of several things that are tensors of rows, by index or name."""
    if isinstance(output, Mapping):
        items = list(output.items())
    elif is_dataclass(output) and not isinstance(output, type):
        items = list(vars(output).items())
    else:
        items = list(enumerate(output)) if isinstance(output, tuple | list) else []
    return {place: one for place, one in items if isinstance(one, Tensor) and one.ndim >= 2}


def _described(output: Any) -> str:
    if isinstance(output, Tensor):
        return f"a tensor of shape {tuple(output.shape)}"
    return f"a {type(output).__name__}"


def first_tensor(values: Any) -> Tensor | None:
    """The first tensor of what a module is given, or gives."""
    if isinstance(values, Tensor):
        return values
    parts = values.values() if isinstance(values, Mapping) else values
    if not isinstance(parts, tuple | list) and not isinstance(values, Mapping):
        return None
    return next((found for one in parts if (found := first_tensor(one)) is not None), None)


def channels_first(module: nn.Module | None, values: Tensor) -> bool:
    """Whether the second axis of what the module takes or gives is the features', as of maps.

    None stands for a product with a matrix.
    """
    if module is None or isinstance(module, nn.Linear):
        return False
    convolutions = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
    return values.ndim > 3 or (values.ndim == 3 and isinstance(module, convolutions))


def positions(values: Tensor, maps: bool) -> Tensor:
    """(B, T, d) of vectors (B, d), maps (B, d, ...) or sequences (B, ..., d)."""
    if values.ndim == 2:
        return values[:, None, :]
    if maps:
        values = values.movedim(1, -1)
    return values.flatten(1, -2)


def pooled(values: Tensor, pool: Pool, maps: bool) -> Tensor:
    """(B, d) of what a layer gives.

    Args:
        pool: "mean" or "max" over positions, "first" or "last" of them, "flatten" for all, or a
            function of the tensor.
        maps: whether the second axis is the features'.

    Raises:
        ValueError: the function gives something else than rows.
    """
    if callable(pool):
        found = pool(values)
        if not isinstance(found, Tensor) or found.ndim != 2 or len(found) != len(values):
            raise ValueError(
                f"pool: gives {_described(found)}, must give (B, d), here ({len(values)}, d)"
            )
        return found
    if pool == "flatten":
        return values.flatten(1)
    each = positions(values, maps)
    if pool == "mean":
        return each.mean(1) if each.shape[1] > 1 else each[:, 0]
    return each.amax(1) if pool == "max" else each[:, 0 if pool == "first" else -1]


def check_pool(pool: Any) -> None:
    """Raises ValueError where `pooled` could not make use of it."""
    if not callable(pool) and pool not in POOLS:
        raise ValueError(f"pool = {pool!r}: must be {', '.join(POOLS)}, or a function")


def as_rows(values: Tensor) -> Tensor:
    """The same in single precision at least, dequantised, without its history."""
    values = values.detach()
    if values.is_quantized:
        values = values.dequantize()
    return values.float() if values.dtype in (torch.float16, torch.bfloat16) else values
