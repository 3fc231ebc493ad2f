"""Numbers that a function is given, checked before anything is computed of them."""

from __future__ import annotations

import math
from numbers import Integral
from typing import Any


def whole(name: str, value: Any, least: int, most: int | None = None) -> int:
    """The whole number that `value` is, of whatever type, between the two.

    Raises ValueError that names the argument, its value and what is allowed.
    """
    number = _number(value)
    # A float holds no whole number beyond 2^53 exactly. NaN, which is none at all, lies nowhere.
    exact = int(value) if isinstance(value, Integral) and math.isfinite(number) else number
    if not least <= exact <= (math.inf if most is None else most) or exact % 1:
        allowed = f"from {least:,} to {most:,}" if most is not None else f"at least {least:,}"
        comma = "" if most is not None else ","
        raise ValueError(f"{name} = {value!r}: must be a whole number{comma} {allowed}")
    return int(value)


def positive(name: str, value: Any, most: float = math.inf) -> float:
    """The finite number above 0 that `value` is. Raises ValueError as `whole` does."""
    number = _number(value)
    if not (0 < number <= most and math.isfinite(number)):
        limit = f", at most {most:g}" if most < math.inf else ""
        raise ValueError(f"{name} = {value!r}: must be a positive number{limit}")
    return float(value)


def _number(value: Any) -> float:
    if isinstance(value, bool | str | bytes):
        return math.nan
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan
