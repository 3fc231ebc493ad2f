"""The floor, the best that any network can reach, and free features that reach it."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import streamlit as st

from app.charts import palette
from app.charts.lines import LOG, STEPS, Axes, Chart, Line
from app.components import theory
from app.components.readings import Reading
from app.components.theory import Values
from app.theory import unequal
from app.theory.film import Film
from app.theory.seen import Seen
from ncengine.analysis.ideal import ordered
from ncengine.analysis.words import number, percent
from ncengine.catalogue.metrics import METRICS, Metric
from ncengine.config import RunConfig
from ncengine.metrics.collapse import figure_distance
from ncengine.theory import best_figure, gufm_optimum, ideal_figure, least_width
from ncengine.theory.descent import MOST_STEPS, Descent, descent
from ncengine.theory.figures import STARTS, BestFigure
from ncengine.theory.known import known_figures

LEAD = (
    "Take the network away, and let each sample's feature go wherever it likes on the sphere on "
    "which LayerNorm puts features. What the objective comes to then is the **floor**: no network "
    "of whatever depth can get below it, and the paper proves that deep ones come as near as they "
    "like. At the floor features have collapsed."
)
LAMBDAS = tuple(float(x) for x in np.geomspace(1e-5, 1.0, 61))
# A descent that ends so much above the best known, in shares of it, has come to another figure.
ELSEWHERE = 1e-5
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
        figure=best.ideal,
    )
    return Seen(
        film,
        _readings(way, best, values),
        _chart(way, best, values),
        _over_decay(problem),
    )


def below(values: Values, open_run: Callable[[RunConfig], None]) -> list[Chart]:
    """The floor's figures, and where classes are unequal; gives the charts."""
    problem = _problem(values)
    known = _best(*problem).figure is not None
    st.markdown(f"##### At the {'best that is known' if known else 'floor'}")
    _told(values, problem)
    config = _config(values)
    if config is not None and st.button("Free features of digits, on Explore", key="theory:ufm"):
        open_run(config)
    _known()
    return unequal.draw(values)


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
            self.optimum, self.figure = None, best_figure(*problem, _starts(*problem))
            self.loss, self.row_norm = self.figure.loss, float(self.figure.row_norms.mean())

    @property
    def name(self) -> str:
        return "floor" if self.figure is None else "best known"

    @property
    def ideal(self) -> np.ndarray | None:
        """The best figure known (K, D); None in closed form, or where many are as good."""
        return self.figure.means if self.figure is not None and self.figure.unique else None


def _starts(classes: int, width: int, decay: float, loss: str, bias: bool) -> int:
    """How many there is time for while a slider is moved, beside those that are made of simplices.

    Those of large figures take longer; so do polygons, and all where the weight decay is so large
    that figures hardly differ, where most starts come to the same. With squared error all do.
    """
    if loss == "mse":
        return STARTS // 24 if classes * width > 40 else STARTS // 12
    if decay >= 0.2:
        return STARTS // 6
    return STARTS // 4 if bias or classes * width > 50 or width == 3 else STARTS


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


def _nc2(way: Descent, best: _Best, values: Values) -> tuple[Metric, np.ndarray] | None:
    """The NC2 that belongs here, and its values (F,); None where no one figure is the best."""
    if best.figure is None:
        return METRICS["nc2b" if _figure(values) == "orthogonal" else "nc2a"], way.nc2
    if best.ideal is None:
        return None
    classes = range(len(best.ideal))
    means = np.stack([way.features[:, way.labels == k].mean(1) for k in classes], axis=1)
    corners = ordered(best.ideal, means[-1])
    return METRICS["nc2_known"], figure_distance(means, corners @ corners.T)


def _readings(way: Descent, best: _Best, values: Values) -> list[Reading]:
    gap = way.loss - best.loss
    readings = [
        Reading("Objective", [number(x) for x in way.loss], METRICS["loss"].help,
                f"{best.name} {number(best.loss)}"),
        Reading(_above(best), [number(max(x, 0.0)) for x in gap],
                "How far the objective is above it."),
        Reading("NC1", [number(x) for x in way.nc1], METRICS["nc1"].help),
        Reading("NC3", [number(max(x, 0.0)) for x in way.nc3], METRICS["nc3"].help),
    ]  # fmt: skip
    if nc2 := _nc2(way, best, values):
        readings.insert(3, Reading(_NC2[nc2[0].name], [number(x) for x in nc2[1]], nc2[0].help))
    return readings


def _above(best: _Best) -> str:
    """Short enough for a cell."""
    return "Above the floor" if best.figure is None else f"Above {best.name}"


# What an NC2 is called here, where there is but one of them.
_NC2 = {"nc2a": "NC2", "nc2b": "NC2", "nc2_known": METRICS["nc2_known"].title}


def _chart(way: Descent, best: _Best, values: Values) -> Chart:
    axes = Axes("step of the descent", "metric", STEPS, LOG)
    above = f"above the {best.name}"
    lines = [Line(above, METRICS["gap"].color, way.step, np.maximum(way.loss - best.loss, 1e-15))]
    shown = [("NC1", METRICS["nc1"], way.nc1), ("NC3", METRICS["nc3"], way.nc3)]
    if nc2 := _nc2(way, best, values):
        shown.insert(1, (_NC2[nc2[0].name], *nc2))
    lines += [Line(title, m.color, way.step, np.maximum(y, 1e-15)) for title, m, y in shown]
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
    if classes == 2 and optimum.figure == "simplex":
        cosine = "−1: they are opposite"
    figure = "an orthogonal frame" if optimum.figure == "orthogonal" else "a simplex ETF"
    others = "any other" if classes > 2 else "the other"
    lines = [
        f"objective **{number(optimum.loss)}**, of which {number(optimum.fit)} are fit and "
        f"{number(optimum.decay)} the decay of the last layer",
        f"rows of W have norm **{number(optimum.row_norm)}** and form {figure}: the cosine of "
        f"{'any two' if classes > 2 else 'the two'} is {cosine}",
        f"the true class's logit is **{number(optimum.logit_gap)}** above {others}"
        if problem[3] == "ce"
        else f"the true class's logit is {number(optimum.logit_gap)} above {others}; 1 is wanted",
    ]
    if optimum.probability is not None:
        lines.append(
            f"so the true class has probability **{_probability(optimum.probability)}**, and "
            f"guessing has {percent(1 / classes)}"
        )
    if ended := _ended(problem, optimum.loss, "floor"):
        lines.append(ended)
    st.markdown("\n".join(f"- {line}" for line in lines))
    st.caption(
        "The generalised unconstrained features model (GUFM), Definition 3; its optimum is Lemma "
        "9, with the row norm corrected. The theorems say what is best, not that training finds "
        "it, nor that more depth helps a training that is cut short (2604.00230). And they need "
        "residual streams: in deep models of free features without them, collapse of all layers "
        "is not optimal (2405.14468, 2410.23169)."
    )


def _probability(share: float) -> str:
    """Never as certain: the floor is not at infinite logits."""
    return percent(share) if share < 0.999 else f"1 − {number(1 - share)}"


def _told_without(problem: tuple, figure: BestFigure) -> None:
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
        _misfit(problem) + _found(figure),
        f"objective **{number(figure.loss)}**, best known",
        f"angles between classes from {angles[0]:.2f}° to {angles[-1]:.2f}°",
        rows,
        apart,
        "samples of a class still collapse onto one point: NC1 is 0",
    ]
    if not figure.unique:
        # They are of one of them.
        del lines[2:5]
        lines[1] += ": they all come to this"
    if ended := _ended(problem, figure.loss, "best known"):
        lines.append(ended)
    st.markdown("\n".join(f"- {line}" for line in lines))


def _ended(problem: tuple, least: float, name: str) -> str:
    """How far above the least the descent ended, and why; "" where it came to it."""
    way = _descent(*problem)
    above = float(way.loss[-1] - least)
    if above <= ELSEWHERE * least:
        return ""
    sentence = (
        f"the descent above ended **{number(above)}** above the {name}, "
        f"{percent(above / least)} of it, "
    )
    if not way.arrived:
        return (
            sentence + f"cut short after {MOST_STEPS:,} steps: with so small a weight decay the "
            "last of the way is long"
        )
    return sentence + "in a figure that is not the best: where it ends depends on where it starts"


def _misfit(problem: tuple) -> str:
    """Which figure has no room."""
    classes, width, _, loss, bias = problem
    orthogonal = ideal_figure(loss, bias) == "orthogonal"
    named = (
        f"No {classes} classes at right angles to each other fit"
        if orthogonal
        else f"No figure of {classes} equal angles fits"
    )
    return f"**{named}** the {width - 1} dimensions that LayerNorm leaves of d = {width}. "


def _found(figure: BestFigure) -> str:
    """What is the best instead, and how well that is known."""
    starts = f"{figure.agree} of {figure.starts} starts"
    if not figure.unique:
        return (
            f"Instead **many figures are equally good**: {starts} came to the same objective, with "
            "different angles. That none is better is not proved"
        )
    return (
        f"The best known is {figure.words}. {starts} came to it; that none is better is not proved"
    )


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
