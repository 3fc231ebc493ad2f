"""How the command line writes numbers and JSON."""

from __future__ import annotations

import math
from typing import Any


def number(value: float) -> str:
    """Four digits; an infinite one as ∞."""
    return "∞" if value == math.inf else f"{value:.4g}"


def plain(value: Any) -> Any:
    """JSON has no NaN and no infinity: they become null and "Infinity", which float() reads."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value).replace("inf", "Infinity")
    return value
