"""Numbers that whoever trains gives beside what is measured, checked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

# What a snapshot holds beside its figures, so that no scalar can be called so.
PARTS = ("step", "layers", "heads", "test", "ideal", "samples", "moved")


def scalars(given: Mapping[str, Any]) -> dict[str, float]:
    """Each as a plain number. Raises ValueError where one is none, or its name is taken."""
    for name in PARTS:
        if name in given:
            raise ValueError(f"{name}: is a part of what is measured, must be another name")
    return {name: _number(name, value) for name, value in given.items()}


def step(value: Any) -> float:
    """The same of a step, which is finite."""
    at = _number("step", value)
    if not math.isfinite(at):
        raise ValueError(f"step = {value!r}: must be a number that is finite")
    return at


def counts(values: Any) -> np.ndarray:
    """(K,) samples of each class. Raises ValueError where they are none."""
    try:
        found = np.asarray(values.cpu() if isinstance(values, Tensor) else values, np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"counts = {values!r}: must be K whole numbers") from error
    if found.ndim != 1 or not (np.isfinite(found) & (found >= 1)).all():
        raise ValueError(f"counts = {found.tolist()}: must be (K,), at least 1 sample a class")
    return found


def _number(name: str, value: Any) -> float:
    if isinstance(value, str | bytes):
        raise ValueError(f"{name} = {value!r}: must be a number")
    try:
        number = float(value.detach() if isinstance(value, Tensor) else value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{name} = {value!r}: must be a number") from error
    except OverflowError as error:
        raise ValueError(f"{name}: must be a number of at most 1.8e308") from error
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return value if is_whole and math.isfinite(number) else number
