"""What an audience sees: the player and one chart, or a chart of Depth, as large as the window."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape

import streamlit as st

from app.charts import curves
from app.charts import depth as charts
from app.components import laws, pictured, series, status
from app.components.series import Picture, Series
from app.components.shown import Shown
from app.engine import shared
from app.player import on_page
from app.player.view import View
from app.player.wire import Playing
from app.stage.presenting import Stage
from app.stage.story import EXPLORE, width_of
from app.views import layers
from ncengine.analysis import over_seeds
from ncengine.analysis.bounds import Bound
from ncengine.catalogue.datasets import dataset_info
from ncengine.config import RunConfig
from ncengine.runs.run import Run, Status


def title(words: str) -> None:
    """What is shown, in one line at the top."""
    # As large as lets it fit on its line.
    count = max(1, len(words))
    st.html(f'<h1 class="presented-title" style="--count:{count}">{escape(words)}</h1>')


def caption(stage: Stage) -> None:
    """What a story says of its step, and how far it has come."""
    step, story = stage.shown, stage.story
    if step is None or story is None:
        return
    lines = "<br>".join(map(escape, step.caption.splitlines()))
    width = max(1.0, width_of(step.caption))
    share = stage.step / len(story.steps)
    told = f"Step {stage.step} of {len(story.steps)}"
    st.html(
        f'<div class="story-caption" style="--width:{width:.2f}"><p>{lines}</p>'
        f'<div class="story-bar" role="img" aria-label="{told}">'
        f'<i style="width:{100 * share:.2f}%"></i></div></div>'
    )


def run(shown: Shown, looked_at: View, stage: Stage) -> None:
    """Player, figures and one chart of a run, or of these what is to be alone."""
    run = shown.run
    alone = stage.part(EXPLORE)
    if alone == "player":
        on_page.draw_player(run, looked_at, playing(stage))
        return
    if alone == "curves":
        _chart(run, looked_at)
        return
    left, right = st.columns((1.5, 1), gap="medium")
    with left:
        on_page.draw_player(run, looked_at, playing(stage))
    with right, st.container(key="presented_beside"):
        figures(run, looked_at)
        _chart(run, looked_at)


def progress(shown: Shown, pick: Callable[[RunConfig], None]) -> None:
    """How a run stands that is not done, in one line above the player."""
    if shown.run.status is Status.DONE:
        return
    with st.container(key="presented_status"):
        if shown.lacks_data:
            title = dataset_info(shown.run.config.dataset).title
            st.markdown(f"{title} is not on this machine: Escape leads to where it is fetched.")
        else:
            status.draw_brief(shown, ":presented", pick)


def playing(stage: Stage) -> Playing:
    """How the player is shown."""
    if stage.alone:
        begins = "loops" if stage.loop else "plays" if stage.autoplay else "rests"
    else:
        begins = "plays"
    step = stage.shown
    return Playing(stage.label, step.plays if step else "nothing", begins, stage.fills)


def figures(run: Run, looked_at: View) -> None:
    """The figures that matter, at the moment that the player shows."""
    if run.points:
        st.html(
            shared.once(run, ("figures", looked_at.seed), lambda: on_page.figures(run, looked_at))
        )


def _chart(run: Run, looked_at: View) -> None:
    with st.container(key="presented_chart"):
        if not run.points:
            st.skeleton(height=400)
        elif looked_at.beside == "layers" and run.layers is not None:
            layers.draw_lines(run, looked_at)
        else:
            test, several = looked_at.test, over_seeds.seeds_counted(run) > 1
            table = shared.once(run, ("collapse", test), lambda: curves.collapse_table(run, test))
            curves.draw_collapse(table, test, several, fills=True)


def panel(
    shown: Sequence[Series],
    finished: Sequence[list[charts.Finished]],
    fitted: Sequence[list[charts.Finished]],
    bounds: Mapping[str, Bound],
    picture: Picture,
) -> None:
    """One metric of Depth, that of the picture, with what is seen of each series."""
    over, metric = shown[0].over, picture.metric
    words = pictured.called(metric, shown)
    fits = [laws.law(runs, over, metric) for runs in fitted]
    names = zip(series.labels(shown), fits, strict=True)
    legend = "".join(
        f'<span style="--series:{charts.COLORS[n]}">{escape(label)}'
        f"<small>{laws.html(fit, over) if fit is not None else ''}</small></span>"
        for n, (label, fit) in enumerate(names)
    )
    parts = ("decay_hidden", "rest") if metric == "gap" else ()
    bounded = any(pictured.leasts(shown))
    table = charts.table(
        finished, over, metric, fits, parts=parts if bounded else (), bounds=bounds
    )
    spec = charts.spec(over, words, parts)
    with st.container(key="presented_panel"):
        st.html(f'<div class="presented-legend">{legend}</div>')
        with st.container(key="presented_chart"):
            charts.draw_filling(charts.with_room(table), spec, "presented_depth")
