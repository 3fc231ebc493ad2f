"""The pre-LN shortcut: at a fixed depth as near to the floor as one likes, with a tiny stream."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import streamlit as st

from app.charts import lines as charts
from app.charts import palette
from app.charts.lines import COUNTED, LOG, MOMENTS, Axes, Chart, Line
from app.components import text, theory
from app.components.readings import Reading
from app.components.shown import look
from app.components.theory import Values
from app.theory.film import ALONE, Film
from app.theory.seen import Seen
from ncengine.analysis.words import number
from ncengine.catalogue.metrics import METRICS
from ncengine.config.sweeps import sweep_grid
from ncengine.runs.run import Run
from ncengine.theory.constructions.construction import Construction, construction
from ncengine.theory.constructions.course import Course, course_of_shortcut

LEAD = (
    "Where LayerNorm sits **inside** each branch, nothing normalises the residual stream itself. "
    "A network of two layers more than there are samples can make its stream tiny: to a tiny "
    "stream even a small weight adds much in comparison, and small weights cost next to nothing. "
    "So it comes as near to the floor as one likes **without any more depth**. This is a finding "
    "of this project, not of the paper."
)
DELTAS = tuple(float(x) for x in np.geomspace(1e-6, 1e-2, 13))
# Whose trained networks stand beside it.
TRAINED_DEPTH = 5
_NO_NC1 = "NC1 is 0 all along: a class of one sample has no spread."
_KEPT = 128


def controls(values: Values) -> None:
    """Sliders: what is built from, and how small the stream becomes."""
    names = ("delta", "classes", "per_class", "width", "weight_decay", "seed")
    theory.draw_values(theory.SHORTCUT, names, values)


def seen(values: Values) -> Seen:
    """Its layers. Raises ValueError where samples lie too close to each other."""
    made, way = _built(values)
    sizes = tuple(values[name] for name in ("classes", "per_class", "width", "seed"))
    rows = made.parameters["last_weight"]
    film = Film(
        name=f"shortcut {sorted(values.items())}",
        alike=f"shortcut {sizes}",
        title=f"The pre-LN shortcut · {made.depth} layers, δ = {values['delta']:g}",
        unit="layer",
        at=way.layer,
        features=way.features,
        labels=made.given.labels,
        rows=np.repeat(rows[None], len(way.layer), axis=0),
        row_norm=float(np.linalg.norm(rows[0])),
    )
    return Seen(film, _readings(made, way), _chart(way), _deltas(values))


def below(values: Values) -> list[Chart]:
    """What it comes to; and networks that training made. Gives the charts."""
    made, _ = _built(values)
    st.markdown(
        f"With **{made.depth}** layers, as for every δ, the gap is **{number(made.gap)}** here, "
        f"{text.share_of(made.gap, made.floor, 'floor')}. Biases and the embedding are not "
        "decayed: so the first block takes away, for nothing, what all samples have in common, and "
        "what is left is tiny. Each further block moves one sample."
    )
    st.markdown(f"##### Trained networks of {TRAINED_DEPTH} layers do it by themselves")
    return _trained()


def _deltas(values: Values) -> Chart:
    lines = _over_delta(float(values["delta"]), *_sizes(values))
    several = int(values["per_class"]) > 1
    axes = Axes(
        "δ, which says how small the stream is", "gap and NC1" if several else "gap", LOG, LOG
    )
    return Chart("delta", axes, lines, "" if several else _NO_NC1)


def _sizes(values: Values) -> tuple:
    names = ("classes", "per_class", "width", "weight_decay", "seed")
    return tuple(values[name] for name in names)


@lru_cache(_KEPT)
def _of(
    classes: int, per_class: int, width: int, weight_decay: float, seed: int, delta: float
) -> Construction:
    return construction(
        classes, per_class, width, weight_decay, seed=seed, network="pre-LN", delta=delta
    )


def _built(values: Values) -> tuple[Construction, Course]:
    made = _of(*_sizes(values), float(values["delta"]))
    return made, course_of_shortcut(made, float(values["weight_decay"]))


def _readings(made: Construction, way: Course) -> list[Reading]:
    per_class = len(made.given.labels) // len(made.given.vertices)
    who = ["no one yet", "takes the common part away"]
    who += [f"{n % per_class + 1} of class {k}" for n, k in enumerate(made.given.labels)]
    streams = way.streams.mean(1)
    return [
        Reading("Moves", who, "Which sample this layer moves."),
        Reading("Norm of the stream", [number(x) for x in streams],
                "Of what all features have in common nothing counts: mean norm of the zero-sum "
                "part, which is all that LayerNorm lets through."),
        Reading("If it ended here", [number(x) for x in way.ended],
                "The objective, if the last layer came right after this one.",
                f"floor {number(made.floor)}"),
        Reading("Hidden decay", [number(x) for x in way.hidden], "Of all layers so far."),
        Reading("NC1", [number(x) for x in way.nc1], METRICS["nc1"].help,
                "" if per_class > 1 else ALONE),
    ]  # fmt: skip


def _chart(way: Course) -> Chart:
    blue, orange, green = palette.CLASS_COLORS[:3]
    lines = [
        Line("largest", orange, way.layer, way.streams.max(1)),
        Line("mean over samples", blue, way.layer, way.streams.mean(1)),
        Line("smallest", green, way.layer, way.streams.min(1)),
    ]
    axes = Axes("layer", "norm of the stream", MOMENTS, LOG)
    return Chart("streams", axes, lines)


def _over_delta(chosen: float, *sizes: float) -> list[Line]:
    deltas = sorted({*DELTAS, chosen})
    made = [_of(*sizes, delta) for delta in deltas]
    gaps, nc1 = [one.gap for one in made], [one.nc1 for one in made]
    return [
        Line("gap to the floor", METRICS["gap"].color, deltas, gaps, chosen=chosen),
        Line("NC1", METRICS["nc1"].color, deltas, nc1, chosen=chosen),
    ]


# Networks that training made.


def _trained() -> list[Chart]:
    found = {
        {"pre": "pre-LN", "post": "post-LN"}[str(config.norm)]: look(config).run
        for config in sweep_grid("two-mechanisms")
        if config.depth == TRAINED_DEPTH
    }
    runs = {name: run for name, run in found.items() if run.layers is not None}
    if not runs:
        st.caption("None of them is at hand: the sweep “Pre-LN against post-LN” trains them.")
        return []
    left, right = st.columns(2, gap="medium")
    lines = [_stream(name, run) for name, run in runs.items()]
    chart = Chart("trained", Axes("layer", "norm of the stream", COUNTED, LOG), lines)
    with left:
        charts.draw(chart)
    with right:
        told = [_in_words(name, run) for name, run in runs.items()]
        st.markdown("\n".join(f"- {line}" for line in told if line))
        st.markdown(
            "Training finds the shortcut by itself. A post-LN network cannot: what the next layer "
            "reads is the normalised stream, of norm √d after every layer."
        )
        st.caption("RN1 on digits, ten classes, d = 64, as the gallery has them.")
    return [chart]


def _stream(name: str, run: Run) -> Line:
    layers = run.layers
    assert layers is not None
    norms = np.nanmean(layers.stream_norm[-1], axis=0)
    color = palette.CLASS_COLORS[0 if name == "pre-LN" else 1]
    return Line(name, color, np.arange(1, len(norms) + 1), norms)


def _in_words(name: str, run: Run) -> str:
    entry = run.summary()
    gaps = [seed["gap"] for seed in entry["seeds"] if seed.get("gap") is not None]
    if not gaps or not run.floor:
        return ""
    gap = float(np.mean(gaps))
    return (
        f"**{name}** ends {number(gap)} above the floor, {text.share_of(gap, run.floor, 'floor')}"
    )
