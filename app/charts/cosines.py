"""The class means' cosines as a heat map: its Vega-Lite spec, and the table for it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa

from app.charts import in_words, palette
from app.charts.base import HIGH, altair, finish

WIDTH, HEIGHT = 520, 400
NAME = "Map of the cosines between every two class means"
# The colours reach this far to either side of the ideal cosine.
REACH = 0.3
# Cells of so few classes have room for their numbers.
MOST_NUMBERED = 5
INK = "#10151f"


def draw(table: pa.Table, class_names: tuple[str, ...], fits: bool = True) -> None:
    """The cosines of the K class means; colours are centred on the ideal -1/(K-1).

    Where no ideal `fits` into the width they go from -1 to 1, about 0.
    """
    drawn = spec(tuple(class_names), fits)
    in_words.draw(table, drawn, name=NAME, key="chart_cosines", width=WIDTH)


def table(cosines: np.ndarray, class_names: tuple[str, ...]) -> pa.Table:
    """One row a pair of classes, of the (K, K) `cosines`. A class with itself has none to show."""
    classes = len(cosines)
    shown = np.where(np.eye(classes, dtype=bool), np.nan, cosines)
    table = pa.table(
        {
            "class": np.repeat(class_names, classes).tolist(),
            "other class": np.tile(class_names, classes).tolist(),
            "cosine": shown.ravel().astype(np.float32),
        }
    )
    return in_words.telling(table, in_words.cosines(cosines, class_names, MOST_NUMBERED))


@lru_cache
def spec(class_names: tuple[str, ...], fits: bool = True) -> dict[str, Any]:
    """The heat map for these classes. Its colours, and the mark on its bar, show the ideal."""
    alt = altair()

    long_names = max(map(len, class_names)) > 2
    slanted = long_names and len(class_names) > MOST_NUMBERED
    base = alt.Chart().encode(
        x=_class_axis(alt, "class", class_names, labelAngle=-40 if slanted else 0),
        y=_class_axis(alt, "other class", class_names),
        tooltip=[
            alt.Tooltip("class:N"),
            alt.Tooltip("other class:N", title="and class"),
            alt.Tooltip("cosine:Q", format=".4f"),
        ],
    )
    chart = base.mark_rect(cornerRadius=2, stroke=None).encode(
        color=_color(alt, -1 / (len(class_names) - 1), REACH) if fits else _color(alt, None, 1.0)
    )
    if len(class_names) <= MOST_NUMBERED:
        numbers = base.mark_text(
            fontSize=alt.ExprRef(f"min(height > {HIGH} ? 30 : 17, bandwidth('x') / 3.2)"),
            fontWeight=600,
            color=INK,
            text=alt.ExprRef("format(datum.cosine, bandwidth('x') < 50 ? '.2f' : '.3f')"),
        )
        chart = alt.layer(chart, numbers.transform_filter("isValid(datum.cosine)"))
    return finish(alt, chart, height=HEIGHT)


def _color(alt: Any, ideal: float | None, reach: float) -> Any:
    # No cosine is below -1, the ideal of two classes.
    middle = ideal or 0.0
    sides = zip((-reach, 0, reach), palette.DIVERGING, strict=True)
    bar = [(middle + side, color) for side, color in sides if middle + side >= -1]
    ends = [value for value, _ in bar]
    label = "format(datum.value, '.2f')"
    if ideal is not None:
        label = (
            f"(abs(datum.value - {ideal}) < 1e-6 ? 'ideal ' : "
            f"datum.value < {ideal} ? '≤ ' : '≥ ') + {label}"
        )
    return alt.Color(
        "cosine:Q",
        scale=alt.Scale(
            domain=ends, range=[color for _, color in bar], clamp=True, interpolate="rgb"
        ),
        legend=alt.Legend(
            title="cosine",
            values=ends,
            gradientLength=240,
            gradientThickness=16,
            labelExpr=label,
        ),
    )


def _class_axis(alt: Any, name: str, class_names: tuple[str, ...], **axis: Any) -> Any:
    channel = alt.X if name == "class" else alt.Y
    return channel(
        f"{name}:N",
        sort=None,
        title=None,
        scale=alt.Scale(domain=list(class_names), paddingInner=0.06),
        axis=alt.Axis(domain=False, ticks=False, labelLimit=120, **axis),
    )
