"""What is seen of a law: a sentence that follows from figures, whatever was to be expected."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ncengine.analysis.fits import power_law
from ncengine.analysis.over_seeds import log_moments
from ncengine.analysis.words import signed
from ncengine.theory.optimum import FLOOR


def seen(
    name: str,
    letter: str,
    x: ArrayLike,
    values: ArrayLike,
    above_floor: float | None = None,
    least: str = FLOOR,
) -> str:
    """How a metric goes over depth, or over something else, in words; "" of fewer than two points.

    Args:
        name: of the metric.
        letter: of what it goes over.
        x: (points,) increasing.
        values: (points, seeds) positive; NaN where there is none.
        above_floor: where the last point's objective ended, as a share of the floor.
        least: what it is a share of, where that is not the floor, see `theory.optimum.Least`.
    """
    numbers = np.asarray(values, float)
    means = log_moments(numbers)[0]
    kept = np.isfinite(means)
    if kept.sum() < 2:
        return ""
    at = np.asarray(x, float)[kept]
    last = f"{letter} = {at[-1]:g}"
    sentence = f"{name} {_course(letter, at, numbers[kept], np.diff(means[kept]))}"
    if above_floor is None:
        return sentence
    return f"{sentence}; {_height(last, above_floor, least)}"


def _course(letter: str, x: np.ndarray, values: np.ndarray, steps: np.ndarray) -> str:
    rising = int((steps > 0).sum())
    throughout = {0: "falls at every step", len(steps): "rises at every step"}.get(rising)
    try:
        fit = power_law(x, values)
    except ValueError:  # too few points for a law
        return throughout or "neither falls nor rises"
    if not fit.claimed:
        if throughout:
            return f"{throughout}, by no clear power law"
        turns = f"{rising} of {len(steps)} steps rise{'s' * (rising == 1)}"
        return f"follows no power law: {turns}"
    falls = fit.slope < 0
    law = f"{'falls' if falls else 'rises'} as {letter}^{signed(fit.slope)}"
    between = f" (95 %: {signed(fit.low)} … {signed(fit.high)})"
    against = rising if falls else len(steps) - rising
    if not against:
        return f"{law}{between}, at every step"
    verb = ("rise" if falls else "fall") + "s" * (against == 1)
    return f"{law}{between}, though {against} of {len(steps)} steps {verb}"


def _height(at: str, above: float, least: str) -> str:
    if above < 1:
        where = "below" if above < 0 and least != FLOOR else "above"
        share = abs(above) if where == "below" else above
        return f"at {at} the objective ended {100 * share:.2g} % {where} the {least}"
    return f"at {at} the objective ended at {1 + above:.3g} times the {least}"
