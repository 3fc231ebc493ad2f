"""The least that a network's loss and last-layer decay can be, where the theorem speaks of it.

The objective is that of the last layer, on the samples that are looked at:

    L(W X + b) + lambda/2 ||W||_F^2

with L the mean cross entropy, or 1/(2N) ||W X + b - Y||_F^2. `weight_decay` is this lambda.

- Trained with cross entropy (its mean over samples) by torch's SGD or Adam, lambda is the
  `weight_decay` of the optimiser for the last layer's weight: it adds lambda W to the gradient.
- Trained with `torch.nn.MSELoss()`, which is the mean over the K outputs as well, and half of which
  is not taken, the objective is 2/K times as large: lambda is K/2 times the optimiser's number.
- AdamW takes off a share of W at each step, which is no part of any objective: it has no lambda.

A decay of other layers, and of the bias, only adds to that: the floor stays one. It needs features
of a norm that is fixed, as LayerNorm without learned factors makes it. Where norms are free and
features, or the layers that make them, decay too, it is another theorem, with another least value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ncengine.architectures.layers import layer_norm
from ncengine.recorder.heads import Head
from ncengine.recorder.looking import Seen
from ncengine.recorder.said import Said
from ncengine.theory.gufm import gufm_optimum, ideal_figure, least_width

# By how much norms, and means, may be off LayerNorm's, of the norm's size.
WITHIN = 1e-3
# Of the floor: what is less below it is rounding.
ROUNDING = 1e-12
FIGURES = ("fit", "decay_last", "loss_gufm", "gap")

NOT_SAID = (
    "No weight decay of the last layer was given, without which there is no floor: see the "
    "recorder's weight_decay."
)
NO_LAYER = "The last layer was not given, only what it reads."
MOVED = (
    "Weights were trained between the samples that were watched; the floor is of one network, so "
    "it takes snapshots of a probe."
)


@dataclass(frozen=True)
class Judged:
    """Whether the theorem speaks of a network.

    Attributes:
        floor: the least that the objective can be; None where it does not.
        why: what stands against it, with the number seen, as a sentence; "" where nothing does.
        figures: "fit", "decay_last", their sum "loss_gufm", and the "gap" from the floor to it;
            none where it does not. Of features that are normalised exactly, so that no rounding
            takes it below the floor.
    """

    floor: float | None = None
    why: str = NOT_SAID
    figures: Mapping[str, float] = field(default_factory=dict)


def judged(seen: Seen, said: Said, ideal: str, head: object = None) -> Judged:
    """Look at the theorem's assumptions one by one, and measure the gap where all hold.

    Args:
        seen: the training samples.
        said: of the training.
        ideal: the figure that training leads to, see `metrics.ideal`.
        head: where it was found, to tell whether its matrix is what decays.
    """
    decay, labels = said.weight_decay, seen.labels
    if decay is None or labels is None:
        return Judged()
    weight, bias = seen.matrices[-1]
    classes, width = weight.shape
    why = (
        _not_the_layer(head, said.loss)
        or _not_on_the_sphere(seen.joined)
        or _unbalanced(labels, classes, ideal)
        or _too_narrow(classes, width, said.loss, bias is not None)
    )
    if why:
        return Judged(why=why)
    floor = gufm_optimum(classes, width, decay, said.loss, bias is not None).loss
    fit = _fit(seen.joined, labels, weight, bias, said.loss)
    of_weight = decay / 2 * float(weight.double().square().sum())
    gap = fit + of_weight - floor
    gap = 0.0 if -ROUNDING * floor < gap < 0 else gap
    values = (fit, of_weight, fit + of_weight, gap)
    return Judged(floor, "", dict(zip(FIGURES, values, strict=True)))


def _fit(features: Tensor, labels: Tensor, weight: Tensor, bias: Tensor | None, loss: str) -> float:
    logits = layer_norm(features.double()) @ weight.double().T
    logits = logits if bias is None else logits + bias.double()
    labels = labels.to(logits.device)
    if loss == "CE":
        return float(F.cross_entropy(logits, labels))
    target = F.one_hot(labels, len(weight)).to(logits.dtype)
    return float((logits - target).square().sum(-1).mean() / 2)


def _not_the_layer(head: object, loss: str) -> str:
    """Where the logits are not what one layer gives, so that another matrix decays."""
    if not isinstance(head, Head):
        return ""
    if len(head.parts) > 1:
        return f"The logits are of {len(head.parts)} layers; the theorem is of one."
    how = head.parts[0].relation
    if how.factor != 1 or how.each is not None:
        times = "not" if how.each is not None else f"{how.factor:g} times"
        return (
            f"The logits are {times} what the last layer gives; the theorem is of logits that are "
            "its output."
        )
    if "softmax" in how.said and (loss != "CE" or "log-softmax" not in how.said):
        return f"What the model gives is no logits: {how.said}."
    return ""


def _not_on_the_sphere(features: Tensor) -> str:
    rows, width = features.double(), features.shape[-1]
    if not bool(torch.isfinite(rows).all()):
        return "Features are not finite: training diverged."
    norms = torch.linalg.vector_norm(rows, dim=-1)
    radius = width**0.5
    least, most = float(norms.min()), float(norms.max())
    if not radius * (1 - WITHIN) <= least <= most <= radius * (1 + WITHIN):
        digits = 1 if most - least > 0.1 and abs(most - radius) > 0.1 else 4
        return (
            f"Features are not on LayerNorm's sphere: norms from {least:.{digits}f} to "
            f"{most:.{digits}f}, not √{width} = {radius:.{digits}f}. Where norms are free and "
            "features decay too, it is another theorem."
        )
    means = rows.mean(-1).abs().max()
    if float(means) > WITHIN:
        return (
            "Features are not on LayerNorm's sphere: the numbers of one have a mean up to "
            f"{float(means):.3g} from 0."
        )
    return ""


def _unbalanced(labels: Tensor, classes: int, ideal: str) -> str:
    counts = np.bincount(labels.cpu().numpy(), minlength=classes)
    if counts.min() < counts.max():
        return (
            "Classes are not balanced: of those looked at, they have from "
            f"{counts.min():,} to {counts.max():,} samples."
        )
    return "Classes are not balanced in training." if ideal == "seli" else ""


def _too_narrow(classes: int, width: int, loss: str, bias: bool) -> str:
    figure = ideal_figure(loss, bias)
    if width >= least_width(classes, figure):
        return ""
    name = {"simplex": "simplex", "orthogonal": "orthogonal frame"}[figure]
    return (
        f"No {name} of K = {classes} fits in the d − 1 = {width - 1} dimensions that LayerNorm "
        f"leaves of width d = {width}."
    )
