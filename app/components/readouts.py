"""The row of readouts: where a run stands, each with its course so far."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape

import numpy as np
import streamlit as st

from app.components import text
from app.engine import shared
from ncengine.analysis import over_seeds, words
from ncengine.catalogue.architectures import architecture_info
from ncengine.catalogue.metrics import METRICS, Metric, Of, Place, Scale, of_test, shown_in
from ncengine.runs.earlier import why_not_recorded
from ncengine.runs.run import Run, Status
from ncengine.theory.optimum import UNPROVED, Least, why_no_figure
from ncengine.theory.trivial import trivial

# So small is an NC3 that is 0 but for rounding.
NOTHING = 1e-6
SPARK_POINTS = 60
SPARK_WIDTH, SPARK_HEIGHT = 100, 24


@dataclass(frozen=True)
class Readout:
    """One readout.

    `course` is what the sparkline draws and `values` the plain values, in the order of the points;
    `say` writes one of them.
    """

    label: str
    value: str
    note: str
    help: str
    color: str
    course: np.ndarray
    values: np.ndarray
    say: Callable[[float], str] = text.number


def draw(run: Run) -> None:
    """All readouts of the run, as means over the seeds that did not diverge."""
    st.html(shared.once(run, "readouts", lambda: html(run)))
    without = why_no_figure(run.config)
    if without:
        # Of a finished run the reason stands above, for it is what is against collapse.
        why = "" if run.status is Status.DONE else f": {without}"
        st.caption(
            f"**More classes than fit**{why}. So no floor in closed form bounds the objective, and "
            f"NC2 cannot come to 0.{_instead(run)}"
        )


def _instead(run: Run) -> str:
    """What stands in the place of floor and simplex, as a sentence that goes on."""
    if run.best_figure is None:
        return ""
    words = f"**{run.best_figure.words}**" if run.ideal else run.best_figure.words
    return (
        f" In their place: {words}. What {'it costs' if run.ideal else 'they cost'} is {UNPROVED}."
    )


def draw_few(run: Run) -> None:
    """Those that are compared between runs, without their courses, for a narrow place."""
    st.html(shared.once(run, "few readouts", lambda: html(run, few=True)))


def html(run: Run, few: bool = False) -> str:
    """HTML of the row, or of those that are compared alone."""
    row = readouts(run)
    if few:
        named = {metric.title for metric in shown_in(Place.COMPARE) if Of.FEATURES in metric.of}
        # The objective, or where there is one its gap, which stands next.
        chosen = [readout for readout in row if readout.label in named]
        row = [row[0] if run.least is None else row[1], *chosen]
    cells = "".join(cell(n, readout, course=not few) for n, readout in enumerate(row))
    # Names of what is not proved are long.
    kind = "readouts" + " few" * few + " long" * bool(run.best_figure)
    return f'<div class="{kind}" data-moments="{escape(_moments(run, row))}">{cells}</div>'


def _moments(run: Run, row: list[Readout]) -> str:
    """JSON of the values at each snapshot, for the player to show where it is."""
    epochs = [] if run.geometry is None else run.geometry.epoch.tolist()
    points = {int(passes): n for n, passes in enumerate(over_seeds.passes(run))}
    at_hand = [epoch for epoch in epochs if epoch in points]
    shown = [[readout.say(readout.values[points[epoch]]) for epoch in at_hand] for readout in row]
    return json.dumps({"run": run.key, "epoch": at_hand, "shown": shown}, ensure_ascii=False)


def figures(run: Run, angles: Mapping[int, float]) -> str:
    """HTML of the figures that matter to an audience: NC1, the gap in shares of the floor, angles.

    Args:
        angles: by pass, by how many degrees the worst angle between class means is off.
    """
    nc1 = next(r for r in _collapse(run) if r.label == METRICS["nc1"].title)
    row = [nc1]
    if run.least is not None:
        row.append(_gap_of_least(run, run.least))
    if run.config.classes > 2 and angles:
        passes = over_seeds.passes(run)
        course = np.array([angles.get(int(at), np.nan) for at in passes])
        row.append(
            Readout(
                "Worst angle", _degrees(_last(course)), "", "", "", course, course, say=_degrees
            )
        )
    cells = "".join(
        f'<div class="readout"><div class="label">{escape(readout.label)}</div>'
        f'<div class="value">{escape(readout.value)}</div><div class="note"></div></div>'
        for readout in row
    )
    moments = escape(_moments(run, row))
    return f'<div class="readouts presented" data-moments="{moments}">{cells}</div>'


def _gap_of_least(run: Run, least: Least) -> Readout:
    course = over_seeds.mean_over_seeds(run, over_seeds.gap_name(run)) / least.value
    last = _last(course)
    return Readout(f"Gap / {least.name}", text.number(last), "", "", "", course, course)


def _degrees(angle: float | None) -> str:
    return text.MISSING if angle is None or not np.isfinite(angle) else f"{angle:.1f}°"


def readouts(run: Run) -> list[Readout]:
    """What the row shows, from left to right."""
    gap = [] if run.least is None else [_gap(run, run.least)]
    return [_objective(run), *gap, *_collapse(run), *_shares(run)]


def _objective(run: Run) -> Readout:
    course = over_seeds.mean_over_seeds(run, "loss")
    network = architecture_info(run.config.architecture).has_network
    subject = "network of this shape" if network else "features"
    note, bound = "", ""
    if run.least is not None:
        note = f"{run.least.name} {text.number(run.least.value)}"
        bound = f" No {subject} can get below the floor."
        if not run.least.proved:
            bound = f" Beside it stands {UNPROVED}."
    return Readout(
        "Objective",
        text.number(_last(course)),
        note,
        METRICS["loss"].help + bound,
        METRICS["loss"].color,
        _log10(course),
        course,
    )


def _gap(run: Run, least: Least) -> Readout:
    metric = METRICS[over_seeds.gap_name(run)]
    course = over_seeds.mean_over_seeds(run, metric.name)
    last = _last(course)
    return Readout(
        f"Gap to {least.name}",
        text.number(last),
        "" if last is None else text.share_of(last, least.value, least.name),
        metric.help,
        metric.color,
        _log10(course),
        course,
    )


def _collapse(run: Run) -> list[Readout]:
    shown = [metric for metric in _of_features() if metric.scale is not Scale.SHARE]
    names = dict.fromkeys(metric.asked_as or metric.name for metric in shown)
    group = []
    for metric in (METRICS[run.config.curve(name)] for name in names):
        read = _logarithmic if metric.scale is Scale.LOG else _linear
        group.append(read(run, metric, metric.name, metric.title))
        if metric.name == run.config.nc2_name and run.ideal:
            known = METRICS["nc2_known"]
            group.append(_logarithmic(run, known, known.name, known.title))
        if Place.READOUTS in metric.shown_of_test:
            group.append(read(run, metric, of_test(metric.name), f"Test {metric.title}"))
    return group


def _why_absent(run: Run, metric: Metric, curve: str) -> str:
    """Why a run has none of this, for a note; "" where it has."""
    if curve != metric.name and not architecture_info(run.config.architecture).has_network:
        return "no network"
    return why_not_recorded(run, curve)


def _linear(run: Run, metric: Metric, curve: str, label: str) -> Readout:
    course = over_seeds.mean_over_seeds(run, curve)
    value, note = text.number(_last(course)), _why_absent(run, metric, curve)
    return Readout(label, value, note, metric.help, metric.color, course, course)


def _of_features() -> list[Metric]:
    return [metric for metric in shown_in(Place.READOUTS) if Of.FEATURES in metric.of]


def _logarithmic(run: Run, metric: Metric, curve: str, name: str) -> Readout:
    help, color = metric.help, metric.color
    if curve == run.config.nc2_name:
        why = why_no_figure(run.config)
        help += f" It cannot come to 0: {why}." if why else " 0: perfect."
    if curve == "nc3" and run.ideal and run.ideal.nc3 > NOTHING:
        own = text.number(run.ideal.nc3)
        help += f" Of the best known figure it is {own}: rows and means part ways there."
    course, _ = over_seeds.log_mean_and_deviation(run, curve)
    values, last = over_seeds.typical_over_seeds(run, curve), over_seeds.last_values(run, curve)
    nothing = trivial(run.config.classes, run.config.samples_per_class).get(curve, "")
    if nothing:
        help = f"Tells nothing here: {nothing}. {help}"
    odd = {text.number(0): last.zero, text.number(np.inf): last.infinite}
    if last.mean is None:
        value = " and ".join(shown for shown, seeds in odd.items() if seeds) or text.MISSING
        by_definition = nothing and not last.infinite
        note = "0 by definition" if by_definition else _why_absent(run, metric, curve)
        return Readout(name, value, note, help, color, course, values)
    log = text.power_of_ten(last.mean)
    help += f" {log}: it is 10 to that power."
    if last.seeds > 1:
        help += f" Over the seeds, {log} ± {last.deviation:.2f}."
    without = [f"{words.named(seeds)} ({shown})" for shown, seeds in odd.items() if seeds]
    note = f"without {', '.join(without)}" if without else "tells nothing here" if nothing else log
    return Readout(name, text.number(10**last.mean), note, help, color, course, values)


def _shares(run: Run) -> list[Readout]:
    group = []
    for metric in _of_features():
        if metric.scale is not Scale.SHARE:
            continue
        group.append(_share(run, metric, metric.name, f"Train {metric.title}", "Training samples."))
        if Place.READOUTS in metric.shown_of_test:
            of_whom = "Samples that training never saw."
            group.append(_share(run, metric, of_test(metric.name), f"Test {metric.title}", of_whom))
    return group


def _share(run: Run, metric: Metric, curve: str, label: str, of_whom: str) -> Readout:
    course = over_seeds.mean_over_seeds(run, curve)
    value, note = text.accuracy(_last(course)), _why_absent(run, metric, curve)
    help = f"{metric.help} {of_whom}"
    return Readout(label, value, note, help, metric.color, course, course, say=text.accuracy)


def _last(course: np.ndarray) -> float | None:
    finite = course[np.isfinite(course)]
    return float(finite[-1]) if len(finite) else None


def _log10(course: np.ndarray) -> np.ndarray:
    return np.log10(np.where(course > 0, course, np.nan))


def cell(n: int, readout: Readout, course: bool = True) -> str:
    """HTML of the n-th readout of a row, with its `course` or without."""
    told = {
        "label": readout.label,
        "value": readout.value,
        "note": readout.note,
        "why": readout.help,
    }
    parts = {
        part: f'<div class="{part}" id="{_id(n, part)}">{escape(words)}</div>'
        for part, words in told.items()
    }
    # What it is called to who comes to it by keys, and by what it is explained.
    name = " ".join(_id(n, part) for part in told if part != "why")
    return (
        f'<div class="readout" tabindex="0" role="group" aria-labelledby="{name}" '
        f'aria-describedby="{_id(n, "why")}">{parts["label"]}{parts["value"]}{parts["note"]}'
        + f'<div class="spark">{_sparkline(readout.course, readout.color)}</div>' * course
        + f"{parts['why']}</div>"
    )


def _id(n: int, part: str) -> str:
    return f"readout-{n}-{part}"


def _sparkline(course: np.ndarray, color: str) -> str:
    """The course as a line without axes. Points are log-spaced in time already."""
    finite = course[np.isfinite(course)]
    points = finite[np.linspace(0, len(finite) - 1, min(len(finite), SPARK_POINTS)).astype(int)]
    if not len(points):
        return ""
    low, high = points.min(), points.max()
    y = 2 + (SPARK_HEIGHT - 4) * (1 - (points - low) / ((high - low) or 1))
    x = np.linspace(0, SPARK_WIDTH, len(points))
    if len(points) == 1:  # a dash in the middle: of one point there is no line
        x, y = np.array([0.4, 0.6]) * SPARK_WIDTH, np.full(2, SPARK_HEIGHT / 2)
    line = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    drawing = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SPARK_WIDTH} {SPARK_HEIGHT}" '
        f'preserveAspectRatio="none"><polyline points="{line}" fill="none" stroke="{color}" '
        'stroke-width="2" stroke-linejoin="round" vector-effect="non-scaling-stroke"/></svg>'
    )
    # As an image: Streamlit takes inline SVG out of HTML.
    coded = b64encode(drawing.encode()).decode()
    return f'<img alt="" src="data:image/svg+xml;base64,{coded}">'
