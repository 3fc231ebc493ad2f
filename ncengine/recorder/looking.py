"""Going through samples with a network, and what its head and its layers read of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ncengine.recorder.affine import Affine
from ncengine.recorder.calls import Call, listening
from ncengine.recorder.heads import Head
from ncengine.recorder.outputs import Pool, as_rows, channels_first, logits_of, pooled
from ncengine.recorder.probe import Batch

HeadFunction = Callable[..., tuple[Tensor, Tensor, Tensor | None]]


@dataclass(frozen=True)
class Seen:
    """What was seen of N samples.

    Attributes:
        features: of each layer of the head (N, d).
        matrices: of each its matrix and bias, and at last those of all of them together.
        layers: of each further layer (N, d'), by name.
        labels: (N,); None where there are none.
        off: by how much the logits are not what the head gave, of their size; 0 as a rule.
    """

    features: list[Tensor]
    matrices: list[Affine]
    layers: Mapping[str, Tensor]
    labels: Tensor | None
    off: float = 0.0

    @property
    def joined(self) -> Tensor:
        """(N, d) of all layers of the head side by side."""
        return self.features[0] if len(self.features) == 1 else torch.cat(self.features, 1)


def look(
    model: nn.Module,
    samples: Sequence[Batch],
    head: Head | HeadFunction,
    layers: Mapping[str, nn.Module],
    pool: Pool,
) -> Seen:
    """Send the samples through the model, within `untouched`.

    Raises:
        HeadNotFound: the head was not called, or does something else than before.
        ValueError: a layer was not called, or gives no tensor.
    """
    device, dtype = placed(model)
    each = [_batch(model, batch.to(device, dtype), head, layers, pool) for batch in samples]
    labels = [batch.labels for batch in samples if batch.labels is not None]
    features = [torch.cat(parts) for parts in zip(*(one.features for one in each), strict=True)]
    return Seen(
        [_at_home(rows) for rows in features],
        # Where a matrix was measured by what the layer does, the first batch is as good as any.
        [(_at_home(w), None if b is None else _at_home(b)) for w, b in each[0].matrices],
        {name: _at_home(_joined(name, [one.layers[name] for one in each])) for name in layers},
        torch.cat(labels) if len(labels) == len(samples) else None,
        each[0].off,
    )


def is_part(head: Head, model: nn.Module) -> bool:
    """Whether all layers of the head are still in the model."""
    known = {id(module) for module in model.modules()}
    return all(id(module) in known for _, module in head.modules)


def _joined(name: str, each: Sequence[Tensor]) -> Tensor:
    widths = sorted({rows.shape[1] for rows in each})
    if len(widths) > 1:
        raise ValueError(
            f"layers: {name!r} gives from {widths[0]} to {widths[-1]} numbers a sample, as batches "
            "are of different lengths; must be as many in all: choose another pool"
        )
    return torch.cat(list(each))


def placed(model: nn.Module) -> tuple[torch.device, torch.dtype | None]:
    """Where the model's inputs belong; and in which type, if it is not that in which they come.

    A model whose parameters are all of one type cannot be given numbers of another, unless it casts
    by itself.
    """
    parameters = [p for p in model.parameters() if p.is_floating_point()]
    if not parameters:
        return torch.device("cpu"), None
    device, types = parameters[0].device, {p.dtype for p in parameters}
    only = types.pop() if len(types) == 1 else None
    if only not in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        only = None
    return device, None if torch.is_autocast_enabled(device.type) else only


def _batch(
    model: nn.Module,
    batch: Batch,
    head: Head | HeadFunction,
    layers: Mapping[str, nn.Module],
    pool: Pool,
) -> Seen:
    calls: list[Call] = []
    outputs: dict[str, Tensor] = {}

    def of_layer(call: Call) -> None:
        if call.gave.ndim < 2:
            raise ValueError(
                f"layers: {call.name!r} gives a tensor of shape {tuple(call.gave.shape)}, must be "
                "rows (B, d), maps or sequences"
            )
        maps = channels_first(call.module, call.gave)
        # A copy: what comes after may change it in place.
        outputs[call.name] = as_rows(pooled(call.gave, pool, maps)).clone()

    if not isinstance(head, Head):
        with listening(layers.items(), of_layer):
            features, weight, bias = _given(head(model, *batch.inputs, **batch.named))
        _check_called(layers, outputs)
        return Seen([features], [(weight, bias)], outputs, None)
    with (
        listening(layers.items(), of_layer),
        listening(head.modules, lambda call: calls.append(call.kept()), head.of_function),
    ):
        logits = logits_of(batch.call(model), head.place)
    _check_called(layers, outputs)
    read = head.read(calls, logits)
    own = [call for _, call in read]
    return Seen(
        [rows for rows, _ in read], head.matrices(own, logits), outputs, None, head.off(own, logits)
    )


def _check_called(layers: Mapping[str, nn.Module], outputs: Mapping[str, Tensor]) -> None:
    for name in layers:
        if name not in outputs:
            raise ValueError(
                f"layers: {name!r} was not called as the model ran, or gives no tensor; leave it "
                "out"
            )


def _given(given: Any) -> tuple[Tensor, Tensor, Tensor | None]:
    """What a function that stands for the head gives, checked."""
    right = isinstance(given, tuple | list) and len(given) == 3
    if right:
        features, weight, bias = given
        right = isinstance(features, Tensor) and isinstance(weight, Tensor)
        right = right and features.ndim == weight.ndim == 2
        right = right and features.shape[1] == weight.shape[1]
        right = right and (bias is None or bias.shape == weight.shape[:1])
    if not right:
        raise ValueError(
            "head: the function must give features (B, d), weight (K, d), and bias (K,) or None"
        )
    return as_rows(features), as_rows(weight), None if bias is None else as_rows(bias)


def _at_home(values: Tensor) -> Tensor:
    """Where double precision is: Apple's GPUs have none."""
    return values.cpu() if values.device.type == "mps" else values
