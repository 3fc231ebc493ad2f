"""Depth: the law that collapse tightens with depth, over any set of networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from html import escape
from typing import Any

import streamlit as st

from app.charts import depth as charts
from app.components import (
    address,
    download,
    laws,
    neighbours,
    notices,
    paper,
    pictured,
    pulse,
    recipes,
    requests,
    series,
    status,
    text,
    theory,
)
from app.components.series import Picture, Series
from app.engine import best_known, data, pace, public, runs, sweep
from app.engine.sweep import Point
from app.export import shown as saved
from app.stage.presenting import AS_ITSELF, Stage
from app.views import panels, presented, presets
from ncengine.config import PARAMS, RunConfig, as_text
from ncengine.config.fields import PAPER_DEPTHS
from ncengine.runs.run import Status
from ncengine.theory.depth_law import prediction
from ncengine.theory.optimum import why_no_figure

# Seconds between two looks at runs that move, and at others.
LIVE, IDLE = 0.7, 2.5
_WRONG = "depth:wrong"
PROGRESS, PANELS, WATCH = "depth:progress", "depth:panels", "depth:watch"
UNSEEN = "\N{WORD JOINER}"

Open = Callable[[RunConfig], None]


def draw(config: RunConfig, open_run: Open, at: Stage = AS_ITSELF) -> None:
    """The page for the picker's configuration; `open_run` shows a run on its own page.

    Shown as `at` says.
    """
    picture = series.current()
    saved.shows_picture(config, picture)
    notices.unknown_names(address.unknown((*PARAMS, *series.NAMES, *theory.NAMES)))
    if at.fills:
        shown = picture.series(config)
        presented.title(f"How {pictured.called(picture.metric, shown)} changes with depth")
        st.fragment(_presented, key=PANELS)(shown, picture)
        return
    notices.draw()
    _heading_row(config, picture)
    st.markdown(
        "Each point is a network of its own. The curves show whether deeper ones collapse further."
    )
    _controls(picture)
    shown = picture.series(config)
    _legend(shown, picture)
    configs = _all(shown)
    points = sweep.look(configs)
    _downloads([point.config for point in points if not point.finished])
    awaited = best_known.is_awaited(*(point.config for point in points if point.finished))
    busy = awaited or any(point.now.status.busy for point in points)
    st.fragment(_progress, key=PROGRESS)(configs)
    st.fragment(_panels, key=PANELS)(shown, picture, open_run)
    pace.forget()
    begun = any(point.finished for point in points)
    st.fragment(_watch, key=WATCH)(configs, begun, LIVE if busy else IDLE)


def _told() -> AbstractContextManager[None]:
    return notices.told("This part of the page", "A part of Depth")


def _all(shown: Sequence[Series]) -> tuple[RunConfig, ...]:
    """Every network of all series, once, and what was started from others in their place."""
    configs = [config for family in shown for config in family.grid]
    configs += neighbours.started(configs)
    return tuple({config.canonical_json(): config for config in configs}.values())


# What is shown.


def _controls(picture: Picture) -> None:
    left, right = st.columns((6, 5), vertical_alignment="bottom")
    with left:
        _values("depths", "depth", picture.depths, PAPER_DEPTHS)
    with right:
        _values("decays", "weight_decay", picture.decays, PARAMS["weight_decay"].suggested)
    # Once: it is about what was typed last.
    for sentence in st.session_state.pop(_WRONG, ()):
        st.caption(f":red[{sentence}]")


def _heading_row(config: RunConfig, picture: Picture) -> None:
    with st.container(
        horizontal=True, vertical_alignment="center", gap="small", key="depth_heading"
    ):
        st.header("How collapse changes with depth", anchor=False, width="stretch")
        full = len(picture.kept) >= series.MOST_KEPT
        st.button(
            "Add to the picture",
            key="keep",
            on_click=_keep,
            args=(config, picture),
            disabled=full,
            help="Keeps what is shown, so that what you pick next is drawn beside it."
            if not full
            else "As many series as can be told apart are shown.",
        )
        with st.popover("Presets", key="presets"):
            presets.draw()


def _values(name: str, field: str, values: tuple, suggested: Sequence) -> None:
    """A set of depths, or of weight decays: some that are offered, or any that is typed."""
    param, key = PARAMS[field], f"depth:{name}"
    st.session_state[key] = [as_text(value) for value in values]
    st.multiselect(
        "Depths L" if field == "depth" else "Weight decays λ",
        [as_text(value) for value in sorted({*suggested, *values})],
        key=key,
        format_func=_never_typed,
        accept_new_options=True,
        filter_mode="prefix",
        select_all=False,
        max_selections=series.MOST_VALUES,
        on_change=address.if_picked(series.OWNER, _values_changed),
        args=(name, field),
        placeholder="the one that is picked at the left",
        help=f"Pick values or type some: each {param.allowed}. "
        + ("" if field == "depth" else "With several depths they make a grid."),
    )


def _never_typed(value: str) -> str:
    """The value after a sign that is not seen.

    Enter takes what the list offers first, and of those that begin like what was typed, though
    another number was meant: 13 for 1. So nothing offered begins like it, and Enter adds it.
    """
    return UNSEEN + value


def _values_changed(name: str, field: str) -> None:
    param, picture = PARAMS[field], series.current()
    values, wrong = set(), []
    for typed in st.session_state[f"depth:{name}"]:
        for part in typed.replace(UNSEEN, "").replace(",", " ").split():
            try:
                values.add(param.parse(part))
            except (ValueError, TypeError, OverflowError):
                wrong.append(f"**{param.label}** = {text.plain(part)}: {param.allowed}.")
    if not values and field == "depth":
        values = set(PAPER_DEPTHS)
    if len(values) > series.MOST_VALUES:
        wrong.append(f"**{param.label}**: {len(values)} values, but at most {series.MOST_VALUES}.")
        values = set(getattr(picture, name))
    st.session_state[_WRONG] = wrong
    changed: dict[str, Any] = {name: tuple(sorted(values))}
    series.show(replace(picture, **changed))


def _keep(config: RunConfig, picture: Picture) -> None:
    shown = picture.series(config)
    series.show(replace(picture, kept=tuple(shown[: series.MOST_KEPT])))


def _drop(n: int, picture: Picture) -> None:
    kept = tuple(family for i, family in enumerate(picture.kept) if i != n)
    series.show(replace(picture, kept=kept))


def _legend(shown: Sequence[Series], picture: Picture) -> None:
    """The series' names in their colours; those that were kept can be taken out."""
    named = series.labels(shown)
    with st.container(key="series", horizontal=True, vertical_alignment="center", gap="small"):
        for n, (family, label) in enumerate(zip(shown, named, strict=True)):
            swatch = f'<i style="background:{charts.COLORS[n]}"></i>'
            seeds = f"{len(family.base.seeds)} seeds" if len(family.base.seeds) > 1 else "one seed"
            named_so = f'<span class="series">{swatch}{escape(label)} <small>{seeds}</small></span>'
            st.html(named_so, width="content")
            if family in picture.kept:
                st.button(
                    "✕",
                    key=f"drop-{n}",
                    on_click=_drop,
                    args=(picture.kept.index(family), picture),
                    help=f"Take {label} out of the picture.",
                )


def _downloads(configs: Sequence[RunConfig]) -> None:
    """What those that are still to be trained lack."""
    for config in {config.dataset: config for config in configs}.values():
        if data.needs_download(config):
            with st.container(border=True):
                download.draw(config, key=f"download-{config.dataset}")


# How far it has come.


def _progress(configs: tuple[RunConfig, ...]) -> None:
    with pace.measured(), _told():
        points = sweep.look(configs)
        st.session_state[PROGRESS] = sweep.moment(points)
        requests.draw_trouble(requests.trouble(configs[0]))
        missing = [p for p in points if not p.finished]
        busy = [p for p in points if p.now.status.busy]
        able = [p.config for p in missing if not data.needs_download(p.config)]
        refused = "" if busy else text.plain(public.why_not_train(able))
        with status.bar():
            if busy:
                _busy(points, busy)
            elif missing:
                _missing(points, missing, able, refused)
            else:
                words = f"**All {_networks(len(points))} are trained.** {_took(points)}"
                st.markdown(words + _shipped(points))
        if refused:  # in more words than the bar has room for
            st.caption(refused)
        for point in points:
            if point.now.status is Status.FAILED and not busy:
                reason = text.plain(point.now.error or "The log has more.")
                st.error(f"**{text.plain(point.config.title())}** failed: {reason}")
            if point.now.status is Status.DIVERGED:
                title = text.plain(point.config.title())
                st.warning(f"**{title}**: every seed diverged, and it is left out.")


def _busy(points: list[Point], busy: list[Point]) -> None:
    done = sum(point.finished for point in points)
    share = sweep.share(points)
    parts = [f"**Training**: {done} of {_networks(len(points))}", f"{share:.0%}"]
    left = sweep.seconds_left(tuple(point.config for point in busy))
    if lacking := runs.jobs().waits_for:
        parts = [f"**Waiting**: {text.plain(lacking)}"]
    elif left is not None:
        parts.append(f"about {text.duration(left)} left")
    st.progress(share, " · ".join(parts))
    others = [public.why_not_stop(p.config) for p in busy]
    st.button(
        "Stop",
        key="stop",
        on_click=requests.cancel_all,
        args=([p.config for p in busy],),
        disabled=all(others),
        help=text.plain(others[0]) if all(others) else None,
    )


def _missing(
    points: list[Point], missing: list[Point], able: list[RunConfig], refused: str
) -> None:
    begun = any(p.now.passes for p in missing)
    word = "Go on with" if begun else "Train"
    st.button(
        f"{word} {_networks(len(able))}",
        type="primary",
        key="train",
        shortcut="T",
        disabled=not able or bool(refused),
        help=refused or None,
        on_click=requests.submit_all,
        args=(able,),
    )
    if not able:
        st.caption("Their data are not on this machine yet.")
        return
    if refused:
        return
    left = sweep.seconds_left(tuple(able))
    if left is None:
        when = "The first runs of their kind will tell how long it takes."
    else:
        busy = " on this machine, which is busy" if runs.jobs().busy else ""
        about = f"About {text.duration(left)}{busy}"
        when = f"{about}, judged by earlier runs; what takes least comes first."
    here = sum(point.finished for point in points)
    st.caption(f"{here} of {len(points)} are here. {when}")


def _networks(count: int) -> str:
    return "1 network" if count == 1 else f"{count} networks"


def _took(points: list[Point]) -> str:
    total = sum(point.now.entry["seconds"] for point in points if point.now.entry)
    return f"It took {text.duration(total)} of training."


def _shipped(points: list[Point]) -> str:
    """How many of them were not trained here."""
    count = sum(point.now.shipped for point in points)
    if not count:
        return ""
    which = "All" if count == len(points) else str(count)
    return f" :blue-badge[:material/photo_library: {which} from the gallery]"


def _watch(configs: tuple[RunConfig, ...], begun: bool, least: float) -> None:
    pulse.draw(pace.next_look(least), lambda: _poll(configs, begun))


def _poll(configs: tuple[RunConfig, ...], begun: bool) -> None:
    """Has what moved since it was drawn here drawn again; with the first point, all of it."""
    with pace.measured():
        points = sweep.look(configs)
        if not begun and any(point.finished for point in points):
            st.rerun()
        moments = {PROGRESS: sweep.moment(points), PANELS: _recorded(points)}
        moved = [part for part, now in moments.items() if st.session_state.get(part) != now]
    if moved:
        pulse.refresh([*moved, WATCH])


def _recorded(points: Sequence[Point]) -> tuple:
    """Changes whenever a run has come to its end, or a best figure is found."""
    finished = (point.config for point in points if point.finished)
    return sweep.recorded(points), tuple(map(best_known.is_awaited, finished))


# The pictures.


def _panels(shown: list[Series], picture: Picture, open_run: Open) -> None:
    with pace.measured(), _told():
        points = {point.key: point for point in sweep.look(_all(shown))}
        st.session_state[PANELS] = _recorded(tuple(points.values()))
        asked = panels.clicked()
        if asked in points:
            open_run(points[asked].config)
        presets.draw_words(shown)
        finished, bounds, fitted = pictured.finished(shown, points, picture)
        if not any(finished):
            st.info(_nothing_yet(shown, list(points.values())))
        else:
            if words := laws.seen(shown, fitted):
                st.html(words)
            if shown[0].is_grid:
                panels.draw_map(shown, finished, picture)
            else:
                panels.draw(shown, finished, fitted, bounds, picture)
            panels.draw_list(shown, finished, picture.metric)
        _theory(shown)
        recipes.draw(shown, list(points.values()), fitted)


def _presented(shown: list[Series], picture: Picture) -> None:
    """One panel for an audience, of what is there."""
    with pace.measured(), _told():
        points = {point.key: point for point in sweep.look(_all(shown))}
        finished, bounds, fitted = pictured.finished(shown, points, picture)
        if any(finished):
            presented.panel(shown, finished, fitted, bounds, picture)
        else:
            with st.container(key="presented_panel"):
                st.info(_nothing_yet(shown, list(points.values())))


def _nothing_yet(shown: list[Series], points: list[Point]) -> str:
    begun = any(point.now.status.busy for point in points)
    proved = not any(why_no_figure(family.base) for family in shown)
    what = ", the best that any network can reach" * proved
    return (
        f"{'Here come' if begun else 'Train these networks, and here come'} NC1, NC2 and NC3 of "
        f"each as it is done, and its {pictured.called('gap', shown)}{what}."
    )


def _theory(shown: list[Series]) -> None:
    with st.container(key="depth_theory"):
        st.markdown("##### What the theory says")
        of_whom: dict[str, list[str]] = {}
        for family, label in zip(shown, series.labels(shown), strict=True):
            of_whom.setdefault(prediction(family.base), []).append(label)
        for statement, named in of_whom.items():
            who = f"**{text.plain('; '.join(named))}**: " if len(of_whom) > 1 else ""
            st.markdown(who + text.plain(statement))
        st.caption(
            "The theorems speak of global optima, and of what holds at most. A slope that is less "
            f"steep can be the solver's: see how far above the {pictured.least_called(shown)} it "
            "ends."
        )
        paper.draw()
