"""The matrix and the bias of a layer, whatever it is made of, checked by what it does."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ncengine.recorder.calls import Call
from ncengine.recorder.outputs import as_rows, channels_first, positions

# How far from the layer's output what it should give may be, of the output's size.
WITHIN = 1e-4
WITHIN_HALF = 3e-2  # of types of 16 bits
WITHIN_QUANTISED = 0.1  # where inputs are rounded to 8 bits
# Of numbers smaller than these, single precision has fewer digits.
SMALLEST = torch.finfo(torch.float32).tiny
# Wider layers are not looked into where their matrix does not lie open.
WIDEST = 16384
AT_ONCE = 1024

Affine = tuple[Tensor, Tensor | None]


def affine(call: Call, known: bool = False) -> Affine | None:
    """(K, d) and (K,), with which the layer gave what it gave; None where there are none.

    The matrix that it holds, if that is it, or else that which it multiplies by: of adapters
    beside a frozen matrix, of wrappers, of layers in a row.

    Args:
        known: whether the layer is known to be linear, so that numbers that are not finite, as of
            a training that diverged, do not speak against it.
    """
    for found, within in _possible(call):
        if _gives(found, call, within, known):
            return found
    return None


def _possible(call: Call) -> Iterator[tuple[Affine, float]]:
    if call.module is None:
        assert call.weight is not None
        yield (as_rows(call.weight), None if call.bias is None else as_rows(call.bias)), 0.0
        return
    yield from _held(call.module, call)
    yield from _measured(call)


def _held(module: nn.Module, call: Call) -> Iterator[tuple[Affine, float]]:
    """What it holds itself, by what is usual, and how exactly that has to be it."""
    weight, bias = getattr(module, "weight", None), getattr(module, "bias", None)
    within = 0.0
    if callable(weight) and not isinstance(weight, Tensor):
        # Quantised layers give theirs out packed.
        weight, bias, within = weight(), bias() if callable(bias) else bias, WITHIN_QUANTISED
    if not isinstance(weight, Tensor) or not (bias is None or isinstance(bias, Tensor)):
        return
    matrix = as_rows(weight)
    if matrix.ndim > 2 and matrix[0, 0].numel() == 1 and getattr(module, "groups", 1) == 1:
        matrix = matrix.flatten(1)
    if matrix.ndim > 2 and call.given.ndim == 2:
        matrix = matrix.flatten(1)  # of a kernel as large as its map
    if matrix.ndim != 2:
        return
    bias = None if bias is None else as_rows(bias)
    yield (matrix, bias), within
    # As transformers' Conv1D has it.
    yield (matrix.T, bias), within


def _measured(call: Call) -> Iterator[tuple[Affine, float]]:
    """By sending zeros and unit vectors through it."""
    width, module = _width(call), call.module
    assert module is not None
    if width > WIDEST or call.given.device.type == "meta":
        return
    try:
        unit = torch.eye(width, dtype=call.given.dtype, device=call.given.device)
        zero = _through(module, call, torch.zeros_like(unit[:1]))
        parts = [_through(module, call, unit[n : n + AT_ONCE]) for n in range(0, width, AT_ONCE)]
    except Exception:
        # A layer of something else than such rows may raise whatever it likes: it is no head.
        return
    bias = zero[0]
    matrix = (torch.cat(parts) - bias).T
    if matrix.shape[0] == width and torch.equal(matrix, torch.diag(torch.diagonal(matrix))):
        return  # what scales each number by itself, such as BatchNorm, or passes it on
    yield (matrix, bias), 0.0


def _through(module: nn.Module, call: Call, rows: Tensor) -> Tensor:
    """(B, K) from (B, d), sent in as the layer is used to."""
    maps = channels_first(module, call.given)
    while rows.ndim < call.given.ndim:
        rows = rows[..., None] if maps else rows[:, None]
    # Not by calling it, which others' hooks may listen to.
    return positions(as_rows(module.forward(rows)), maps)[:, 0]


def _width(call: Call) -> int:
    maps = channels_first(call.module, call.given)
    return call.given.shape[1 if maps else -1]


def _gives(found: Affine, call: Call, within: float, known: bool) -> bool:
    """Whether it is what the layer did; on a device without numbers, whether shapes fit."""
    matrix, bias = found
    maps = channels_first(call.module, call.given)
    given, gave = (positions(as_rows(t), maps) for t in (call.given, call.gave))
    fits = matrix.shape == (gave.shape[-1], given.shape[-1]) and given.shape[:2] == gave.shape[:2]
    if not fits or not (bias is None or bias.shape == gave.shape[-1:]):
        return False
    if gave.device.type == "meta":
        return True
    with torch.autocast(gave.device.type, enabled=False):
        expected = given.double() @ matrix.double().T
        expected = expected if bias is None else expected + bias.double()
    narrow = call.gave.is_floating_point() and torch.finfo(call.gave.dtype).bits < 32
    within = max(within, WITHIN_HALF if narrow else WITHIN)
    gave = gave.double()
    if known:
        finite = torch.isfinite(expected) & torch.isfinite(gave)
        expected, gave = expected[finite], gave[finite]
        if not len(gave):
            return True
    scale = gave.abs().max() + expected.abs().max()
    return bool((expected - gave).abs().max() <= within * scale + SMALLEST)
