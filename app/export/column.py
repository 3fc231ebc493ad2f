"""A page's chart as it is set in a column of a paper: light, of one size, with nothing to press.

The spec is the page's own, of which what waits for a pointer goes and text, lines and points become
as small as a page of print has them; and so does the table, in which nothing is left that a
logarithmic axis has no place for.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.charts import base
from app.export import press
from app.export.press import SMALL_TEXT, TEXT, TITLE, WIDTHS

Spec = dict[str, Any]
Row = dict[str, Any]

NO_BREAK = "\N{NO-BREAK SPACE}"
# Points of height of a chart that is as high as curves are on the page.
HEIGHTS = {"single": 165, "double": 225}
# By how much what is named so is smaller than on a page: lines; areas, as their square; distances.
_LINE, _AREA, _SPACE = 0.42, 0.19, 0.5
_SHRINKS = {
    "strokeWidth": _LINE, "symbolStrokeWidth": _LINE, "strokeDash": 0.5, "size": _AREA,
    "symbolSize": 0.3, "padding": _SPACE, "dx": _SPACE, "dy": _SPACE, "titlePadding": 0.4,
    "columnPadding": 1.5, "gradientLength": 0.4, "gradientThickness": _SPACE, "labelLimit": 0.7,
    "titleLimit": 0.7, "cornerRadius": _SPACE,
}  # fmt: skip
# What Altair says of a value in its place takes the name of what the value is of.
_SAME = ("value", "condition", "range", "scale")
_OF_A_POINTER = ("params", "tooltip", "cursor")
# Text that is larger where a chart fills a window.
_BY_HEIGHT = re.compile(rf"height > {base.HIGH} \? [\d.]+ : [\d.]+")
# Of a title, how wide a sign is on average, as a share of its size.
_SIGN = 0.54


@dataclass(frozen=True)
class Chart:
    """A chart that can be printed.

    Attributes:
        title: what stands above it, where that is wanted.
        spec: the page's, without data.
        rows: its table's.
        told: what is to be seen on it, in words.
        more: points of height for what stands above the plot on paper and not on the page.
    """

    title: str
    spec: Spec
    rows: Sequence[Row]
    told: str = ""
    more: Mapping[str, float] = field(default_factory=dict)

    def svg(self, width: str, titled: bool = True) -> str:
        """It as a drawing for a column of that width, see `press.WIDTHS`."""
        return press.drawn(self.printed(width, titled))

    def printed(self, width: str, titled: bool = True) -> Spec:
        """The whole spec, with data."""
        spec = _whole(_small(_still(self.spec)))
        high = HEIGHTS[width] * self.spec.get("height", base.CURVE_HEIGHT) / base.CURVE_HEIGHT
        title = _title(self.title, WIDTHS[width]) if titled else {}
        lines = len(title.get("text", ()))
        return {
            **spec,
            "width": WIDTHS[width],
            "height": round(high + 1.3 * TITLE * lines + self.more.get(width, 0)),
            "autosize": {"type": "fit", "contains": "padding"},
            "padding": 3,
            "data": {"values": placed(self.rows, self.spec)},
            "config": config(),
            **({"title": title} if titled else {}),
        }


def config() -> Spec:
    """How a chart looks in print, in the colours of the light theme."""
    colors = press.light()
    text, faint, line = colors["textColor"], colors["borderColor"], "#7d8798"
    stroke = {"domainColor": line, "tickColor": line, "domainWidth": 0.5, "tickWidth": 0.5}
    return {
        "font": press.FONT,
        "background": colors["backgroundColor"],
        "aria": False,
        "mark": {"aria": False},
        "axis": {
            **stroke, "gridColor": faint, "gridWidth": 0.4, "gridOpacity": 0.7, "tickSize": 3,
            "labelColor": text, "titleColor": text, "labelFontSize": SMALL_TEXT + 0.5,
            "titleFontSize": TEXT, "titleFontWeight": "normal", "titlePadding": 4,
            "labelPadding": 2,
        },
        "legend": {
            "labelColor": text, "titleColor": text, "labelFontSize": SMALL_TEXT + 0.5,
            "titleFontSize": TEXT, "titleFontWeight": "normal", "labelLimit": 0,
            "symbolStrokeWidth": 1.4, "symbolSize": 60, "rowPadding": 1, "offset": 4,
            "labelOffset": 3,
            # One below the other: beside each other names of runs do not fit.
            "layout": {"top": {"direction": "vertical", "anchor": "start", "margin": 2}},
        },
        "line": {"strokeWidth": 1.1},
        "title": {
            "color": text, "fontSize": TITLE, "fontWeight": press.BOLD, "anchor": "start",
            "frame": "bounds", "offset": 5, "lineHeight": 1.2 * TITLE,
        },
        "view": {"stroke": None},
    }  # fmt: skip


def _title(words: str, width: float) -> Spec:
    return {"text": broken(words, width)}


def broken(words: str, width: float) -> list[str]:
    """A title in as many lines as it takes, none of which ends within a part of it."""
    kept = words.replace(" ", NO_BREAK).replace(f"{NO_BREAK}·{NO_BREAK}", f"{NO_BREAK}· ")
    kept = kept.replace(f":{NO_BREAK}", ": ").replace(f",{NO_BREAK}", ", ")
    lines = wrapped(kept, max(10, int(width / (TITLE * _SIGN))))
    return [line.replace(NO_BREAK, " ") for line in lines]


def wrapped(words: str, most: int) -> list[str]:
    """Lines of so many signs at most, which end at spaces alone."""
    lines = [""]
    for part in words.split(" "):
        longer = f"{lines[-1]} {part}".strip(" ")
        if lines[-1] and len(longer) > most:
            lines.append(part)
        else:
            lines[-1] = longer
    return lines


# Nothing to press.


def _still(part: Any) -> Any:
    """A spec without what waits for a pointer: as it looks before anything is picked."""
    if isinstance(part, list):
        return [still for still in map(_still, part) if not _waits(still)]
    if not isinstance(part, dict):
        return part
    condition = part.get("condition")
    if isinstance(condition, dict) and "param" in condition:
        nothing_picked = condition if condition.get("empty", True) else part
        return {"value": nothing_picked["value"]}
    return {name: _still(value) for name, value in part.items() if name not in _OF_A_POINTER}


def _waits(layer: Any) -> bool:
    """Whether a layer shows nothing before a pointer is there."""
    encoding = layer.get("encoding", {}) if isinstance(layer, dict) else {}
    return encoding.get("opacity") == {"value": 0}


# As small as print.


def _small(part: Any, name: str = "") -> Any:
    """A spec with the sizes of print."""
    if part == base.TEXT:
        return TEXT
    if part == base.SMALL_TEXT:
        return SMALL_TEXT
    if isinstance(part, dict):
        return {key: _small(value, name if key in _SAME else key) for key, value in part.items()}
    if isinstance(part, list):
        return [_small(value, name) for value in part]
    if isinstance(part, str) and _BY_HEIGHT.search(part):
        return _BY_HEIGHT.sub(str(TEXT), part)
    if name in _SHRINKS and isinstance(part, int | float) and not isinstance(part, bool):
        return round(part * _SHRINKS[name], 3)
    return part


# Nothing at a wrong place.


def placed(rows: Sequence[Row], spec: Spec) -> list[Row]:
    """Rows whose values all have a place on their axes.

    What has none on its axis (not a number, infinite, on a logarithmic one 0 and less) is left out;
    the end of a band or bar is put at the edge, towards which it goes.
    """
    ends = {channel: _ends(rows, names) for channel, names in _logarithmic(spec).items()}
    spans = _spans(spec)
    of = {name: channel for channel, names in _logarithmic(spec).items() for name in names}

    def place(name: str, value: Any) -> Any:
        if not isinstance(value, int | float) or isinstance(value, bool):
            return value
        logarithmic = name in of
        if math.isfinite(value) and (value > 0 or not logarithmic):
            return value
        if name not in spans or math.isnan(value) or not logarithmic:
            return None
        least, most = ends[of[name]]
        return most if value > 0 else least

    return [{name: place(name, value) for name, value in row.items()} for row in rows]


def _whole(spec: Spec) -> Spec:
    """The spec with none but whole bands and bars: of one end alone Vega would make the other 0."""
    if "layer" in spec:
        return {**spec, "layer": [_whole(layer) for layer in spec["layer"]]}
    encoding = spec.get("encoding", {})
    fields = [encoding.get(f"{c}{n}", {}).get("field") for c in "xy" for n in ("", "2")]
    if not any(_second(encoding, channel) for channel in "xy"):
        return spec
    valid = " && ".join(f"isValid(datum['{name}'])" for name in fields if name)
    return {**spec, "transform": [*spec.get("transform", ()), {"filter": valid}]}


def _parts(spec: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield spec
    for part in spec.get("layer", ()):
        yield from _parts(part)


def _encodings(spec: Spec) -> Iterator[Mapping[str, Any]]:
    """The encodings of each layer with those that it takes over from above."""
    for part in _parts(spec):
        yield {**spec.get("encoding", {}), **part.get("encoding", {})}


def _logarithmic(spec: Spec) -> dict[str, set[str]]:
    """The fields on logarithmic axes, by the axis, which all layers share."""
    found: dict[str, set[str]] = {}
    for channel in ("x", "y"):
        placed = [encoding for encoding in _encodings(spec) if channel in encoding]
        if any(one[channel].get("scale", {}).get("type") == "log" for one in placed):
            fields = {one[channel].get("field") for one in placed}
            found[channel] = {*filter(None, fields | {_second(one, channel) for one in placed})}
    return found


def _spans(spec: Spec) -> set[str]:
    """The fields that are ends of bands or bars."""
    found: set[str] = set()
    for encoding in _encodings(spec):
        for channel in ("x", "y"):
            second = _second(encoding, channel)
            if second:
                found |= {encoding.get(channel, {}).get("field", second), second}
    return found


def _second(encoding: Mapping[str, Any], channel: str) -> str | None:
    return encoding.get(f"{channel}2", {}).get("field")


def _ends(rows: Sequence[Row], names: set[str]) -> tuple[float, float]:
    """The least and the largest that have a place on a logarithmic axis."""
    values = [row.get(name) for row in rows for name in names]
    shown = [v for v in values if isinstance(v, int | float) and math.isfinite(v) and v > 0]
    return (min(shown), max(shown)) if shown else (1.0, 1.0)
