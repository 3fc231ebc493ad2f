"""The panels of Depth: one a metric over depth or weight decay, or a map where both vary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from html import escape

import numpy as np
import streamlit as st

from app.charts import depth as charts
from app.components import laws, series, text
from app.components.series import METRICS, Picture, Series
from app.engine import sweep
from ncengine.analysis.bounds import Bound
from ncengine.analysis.fits import PowerLaw
from ncengine.config import PARAMS
from ncengine.theory.optimum import floor_of, why_no_figure
from ncengine.theory.trivial import trivial

_OPEN = "depth:open"
_COLUMNS = 3


def draw(
    shown: Sequence[Series], finished: Sequence[list[charts.Finished]], picture: Picture
) -> None:
    """What is finished of each series, in panels or in a map."""
    if shown[0].is_grid:
        _map(shown[0], picture, finished[0])
    else:
        _all_panels(shown, finished)


def clicked() -> str | None:
    """The key of the run whose point was clicked since this was asked last."""
    return st.session_state.pop(_OPEN, None)


def _all_panels(shown: Sequence[Series], finished: Sequence[list[charts.Finished]]) -> None:
    over = shown[0].over
    bounds = sweep.bounds(run for runs in finished for run in runs)
    fits: list[PowerLaw | None] = []
    of_features = {name: title for name, title in METRICS.items() if name != "gap"}
    for n, (metric, title) in enumerate(of_features.items()):
        if n % _COLUMNS == 0:
            columns = st.columns(_COLUMNS, gap="small")
        with columns[n % _COLUMNS]:
            fits += _panel(finished, over, metric, title, bounds=bounds)
            _if_trivial(shown, metric)
    bounded = any(floor_of(family.base) is not None for family in shown)
    left, middle, right = st.columns(_COLUMNS, gap="small")
    with left:
        if bounded:
            fits += _panel(
                finished, over, "gap", "gap to the floor", parts=("decay_hidden", "rest"),
                bounds=bounds,
            )  # fmt: skip
            st.caption(
                "Dotted: the hidden decay, that of all layers before the last. Dashed and dotted: "
                "the rest, fit and last layer."
            )
        else:
            st.caption(f"There is no floor in closed form: {why_no_figure(shown[0].base)}.")
    with middle:
        floors = [floor_of(family.base) if family.over == "depth" else None for family in shown]
        _panel(finished, over, "loss", "objective", references=False, floors=floors, bounds=bounds)
        if any(floor is not None for floor in floors):
            st.caption("Dashed: the floor, below which no network can come.")
    with right:
        _panel(finished, over, "seconds", "seconds of training", references=False, bounds=bounds)
        st.caption("Of its slowest process; its seeds may be spread over several.")
    if caption := laws.explained(fits):
        st.caption(caption)
    if caption := _convicted(shown, finished, bounds):
        st.caption(caption)
    if over == "depth" and any(
        np.isfinite(charts.values(runs, "collapsed_layers")).any() for runs in finished
    ):
        (left, _, _) = st.columns(_COLUMNS, gap="small")
        with left:
            _panel(
                finished, over, "collapsed_layers", charts.COUNTED, references=False, bounds=bounds
            )
            st.caption("How many final layers have an NC1 within 10 % of the last one’s.")


def _convicted(
    shown: Sequence[Series],
    finished: Sequence[list[charts.Finished]],
    bounds: Mapping[str, Bound],
) -> str:
    """Which points are hollow, and why; "" where none is."""
    named = []
    for family, label, runs in zip(shown, series.labels(shown), finished, strict=True):
        letter = PARAMS[family.over].letter
        at = [
            f"{getattr(config, family.over):g}"
            for config, key, entry in runs
            if charts.is_convicted(key, entry, bounds)
        ]
        if at:
            named.append(f"{text.plain(label)} at {letter} = {', '.join(at)}")
    if not named:
        return ""
    return (
        "**Hollow points are at no optimum**, whatever their collapse: a shallower network, padded "
        "with blocks that add nothing, or one of another λ, is known to cost less (dotted steps "
        f"in the objective's panel). {'; '.join(named)}. More passes, or the solver K-FAC L-BFGS, "
        "bring them down."
    )


def _if_trivial(shown: Sequence[Series], metric: str) -> None:
    """Says where a metric of some of the series tells nothing."""
    for family in shown:
        base = family.base
        why = trivial(base.classes, base.samples_per_class).get(base.curve(metric))
        if why:
            st.caption(f"{METRICS[metric]} tells nothing here: {why}.")
            return


def _panel(
    finished: Sequence[list[charts.Finished]], over: str, metric: str, title: str, **more: object
) -> list[PowerLaw | None]:
    """One panel; the power laws that it names."""
    fits = [laws.law(runs, over, metric) for runs in finished]
    st.html(_heading(title, fits, over))
    table = charts.table(finished, over, metric, fits, **more)  # type: ignore[arg-type]
    spec = charts.spec(over, title, tuple(more.get("parts", ())))  # type: ignore[arg-type]
    key = f"depth_{metric}"
    charts.draw(charts.with_room(table), spec, key, lambda: _clicked(key))
    return fits


def _heading(title: str, fits: Sequence[PowerLaw | None], over: str) -> str:
    told = "".join(
        f'<span style="--series:{charts.COLORS[n]}">{laws.html(fit, over)}</span>'
        for n, fit in enumerate(fits)
        if fit is not None
    )
    return f'<div class="panel-heading"><b>{escape(title)}</b>{told}</div>'


def _clicked(key: str) -> None:
    st.session_state[_OPEN] = charts.picked(key)


def _map(family: Series, picture: Picture, runs: list[charts.Finished]) -> None:
    st.session_state["depth:metric"] = picture.metric
    st.segmented_control(
        "Metric",
        list(METRICS),
        format_func=METRICS.__getitem__,
        key="depth:metric",
        required=True,
        on_change=_metric_changed,
    )
    spec = charts.map_spec(family.depths, family.decays, METRICS[picture.metric])
    table = charts.map_table(runs, picture.metric)
    charts.draw(table, spec, "depth_map", lambda: _clicked("depth_map"))


def _metric_changed() -> None:
    series.show(replace(series.current(), metric=st.session_state["depth:metric"]))
