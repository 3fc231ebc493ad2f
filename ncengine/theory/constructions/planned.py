"""The plan of the proof of Theorem 4: samples, curves, and whether its conditions hold."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from ncengine.theory.constructions import curves
from ncengine.theory.constructions.given import Given, given
from ncengine.theory.constructions.sphere import at_even_steps, lifted, lowered

# In words, of curves and samples.
CONDITIONS = (
    f"the curvature of curves is bounded, on the unit sphere by B = {curves.MOST_BENT:g}",
    "curves keep the margin from who has yet to travel",
    "and from who has arrived, and enter their cap once",
    "curves are no longer than 2π√d",
    "caps lie far apart",
)


@dataclass(frozen=True, eq=False)
class Planned:
    """What networks of any depth are built from. Equal to itself alone, so that it can be a key.

    Attributes:
        given: the samples, and where they go.
        curves: on which they travel, one after another.
        conditions: of the proof, 1 to 5, whether they hold.
    """

    given: Given
    curves: curves.Curves
    conditions: tuple[bool, ...]

    def points(self, n: int, steps: int) -> np.ndarray:
        """(steps + 1, d) where the n-th sample is on its way: evenly along its curve."""
        curve = self.curves.outside[n]
        if len(curve) == 1:
            return np.repeat(self.given.embedded[n : n + 1], steps + 1, axis=0)
        return lifted(at_even_steps(curve, steps))

    def check(self, travel: int) -> None:
        """Raise ValueError where so many blocks are too few for a sample's way.

        What a block adds is at right angles to where the sample stands: it turns it by less than
        90 degrees, however much it is.
        """
        longest = max(curves.length(curve) for curve in self.curves.outside)
        least = int(longest / (np.pi / 2)) + 1
        if travel < least:
            raise ValueError(
                f"travel = {travel}: must be at least {least} here, where the longest way is "
                f"{np.degrees(longest):.0f} degrees and a block turns by less than 90"
            )


@lru_cache(maxsize=64)
def planned(
    classes: int, per_class: int, width: int, seed: int, margin: float | None = None
) -> Planned:
    """The plan; of the largest margin that is found, or of a smaller one.

    Args:
        classes, per_class, width, seed, margin: see `construction`.

    Raises:
        ValueError: the margin is not positive, or larger than what curves are found to keep; or
            samples lie too close to each other (`curves.NoWay`).
    """
    if margin is None:
        return _planned(classes, per_class, width, seed)
    best = planned(classes, per_class, width, seed)
    largest = best.curves.margin
    if not 0 < margin <= largest:
        allowed = f"must be positive, and at most {largest:.6g}, the largest that is kept here"
        raise ValueError(f"margin = {margin!r}: {allowed}")
    return _judged(best.given, replace(best.curves, margin=float(margin)))


def _planned(classes: int, per_class: int, width: int, seed: int) -> Planned:
    samples = given(classes, per_class, width, seed)
    targets = samples.vertices[samples.labels]
    return _judged(samples, curves.plan(lowered(samples.embedded), lowered(targets), seed))


def _judged(samples: Given, way: curves.Curves) -> Planned:
    vertices = lowered(samples.vertices[samples.labels])
    starts = lowered(samples.embedded)
    return Planned(samples, way, conditions(way, starts, vertices, way.ends))


def conditions(
    planned: curves.Curves, starts: np.ndarray, vertices: np.ndarray, reached: np.ndarray
) -> tuple[bool, ...]:
    """Conditions 1 to 5 of the proof, checked on the curves."""
    outside, cap, margin = planned.outside, planned.cap, planned.margin
    bounded = all(curves.curvature(curve) <= curves.MOST_BENT for curve in outside)
    apart = curves.kept_margin(starts, vertices, outside) >= margin
    ended = (reached * vertices).sum(1)
    # Where a curve begins within its cap, there is nothing to travel.
    once = all(
        len(curve) == 1 or ((curve[:-1] @ vertex).max() < 1 - cap and end >= 1 - cap - 1e-9)
        for curve, vertex, end in zip(outside, vertices, ended, strict=True)
    )
    short = all(
        len(curve) == 1 or curves.length(curve) + np.arccos(1 - cap) <= 2 * np.pi
        for curve in outside
    )
    small = margin < cap <= curves.cap_of(vertices) * (1 + 1e-9)
    return tuple(map(bool, (bounded, apart, once and apart, short, small)))
