"""Numbers and seeds in words, as a reader wants them: the same ones wherever they are told."""

from __future__ import annotations

import math
from collections.abc import Sequence

MISSING = "–"


def number(value: float | None) -> str:
    """Three significant digits; powers of ten where the number is small or large."""
    if value is None or math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(float(f"{abs(value):.2e}")))
    if -3 <= exponent < 5:
        return f"{value:.{max(2 - exponent, 0)}f}".replace("-", "−")
    return f"{value / 10**exponent:.2f}e{exponent}".replace("-", "−")


def percent(share: float | None) -> str:
    """A share of 1 as a percentage of three significant digits."""
    if share is None or not math.isfinite(share):
        return MISSING
    return f"{number(100 * share)} %"


def accuracy(share: float | None) -> str:
    """A share of 1 as a percentage with one decimal; 100 % only where nothing is wrong."""
    if share is None or not math.isfinite(share):
        return MISSING
    if share == 1:
        return "100 %"
    return f"{min(100 * share, 99.9):.1f} %"


def passes(count: int) -> str:
    """ "1 pass", "2,000 passes"."""
    return "1 pass" if count == 1 else f"{count:,} passes"


def named(seeds: Sequence[int]) -> str:
    """ "seed 3", "seeds 0 and 2", "seeds 0, 2 and 5"."""
    if len(seeds) == 1:
        return f"seed {seeds[0]}"
    return f"seeds {', '.join(map(str, seeds[:-1]))} and {seeds[-1]}"


def signed(value: float) -> str:
    """A number with two decimals, and a minus as it is set: "−0.54"."""
    return f"{value:.2f}".replace("-", "−")
