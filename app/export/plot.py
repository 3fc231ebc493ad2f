"""Charts as HTML with SVG in it, which no library draws: lines, bands, points, axes, legend.

Places are shares of the plot: it is as wide as there is room, and text keeps its size. Nothing has
a style of its own, which the file's own rules would not let pass: see `page.css`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape

import numpy as np

from app.charts import base

# Of the drawing that is stretched to the plot.
_SIZE = 1000
# Above and below the values, as a share of the axis.
_MARGIN = 0.03
# Below this ratio of its ends a logarithmic axis has the ticks of another.
_NEAR = 11.2


@dataclass(frozen=True)
class Axis:
    """An axis of a plot.

    Attributes:
        title: what is on it.
        low, high: its ends.
        bend: what makes its values even: a logarithm, or nothing.
        ticks: where it has ticks, and what stands there.
        logarithmic: whether it is said to be.
        margin: share of it beyond either end.
    """

    title: str
    low: float
    high: float
    bend: Callable[[np.ndarray], np.ndarray]
    ticks: tuple[tuple[float, str], ...]
    logarithmic: bool = False
    margin: float = _MARGIN

    def at(self, values: object) -> np.ndarray:
        """Where the values lie, from 0 to 1."""
        with np.errstate(divide="ignore", invalid="ignore"):
            low, high, bent = (
                self.bend(np.asarray(v, float)) for v in (self.low, self.high, values)
            )
        shares = (bent - low) / ((high - low) or 1.0)
        return self.margin + (1 - 2 * self.margin) * shares


@dataclass(frozen=True)
class Line:
    """A line, with a band about it where `low` and `high` are given.

    Of lines with a `moment` only that one is seen whose moment is nearest to the player's; at
    first that one which is `shown`.
    """

    name: str
    color: str
    x: np.ndarray
    y: np.ndarray
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    dash: str = ""
    width: float = 2.5
    opacity: float = 1.0
    moment: float | None = None
    shown: bool = True


@dataclass(frozen=True)
class Dot:
    """A point, hollow where `open`, with a bar from `low` to `high` and a `note` to hover over."""

    color: str
    x: float
    y: float
    low: float
    high: float
    open: bool = False
    note: str = ""


@dataclass(frozen=True)
class Word:
    """A word whose end is at a place."""

    text: str
    x: float
    y: float


@dataclass(frozen=True)
class Plot:
    """A chart.

    Attributes:
        x, y: its axes.
        lines, dots, words: what is drawn, the first below.
        legend: the lines that are named above it.
        told: it in words, for who listens.
        passes: whether its x axis is of passes, or what else the player's frames are at, on which
            the moment shows.
        even: whether that axis is even, and not in log(1 + pass).
    """

    x: Axis
    y: Axis
    lines: Sequence[Line] = ()
    dots: Sequence[Dot] = ()
    words: Sequence[Word] = ()
    legend: Sequence[Line] = field(default=())
    told: str = ""
    passes: bool = False
    even: bool = False

    def html(self) -> str:
        """It as HTML."""
        name = f"Chart of {self.y.title} over {self.x.title}"
        said = ". ".join(filter(None, [name, self.told]))
        legend = "".join(map(_named, self.legend))
        ends = _attributes(**{"data-passes": self._ends()}) if self.passes else ""
        ends += ' data-even=""' * self.even
        drawn = '<div class="drawn" data-seeks="">' if self.passes else '<div class="drawn">'
        return (
            f'<figure class="plot"><figcaption><b>{escape(self.y.title)}</b>'
            f'<span class="names">{legend}</span></figcaption>'
            f'{drawn}<svg class="area" role="img" aria-label="{escape(said)}"{ends}>'
            f"{self._grid()}{self._stretched()}{self._unstretched()}</svg></div>"
            f'<p class="across">{escape(self.x.title)}</p></figure>'
        )

    def _ends(self) -> str:
        """The passes at the left and right edge, for `player/moment.js`."""
        return json.dumps([self.x.low, self.x.high])

    def _grid(self) -> str:
        parts = []
        for value, words in self.y.ticks:
            at = _percent(1 - self.y.at(value))
            parts.append(f'<line class="rule" x1="0" x2="100%" y1="{at}" y2="{at}"/>')
            parts.append(
                f'<text class="up" x="0" dx="-8" y="{at}" dy=".33em">{escape(words)}</text>'
            )
        for n, (value, words) in enumerate(self.x.ticks):
            at = _percent(self.x.at(value))
            kind = "over odd" if n % 2 else "over"
            parts.append(
                f'<text class="{kind}" x="{at}" y="100%" dy="1.25em">{escape(words)}</text>'
            )
            parts.append(f'<line class="rule tick" x1="{at}" x2="{at}" y1="99%" y2="100%"/>')
        return "".join(parts)

    def _stretched(self) -> str:
        lines = "".join(self._line(line) for line in self.lines)
        return (
            f'<svg width="100%" height="100%" viewBox="0 0 {_SIZE} {_SIZE}" '
            f'preserveAspectRatio="none">{lines}</svg>'
        )

    def _line(self, line: Line) -> str:
        parts = []
        if line.low is not None and line.high is not None:
            there = self._places(line.x, line.high) + self._places(line.x, line.low)[::-1]
            if there:
                band = {"fill": line.color, "fill-opacity": 0.22}
                parts.append(f'<path d="M{"L".join(there)}Z"{_attributes(**band)}/>')
        look = {
            "fill": "none",
            "stroke": line.color,
            "stroke-width": line.width,
            "stroke-opacity": line.opacity,
            "stroke-dasharray": line.dash or "none",
            "vector-effect": "non-scaling-stroke",
            "stroke-linejoin": "round",
        }
        places = self._places(line.x, line.y)
        # A point alone shows as a dot of a line with round ends.
        drawn = "L".join(places if len(places) > 1 else places * 2)
        look["stroke-linecap"] = "butt" if len(places) > 1 else "round"
        whole = "".join(parts) + (f'<path d="M{drawn}"{_attributes(**look)}/>' if places else "")
        if line.moment is None:
            return whole
        seen = "inline" if line.shown else "none"
        return f"<g{_attributes(**{'data-moment': line.moment}, display=seen)}>{whole}</g>"

    def _places(self, x: np.ndarray, y: np.ndarray) -> list[str]:
        across, up = _SIZE * self.x.at(x), _SIZE * (1 - self.y.at(y))
        shown = np.isfinite(across) & np.isfinite(up)
        return [f"{a:.1f} {b:.1f}" for a, b in zip(across[shown], up[shown], strict=True)]

    def _unstretched(self) -> str:
        parts = []
        for dot in self.dots:
            x, y = _percent(self.x.at(dot.x)), _percent(1 - self.y.at(dot.y))
            ends = [_percent(1 - self.y.at(end)) for end in (dot.low, dot.high)]
            bar = _attributes(x1=x, x2=x, y1=ends[0], y2=ends[1], stroke=dot.color)
            look = _attributes(cx=x, cy=y, r=6, stroke=dot.color)
            fill = ' class="hollow"' if dot.open else _attributes(fill=dot.color)
            parts.append(f'<line class="bar-of"{bar}/><circle{look}{fill}>')
            parts.append(f"<title>{escape(dot.note)}</title></circle>")
        for word in self.words:
            place = _attributes(x=_percent(self.x.at(word.x)), y=_percent(1 - self.y.at(word.y)))
            parts.append(f'<text class="of-line"{place} dx="-2" dy="-4">{escape(word.text)}</text>')
        return "".join(parts)


def _named(line: Line) -> str:
    dash = line.dash or "none"
    look = _attributes(stroke=line.color, **{"stroke-dasharray": dash, "stroke-width": 3})
    drawn = (
        f'<svg width="26" height="10" aria-hidden="true"><line x1="1" x2="25" y1="5" y2="5"{look}/>'
    )
    name = escape(line.name)
    if line.moment is not None:
        name += f'<span class="moment">{line.moment:,g}</span>'
    return f"<span>{drawn}</svg>{name}</span>"


def _attributes(**values: object) -> str:
    return "".join(f' {name}="{escape(str(value))}"' for name, value in values.items())


def _percent(share: np.ndarray) -> str:
    return f"{100 * float(share):.2f}%"


def passes_axis(values: Sequence[float], title: str = base.PASSES) -> Axis:
    """An axis of passes, as those of the app: even in log(1 + pass), to both sides of 0."""
    low, high = _ends(values)
    if low == high:
        low, high = 0.0, base.ROOM * max(1.0, high)
    above = [m * 10.0**e for e in range(7) for m in (1, 3)]
    ticks = [*(-tick for tick in above[::-1] if low < 0), 0.0, *above]
    shown = tuple((tick, f"{tick:,.0f}") for tick in ticks if low <= tick <= high)
    return Axis(title, low, high, _both_sides, shown, True, 0.0)


def _both_sides(values: np.ndarray) -> np.ndarray:
    return np.sign(values) * np.log1p(np.abs(values))


def moments_axis(title: str, low: float, high: float) -> Axis:
    """An even axis of what the player's frames are at."""
    ticks = tuple((tick, f"{tick:,.0f}") for tick in _even(low, high))
    return Axis(title, low, high, lambda values: values, ticks, margin=0.0)


def log_axis(title: str, values: Sequence[float], offered: Sequence[float] = ()) -> Axis:
    """A logarithmic axis; with ticks that are `offered`, else at powers of ten and between."""
    low, high = _ends([v for v in values if v > 0])
    if low == high:
        low, high = low / base.ROOM, high * base.ROOM
    usual = _decades(low, high) or base.VALUE_TICKS
    inside = [tick for tick in offered or usual if low <= tick <= high]
    even = _even(low, high)
    if not offered and high / low < _NEAR and len(even) > 1:
        inside = even
    if not offered and high / low > 200:
        inside = [tick for tick in inside if abs(math.log10(tick) % 1 - 0.5) > 0.49]
        inside = inside[:: max(1, math.ceil(len(inside) / 9))]
    if len(inside) < 2:
        inside = even
    return Axis(title, low, high, np.log10, tuple((t, _worded(t)) for t in inside), True)


def _decades(low: float, high: float) -> list[float]:
    """Every n-th power of ten where there are many, as where a run diverges; else none."""
    span = math.log10(high) - math.log10(low)
    if span <= 8 and not (span > 2 and (low < 1e-15 or high > 2e9)):
        return []
    step = next((n for n, most in ((1, 8), (2, 14), (3, 20), (5, 40)) if span < most), 10)
    first, last = math.ceil(math.log10(low) / step), math.floor(math.log10(high) / step)
    return [float(f"1e{n * step}") for n in range(first, last + 1)]


def linear_axis(title: str, low: float, high: float, share: bool = False) -> Axis:
    """An axis without a logarithm; of a share it is in percent."""
    if low == high:
        low, high = low - 0.5, high + 0.5
    ticks = tuple((t, f"{100 * t:.0f} %" if share else f"{t:.6g}") for t in _even(low, high))
    return Axis(title, low, high, lambda values: values, ticks)


def whole_axis(title: str, low: float, high: float) -> Axis:
    """An axis of whole numbers, as those of layers."""
    even = [tick for tick in _even(low, high) if tick == int(tick)]
    if low not in even:
        even = [low, *even]
    return Axis(title, low, high, lambda values: values, tuple((t, f"{t:.0f}") for t in even))


def named_axis(title: str, names: Sequence[str]) -> Axis:
    """An axis of names, the first at 1."""
    ticks = tuple((float(n), name) for n, name in enumerate(names, 1))
    return Axis(title, 1, max(2, len(names)), lambda values: values, ticks)


def _ends(values: Sequence[float]) -> tuple[float, float]:
    finite = [float(v) for v in values if v is not None and math.isfinite(v)]
    return (min(finite), max(finite)) if finite else (1.0, 1.0)


def _even(low: float, high: float) -> list[float]:
    """Ticks by steps of 1, 2 or 5 times a power of ten, about five of them."""
    third = (high - low) / 4 or 1.0
    power = 10.0 ** math.floor(math.log10(third))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= third * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [n * step for n in range(first, math.floor(high / step + 1e-9) + 1)]


def _worded(value: float) -> str:
    plain = f"{value:.6g}"
    if 0.0009 < value < 9000:
        return plain
    digits, _, power = f"{value:.3e}".partition("e")
    return f"{float(digits):g}e{int(power)}".replace("-", "−")
