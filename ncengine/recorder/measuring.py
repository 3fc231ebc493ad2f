"""Figures of what was seen of a network: plain floats by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ncengine.metrics import auroc, every, ideal, nc5, neco, of_moments
from ncengine.metrics.arrays import namespace
from ncengine.metrics.class_moments import moments
from ncengine.metrics.layers import layer_collapse
from ncengine.metrics.together import of_samples
from ncengine.recorder.looking import Seen
from ncengine.recorder.snapshot import Snapshot

# Of a layer: what does not go together with the weights of another.
OF_LAYER = ("nc2", "ncc_error", "effective_rank", "effective_rank_features")
Figures = dict[str, float]


def measured(
    seen: Seen,
    step: float,
    scalars: Mapping[str, float],
    names: tuple[str, ...],
    counts: np.ndarray | None,
    factor: float,
) -> Snapshot:
    """What there is to say of the training samples.

    Args:
        names: of the head's layers.
        counts, factor: as of `metrics.ideal`; without, the samples seen are counted.
    """
    assert seen.labels is not None
    labels, features = seen.labels, seen.joined
    weight, bias = seen.matrices[-1]
    classes, width = weight.shape
    figures = floats(every(features, labels, weight, bias, counts, factor))
    if seen.layers:
        figures |= _as_a_layer(features, labels, classes)
    if counts is None:
        counts = np.bincount(labels.cpu().numpy(), minlength=classes)
    heads = {}
    if len(names) > 1:
        pairs = zip(names, seen.features, seen.matrices[:-1], strict=True)
        heads = {
            name: Snapshot(step, floats(every(rows, labels, w, b, counts, factor)))
            for name, rows, (w, b) in pairs
        }
    return Snapshot(
        step,
        figures,
        scalars,
        {
            name: Snapshot(step, of_layer(rows, labels, classes))
            for name, rows in seen.layers.items()
        },
        heads,
        ideal=ideal(classes, width, counts, factor),
        samples=len(labels),
    )


def of_layer(features: Tensor, labels: Tensor, classes: int) -> Figures:
    """The figures of a layer: those of its features alone."""
    found = of_moments(moments(features, labels, classes), counts=np.ones(classes))
    return floats(found) | _as_a_layer(features, labels, classes)


def _as_a_layer(features: Tensor, labels: Tensor, classes: int) -> Figures:
    whole = layer_collapse(features, labels, classes)
    found = floats({name: getattr(whole, name) for name in OF_LAYER})
    if ideal(classes, features.shape[-1]) != "simplex":
        found["nc2"] = float("nan")
    return found


def of_test(seen: Seen, means: Tensor, weight: Tensor, bias: Tensor | None) -> Figures:
    """Collapse of test samples, with the class means of training where they decide."""
    assert seen.labels is not None
    known = moments(seen.joined, seen.labels, len(weight))
    found = {
        name: value
        for name, value in of_moments(known, counts=np.ones(len(weight))).items()
        if name in ("nc1", "nc1_pinv", "cdnv")
    }
    return floats(found | of_samples(seen.joined, seen.labels, means, weight, bias))


def of_foreign(training: Tensor, means: Tensor, outside: Tensor) -> Figures:
    """NC5, and how well NECO tells the training samples from foreign ones."""
    dimensions = min(len(means) - 1, training.shape[1])
    inside, foreign = (neco(rows, training, dimensions).cpu() for rows in (training, outside))
    return {"nc5": float(nc5(means, outside)), "neco_auroc": auroc(inside, foreign)}


def floats(values: Mapping[str, Any]) -> Figures:
    """Plain numbers, of whatever arrays they lie in."""
    return {name: float(value) for name, value in values.items()}


def tensor(values: Any, name: str) -> Tensor:
    """Of numpy's, torch's or jax's arrays, or lists.

    Raises:
        ValueError: it is none of these, or a sparse or masked one.
    """
    if isinstance(values, Tensor | np.ma.MaskedArray):
        namespace(**{name: values})
    if isinstance(values, Tensor):
        return values.detach()
    try:
        # What is given may be locked against writing, which torch warns of.
        return torch.from_numpy(_known(np.array(values)))
    except (TypeError, ValueError) as error:
        kind = type(values).__name__
        kind += f" of type {values.dtype}" if hasattr(values, "dtype") else ""
        raise ValueError(f"{name}: {kind}, must be an array of numbers") from error


def _known(array: np.ndarray) -> np.ndarray:
    """The same numbers in a type that torch has."""
    if array.dtype.kind == "V" and array.dtype.names is None and array.dtype.itemsize <= 2:
        return array.astype(np.float32)  # as bfloat16 of JAX; plain bytes raise
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:
        return array.astype(np.float64)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def numbered(labels: Tensor) -> int:
    """K where nothing but the labels tells of it: one more than the largest.

    Raises:
        ValueError: there is none, they are not whole numbers, or not one of each class is there.
    """
    if not labels.numel():
        raise ValueError("labels: there is none")
    if labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
        raise ValueError(f"labels: type {labels.dtype}, must be whole numbers")
    least, largest = int(labels.long().min()), int(labels.long().max())
    if least < 0:
        raise ValueError(f"labels: from {least} to {largest}, must be 0 or more")
    if largest >= labels.numel():
        raise ValueError(
            f"labels: the largest is {largest}, so that there are at least {largest + 1} classes, "
            f"and there are {labels.numel()} samples; every class needs one"
        )
    return largest + 1
