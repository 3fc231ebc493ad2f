"""The panels of Depth: one a metric over depth or weight decay, or a map where both vary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from html import escape

import numpy as np
import streamlit as st

from app.charts import depth as charts
from app.charts import in_words
from app.components import address, laws, neighbours, pictured, series, text
from app.components.series import METRICS, Picture, Series
from ncengine.analysis.bounds import Bound
from ncengine.analysis.fits import PowerLaw
from ncengine.analysis.over_seeds import log_moments
from ncengine.config import PARAMS
from ncengine.theory.optimum import why_no_figure
from ncengine.theory.trivial import trivial

_OPEN, _LISTED = "depth:open", "depth:run"
_COLUMNS = 3


def clicked() -> str | None:
    """The key of the run whose point was clicked since this was asked last."""
    return st.session_state.pop(_OPEN, None)


def draw(
    shown: Sequence[Series],
    finished: Sequence[list[charts.Finished]],
    fitted: Sequence[list[charts.Finished]],
    bounds: Mapping[str, Bound],
    picture: Picture,
) -> None:
    """What is finished of each series, a panel a metric.

    Args:
        shown: the series.
        finished: of each what is drawn.
        fitted: and to what of that lines are fitted.
        bounds: what others prove of the optimum, by a run's key.
        picture: what is shown how.
    """
    over = shown[0].over
    panel = partial(_panel, series.labels(shown), finished, fitted, over, bounds=bounds)
    fits: list[PowerLaw | None] = []
    of_features = {name: title for name, title in METRICS.items() if name != "gap"}
    for n, (metric, title) in enumerate(of_features.items()):
        if n % _COLUMNS == 0:
            columns = st.columns(_COLUMNS, gap="small")
        with columns[n % _COLUMNS]:
            fits += panel(metric, title)
            _if_trivial(shown, metric)
    leasts = pictured.leasts(shown)
    left, middle, right = st.columns(_COLUMNS, gap="small")
    with left:
        if any(leasts):
            title = pictured.called("gap", shown)
            fits += panel("gap", title, parts=("decay_hidden", "rest"))
            st.caption(
                "Dotted: the hidden decay, that of all layers before the last. Dashed and dotted: "
                "the rest, fit and last layer."
            )
        if without := next(filter(None, (why_no_figure(one.base) for one in shown)), ""):
            st.caption(f"There is no floor in closed form: {without}.")
    with middle:
        drawn = leasts if over == "depth" else []
        floors = [least.value if least else None for least in drawn]
        panel("loss", "objective", references=False, floors=floors)
        if any(floors) and (caption := pictured.dashed(shown)):
            st.caption(caption)
    with right:
        panel("seconds", "seconds of training", references=False)
        st.caption("Of its slowest process; its seeds may be spread over several.")
    if caption := laws.explained(fits):
        st.caption(caption)
    if caption := _convicted(shown, finished, bounds):
        left_out = " No line is fitted to them." if picture.lines == "optima" else ""
        st.caption(caption + left_out)
        _lines_switch(picture)
    neighbours.draw(shown, finished)
    if over == "depth" and any(
        np.isfinite(charts.values(runs, "collapsed_layers")).any() for runs in finished
    ):
        (left, _, _) = st.columns(_COLUMNS, gap="small")
        with left:
            panel("collapsed_layers", charts.COUNTED, references=False)
            st.caption("How many final layers have an NC1 within 10 % of the last one’s.")


def draw_list(
    shown: Sequence[Series], finished: Sequence[list[charts.Finished]], metric: str
) -> None:
    """What a click on a point does, for who has no pointer: a list of all runs, which opens one.

    Vega's points take no focus.
    """
    named = {
        key: f"{config.title()}: {pictured.called(metric, shown)} {value}"
        for runs in finished
        for (config, key, _), value in zip(runs, _typical(runs, metric), strict=True)
    }
    st.selectbox(
        "Open a run",
        list(named),
        index=None,
        format_func=named.__getitem__,
        key=_LISTED,
        on_change=_opened,
        placeholder="Open a run: as a click on its point does",
        label_visibility="collapsed",
        width=480,
    )


def _typical(runs: Sequence[charts.Finished], metric: str) -> list[str]:
    means = log_moments(charts.values(runs, metric))[0]
    return [text.number(float(10**mean)) for mean in means]


def _opened() -> None:
    st.session_state[_OPEN] = st.session_state[_LISTED]


def _lines_switch(picture: Picture) -> None:
    st.session_state["depth:lines"] = picture.lines == "optima"
    st.toggle(
        "Leave hollow points out of the lines",
        key="depth:lines",
        on_change=address.if_picked(series.OWNER, _lines_changed),
        help="Laws are of optima: slopes, and what is said to be seen, are then of the others.",
    )


def _lines_changed() -> None:
    lines = "optima" if st.session_state["depth:lines"] else "all"
    series.show(replace(series.current(), lines=lines))


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
        f"in the objective's panel). {'; '.join(named)}. More passes bring them down, and so does "
        "that other network, to start from."
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
    labels: Sequence[str],
    finished: Sequence[list[charts.Finished]],
    fitted: Sequence[list[charts.Finished]],
    over: str,
    metric: str,
    title: str,
    **more: object,
) -> list[PowerLaw | None]:
    """One panel; the power laws that it names."""
    fits = [laws.law(runs, over, metric) for runs in fitted]
    st.html(_heading(title, fits, over))
    table = charts.table(finished, over, metric, fits, **more)  # type: ignore[arg-type]
    spec = charts.spec(over, title, tuple(more.get("parts", ())))  # type: ignore[arg-type]
    key = f"depth_{metric}"
    told = in_words.depths(
        table, labels, PARAMS[over].letter, [laws.said(fit, over) for fit in fits]
    )
    table = in_words.telling(charts.with_room(table), told)
    charts.draw(table, spec, key, lambda: _clicked(key))
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


def draw_map(
    shown: Sequence[Series], finished: Sequence[list[charts.Finished]], picture: Picture
) -> None:
    """What is finished of the first series, over depth and weight decay."""
    family = shown[0]
    st.session_state["depth:metric"] = picture.metric
    st.segmented_control(
        "Metric",
        list(METRICS),
        format_func=partial(pictured.called, shown=shown),
        key="depth:metric",
        required=True,
        on_change=address.if_picked(series.OWNER, _metric_changed),
    )
    title = pictured.called(picture.metric, shown)
    spec = charts.map_spec(family.depths, family.decays, title)
    table = charts.map_table(finished[0], picture.metric)
    table = in_words.telling(table, in_words.grid(table, title))
    name = f"Map of {title} over depth L and weight decay λ"
    charts.draw(table, spec, "depth_map", lambda: _clicked("depth_map"), name)
    neighbours.draw(shown, finished)


def _metric_changed() -> None:
    series.show(replace(series.current(), metric=st.session_state["depth:metric"]))
