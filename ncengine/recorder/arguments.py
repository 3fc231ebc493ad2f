"""A batch as a model's `forward` takes it."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from ncengine.recorder.outputs import first_tensor

LABELS = ("labels", "label", "y", "target", "targets")


def arguments(
    model: nn.Module, inputs: tuple[Any, ...], named: Mapping[str, Any], labels: Tensor | None
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What to call the model with: positional and named arguments.

    Of a mapping those that `forward` takes, as trainers do; all of it as one argument where it
    takes none of them by name. Labels only where it cannot be called without.
    """
    takes = _parameters(model)
    if takes is None:
        return inputs, dict(named)
    if len(inputs) > _most_by_place(takes):
        inputs = (inputs,)  # it takes all of them as one
    free = any(one.kind is one.VAR_KEYWORD for one in takes.values())
    chosen = {name: one for name, one in named.items() if free or name in takes}
    if named and not chosen:
        return (dict(named) | _under("label", labels, named),), {}
    left = list(takes.values())[len(inputs) :]
    for one in left:
        if one.name in LABELS and one.default is one.empty and one.name not in chosen:
            chosen |= _under(one.name, labels, (inputs, named))
    return inputs, chosen


def inputs_of(named: Mapping[str, Any], error: Exception) -> Tensor:
    """Of a batch's mapping the one tensor that can be inputs: rows, maps or sequences.

    Args:
        error: what the model raised when it was given the mapping.

    Raises:
        ValueError: there is none, or several.
    """
    found = [one for one in named.values() if isinstance(one, Tensor) and one.ndim > 1]
    if len(found) != 1:
        raise ValueError(
            f"a batch holds {', '.join(map(str, named))}, which the model takes neither by name "
            "nor as one mapping; must be (inputs, labels), or have the names of what it takes"
        ) from error
    return found[0]


def _most_by_place(takes: Mapping[str, inspect.Parameter]) -> float:
    """How many arguments it can be given by their places."""
    if any(one.kind is one.VAR_POSITIONAL for one in takes.values()):
        return math.inf
    places = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return max(1, sum(one.kind in places for one in takes.values()))


def _parameters(model: nn.Module) -> Mapping[str, inspect.Parameter] | None:
    try:
        return inspect.signature(model.forward).parameters
    except (TypeError, ValueError):
        return None  # of what is written in another language


def _under(name: str, labels: Tensor | None, beside: Any) -> dict[str, Any]:
    """Labels by that name, where the inputs beside them are."""
    if labels is None:
        return {}
    found = first_tensor(beside)
    return {name: labels if found is None else labels.to(found.device)}
