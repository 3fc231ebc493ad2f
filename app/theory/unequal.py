"""Where classes are unequal: the rows of the small ones turn to each other, until they meet."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import streamlit as st

from app.charts import lines as charts
from app.charts import palette
from app.charts.lines import LINEAR, LOG, Axes, Chart, Line
from app.components import theory
from app.components.theory import Values
from ncengine.analysis.words import number, percent
from ncengine.theory import UnequalOptimum, meeting_ratio, unequal_optimum
from ncengine.theory.unequal import MOST_RATIO

RATIOS = tuple(float(x) for x in np.geomspace(1, 1e4, 17))
FARTHER = (3e4, 1e5, 3e5, MOST_RATIO)
_KEPT = 64


def draw(values: Values) -> list[Chart]:
    """Sliders of how unequal they are, what that comes to, and over R; gives the charts."""
    classes, width = int(values["classes"]), int(values["width"])
    decay, loss = float(values["weight_decay"]), str(values["loss"]).lower()
    st.markdown("##### Where classes are unequal")
    if loss != "ce" or width < classes or classes < 3:
        st.caption("Shown with cross entropy, three classes or more, and a width of at least K.")
        return []
    left, right = st.columns(2, gap="medium")
    with left:
        theory.draw_values(theory.FLOOR, ("minority", "ratio"), values)
    minority, ratio = int(values["minority"]), float(values["ratio"])
    with right:
        st.markdown(_words(classes, width, decay, minority, ratio))
    lines = _lines(classes, width, decay, minority, ratio)
    marks = _marks(classes, width, decay, minority)
    left, right = st.columns(2, gap="medium")
    fewer = "how many times fewer samples, R"
    rows, costs = "cosine of two rows of W", "balanced figure − best"
    cosines = Chart("unequal", Axes(fewer, rows, LOG, LINEAR), [*lines[:2], *marks[:1]])
    gap = Chart("unequal_gap", Axes(fewer, costs, LOG, LOG), [*lines[2:], *marks[1:]])
    for column, chart in ((left, cosines), (right, gap)):
        with column:
            charts.draw(chart)
    st.caption(
        "Minority collapse: C. Fang, H. He, Q. Long and W. Su, PNAS 118 (2021), there of features "
        "of bounded norm; here of features on the sphere where LayerNorm puts them. The last "
        "layer has **no bias** here, even where it has one above: it would learn how frequent each "
        "class is. Found by numeric minimisation, the best of several starts."
    )
    return [cosines, gap]


def _words(classes: int, width: int, decay: float, minority: int, ratio: float) -> str:
    found = unequal_optimum(classes, width, decay, minority, ratio)
    meeting = "" if minority == 1 else " " + _meeting_words(classes, width, decay, minority)
    if ratio == 1:
        return f"All {classes} classes have as many samples: their rows form the simplex.{meeting}"
    small = "One class" if minority == 1 else f"{minority} classes"
    sentence = (
        f"{small} of {classes} {'has' if minority == 1 else 'have'} {ratio:,.10g} times fewer "
        f"samples than the other{'s' if classes - minority > 1 else ''}: "
    )
    norms = np.linalg.norm(found.rows, axis=1)
    if minority == 1:
        return (
            sentence
            + f"the row of the small class has norm {number(float(norms[-1]))}, that of a large "
            f"class {number(float(norms[0]))}."
        )
    if ratio >= _meeting(classes, width, decay, minority)[0]:
        return (
            sentence + "the rows of the small classes **have become one**. The network no longer "
            f"tells them apart.{meeting}"
        )
    cosine = found.minority_cosine
    angle = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    shown = f"{angle:.1f}" if angle >= 0.1 else number(float(angle))
    return (
        sentence + f"the rows of any two of them are at an angle of **{shown}°** (cosine "
        f"{number(cosine)}), in the simplex at {np.degrees(np.arccos(-1 / (classes - 1))):.1f}°. "
        f"The fewer their samples, the nearer they turn to each other.{meeting}"
    )


@lru_cache(_KEPT)
def _meeting(
    classes: int, width: int, decay: float, minority: int
) -> tuple[float, UnequalOptimum | None]:
    """At which R small classes meet, and the best there; None where that R is too large."""
    ratio = meeting_ratio(classes, width, decay, minority)
    if ratio > MOST_RATIO:
        return ratio, None
    return ratio, unequal_optimum(classes, width, decay, minority, ratio)


def _meeting_words(classes: int, width: int, decay: float, minority: int) -> str:
    ratio, there = _meeting(classes, width, decay, minority)
    if ratio == math.inf:
        return "They meet at an R that is too large to be computed."
    sentence = (
        f"They meet at R = **{float(f'{ratio:.3e}'):,.0f}**"
        if ratio >= 1000
        else (f"They meet at R = **{ratio:.4g}**")
    )
    if there is None:
        return sentence + ", far beyond the chart."
    return (
        f"{sentence}. There the balanced figure costs {number(there.balanced - there.loss)} more "
        f"than the best, {percent((there.balanced - there.loss) / there.loss)} of it."
    )


def _marks(classes: int, width: int, decay: float, minority: int) -> list[Line]:
    """Points of both charts where small classes meet."""
    if minority == 1:
        return []
    ratio, there = _meeting(classes, width, decay, minority)
    if there is None:
        return []
    heights = (1.0, there.balanced - there.loss)
    return [Line("small classes meet", palette.NEUTRAL, [ratio], [y], points=True) for y in heights]


@lru_cache(_KEPT)
def _lines(classes: int, width: int, decay: float, minority: int, chosen: float) -> list[Line]:
    # With the one that is chosen, for its point to stand where it is.
    ratios = sorted({*RATIOS, *_farther(classes, width, decay, minority), chosen})
    found = [unequal_optimum(classes, width, decay, minority, ratio) for ratio in ratios]
    blue, orange, green = palette.CLASS_COLORS[:3]
    small = [np.nan_to_num(one.minority_cosine, nan=1.0) for one in found]
    if minority == 1:
        small = [one.cosine(classes - 1, 0) for one in found]
    named = "two small classes" if minority > 1 else "the small class and a large one"
    return [
        Line(named, orange, ratios, small, chosen=chosen),
        Line(
            "two large classes",
            blue,
            ratios,
            [one.majority_cosine for one in found],
            chosen=chosen,
        ),
        # Of classes of one size they are the same, and a logarithm has no place for that.
        Line(
            "the balanced figure costs more by",
            green,
            ratios[1:],
            [one.balanced - one.loss for one in found[1:]],
            chosen=chosen if chosen > 1 else None,
        ),
    ]


def _farther(classes: int, width: int, decay: float, minority: int) -> list[float]:
    """Where small classes meet, for lines to bend there, and R beyond, for charts to reach it."""
    if minority == 1:
        return []
    ratio, there = _meeting(classes, width, decay, minority)
    return [] if there is None else [ratio, *(r for r in FARTHER if r < 10 * ratio)]
