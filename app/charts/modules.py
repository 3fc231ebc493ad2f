"""A figure over the modules of a network of one's own: its Vega-Lite spec, and the table for it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa

from app.charts import base, in_words
from ncengine.catalogue.literature import Measured
from ncengine.catalogue.metrics import Scale

HEIGHT = 300
TITLE = "module, in the order of the network"
NOW, EARLIER = "now", "earlier"
# How many earlier moments are drawn beside the one that is looked at.
MOST_EARLIER = 4
# So many letters of names stand side by side below it, and so many names can be told apart.
ROOM, MOST_NAMED = 34, 24


def draw(table: pa.Table, names: tuple[str, ...], one: Measured, *, fills: bool = False) -> None:
    """The figure over the modules of these names. As high as there is room where it `fills`."""
    drawn = spec(names, one)
    key = "presented_modules" if fills else "chart_modules"
    in_words.draw(table, drawn, key=key, fills=fills)


def table(values: np.ndarray, steps: np.ndarray, names: Sequence[str], g: int) -> pa.Table:
    """One row a module and moment: those of snapshot `g`, and of some before it.

    Args:
        values: (G, L) at each snapshot.
        steps: (G,) of each.
        names: L of them.
    """
    earlier = np.unique(np.linspace(0, g, MOST_EARLIER + 1).round().astype(int))[:-1]
    rows = []
    for n, moment in enumerate((*earlier, g)):
        now = moment == g
        fade = 1.0 if now else 0.15 + 0.45 * n / max(len(earlier), 1)
        rows += [
            (name, value if np.isfinite(value) else None, NOW if now else EARLIER, at, fade)
            for name, value in zip(names, values[moment].tolist(), strict=True)
            for at in [float(steps[moment])]
        ]
    module, value, kind, step, fade = zip(*rows, strict=True)
    made = pa.table(
        {
            "module": pa.array(module, pa.string()),
            "value": pa.array(value, pa.float64()),
            "kind": pa.array(kind, pa.string()),
            "step": pa.array(step, pa.float64()),
            "fade": pa.array(fade, pa.float32()),
        }
    )
    told = "; ".join(
        f"{name}: {in_words.number(at)}"
        for name, at in zip(names, values[g].tolist(), strict=True)
        if np.isfinite(at)
    )
    return in_words.telling(made, f"{told}." if told else "There is nothing to be seen yet.")


@lru_cache
def spec(names: tuple[str, ...], one: Measured) -> dict[str, Any]:
    """Lines of a figure over modules: the moment's bold, earlier ones fading."""
    alt = base.altair()
    chart = alt.Chart().encode(
        x=alt.X(
            "module:N",
            sort=None,
            title=TITLE,
            scale=alt.Scale(domain=list(names)),
            axis=alt.Axis(
                labelAngle=0 if sum(map(len, names)) < ROOM else -35,
                labelLimit=120,
                labelOverlap=len(names) > MOST_NAMED,
            ),
        ),
        y=_value_axis(alt, one),
    )
    earlier = (
        chart.transform_filter(f"datum.kind == '{EARLIER}'")
        .mark_line(strokeWidth=2, clip=True)
        .encode(
            detail="step:N",
            color=alt.value(one.color),
            opacity=alt.Opacity("fade:Q", scale=None, legend=None),
        )
    )
    now = (
        chart.transform_filter(f"datum.kind == '{NOW}'")
        .mark_line(strokeWidth=3.5, color=one.color, point={"size": 70, "color": one.color})
        .encode(
            tooltip=[
                alt.Tooltip("module:N"),
                alt.Tooltip("value:Q", title=one.title, format=".4~g"),
                alt.Tooltip("step:Q", format=".6~g"),
            ]
        )
    )
    return base.finish(alt, alt.layer(earlier, now), height=HEIGHT)


def _value_axis(alt: Any, one: Measured) -> Any:
    if one.scale is Scale.LOG:
        return base.value_axis(alt, "value", one.title)
    scale = alt.Scale(nice=False, zero=True, padding=8)
    return alt.Y("value:Q", title=one.title, scale=scale, axis=alt.Axis(tickCount=6))
