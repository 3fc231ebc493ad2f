"""What all charts share: axes, legends, the reading line, sizes.

A chart whose data change is updated in place; one whose spec changes is embedded anew, and
loses zoom. So a spec is built once, without data, and nothing computed from data goes in.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from app.charts import palette
from ncengine.theory.optimum import BEST_KNOWN, FLOOR

CURVE_HEIGHT = 292
PASSES = "passes over the data"
# Pixels for an axis and its labels, of which "10,000" and "1e−12" are the widest.
EXTENT = 54
SOLID, DASHED = [1, 0], [7, 5]
# Pixels of text; where a chart fills the window, as on a projector, it is larger. The page itself
# has no chart that is so high.
HIGH = 450
TEXT, SMALL_TEXT = ({"expr": f"height > {HIGH} ? 22 : {size}"} for size in (14, 13))
# Of text for an audience, as in static/stage.css.
_OF_WINDOW = "clamp(windowSize()[1] / 40, 20, 40)"
# What grows with the text, and by which power of it.
_GROWS = {"strokeWidth": 1, "symbolStrokeWidth": 1, "size": 2, "symbolSize": 2}
# A legend's symbols that show whether a line is dashed.
LONG_SYMBOLS = {"symbolSize": 500, "symbolStrokeWidth": 3}
# The longest that leave room for the names of all parts in a narrow window.
MIDDLE_SYMBOLS = {"symbolSize": 300, "symbolStrokeWidth": 3, "labelFontSize": SMALL_TEXT}

# Pixels of a legend's stroke with what is beside it, and of a letter of a name, as a mean.
_STROKE, _LETTER = 30, 6.6
_WIDER = 0.6  # by so many letters a capital is wider than others
# Pixels that a window leaves a chart's legend: on a phone beside margins and axis, in one that is
# not wide in the narrower of two columns beside the sidebar. A wide one has enough, and so has what
# is printed, where there is no window and nothing is less than its size.
_FOR_LEGEND = (
    "(windowSize()[0] <= 640 ? windowSize()[0] - 140 "
    ": windowSize()[0] <= 1250 ? 0.44 * windowSize()[0] - 257 : 1000)"
)
# Before an audience, beside the player; on a phone below it.
_BESIDE = "(windowSize()[0] <= 640 ? windowSize()[0] - 140 : 0.4 * windowSize()[0] - 160)"

_PASS_TICKS = (0, *(m * 10**e for e in range(6) for m in (1, 3)))
VALUE_TICKS = tuple(float(f"{m}e{e}") for e in range(-15, 10) for m in (1, 2, 5))
# Powers of ten where a number is small or large, written as in text: 1e−6, 10,000, 1e5.
TICK_WORDS = (
    "datum.value < 0.0009 || datum.value > 90000 "
    "? replace(replace(format(datum.value, '~e'), '-', '−'), '+', '') : format(datum.value, ',~g')"
)
_TICK_LABEL = (
    "domain('y')[1] / domain('y')[0] > 200 && "
    "abs(log(datum.value) / LN10 - round(log(datum.value) / LN10)) > 0.01 "
    "? '' : domain('y')[1] / domain('y')[0] < 1.001 ? format(datum.value, '.9~g') : "
    f"{TICK_WORDS}"
)
# From this ratio of its ends on, an axis has two ticks of a list whose gaps are up to 10/3.
_ENOUGH = 11.2
# In so many parts an axis of what is counted is parted at least, where that leaves whole numbers.
_COUNTED = 6
# Where all is at one place, an axis shows as much less and as much more, as factors.
ROOM = 3.0


def single(values: Any) -> np.ndarray:
    """Numbers as charts are sent them; what is beyond single precision has no place on them."""
    with np.errstate(over="ignore"):
        return np.asarray(values).astype(np.float32)


def altair() -> Any:
    """The module, slow to import, once it is safe to."""
    # Altair asks whatever pandas it finds, even one that another thread is only half through
    # importing. Importing pandas here waits until that thread is done.
    import pandas  # noqa: F401, I001
    import altair

    return altair


def ticks(alt: Any, channel: str, listed: tuple[float, ...], least: float = 0.0) -> Any:
    """Where an axis that is no linear one has ticks: at least two, however near its ends are.

    Those listed, and between ends for which these are too far apart, as on a linear axis: by steps
    of 1, 2 or 5 times a power of ten, and no less than `least`. Vega works it out as the data come.
    """
    low, high = _ends(channel)
    step = f"max({least}, {_step(f'({high} - {low})', 3)})"
    apart = f"{low} <= 0 || {high} / {low} > {_ENOUGH}"
    even = _even(channel, step, f"ceil({low} / {step}) * {step}")
    return alt.ExprRef(f"{apart} || !({high} > {low}) ? {list(listed)} : {even}")


def whole_ticks(alt: Any, channel: str) -> Any:
    """Where a linear axis of what is counted from 1 has ticks: at whole numbers, each once.

    By steps of 1, 2 or 5 times a power of ten. Of `tickMinStep` Vega has halves between near ends,
    which are then written as whole numbers.
    """
    low, high = _ends(channel)
    step = f"max(1, {_step(f'max(1, {high} - {low})', _COUNTED)})"
    return alt.ExprRef(_even(channel, step, f"max(1, ceil({low} / {step})) * {step}"))


def _ends(channel: str) -> tuple[str, str]:
    """Expressions of an axis's ends."""
    return f"domain('{channel}')[0]", f"domain('{channel}')[1]"


def _step(span: str, parts: int) -> str:
    """An expression of 1, 2 or 5 times a power of ten, the most of which a span holds so many."""
    part = f"({span} / {parts})"
    power = f"pow(10, floor(log{part} / LN10))"
    return f"({part} < 2 * {power} ? {power} : {part} < 5 * {power} ? 2 * {power} : 5 * {power})"


def _even(channel: str, step: str, first: str) -> str:
    """An expression of the multiples of a step on an axis, from the first of them on."""
    return f"sequence({first}, {_ends(channel)[1]} + {step} / 1000, {step})"


def passes_axis(alt: Any, name: str = "passes") -> Any:
    values = ticks(alt, "x", _PASS_TICKS, 1)
    return alt.X(
        f"{name}:Q",
        title=PASSES,
        scale=alt.Scale(type="symlog", constant=1, nice=False, zero=False),
        axis=alt.Axis(values=values, format=",d", labelOverlap="greedy", grid=False),
    )


def _value_ticks(alt: Any, least: float) -> Any:
    """Of an axis that spans many powers of ten, as where a run diverges, every n-th of these."""
    low, high = _ends("y")
    some = str(_every(10))
    for most, step in ((40, 5), (20, 3), (14, 2), (8, 1)):
        some = f"{high} / {low} < 1e{most} ? {_every(step)} : {some}"
    usual = ticks(alt, "y", VALUE_TICKS, least).expr
    beyond = f"({low} < 1e-15 || {high} > 2e9) && {high} / {low} > 100"
    return alt.ExprRef(f"{low} > 0 && ({high} / {low} > 1e8 || {beyond}) ? ({some}) : ({usual})")


def _every(step: int) -> list[float]:
    """Powers of ten that charts can show, see `single`, whose exponents are multiples of a step."""
    return [float(f"1e{e}") for e in range(-40, 39) if e % step == 0]


def value_axis(alt: Any, name: str, title: str, least: float = 0.0) -> Any:
    """A logarithmic axis; between near ends its ticks are no less than `least` apart."""
    values = _value_ticks(alt, least)
    return alt.Y(
        f"{name}:Q",
        title=title,
        scale=alt.Scale(type="log", nice=False, padding=8),
        axis=alt.Axis(
            values=values,
            labelExpr=_TICK_LABEL,
            labelOverlap="greedy",
            # Ticks come with the data. A title beside labels wider than at first would be cut.
            minExtent=alt.ExprRef(f"windowSize()[0] > 0 ? {EXTENT} : 0"),
        ),
    )


def alone(chart: Any, group: str, *, rule: bool = False) -> Any:
    """A mark for each line that has one point alone, and could not be seen.

    Args:
        chart: with the data's transforms and encodings, and no mark.
        group: the field that tells the lines apart.
        rule: a rule over a range, and no point.
    """
    lonely = chart.transform_joinaggregate(alone="count()", groupby=[group])
    lonely = lonely.transform_filter("datum.alone == 1")
    if rule:
        return lonely.mark_rule(strokeWidth=2, opacity=0.5, clip=True)
    return lonely.mark_point(filled=True, size=90, clip=True)


def room(alt: Any, chart: Any, value: str, title: str = "") -> list[Any]:
    """What is not seen, and gives an axis ends on which all is at one place.

    Args:
        chart: with the data's transforms alone.
        value: the field on the y axis.
        title: of that axis, where it is logarithmic; else it has ends of its own.
    """
    ends = chart.transform_joinaggregate(
        first="min(passes)", last="max(passes)", least=f"min({value})", most=f"max({value})"
    )
    across = (
        ends.transform_filter("datum.first == datum.last")
        .transform_calculate(room_low="0", room_high=f"{ROOM} * max(1, datum.last)")
        .mark_rule(opacity=0, clip=True)
        .encode(x=passes_axis(alt, "room_low"), x2="room_high:Q")
    )
    if not title:
        return [across]
    up = (
        ends.transform_filter("datum.least == datum.most && datum.least > 0")
        .transform_calculate(room_low=f"datum.least / {ROOM}", room_high=f"datum.least * {ROOM}")
        .mark_rule(opacity=0, clip=True)
        .encode(x=passes_axis(alt), y=value_axis(alt, "room_low", title), y2="room_high:Q")
    )
    return [across, up]


def columns(alt: Any, names: Iterable[str], most: int) -> Any:
    """In how many columns a legend of these names stands; as many as have room."""
    # By the window and not by the chart, whose own width comes of a layout with the legend in it.
    lengths = [len(name) + _WIDER * sum(map(str.isupper, name)) for name in names]
    some = "1"
    for count in range(2, most + 1):
        longest = [max(lengths[column::count], default=0) for column in range(count)]
        room = sum(_STROKE + _LETTER * length for length in longest)
        some = f"{_FOR_LEGEND} >= {room:.0f} ? {count} : {some}"
    return alt.ExprRef(some)


def legend_layout(alt: Any, names: Iterable[str], **layout: Any) -> Any:
    """A legend above the chart, of strokes and their names."""
    usual = {
        "columns": columns(alt, names, 3),
        "columnPadding": 4,
        "symbolType": "stroke",
        "symbolOpacity": 1,
    }
    return alt.Legend(title=None, orient="top", direction="horizontal", **{**usual, **layout})


def dashes(alt: Any, name: str, domain: tuple[str, ...], **layout: Any) -> Any:
    """Dashed: the floor, or what is known in its place, and what is of test samples.

    In the one legend of colours and dashes.
    """
    dashed = [value in (FLOOR, BEST_KNOWN) or "test" in value for value in domain]
    dashes = [DASHED if one else SOLID for one in dashed]
    return alt.StrokeDash(
        f"{name}:N",
        sort=None,
        scale=alt.Scale(domain=list(domain), range=dashes),
        legend=legend_layout(alt, domain, **layout),
    )


def legend(alt: Any, name: str, colors: dict[str, str], **layout: Any) -> Any:
    return alt.Color(
        f"{name}:N",
        sort=None,
        scale=alt.Scale(domain=list(colors), range=list(colors.values())),
        legend=legend_layout(alt, colors, **layout),
    )


def legend_toggle(alt: Any, name: str) -> Any:
    return alt.selection_point(name="shown", fields=[name], bind="legend", toggle="true")


def zoom(alt: Any) -> Any:
    return alt.selection_interval(name="zoom", bind="scales")


def rule(alt: Any, tooltip: list[Any]) -> Any:
    """A vertical line at the point nearest to the pointer, with all values in its tooltip."""
    near = alt.selection_point(
        name="near",
        nearest=True,
        on="pointermove",
        clear="pointerout",
        encodings=["x"],
        empty=False,
    )
    return (
        alt.Chart()
        .mark_rule(color=palette.NEUTRAL, strokeWidth=1.5)
        .encode(
            x="passes:Q",
            opacity=alt.condition(near, alt.value(0.9), alt.value(0)),
            tooltip=tooltip,
        )
        .add_params(near)
    )


def filling(spec: dict[str, Any], beside: bool = False) -> dict[str, Any]:
    """The same chart for an audience: as high as there is room, sized by the window.

    Args:
        beside: whether it stands beside the player, which leaves two fifths of the window.
    """
    bare = {name: value for name, value in spec.items() if name != "height"}
    filled = _enlarged(bare, room=_BESIDE if beside else _FOR_LEGEND)
    line = {"strokeWidth": {"expr": f"{_OF_WINDOW} / 7"}, **filled["config"].get("line", {})}
    filled["config"] = {**filled["config"], "line": line}
    return filled


def _enlarged(part: Any, name: str = "", *, room: str) -> Any:
    """Text, lines and points of a chart in sizes of the window, wherever they have another."""
    if part in (TEXT, SMALL_TEXT):
        return {"expr": _OF_WINDOW}
    if name in _GROWS and isinstance(part, int | float):
        return {"expr": f"{part} * pow({_OF_WINDOW} / 14, {_GROWS[name]})"}
    if name == "columns" and isinstance(part, dict):
        return {"expr": part["expr"].replace(_FOR_LEGEND, f"({room} * 14 / {_OF_WINDOW})")}
    if isinstance(part, dict):
        return {key: _enlarged(value, key, room=room) for key, value in part.items()}
    return [_enlarged(value, room=room) for value in part] if isinstance(part, list) else part


def finish(alt: Any, chart: Any, height: int = CURVE_HEIGHT) -> dict[str, Any]:
    """The chart's spec in the app's sizes, without any data."""
    chart = (
        # A tick at the very top of its axis has half of its name above it.
        chart.properties(height=height, padding={"top": 8})
        .configure_axis(
            labelFontSize=TEXT, titleFontSize=TEXT, titleFontWeight="normal", titlePadding=10
        )
        .configure_legend(
            labelFontSize=TEXT,
            titleFontSize=TEXT,
            labelLimit=320,
            symbolStrokeWidth=4,
            symbolSize=100,
        )
        .configure_view(stroke=None)
    )
    spec = chart.to_dict()
    # Altair names an empty table where a chart has no data yet. Streamlit would send it along with
    # the real one, by way of pandas, each time.
    del spec["datasets"]
    # Every axis and mark would be read out, none of which tells what the chart does.
    spec["config"]["aria"] = False
    spec["config"]["mark"] = {"aria": False}
    for part in (spec, *spec.get("layer", ())):
        part.pop("data", None)
    return spec
