"""What a chart shows, in words: for who listens to a page and does not see it.

A chart has a name, the same whatever the data; and after it stands, unseen, what is on its axes
and what its curves do. That is made with the table that is drawn, and goes along with it. In the
name it would have Streamlit embed the chart anew at each change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import pyarrow as pa
import streamlit as st

from app.charts import base
from ncengine.analysis.words import MISSING, number

TOLD = b"told"
LOGARITHMIC = ("log", "symlog")

Say = Callable[[float], str]


def draw(
    data: pa.Table,
    spec: dict[str, Any],
    *,
    name: str = "",
    told: str = "",
    fills: bool = False,
    beside: bool = False,
    **how: Any,
) -> Any:
    """A chart, and what it shows in words: `told`, or what its table brings along.

    Args:
        data: the table.
        spec: the chart's, without data.
        name: what it is called where its axes do not say it; the same for all data.
        told: what is to be seen on it.
        fills: whether it is for an audience, as high as there is room.
        beside: whether it then stands beside the player, in two fifths of the window.
        how: as `st.vega_lite_chart` takes it.
    """
    alt = name or name_of(spec)
    if fills:
        filled = base.filling(spec, beside)
        drawn = st.vega_lite_chart(data, filled, alt=alt, height="stretch", **how)
    else:
        drawn = st.vega_lite_chart(data, spec, alt=alt, **how)
    words = told or told_of(data)
    if not name:
        words = f"{axes_of(spec)} {words}"
    st.html(f'<p class="told">{escape(words)}</p>')
    return drawn


def telling(table: pa.Table, told: str) -> pa.Table:
    """The table with the words for what it holds."""
    return table.replace_schema_metadata({TOLD: told.encode()})


def told_of(table: pa.Table) -> str:
    """The words that a table brings along; "" where it has none."""
    return (table.schema.metadata or {}).get(TOLD, b"").decode()


def name_of(spec: Mapping[str, Any]) -> str:
    """What a chart is called after its axes: short, for its buttons are called by it too."""
    return f"Chart of {_axis(spec, 'y')['title']} over {_axis(spec, 'x')['title']}"


def axes_of(spec: Mapping[str, Any]) -> str:
    """What is on the axes: "Up: NC1, logarithmic. Across: depth L, logarithmic."."""
    told = []
    for where, channel in (("Up", "y"), ("Across", "x")):
        axis = _axis(spec, channel)
        logarithmic = axis.get("scale", {}).get("type") in LOGARITHMIC
        told.append(f"{where}: {axis['title']}{', logarithmic' * logarithmic}.")
    return " ".join(told)


def _axis(spec: Mapping[str, Any], channel: str) -> Mapping[str, Any]:
    named = [part["encoding"] for part in _parts(spec) if channel in part.get("encoding", {})]
    return next(one[channel] for one in named if one[channel].get("title"))


def _parts(spec: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield spec
    for part in spec.get("layer", ()):
        yield from _parts(part)


def at_pass(passes: float) -> str:
    return f"at pass {passes:,.0f}"


def curve(name: str, x: Any, y: Any, at: Callable[[float], str], say: Say = number) -> str:
    """A curve in a sentence: its first, least and last value, and where; "" where it has none."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    shown = np.isfinite(y)
    x, y = x[shown], y[shown]
    if not len(y):
        return ""
    if len(y) == 1:
        return f"{name}: {say(y[0])} {at(x[0])}."
    if y.min() == y.max():
        return f"{name}: {say(y[0])} throughout."
    least, last = int(y.argmin()), len(y) - 1
    words = {0: "first", least: "least", last: "last"}
    if least in (0, last):
        words[least] = f"{'first' if least == 0 else 'last'} and least"
    told = ", ".join(f"{words[n]} {say(y[n])} {at(x[n])}" for n in sorted(words))
    return f"{name}: {told}."


def curves(
    lines: Iterable[tuple[str, Any, Any]], at: Callable[[float], str], say: Say = number
) -> str:
    """Curves by name, x and y, each in a sentence; what to say where none has a value."""
    told = [curve(name, x, y, at, say) for name, x, y in lines]
    return " ".join(filter(None, told)) or "There is nothing to be seen yet."


def grouped(table: pa.Table, group: str, x: str, y: str) -> list[tuple[str, Any, Any]]:
    """The lines of a table that names them in a column, in their order."""
    names = np.array(table[group].to_pylist())
    at, values = table[x].to_numpy(), table[y].to_numpy()
    return [(name, at[names == name], values[names == name]) for name in dict.fromkeys(names)]


def parts(table: pa.Table, names: Sequence[str], negligible: float) -> str:
    """The objective and its parts; without what is so small a share of it that it is not drawn."""
    whole = table["objective"].to_numpy()
    lines = []
    for name in names:
        values = table[name].to_numpy()
        with np.errstate(invalid="ignore"):
            shown = np.where(values > negligible * whole, values, np.nan)
        lines.append((name, table["passes"].to_numpy(), shown))
    return curves(lines, at_pass)


def depths(
    table: pa.Table, labels: Sequence[str], letter: str, laws: Sequence[str], say: Say = number
) -> str:
    """A panel of Depth: each series from its least depth to its largest, and the law it follows.

    Args:
        table: as `depth.table` gives it.
        labels: what the series are called.
        letter: what stands for depth or weight decay.
        laws: of each series what is said of its slope, as a sentence; "" where nothing is.
        say: writes a value.
    """

    def at(x: float) -> str:
        return f"at {letter} = {x:g}"

    told = []
    rows = [row for row in table.to_pylist() if row["kind"] == "mean"]
    for n, (label, law) in enumerate(zip(labels, laws, strict=True)):
        points = sorted((row["x"], row["mean"]) for row in rows if row["series"] == str(n))
        x, y = zip(*points, strict=True) if points else ((), ())
        told += [curve(label, x, y, at, say), law]
    return " ".join(filter(None, told)) or "There is nothing to be seen yet."


def grid(table: pa.Table, title: str) -> str:
    """A map of Depth: every weight decay from its least depth to its largest."""
    lines = grouped(table, "decay", "depth", "mean")
    named = []
    for decay, depths, values in lines:
        order = np.argsort(np.asarray(depths, float))
        named.append((f"{title} at λ = {decay}", depths[order], np.asarray(values, float)[order]))
    return curves(named, lambda depth: f"at L = {depth:g}")


def cosines(values: np.ndarray, names: Sequence[str], most: int) -> str:
    """The cosines of class means: every pair of up to `most` classes, else the extremes."""
    pairs = [
        (float(values[i, j]), f"{names[i]} and {names[j]}")
        for i in range(len(values))
        for j in range(i)
    ]
    pairs = [(cosine, pair) for cosine, pair in pairs if np.isfinite(cosine)]
    if not pairs:
        return "There is nothing to be seen yet."
    if len(values) <= most:
        return "; ".join(f"{pair}: {number(cosine)}" for cosine, pair in pairs[::-1]) + "."
    (low, low_pair), (high, high_pair) = min(pairs), max(pairs)
    mean = float(np.mean([cosine for cosine, _ in pairs]))
    return (
        f"{len(values)} classes: least {number(low)} between {low_pair}, greatest {number(high)} "
        f"between {high_pair}, {number(mean)} on average."
    )


def layers(table: pa.Table, title: str) -> str:
    """A metric over layers, at the moment that is looked at and at the earliest that is drawn."""
    rows = table.to_pylist()
    now = [row for row in rows if row["kind"] == "now"]
    if not now:
        return "There is nothing to be seen yet."
    earlier = [row for row in rows if row["kind"] == "earlier"]
    moments = [earlier[: len(now)], now] if earlier else [now]
    return curves(
        (
            (
                f"{title} {at_pass(moment[0]['passes'])}",
                [row["layer"] for row in moment],
                [_or_nan(row["mean"]) for row in moment],
            )
            for moment in moments
        ),
        _in_layer,
    )


def layers_and_passes(means: np.ndarray, passes: np.ndarray, title: str) -> str:
    """A metric (snapshots, layers) over both: at the first pass and at the last."""
    at = np.arange(1, means.shape[1] + 1)
    moments = sorted({0, len(means) - 1})
    return curves(
        ((f"{title} {at_pass(passes[g])}", at, means[g]) for g in moments),
        _in_layer,
    )


def blocks(table: pa.Table, name: str, title: str, unit: str = "") -> str:
    """Bars over the blocks of a network."""

    def say(value: float) -> str:
        return MISSING if np.isnan(value) else f"{number(value)}{unit}"

    values = [_or_nan(value) for value in table[name].to_pylist()]
    return curves([(title, table["block"].to_numpy(), values)], lambda n: f"in block {n:g}", say)


def _in_layer(layer: float) -> str:
    return f"in layer {layer:g}"


def _or_nan(value: float | None) -> float:
    return np.nan if value is None else value
