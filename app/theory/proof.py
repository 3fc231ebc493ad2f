"""The proof of Theorem 4, running: a network that is built, and no training at all."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import streamlit as st

from app.charts import depth, palette
from app.charts import lines as charts
from app.charts.lines import LOG, MOMENTS, Axes, Chart, Line
from app.components import text, theory
from app.components.readings import Reading
from app.components.theory import Value, Values
from app.engine import sweep
from app.theory.film import ALONE, Film
from app.theory.seen import Seen
from ncengine.analysis.words import number, signed
from ncengine.catalogue.metrics import METRICS
from ncengine.config.gallery import row
from ncengine.theory.constructions.costs import COUNTED, Costs, costs, last_layer
from ncengine.theory.constructions.course import Course, course
from ncengine.theory.constructions.planned import CONDITIONS, Planned, planned
from ncengine.theory.gufm import GufmOptimum, gufm_optimum

LEAD = (
    "Theorem 4 is proved by **building** a network that does it, block by block, from the data. "
    "First each sample travels alone along a curve to a cap around its class's corner of the "
    "simplex, and no block touches any other sample; then class by class the samples settle into "
    "the corner. With more blocks each step is smaller, and small steps cost next to nothing: the "
    "cost of a weight is its square."
)
# Budgets of the law, L_1 = L_2: powers of two.
BUDGETS = tuple(2**n for n in range(4, 25))
_KEPT = 64


@dataclass(frozen=True)
class _Built:
    """The network that sliders stand at."""

    plan: Planned
    optimum: GufmOptimum
    course: Course
    costs: Costs


def controls(values: Values) -> None:
    """Sliders: what is built from, and how deep."""
    part = theory.PROOF
    theory.draw_values(part, ("classes", "per_class", "width", "weight_decay", "seed"), values)
    theory.draw_values(part, ("travel", "settle", "margin", "network"), values)


def seen(values: Values) -> Seen:
    """The network's layers. Raises ValueError where samples lie too close to each other."""
    built, network = _built(values), str(values["network"])
    made = built.course
    sizes = tuple(values[name] for name in ("classes", "per_class", "width", "seed", "network"))
    budget = built.costs.budget
    rows = last_layer(built.plan.given, built.optimum)
    film = Film(
        name=f"proof {sorted(values.items())}",
        alike=f"proof {sizes} {budget}",
        title=f"{network} as in the proof · {built.costs.depth:,} layers",
        unit="layer",
        at=made.layer,
        features=made.features,
        labels=built.plan.given.labels,
        rows=np.repeat(rows[None], len(made.layer), axis=0),
        row_norm=built.optimum.row_norm,
    )
    return Seen(film, _readings(built), _chart(built), _sizes(built))


def below(values: Values) -> list[Chart]:
    """The conditions, and the law; gives the charts."""
    built = _built(values)
    st.markdown("##### The conditions of the proof")
    _conditions(built)
    st.markdown("##### The law: how fast depth brings the gap down")
    return _law(values, built)


def _built(values: Values) -> _Built:
    names = "classes per_class width weight_decay travel settle margin network seed".split()
    return _made(*(values[name] for name in names))


@lru_cache(_KEPT)
def _made(
    classes: int,
    per_class: int,
    width: int,
    weight_decay: float,
    travel: int,
    settle: int,
    margin: float,
    network: str,
    seed: int,
) -> _Built:
    plan, optimum = _plan(classes, per_class, width, margin, seed, weight_decay)
    budget = travel, settle
    return _Built(
        plan,
        optimum,
        course(plan, weight_decay, optimum, budget, network),
        costs(plan, weight_decay, optimum, budget, network),
    )


def _plan(
    classes: int, per_class: int, width: int, share: float, seed: int, weight_decay: float
) -> tuple[Planned, GufmOptimum]:
    plan = planned(classes, per_class, width, seed)
    if share < 1:
        plan = planned(classes, per_class, width, seed, share * plan.curves.margin)
    return plan, gufm_optimum(classes, width, weight_decay)


def _readings(built: _Built) -> list[Reading]:
    made = built.course
    labels = built.plan.given.labels
    per_class = len(labels) // len(built.plan.given.vertices)
    who = [
        f"{made.mover[f] % per_class + 1} of class {made.moved[f]}"
        if made.mover[f] >= 0
        else f"class {made.moved[f]}"
        if made.moved[f] >= 0
        else "no one yet"
        for f in range(len(made.layer))
    ]
    return [
        Reading("Moves", who, "Which sample of which class, or which class as a whole."),
        Reading("If it ended here", [number(x) for x in made.ended],
                "The objective, if the last layer came right after this one.",
                f"floor {number(built.costs.floor)}"),
        Reading("Hidden decay", [number(x) for x in made.hidden],
                "Of all layers so far: λ/2 times the squares of their weights."),
        Reading("NC1", [number(x) for x in made.nc1], METRICS["nc1"].help,
                "" if per_class > 1 else ALONE),
    ]  # fmt: skip


def _chart(built: _Built) -> Chart:
    made, colors = built.course, palette.OBJECTIVE_COLORS
    ends = [made.layer[0], made.layer[-1]]
    lines = [
        Line("objective, if it ended here", METRICS["loss"].color, made.layer, made.ended),
        Line("hidden decay so far", colors["hidden decay"], made.layer, made.hidden),
        Line("floor", colors["floor"], ends, [built.costs.floor] * 2, dashed=True),
    ]
    return Chart("course", Axes("layer", "objective", MOMENTS, LOG), lines)


def _sizes(built: _Built) -> Chart:
    made = built.course
    lines = [
        Line(
            f"class {k}",
            palette.CLASS_COLORS[k % len(palette.CLASS_COLORS)],
            made.layer[made.moved == k],
            made.size[made.moved == k],
            points=True,
        )
        for k in range(len(built.plan.given.vertices))
    ]
    axes = Axes("layer", "norm of its weights", MOMENTS, LOG)
    caption = "The norm of a layer's weights, in the colour of the class that it moves."
    return Chart("sizes", axes, lines, caption)


def _conditions(built: _Built) -> None:
    space = "\N{NO-BREAK SPACE}"
    lines = [
        f"{':green[✓]' if holds else ':red[✗ not so]'}{space}**{n}**{space}{what}"
        for n, (holds, what) in enumerate(zip(built.plan.conditions, CONDITIONS, strict=True), 1)
    ]
    st.markdown("; ".join(lines) + ".")
    margin, found = built.plan.curves.margin, built.costs
    share = text.share_of(found.gap, found.floor, "floor")
    st.markdown(
        f"With a margin of m = **{number(margin)}**, who travels never has a cosine above 1 − m "
        f"with another sample. The network of **{found.depth:,}** layers is "
        f"**{number(found.gap)}** above the floor, {share}: "
        f"{number(found.decay_travel)} for travelling, {number(found.decay_settle)} for settling, "
        f"{number(max(found.fit_gap, 0.0))} of misfit."
    )
    st.caption(
        "Where the great circle to a corner passes too near another sample, the curve makes a "
        "detour. Steps go along the tangent, by as much as lands on the curve's next point after "
        "LayerNorm; with the direction of eq. (16), along the chord, a sample would land halfway."
    )


# The law.


def _law(values: Values, built: _Built) -> list[Chart]:
    names = ("classes", "per_class", "width", "margin", "seed", "weight_decay")
    sizes = tuple(values[name] for name in names)
    one, two = _laws(*sizes, "RN1"), _laws(*sizes, "RN2")
    trained = _trained(*(values[name] for name in ("classes", "width", "weight_decay")))
    axes = Axes("total depth L", "gap in shares of the floor", LOG, LOG)
    law = Chart("law", axes, _gap_lines(one, two, trained, built))
    decays = Chart(
        "decays", Axes("blocks L₁ = L₂", "hidden decay", LOG, LOG), _decay_lines(one, two)
    )
    for column, chart in zip(st.columns(2, gap="medium"), (law, decays), strict=True):
        with column:
            charts.draw(chart)
    st.markdown(_law_words(one, two, trained))
    beside = (
        "Points: RN1 of the gallery, trained on MNIST with K = 4, d = 4, λ = 0.005 and 2,000 "
        "samples, which is more than the proof's network has here."
        if trained
        else "Trained networks of the gallery stand beside it at K = 4, d = 4 and λ = 0.005."
    )
    st.caption(
        "Dashed: what the proof says of RN1 at most, 32 d π² λ N/(L₁ m²) for travelling and "
        f"2⁷ N d λ log²(L₂)/(m² L₂) for settling, of N = K n samples. {beside} A theorem "
        "of what is best says nothing of what training finds."
    )
    return [law, decays]


@lru_cache(_KEPT)
def _laws(
    classes: int,
    per_class: int,
    width: int,
    share: float,
    seed: int,
    weight_decay: float,
    network: str,
) -> tuple[Costs, ...]:
    plan, optimum = _plan(classes, per_class, width, share, seed, weight_decay)
    return tuple(costs(plan, weight_decay, optimum, (b, b), network) for b in BUDGETS)


def _trained(*problem: Value) -> tuple[tuple[float, float], ...]:
    """(depth, gap over floor) of the networks of the gallery's first row that are at hand.

    Only those of the same classes, width and weight decay: others have another floor.
    """
    points = [
        p
        for p in sweep.look(row("first"))
        if (p.config.classes, p.config.width, p.config.weight_decay) == problem
    ]
    runs = [(p.config, p.key, p.now.entry) for p in points if p.finished and p.now.entry]
    found = []
    for (config, _, entry), gaps in zip(runs, depth.values(runs, "gap"), strict=True):
        if entry["floor"] and np.isfinite(gaps).any():
            found.append((float(config.depth), float(np.nanmean(gaps) / entry["floor"])))
    return tuple(found)


def _gap_lines(
    one: tuple[Costs, ...],
    two: tuple[Costs, ...],
    trained: tuple[tuple[float, float], ...],
    built: _Built,
) -> list[Line]:
    blue, orange, _, violet, *_ = palette.CLASS_COLORS
    bounds = [(c.bound_travel + c.bound_settle) / c.floor for c in one]
    depths = [c.depth for c in one]
    lines = [
        Line("RN1 of the proof", blue, depths, [c.gap / c.floor for c in one]),
        Line("RN2 of the proof", orange, depths, [c.gap / c.floor for c in two]),
        Line("bound of RN1", palette.NEUTRAL, depths, bounds, dashed=True),
    ]
    now = built.costs
    at = [now.depth], [now.gap / now.floor]
    lines.append(Line("network above", palette.CLASS_COLORS[2], *at, points=True))
    if trained:
        x, y = zip(*trained, strict=True)
        lines.append(Line("trained RN1", violet, x, y, points=True))
    return lines


def _decay_lines(one: tuple[Costs, ...], two: tuple[Costs, ...]) -> list[Line]:
    blue, orange, _, violet, *_ = palette.CLASS_COLORS
    return [
        Line("travelling", blue, BUDGETS, [c.decay_travel for c in one]),
        Line("bound of travelling", blue, BUDGETS, [c.bound_travel for c in one], dashed=True),
        Line("settling", orange, BUDGETS, [c.decay_settle for c in one]),
        Line("bound of settling", orange, BUDGETS, [c.bound_settle for c in one], dashed=True),
        Line("RN2, travelling", violet, BUDGETS, [c.decay_travel for c in two]),
    ]


def _law_words(
    one: tuple[Costs, ...], two: tuple[Costs, ...], trained: tuple[tuple[float, float], ...]
) -> str:
    # Of more blocks not every one is counted by itself.
    far = [c for c in one if COUNTED / 16 <= c.budget[0] <= COUNTED]
    blocks = np.log([c.budget[0] for c in far])
    travel = np.polyfit(blocks, np.log([c.decay_travel for c in far]), 1)[0]
    settle = [c.decay_settle * c.budget[1] / np.log(c.budget[1]) ** 2 for c in far]
    change = max(settle) / min(settle) - 1
    words = [
        "With **one linear layer a block** (RN1) the cost of travelling goes as L₁ to the power "
        f"**{signed(travel)}**, that of settling as log²(L₂)/L₂, to within "
        f"{max(100 * change, 0.1):.1f} %.",
        f"With **two linear layers a block** (RN2) travelling costs {number(two[-1].decay_travel)} "
        "at any depth: a change of size c is paid with 2 c instead of c², and many small changes "
        "are no cheaper than few large ones. Settling even costs more with depth, in proportion to "
        "log(L₂). Only a weight decay that falls with depth helps (Theorem 10).",
    ]
    if trained:
        at, share = min(trained, key=lambda point: point[1])
        # Where the deepest does not come as near, it says at least that.
        within = one[-1].gap / one[-1].floor <= share
        deep = _depth_for(one, share)
        words.append(
            f"The best of the trained networks, of **{at:.0f}** layers, is "
            f"{100 * share:.1f} % of the floor above it. The proof's RN1 needs "
            f"{'about' if within else 'more than'} **{_rounded(deep)}** layers for that, "
            f"{_rounded(deep / at)} times as many: the proof shows that depth suffices, training "
            "finds far better ways."
        )
    return "\n\n".join(words)


def _rounded(count: float) -> str:
    """To two digits: "7,500,000"."""
    return f"{float(f'{count:.1e}'):,.0f}"


def _depth_for(made: tuple[Costs, ...], share: float) -> float:
    """At which depth the gap is that share of the floor, between the budgets that are known."""
    gaps = np.log([c.gap / c.floor for c in made])[::-1]
    depths = np.log([float(c.depth) for c in made])[::-1]
    return float(np.exp(np.interp(np.log(share), gaps, depths)))
