"""What a visitor takes along from Depth: the table, the command, and the code."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

import streamlit as st

from app.charts.depth import Finished
from app.components import code, laws
from app.components.series import Series
from app.engine import sweep
from ncengine.config import as_text


def draw(
    shown: Sequence[Series], points: Sequence[sweep.Point], fitted: Sequence[Sequence[Finished]]
) -> None:
    """Buttons for each; `fitted` are the runs of each series to which lines are fitted."""
    done = sum(point.finished for point in points)
    slopes = laws.table(shown, fitted)
    with st.container(horizontal=True, gap="small", key="recipes"):
        st.download_button(
            "Download table",
            data=lambda: sweep.table(points).to_csv(index=False).encode(),
            file_name="depth.csv",
            mime="text/csv",
            disabled=not done,
            on_click="ignore",
            help="CSV, one row a network and seed: every field, and the last figures.",
        )
        st.download_button(
            "Download slopes",
            data=slopes.encode(),
            file_name="slopes.csv",
            mime="text/csv",
            disabled=slopes.count("\n") < 2,
            on_click="ignore",
            help="CSV, one row a series and metric: the slope, its 95 % interval, R², and whether "
            "it is a power law.",
        )
        with st.popover("Copy as command"):
            code.tell_cache()
            st.code("\n".join(command(series) for series in shown), language="sh", wrap_lines=True)
            st.caption(_trained_anew(points))
        with st.popover("Copy as Python"):
            code.tell_cache()
            st.code(python(shown), language="python", wrap_lines=True)
            st.caption(_trained_anew(points))


def _trained_anew(points: Sequence[sweep.Point]) -> str:
    """What of it will be trained, by whoever runs it on this machine."""
    elsewhere = (point.now.shipped or point.now.imported for point in points)
    anew = sum(other or not point.finished for other, point in zip(elsewhere, points, strict=True))
    if not anew:
        return "All of it was trained on this machine, and is read from its cache."
    shipped = sum(point.now.shipped for point in points)
    also = f", the {shipped} that the gallery ships among them" if shipped else ""
    return (
        f"Trains {anew} of {len(points)} networks{also}: command line and library read what was "
        "trained on this machine, not the gallery, nor what was imported."
    )


def command(series: Series) -> str:
    """The `ncengine sweep …` that trains the series."""
    fields = {name: as_text(value) for name, value in series.base.set_fields().items()}
    fields |= {n: ",".join(as_text(v) for v in values) for n, values in series.axes().items()}
    options = (f"--{n.replace('_', '-')} {shlex.quote(text)}" for n, text in fields.items())
    return " ".join(["ncengine sweep", *options])


def python(shown: Sequence[Series]) -> str:
    """The code that trains all series and gives their table."""
    grids = []
    for series in shown:
        fields = series.base.set_fields()
        for name in series.axes():
            fields.pop(name, None)
        given = ", ".join(f"{name}={value!r}" for name, value in fields.items())
        axes = ", ".join(f"{name}={list(values)!r}" for name, values in series.axes().items())
        grids.append(f"grid(RunConfig({given}), {axes})")
    whole = " + ".join(f"\n    {grid}" for grid in grids) if len(grids) > 1 else grids[0]
    whole = f"({whole}\n)" if len(grids) > 1 else whole
    return (
        "import ncengine\nfrom ncengine.config import RunConfig, grid\n\n"
        f"table = ncengine.sweep({whole})\n"
    )
