"""One HTML file of a run or of a story, to take along: it plays without server and network."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from html import escape

from app.charts import depth
from app.components import explanation, pair, pictured, readouts, series
from app.components.series import Picture
from app.engine import best_known, derived, runs
from app.export import figures, recorded
from app.export.document import document
from app.export.placed import NAME, SERVER, Messages, back, started, title_of
from app.picker import other
from app.player import on_page, view
from app.player.on_page import Beside
from app.player.view import View
from app.player.wire import CLOCK, Group, Playing
from app.stage.story import COMPARE, DEPTH, RECORDED, THEORY, Step, Story, width_of
from ncengine.analysis import comparison
from ncengine.analysis.outcome import outcome
from ncengine.config import PARAMS, RunConfig
from ncengine.runs.run import Run

PANELS = (
    "Each point is a network of its own. The curves show whether deeper ones collapse further. "
    "Hollow points are at no optimum: another network proves it."
)
_GROUP = "compare"


def of_run(run: Run, looked_at: View, server: str = SERVER) -> str:
    """The file of a run, as it is looked at; `server` is where it is found in the app."""
    messages, config = Messages(), run.config
    values = {"start": started(looked_at), "live": False}
    player = messages.place(on_page.message(run, _anywhere(looked_at)), values)
    charts = [figures.objective(run), figures.collapse(run, looked_at.test)]
    if looked_at.beside == "layers":
        charts = [figures.layers(run, looked_at) or charts[0], charts[1]]
    body = (
        f'<main class="one"><header><h1>{escape(config.title())}</h1>'
        f"<p>{escape(explanation.in_short(config))}</p>{_outcome(run)}"
        f'<p class="facts">{_facts(run)}</p></header>{readouts.html(run)}'
        f'<div class="halves">{player}<div class="beside">{"".join(charts)}</div></div>'
        f"<details><summary>{explanation.TITLE}</summary>"
        f"{_from_markdown(explanation.explained(config, run.best_figure))}</details>"
        f"{back(server, {**config.query(), **_seen(looked_at, run)})}</main>"
    )
    return document(f"{config.title()} · {NAME}", body, messages.by_name)


def of_picture(config: RunConfig, picture: Picture, server: str = SERVER) -> str:
    """The file of what Depth shows: a panel a metric, with the laws that its series follow."""
    shown = picture.series(config)
    if shown[0].is_grid:
        # One series a weight decay, as many as can be told apart.
        shown = shown[0].by_decay()[: len(depth.COLORS)]
    panels = "".join(
        f'<section class="panel"><h2>{escape(_begun(pictured.called(metric, shown)))}</h2>'
        f"{figures.depth(shown, replace(picture, metric=metric))}</section>"
        for metric in series.METRICS
    )
    title = "How collapse changes with depth"
    body = (
        f'<main class="one"><header><h1>{title}</h1><p>{PANELS}</p></header>'
        f'<div class="panels">{panels}</div>'
        f"{back(server, {**config.query(), **picture.query()}, 'depth', 'this picture')}</main>"
    )
    return document(f"{title} · {NAME}", body, {})


def of_pair(left: Run, right: Run, looked_at: View, clock: str, server: str = SERVER) -> str:
    """The file of two runs side by side, whose players move as one, as they are looked at.

    `clock` is how they keep in step, see `player/wire.py`.
    """
    messages, names = Messages(), pair.names(left, right)
    values = {"start": started(looked_at), "live": False}
    sides = ""
    for name, run, seen, beside in _sides(left, right, looked_at, clock):
        message = on_page.message(run, _anywhere(seen), beside=beside)
        sides += (
            f'<section class="side"><h2>{escape(name)}</h2>{messages.place(message, values)}'
            f"{readouts.html(run, few=True)}</section>"
        )
    found = comparison.figures(left, right)
    title = " · ".join(names)
    query = {**left.config.query(), other.OTHER: other.as_one(right.config)}
    query |= _seen(looked_at, left) | {CLOCK: clock}
    body = (
        f'<main class="one"><header><h1>Two runs side by side</h1>'
        f"<p>{escape(comparison.sentence(left, right))}</p></header>"
        f'<div class="halves even">{sides}</div>{pair.table(found, names, ("", ""))}'
        f"{back(server, query, 'compare', 'this pair')}</main>"
    )
    return document(f"{title} · {NAME}", body, messages.by_name)


def _sides(
    left: Run, right: Run, looked_at: View, clock: str
) -> Iterator[tuple[str, Run, View, Beside]]:
    """Of each of two runs what it is called, itself, how it is looked at, and its place."""
    both = left, right
    views = looked_at, view.fit(looked_at, view.of_run(right))
    onto, names = on_page.onto(both, views), pair.names(left, right)
    for n, (run, seen) in enumerate(zip(both, views, strict=True)):
        yield names[n], run, seen, Beside(f"side-{n}", Group(_GROUP, n, clock), onto[n])


def of_story(story: Story) -> str:
    """The file of a story, of which each step is shown as it is presented."""
    messages = Messages()
    steps = "\n".join(
        f'<template class="step" data-page="{step.page}">{_step(messages, n, step)}'
        f"{_caption(n, len(story.steps), step)}</template>"
        for n, step in enumerate(story.steps, 1)
    )
    buttons = "".join(
        f'<button type="button" data-by="{by}" aria-label="{words}">{sign}</button>'
        for by, words, sign in ((-1, "Back", "‹"), (1, "On", "›"))
    )
    body = (
        f"{steps}<main></main>"
        f'<nav class="buttons" aria-label="Steps">{buttons}</nav>'
        '<p class="told-aloud" id="said" role="status"></p>'
    )
    return document(f"{story.title} · {NAME}", body, messages.by_name, story=True)


def file_name(title: str, ending: str = "html") -> str:
    """What a file of a run, a story or a figure of that title is called."""
    words = re.sub(r"[^A-Za-z0-9.]+", "-", title).strip("-.")[:80]
    return f"{words or 'neural-collapse'}.{ending}"


# A run.


def _outcome(run: Run) -> str:
    """What came of a finished run, and what has to be said of some of its seeds."""
    if not run.status.finished:
        return ""
    came = outcome(run)
    said = " ".join((came.reason, *came.troubles))
    return f"<p><b>{escape(came.verdict)}</b>: {escape(said)}</p>"


def _facts(run: Run) -> str:
    parts = [f"{derived.parameter_count(run.config):,} parameters"]
    if len(run.config.seeds) > 1:
        parts[-1] += f" × {len(run.config.seeds)} seeds"
    parts.append(f"{run.passes:,} passes over the data")
    return escape(" · ".join(parts))


def _from_markdown(words: str) -> str:
    """The little of Markdown that the app's explanations use, as HTML."""
    text = escape(words.replace("\\", ""))
    text = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", text)
    return "".join(f"<p>{paragraph}</p>" for paragraph in text.split("\n\n"))


def _seen(looked_at: View, run: Run) -> dict[str, str]:
    """What an address says of how it is looked at: from where, and at which moment, too."""
    return looked_at.query(view.of_run(run)) | started(looked_at)


def _anywhere(looked_at: View) -> View:
    """The view without where the player begins, which the place of each player says itself."""
    return replace(looked_at, start=())


# A story.


def _step(messages: Messages, n: int, step: Step) -> str:
    config, _ = RunConfig.nearest({n: v for n, v in step.query.items() if n in PARAMS})
    values = {
        **asdict(Playing(str(n), step.plays, "plays", True)),
        "start": {n: v for n, v in step.query.items() if n in view.PLAYER_NAMES},
        "live": False,
    }
    if step.page == DEPTH:
        return _depth(step, config)
    if step.page == THEORY:
        # With it comes scipy, which no other file has to wait for.
        from app.export import theory

        title, shown = theory.of_step(step.query, lambda message: messages.place(message, values))
        return title_of(title) + shown
    if step.page == RECORDED:
        title, shown = recorded.of_step(step.query, lambda message: messages.place(message, values))
        return title_of(title) + shown
    run = _look(config)
    looked_at = _looked_at(step, run)
    if step.page == COMPARE:
        return _pair(messages, step, run, looked_at, values)
    player = messages.place(on_page.message(run, _anywhere(looked_at)), values)
    shown = title_of(config.title()) + f'<div class="halves">{player}<div class="beside">'
    if not run.points:
        return f"{shown}<p>Nobody has trained this network yet.</p></div></div>"
    chart = figures.layers(run, looked_at) if looked_at.beside == "layers" else ""
    chart = chart or figures.collapse(run, looked_at.test)
    return f"{shown}{on_page.figures(run, looked_at)}{chart}</div></div>"


def _look(config: RunConfig) -> Run:
    """The run as it stands, with what it is compared with: a file is written once."""
    best_known.wait([config])
    return runs.look(config)


def _looked_at(step: Step, run: Run) -> View:
    """The view that a step's address asks for, at its moment."""
    own = {name: value for name, value in step.query.items() if name in view.NAMES}
    asked, _ = view.parse(own, view.of_run(run))
    moment = step.query.get("epoch", "")
    return replace(view.fit(asked, view.of_run(run)), moment=moment)


def _depth(step: Step, config: RunConfig) -> str:
    own = {name: value for name, value in step.query.items() if name in series.NAMES}
    picture, _ = series.parse(own)
    shown = picture.series(config)
    title = title_of(f"How {pictured.called(picture.metric, shown)} changes with depth")
    return f'{title}<div class="panel">{figures.depth(shown, picture)}</div>'


def _pair(
    messages: Messages, step: Step, left: Run, looked_at: View, values: Mapping[str, object]
) -> str:
    asked = {name: value for name, value in step.query.items() if name == other.OTHER}
    right = _look(other.read(asked, left.config)[0])
    alike = left.config.budget == right.config.budget
    clock = step.query.get(CLOCK, "pass" if alike else "share")
    sides = ""
    for _, run, seen, beside in _sides(left, right, looked_at, clock):
        message = on_page.message(run, _anywhere(seen), beside=beside)
        shown = on_page.figures(run, seen) if run.points else ""
        sides += f'<div class="side">{messages.place(message, values)}{shown}</div>'
    return title_of(" · ".join(pair.names(left, right))) + f'<div class="halves even">{sides}</div>'


def _begun(words: str) -> str:
    return words[:1].upper() + words[1:]


def _caption(n: int, count: int, step: Step) -> str:
    lines = "<br>".join(map(escape, step.caption.splitlines()))
    width = max(1.0, width_of(step.caption))
    return (
        f'<div class="story-caption" data-width="{width:.2f}"><p>{lines}</p>'
        '<div class="story-bar" role="img" '
        f'aria-label="Step {n} of {count}"><i></i></div></div>'
    )
