"""The floor, the best that any network can reach, and free features that reach it."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import streamlit as st

from app.charts import palette
from app.charts import theory as charts
from app.charts.theory import LINEAR, LOG, STEPS, Axes, Chart, Line
from app.components import theory
from app.components.theory import Values
from app.theory.film import Film, Reading
from app.theory.seen import Seen
from ncengine.analysis.words import number, percent
from ncengine.catalogue.metrics import METRICS
from ncengine.config import RunConfig
from ncengine.theory import best_figure, gufm_optimum, ideal_figure, least_width, unequal_optimum
from ncengine.theory.descent import Descent, descent
from ncengine.theory.figures import STARTS, BestFigure
from ncengine.theory.known import known_figures

LEAD = (
    "Take the network away, and let each sample's feature go wherever it likes on the sphere on "
    "which LayerNorm puts features. What the objective comes to then is the **floor**: no network "
    "of whatever depth can get below it, and the paper proves that deep ones come as near as they "
    "like. At the floor features have collapsed."
)
LAMBDAS = tuple(float(x) for x in np.geomspace(1e-5, 1.0, 61))
RATIOS = tuple(float(x) for x in np.geomspace(1, 1e4, 17))
_KEPT = 64


def controls(values: Values) -> None:
    """Sliders of the first part."""
    names = ("classes", "width", "weight_decay", "loss", "bias")
    theory.draw_values(theory.FLOOR, names, values)


def seen(values: Values) -> Seen:
    """Free features that descend."""
    problem = _problem(values)
    way, best = _descent(*problem), _best(*problem)
    film = Film(
        name=f"floor {problem}",
        alike=f"floor {problem[0]} {problem[1]}",
        title=f"Free features · K = {problem[0]}, d = {problem[1]}, λ = {problem[2]:g}",
        unit="step",
        at=way.step,
        features=way.features,
        labels=way.labels,
        rows=way.rows,
        row_norm=best.row_norm,
        orthogonal=_figure(values) == "orthogonal",
        figure=best.figure.means if best.figure is not None and best.figure.unique else None,
    )
    return Seen(
        film,
        _readings(way, best, values),
        _chart(way, best),
        _over_decay(problem),
    )


def below(values: Values, open_run: Callable[[RunConfig], None]) -> None:
    """The floor's figures, and where classes are unequal."""
    problem = _problem(values)
    st.markdown("##### At the floor")
    _told(values, problem)
    config = _config(values)
    if config is not None and st.button("Free features of digits, on Explore", key="theory:ufm"):
        open_run(config)
    _known()
    _unequal(values)


def _known() -> None:
    with st.expander("All best known figures of up to 12 classes, at λ = 0.005"):
        rows = known_figures()
        st.dataframe(
            pa.table(
                {
                    "K": [row.classes for row in rows],
                    "d": [row.width for row in rows],
                    "figure": [row.figure for row in rows],
                    "objective": [row.objective for row in rows],
                    "least angle": [row.least_angle for row in rows],
                    "largest angle": [row.largest_angle for row in rows],
                    "least row norm": [row.least_row_norm for row in rows],
                    "largest row norm": [row.largest_row_norm for row in rows],
                    "NC3": [row.nc3 for row in rows],
                    "starts that came to it": [f"{row.agree} of {row.starts}" for row in rows],
                }
            ),
            hide_index=True,
        )
        st.caption(
            "Cross entropy, no bias. With K classes and a width d below K no simplex fits. "
            "With few classes too many, the best known are mostly simplices that are orthogonal to "
            "each other, and as uneven as can be; 7 classes at d = 5 are an exception."
        )


class _Best:
    """The best known: in closed form, or where no figure fits, of many starts."""

    def __init__(self, problem: tuple):
        self.figure: BestFigure | None = None
        if problem[1] >= least_width(problem[0], ideal_figure(problem[3], problem[4])):
            self.optimum: Any = gufm_optimum(*problem)
            self.loss, self.row_norm = self.optimum.loss, self.optimum.row_norm
        else:
            # With squared error every start comes to the same, and each takes longer.
            starts = 16 if problem[3] == "mse" else STARTS
            self.optimum, self.figure = None, best_figure(*problem, starts)
            self.loss, self.row_norm = self.figure.loss, float(self.figure.row_norms.mean())

    @property
    def name(self) -> str:
        return "floor" if self.figure is None else "best known"


@lru_cache(_KEPT)
def _best(*problem: Any) -> _Best:
    return _Best(problem)


@lru_cache(_KEPT)
def _descent(classes: int, width: int, *others: Any) -> Descent:
    # Of many classes in many dimensions fewer samples, to follow a slider.
    per_class = 10 if classes * width <= 128 else 4
    return descent(classes, width, *others, per_class=per_class)


def _problem(values: Values) -> tuple[int, int, float, str, bool]:
    classes, width, decay, loss, bias = (
        values[name] for name in ("classes", "width", "weight_decay", "loss", "bias")
    )
    return int(classes), int(width), float(decay), str(loss).lower(), bool(bias)


def _figure(values: Values) -> str:
    return ideal_figure(str(values["loss"]), bool(values["bias"]))


def _readings(way: Descent, best: _Best, values: Values) -> list[Reading]:
    gap = way.loss - best.loss
    nc2 = METRICS["nc2b" if _figure(values) == "orthogonal" else "nc2a"]
    readings = [
        Reading("Objective", [number(x) for x in way.loss], METRICS["loss"].help,
                f"{best.name} {number(best.loss)}"),
        Reading(f"Above the {best.name}", [number(max(x, 0.0)) for x in gap],
                "How far the objective is above it."),
        Reading("NC1", [number(x) for x in way.nc1], METRICS["nc1"].help),
        Reading("NC3", [number(max(x, 0.0)) for x in way.nc3], METRICS["nc3"].help),
    ]  # fmt: skip
    if best.figure is None:
        readings.insert(3, Reading("NC2", [number(x) for x in way.nc2], nc2.help))
    return readings


def _chart(way: Descent, best: _Best) -> Chart:
    axes = Axes("step of the descent", "metric", STEPS, LOG)
    above = f"above the {best.name}"
    lines = [Line(above, METRICS["gap"].color, way.step, np.maximum(way.loss - best.loss, 1e-15))]
    for name, values in (("nc1", way.nc1), ("nc2a", way.nc2), ("nc3", way.nc3)):
        if name != "nc2a" or best.figure is None:
            title = name[:3].upper()
            lines.append(Line(title, METRICS[name].color, way.step, np.maximum(values, 1e-15)))
    return Chart("descent", axes, lines)


def _over_decay(problem: tuple) -> Chart:
    followed = (
        "Dashed: the figure that is best at this λ, followed to others, where another figure may "
        "be better. It is the best known, not proved."
    )
    caption = "" if _best(*problem).figure is None else followed
    axes = Axes("weight decay λ", "objective", LOG, LOG)
    return Chart("decay", axes, _decay_lines(*problem), caption)


@lru_cache(_KEPT)
def _decay_lines(classes: int, width: int, decay: float, loss: str, bias: bool) -> list[Line]:
    best = _best(classes, width, decay, loss, bias)
    color = palette.OBJECTIVE_COLORS
    if best.figure is None:
        optima = [gufm_optimum(classes, width, x, loss, bias) for x in (*LAMBDAS, decay)]
        optima.sort(key=lambda one: one.loss)
        x = sorted((*LAMBDAS, decay))
        floor = [one.loss for one in optima]
        fit = [one.fit for one in optima]
        paid = [one.decay for one in optima]
        return [
            Line("floor", color["floor"], x, floor, chosen=decay),
            Line("its fit", color["fit"], x, fit),
            Line("its last-layer decay", color["last-layer decay"], x, paid),
        ]
    x, followed = _followed(classes, width, decay, loss, bias)
    return [Line("best known", color["floor"], x, followed, dashed=True, chosen=decay)]


def _followed(
    classes: int, width: int, decay: float, loss: str, bias: bool
) -> tuple[list[float], list[float]]:
    """The objective of the figure at other weight decays, from one to the next."""
    from ncengine.theory.figures import Problem

    figure = _best(classes, width, decay, loss, bias).figure
    assert figure is not None
    found = {decay: figure.loss}
    for side in (
        [x for x in LAMBDAS[::4] if x > decay],
        [x for x in LAMBDAS[::4] if x < decay][::-1],
    ):
        means = figure.means
        for x in side:
            problem = Problem(classes, width, x, loss, bias)
            come = problem.least(means)
            means = problem.parts(come.x)[0]
            found[x] = float(come.fun)
    return sorted(found), [found[x] for x in sorted(found)]


def _told(values: Values, problem: tuple) -> None:
    classes, width = problem[:2]
    best = _best(*problem)
    if best.figure is not None:
        _told_without(problem, best.figure)
        return
    optimum = best.optimum
    cosine = (
        "0"
        if optimum.figure == "orthogonal"
        else f"−1/{classes - 1} = {number(-1 / (classes - 1))}"
    )
    figure = "an orthogonal frame" if optimum.figure == "orthogonal" else "a simplex ETF"
    lines = [
        f"objective **{number(optimum.loss)}**, of which {number(optimum.fit)} are fit and "
        f"{number(optimum.decay)} the decay of the last layer",
        f"rows of W have norm **{number(optimum.row_norm)}** and form {figure}: the cosine of any "
        f"two is {cosine}",
        f"the true class's logit is **{number(optimum.logit_gap)}** above any other"
        if problem[3] == "ce"
        else f"the true class's logit is {number(optimum.logit_gap)} above any other; 1 is wanted",
    ]
    if optimum.probability is not None:
        lines.append(
            f"so the true class has probability **{percent(optimum.probability)}**, and "
            f"guessing has {percent(1 / classes)}"
        )
    if math.isclose(optimum.row_norm, 0, abs_tol=1e-12):
        lines.append("the weight decay is so large that the best W is nothing")
    st.markdown("\n".join(f"- {line}" for line in lines))
    st.caption(
        "GUFM, Definition 3; its optimum is Lemma 9, with the row norm corrected. The theorems say "
        "what is best, not that training finds it, nor that more depth helps a training that is "
        "cut short (2604.00230). And they need residual streams: in deep models of free features "
        "without them, collapse of all layers is not optimal (2405.14468, 2410.23169)."
    )


def _told_without(problem: tuple, figure: BestFigure) -> None:
    classes, width = problem[:2]
    norms, angles = figure.row_norms, figure.angles
    same = np.ptp(norms) < 1e-4 * norms.mean()
    rows = (
        f"rows of W all have norm **{number(norms.mean())}**"
        if same
        else f"rows of W have norms from {number(norms.min())} to {number(norms.max())}"
    )
    apart = (
        "each row is parallel to its class mean: NC3 is 0 here too"
        if figure.nc3 < 1e-8
        else f"rows are **not** parallel to their class means: NC3 is {number(figure.nc3)} at the "
        "best, and no more training brings it to 0"
    )
    lines = [
        f"**No figure of {classes} equal angles fits** the {width - 1} dimensions that LayerNorm "
        f"leaves of d = {width}. The best known of {figure.starts} starts is {figure.words}; "
        f"{figure.agree} of them came to it. Nothing proves it",
        f"objective **{number(figure.loss)}**, best known",
        f"angles between classes from {angles[0]:.2f}° to {angles[-1]:.2f}°",
        rows,
        apart,
        "samples of a class still collapse onto one point: NC1 is 0",
    ]
    st.markdown("\n".join(f"- {line}" for line in lines))


def _config(values: Values) -> RunConfig | None:
    """The run of free features on digits; None where these have not as many classes."""
    if int(values["classes"]) > 10:
        return None
    return RunConfig.nearest(
        {
            "dataset": "digits",
            "architecture": "UFM",
            "classes": str(values["classes"]),
            "width": str(values["width"]),
            "weight_decay": repr(values["weight_decay"]),
            "loss": str(values["loss"]),
            "last_bias": theory.as_text(values["bias"]),
        }
    )[0]


# Classes of unequal size.


def _unequal(values: Values) -> None:
    classes, width, decay, loss, _ = _problem(values)
    st.markdown("##### Where classes are unequal")
    if loss != "ce" or width < classes or classes < 3:
        st.caption("Shown with cross entropy, three classes or more, and a width of at least K.")
        return
    left, right = st.columns(2, gap="medium")
    with left:
        theory.draw_values(theory.FLOOR, ("minority", "ratio"), values)
    minority, ratio = int(values["minority"]), float(values["ratio"])
    with right:
        st.markdown(_unequal_words(classes, width, decay, minority, ratio))
    lines = _unequal_lines(classes, width, decay, minority)
    chosen = [Line(**{**vars(line), "chosen": ratio}) for line in lines[:2]]
    gap = [Line(**{**vars(line), "chosen": ratio}) for line in lines[2:]]
    left, right = st.columns(2, gap="medium")
    fewer = "how many times fewer samples, R"
    with left:
        axes = Axes(fewer, "cosine of two rows of W", LOG, LINEAR)
        charts.draw(Chart("unequal", axes, chosen))
    with right:
        axes = Axes(fewer, "balanced figure − best", LOG, LOG)
        charts.draw(Chart("unequal_gap", axes, gap))
    st.caption(
        "Minority collapse: C. Fang, H. He, Q. Long and W. Su, PNAS 118 (2021), there of features "
        "of bounded norm; here of features on the sphere where LayerNorm puts them. The best of "
        "several starts, by numbers."
    )


def _unequal_words(classes: int, width: int, decay: float, minority: int, ratio: float) -> str:
    found = unequal_optimum(classes, width, decay, minority, ratio)
    if ratio == 1:
        return f"All {classes} classes have as many samples: their rows form the simplex."
    small = "one class" if minority == 1 else f"{minority} classes"
    sentence = f"Of {classes} classes, {small} with {ratio:g} times fewer samples: "
    norms = np.linalg.norm(found.rows, axis=1)
    if minority == 1:
        return (
            sentence
            + f"the row of the small class has norm {number(float(norms[-1]))}, that of a large "
            f"one {number(float(norms[0]))}."
        )
    cosine = found.minority_cosine
    if np.isnan(cosine) or cosine > 1 - 1e-6:
        return (
            sentence + "the rows of the small classes **have become one**. The network no longer "
            "tells them apart."
        )
    angle = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    return (
        sentence + f"the rows of two small classes are at an angle of **{angle:.1f}°** (cosine "
        f"{number(cosine)}), in the simplex at {np.degrees(np.arccos(-1 / (classes - 1))):.1f}°. "
        "The fewer their samples, the nearer they turn to each other, and at some R they meet."
    )


@lru_cache(_KEPT)
def _unequal_lines(classes: int, width: int, decay: float, minority: int) -> list[Line]:
    found = [unequal_optimum(classes, width, decay, minority, ratio) for ratio in RATIOS]
    blue, orange, green = palette.CLASS_COLORS[:3]
    small = [np.nan_to_num(one.minority_cosine, nan=1.0) for one in found]
    if minority == 1:
        small = [one.cosine(classes - 1, 0) for one in found]
    named = "two small classes" if minority > 1 else "the small class and a large one"
    return [
        Line(named, orange, RATIOS, small),
        Line("two large classes", blue, RATIOS, [one.majority_cosine for one in found]),
        Line(
            "the balanced figure costs more by",
            green,
            RATIOS[1:],
            [one.balanced - one.loss for one in found[1:]],
        ),
    ]
