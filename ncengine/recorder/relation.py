"""How a model's logits come from what a layer gives."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ncengine.recorder.calls import Call
from ncengine.recorder.outputs import as_rows, channels_first, positions

# Of the logits' size, what still counts as the same where something is computed in between.
WITHIN = 1e-5
WITHIN_HALF = 2e-2


@dataclass(frozen=True)
class Relation:
    """From what a layer gives, (B, T, K), to the logits (B, K).

    Attributes:
        over: "one" position that there is, the one that the model picks for each sample ("picked"),
            the "mean" over all, or over those from the first to one of each sample ("leading").
        factor: by which it is multiplied then.
        each: (K,) by which that of each class is; None where all are multiplied alike.
        shift: (K,) that is added then; None where nothing is.
        said: in words, what the model does besides; empty where nothing.
    """

    over: str = "one"
    factor: float = 1.0
    each: Tensor | None = None
    shift: Tensor | None = None
    said: str = ""

    def of(self, gave: Tensor) -> Tensor:
        """The logits (B, K) that follow from what it gave (B, T, K), at one position or all."""
        found = gave.mean(1) * self.factor
        found = found if self.each is None else found * self.each
        found = found if self.shift is None else found + self.shift
        if "log-softmax" in self.said:
            return found.log_softmax(-1)
        return found.softmax(-1) if "softmax" in self.said else found


def apart(expected: Tensor, logits: Tensor) -> float:
    """By how much they differ at most, of the logits' size; 0 where these are not finite."""
    if logits.device.type == "meta" or not bool(torch.isfinite(logits).all()):
        return 0.0
    logits = as_rows(logits).double()
    return float((expected - logits).abs().max() / logits.abs().max().clamp(min=1e-300))


def relation(call: Call, logits: Tensor) -> Relation | None:
    """How the logits come from what the layer gave; None where they do not."""
    gave = by_position(call)
    if gave is None or gave.shape[-1] != logits.shape[-1] or len(gave) != len(logits):
        return None
    if gave.shape[1] == 1 and call.is_at(logits):
        return Relation()
    if logits.device.type == "meta" or not bool(torch.isfinite(logits).all()):
        return None
    logits = as_rows(logits).double()
    found = _at_once(gave, logits) if gave.shape[1] == 1 else _of_several(gave, logits)
    return found


def by_position(call: Call) -> Tensor | None:
    """(B, T, K) float64 of what the layer gave; None where that is no such thing."""
    if call.gave.ndim < 2 or not (call.gave.is_floating_point() or call.gave.is_quantized):
        return None
    maps = channels_first(call.module, call.gave)
    return positions(as_rows(call.gave), maps).double()


def picked(gave: Tensor, logits: Tensor) -> Tensor | None:
    """(B,) at which position of (B, T, K) the logits (B, K) stand; None unless for each sample.

    Of samples whose logits are not finite, where training diverged, it is the last one.
    """
    equal = (gave == logits.to(gave.dtype)[:, None]).all(-1)
    equal[~torch.isfinite(logits).all(-1), -1] = True
    return equal.int().argmax(-1) if bool(equal.any(-1).all()) else None


def leading(gave: Tensor, logits: Tensor) -> Tensor | None:
    """(B,) up to which position of (B, T, K) the mean is the logits (B, K); None unless of each.

    Of samples whose logits are not finite it is the last one.
    """
    finite = torch.isfinite(logits).all(-1)
    means = running_means(gave)
    apart = (means - logits[:, None]).abs().amax(-1)
    apart[~finite], apart[~finite, -1] = torch.inf, 0.0
    nearest = apart.nan_to_num(torch.inf).min(1)
    within = WITHIN * logits[finite].abs().max() if bool(finite.any()) else 0.0
    return nearest.indices if bool((nearest.values <= within).all()) else None


def running_means(values: Tensor) -> Tensor:
    """(B, T, d) means over the first, the first two, ... of positions (B, T, d)."""
    counts = torch.arange(1, values.shape[1] + 1, device=values.device, dtype=values.dtype)
    return values.cumsum(1) / counts[:, None]


def _of_several(gave: Tensor, logits: Tensor) -> Relation | None:
    if picked(gave, logits) is not None:
        return Relation("picked", said="of one position of each sample, which the model picks")
    if close(gave.mean(1), logits):
        return Relation("mean", said="their mean over positions")
    if leading(gave, logits) is not None:
        return Relation("leading", said="their mean over positions that are no padding")
    return None


def _at_once(gave: Tensor, logits: Tensor) -> Relation | None:
    gave = gave[:, 0]
    if torch.equal(gave, logits):
        return Relation()
    constant = logits - gave
    if len(gave) > 1 and close(constant[:1].expand_as(constant) + gave, logits):
        return Relation(shift=constant.mean(0), said="with a bias added afterwards")
    if close(gave.log_softmax(-1), logits):
        return Relation(said="followed by log-softmax")
    if bool((logits >= 0).all()) and close(gave.softmax(-1), logits):
        return Relation(said="followed by softmax")
    factor = float((gave * logits).sum() / (gave * gave).sum().clamp(min=1e-300))
    if factor != 0 and bool((gave != 0).any()) and close(factor * gave, logits):
        return Relation(factor=factor, said=f"multiplied by {factor:.4g}")
    return _class_by_class(gave, logits)


def _class_by_class(gave: Tensor, logits: Tensor) -> Relation | None:
    """A factor and a shift of each class, as of BatchNorm: two numbers, of more samples."""
    if len(gave) < 4:
        return None
    of_gave, of_logits = gave - gave.mean(0), logits - logits.mean(0)
    each = (of_gave * of_logits).sum(0) / of_gave.square().sum(0).clamp(min=1e-300)
    shift = logits.mean(0) - each * gave.mean(0)
    if not bool((each != 0).all()) or not close(each * gave + shift, logits):
        return None
    return Relation(each=each, shift=shift, said="scaled class by class afterwards")


def close(found: Tensor, logits: Tensor, half: bool = False) -> bool:
    """Whether they are the same but for rounding, of what differs between samples too."""
    within = WITHIN_HALF if half else WITHIN
    apart = (found - logits).abs().max()
    varies = (logits - logits.mean(0)).abs().max() if len(logits) > 1 else logits.abs().max()
    return bool(apart <= within * varies)
