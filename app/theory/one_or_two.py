"""One linear layer in a block, or two: what a change costs (Appendices E and H)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import numpy as np
import streamlit as st

from app.charts import palette
from app.charts.lines import LOG, Axes, Chart, Line
from app.components import theory
from app.components.readings import Reading
from app.components.theory import Values
from app.theory.seen import Seen
from ncengine.analysis.words import number
from ncengine.theory.stretch import MOST_MINIMISED, cost_of_change, minimised, stretch

LEAD = (
    "Why does depth help some networks and not others? The simplest case: stretch a number by eᵃ, "
    "with L residual blocks x + w x, at the least cost. With **one** linear layer a block, a "
    "weight costs its square, so that many small steps cost next to nothing. With **two**, "
    "w = u v, which costs at least 2|w|: a small step is as dear, for its size, as a large one."
)
LENGTHS = tuple(int(x) for x in np.unique(np.geomspace(1, 10_000, 60).round()))
CHANGES = tuple(float(x) for x in np.geomspace(0.01, 5, 40))
NAMES = {1: "one linear layer", 2: "two linear layers"}
_COLORS = {1: palette.CLASS_COLORS[0], 2: palette.CLASS_COLORS[1]}


def controls(values: Values) -> None:
    """Sliders: how far, in how many blocks; and one change."""
    theory.draw_values(theory.LAYERS, ("stretch", "blocks", "change"), values)


def seen(values: Values) -> Seen:
    """The cost over the number of blocks."""
    a, blocks = float(values["stretch"]), int(values["blocks"])
    lines = [replace(line, chosen=blocks) for line in _over_blocks(a, blocks)]
    ends = [1, LENGTHS[-1]]
    limit = Line("limit of two, 2 a", palette.NEUTRAL, ends, [2 * a] * 2, dashed=True)
    axes = Axes("blocks L", "sum of squares of all weights", LOG, LOG)
    chart = Chart("blocks", axes, [*lines, limit])
    return Seen(None, _readings(a, blocks), chart, _change(float(values["change"])))


def below(values: Values, open_sweep: Callable[[str], None]) -> list[Chart]:
    """The weights; and the sweep that shows the same when trained. It has no chart."""
    a, blocks = float(values["stretch"]), int(values["blocks"])
    st.markdown("##### The cheapest weights")
    for n in NAMES:
        st.markdown(_weights(a, blocks, n))
    st.markdown(
        "In trained networks it is the same. **RN1** comes nearer to the floor with depth at a "
        "constant weight decay; **RN2** only where that of its hidden layers falls with depth as "
        "1/L, and that of the last layer does not. Of transformers too it is the linear layers of "
        "a block’s MLP that decide: one, as in T11 and T21 (Theorem 4), or two, as in T12 and T22 "
        "(Theorem 10)."
    )
    if st.button("The three schedules, trained", key="theory:schedules"):
        open_sweep("schedules")
    st.caption("Appendix E, and Appendix H for the three schedules of weight decay.")
    return []


def _change(size: float) -> Chart:
    changes = sorted({*CHANGES, size})
    lines = [
        Line(NAMES[n], _COLORS[n], changes, [cost_of_change(c, n) for c in changes], chosen=size)
        for n in NAMES
    ]
    whole, tenths = ([cost_of_change(c, n) for n in NAMES] for c in (size, size / 10))
    caption = (
        f"A change of c = {size:g} costs c² = {number(whole[0])} with one layer, and 2 c = "
        f"{number(whole[1])} with two. In ten steps of a tenth each: {number(10 * tenths[0])} and "
        f"{number(10 * tenths[1])}."
    )
    return Chart("change", Axes("size of one change c", "its cost", LOG, LOG), lines, caption)


def _readings(a: float, blocks: int) -> list[Reading]:
    one, two = stretch(a, blocks, 1), stretch(a, blocks, 2)
    return [
        Reading("One layer costs", [number(one.cost)], "Sum of squares of all weights, at least."),
        Reading("Two layers cost", [number(two.cost)], "Sum of squares of all weights, at least."),
        Reading("Ratio", [number(two.cost / one.cost)], "How many times as much two layers cost."),
    ]


@lru_cache(64)
def _over_blocks(a: float, blocks: int) -> list[Line]:
    # With the one that is chosen, for its point to stand where it is.
    lengths = sorted({*LENGTHS, blocks})
    return [
        Line(NAMES[n], _COLORS[n], lengths, [stretch(a, length, n).cost for length in lengths])
        for n in NAMES
    ]


def _weights(a: float, blocks: int, layers: int) -> str:
    found = stretch(a, blocks, layers)
    formula = "w = exp(a/L) − 1" if layers == 1 else "u = v = √(exp(a/L) − 1)"
    words = (
        f"**{NAMES[layers].capitalize()}**: {formula} = {number(found.weights[0])} in each block"
    )
    if blocks > MOST_MINIMISED:
        return words + "."
    numeric = minimised(a, blocks, layers)
    return (
        words
        + f". Numeric minimisation comes to {number(numeric.weights.min())}"
        + (
            f" to {number(numeric.weights.max())}"
            if np.ptp(numeric.weights) > 1e-3 * abs(numeric.weights).max()
            else ""
        )
        + f", at a cost of {number(numeric.cost)}."
    )
