"""A recording within a file: its player, figures and charts; and as a file of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from html import escape

import numpy as np

from app.charts import in_words
from app.charts import modules as of_modules
from app.components import readings, recorded
from app.engine import recorded as engine
from app.export import figures as figures_of
from app.export import plot
from app.export.document import document
from app.export.lines import drawn
from app.export.placed import NAME, SERVER, Messages, back, started
from app.export.plot import Line
from app.player import view
from app.recorded import curves, figures, modules, words
from app.recorded.seen import Seen, message, subject
from ncengine.catalogue.literature import told


def of_recording(seen: Seen, server: str = SERVER) -> str:
    """The file of a recording, as it is looked at; `server` is where it is found in the app."""
    recording, messages = seen.recording, Messages()
    values = {"start": started(seen.looked_at), "live": False}
    player = messages.place(message(seen, anywhere=True), values)
    name = recording.about.name
    charts = ""
    if len(recording.steps) > 1:
        shown = curves.collapse(recording), curves.picked(recording, curves.chosen(recording))
        charts = "".join(map(drawn, shown))
    charts = over_modules(seen) + charts
    address = seen.query() | started(seen.looked_at)
    facts = " · ".join(words.facts(recording)).replace("**", "").replace("\\", "")
    body = (
        f'<main class="one"><header><h1>{escape(name)}</h1>'
        f'<p class="facts">{escape(facts)}</p></header>'
        f"{readings.html(seen, figures.row(seen), presented=False, across=True)}"
        f'<div class="halves">{player}<div class="beside">{charts}</div></div>'
        f"<p>{escape(words.DRAWN_ALIKE)}</p>"
        f"{back(server, address, 'recorded', 'this recording')}</main>"
    )
    return document(f"{name} · {NAME}", body, messages.by_name)


def over_modules(seen: Seen) -> str:
    """A figure over the modules, as HTML, which follows the player's moment; "" without any."""
    layers = seen.recording.layers
    if layers is None:
        return ""
    one, name, names = told(modules.of(seen)), modules.of(seen), modules.names(seen)
    values, g = layers.measured[name][:, 0], modules.moment(seen, layers)
    at = np.arange(1.0, len(names) + 1)
    lines = [
        Line("", one.color, at, values[n], width=3.5, moment=float(layers.epoch[n]), shown=n == g)
        for n in figures_of.some(len(values), g, figures_of.MOMENTS)
    ]
    table, *_ = modules.drawn(seen)
    x = plot.named_axis(of_modules.TITLE, names)
    y = one.title, one.scale
    return figures_of.at_moments(x, y, lines, "at step ", in_words.told_of(table))


def of_step(query: Mapping[str, str], place: Callable[[bytes | None], str]) -> tuple[str, str]:
    """What a step of a story shows of one: title, and HTML.

    Args:
        query: the step's address.
        place: puts a message into the file; gives HTML of the place for its player.
    """
    asked = recorded.parse(query)
    found = engine.look(asked.key)
    if found is None:
        return "Recorded", "<p>This recording is not in the cache that the file was made from.</p>"
    own = {name: value for name, value in query.items() if name in view.NAMES}
    looked_at, _ = view.parse(own, subject(found))
    looked_at = replace(view.fit(looked_at, subject(found)), moment=query.get("epoch", ""))
    seen = Seen(found, looked_at)
    row = readings.html(seen, figures.few(seen), presented=True)
    player = place(message(seen, anywhere=True))
    chart = drawn(curves.collapse(found)) if len(found.steps) > 1 else ""
    beside = f'<div class="beside">{row}{chart}</div>'
    return found.about.name, f'<div class="halves">{player}{beside}</div>'
