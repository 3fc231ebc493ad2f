"""A line search for the strong Wolfe conditions that asks for one value at a time.

After Nocedal and Wright, Numerical Optimization (2006), algorithms 3.5 and 3.6, with bracketing and
zooming folded into one interval, and the approximate condition of Hager and Zhang (2005)
where rounding hides the decrease.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

SUFFICIENT_DECREASE = 1e-4
CURVATURE = 0.9
MAX_TRIALS = 20


@dataclass
class Point:
    """Step t along the direction, with value and slope there."""

    t: float
    value: float
    slope: float


@dataclass
class LineSearch:
    """The search from a point of known value along a direction of negative slope.

    `low` is the best point so far that decreases enough; the step sought lies between it
    and `high` (None while no upper end is known). Evaluate at `t`, tell, repeat while
    `tell` returns "trial".
    """

    start: Point
    first: float
    t: float
    low: Point
    high: Point | None = None
    trials: int = 0
    settling: bool = False

    @classmethod
    def begin(cls, value: float, slope: float, t: float) -> LineSearch:
        """A search from value and (negative) slope at step 0, first trying step t."""
        start = Point(0.0, value, slope)
        return cls(start=start, first=t, t=t, low=start)

    def tell(self, value: float, slope: float) -> str:
        """Take value and slope at `t`.

        Returns:
            "accept": t fulfils the conditions (or is the best decrease that could be found);
            "trial": evaluate at the new t; "fail": no decrease was found.
        """
        if self.settling:
            return "accept"
        here = Point(self.t, value, slope)
        self.trials += 1
        if not (math.isfinite(value) and math.isfinite(slope)):
            self.high = here
        elif not self._decreases(here):
            self.high = here
        elif abs(slope) <= CURVATURE * abs(self.start.slope):
            return "accept"
        else:
            # The minimum lies on the side of `here` that its slope points down to.
            if slope > 0 if self.high is None else slope * (self.high.t - self.low.t) >= 0:
                self.high = self.low
            self.low = here
        if self.trials >= MAX_TRIALS or self._exhausted():
            return self._settle()
        self.t = self._next()
        return "trial"

    def _decreases(self, here: Point) -> bool:
        start = self.start
        if not here.value < start.value and here.t < 1e-3 * self.first:
            return False  # so short a step changes nothing but by rounding
        if here.value <= start.value + SUFFICIENT_DECREASE * here.t * start.slope:
            return here.value < self.low.value or self.low.t == 0.0
        # Rounding can hide a decrease that the slope still shows (approximate Wolfe).
        shown_by_slope = here.slope <= (2 * SUFFICIENT_DECREASE - 1) * start.slope
        return here.value <= min(start.value, self.low.value) and shown_by_slope

    def _exhausted(self) -> bool:
        return self.high is not None and abs(self.high.t - self.low.t) <= 1e-9 * max(
            self.high.t, self.low.t
        )

    def _settle(self) -> str:
        if self.low.t == 0.0:
            return "fail"
        # One more evaluation, at the best decrease known, makes it the next iterate.
        self.settling = True
        self.t = self.low.t
        return "trial"

    def _next(self) -> float:
        low, high = self.low, self.high
        if high is None:
            ahead = _secant(self.start, low)
            return min(max(ahead, 1.5 * low.t), 5 * low.t)
        width = high.t - low.t
        if not (math.isfinite(high.value) and math.isfinite(high.slope)):
            return low.t + 0.2 * width
        inside = _cubic_minimum(low, high)
        near, far = sorted((low.t + 0.1 * width, high.t - 0.1 * width))
        return min(max(inside, near), far) if math.isfinite(inside) else low.t + 0.5 * width


def _secant(a: Point, b: Point) -> float:
    """Where the slope would vanish if it went on changing as from a to b."""
    change = b.slope - a.slope
    return b.t - b.slope * (b.t - a.t) / change if change > 0 else math.inf


def _cubic_minimum(a: Point, b: Point) -> float:
    """Minimiser of the cubic with the values and slopes of a and b (Nocedal and Wright, 3.59)."""
    d1 = a.slope + b.slope - 3 * (a.value - b.value) / (a.t - b.t)
    square = d1 * d1 - a.slope * b.slope
    if square < 0:
        return math.nan
    d2 = math.copysign(math.sqrt(square), b.t - a.t)
    denominator = b.slope - a.slope + 2 * d2
    if denominator == 0:
        return math.nan
    return b.t - (b.t - a.t) * (b.slope + d2 - d1) / denominator
