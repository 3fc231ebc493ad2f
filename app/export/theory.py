"""A part of the page Theory within a file: its player, figures and chart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape

from app.components import readings, theory
from app.export.lines import drawn
from app.player.wire import PLAYS
from app.theory import film, parts


def of_step(query: Mapping[str, str], place: Callable[[bytes], str]) -> tuple[str, str]:
    """What a step of a story shows of it: title, and HTML.

    Args:
        query: the step's address.
        place: puts a message into the file; gives HTML of the place for its player.
    """
    asked, _ = theory.parse({n: v for n, v in query.items() if n in theory.NAMES})
    title = parts.TITLES[asked.part]
    try:
        seen = parts.seen(asked.part, asked.of(asked.part))
    except ValueError as error:
        return title, f"<p>There is no such network: {escape(str(error))}.</p>"
    figures = readings.html(seen.film, seen.readings[:2], presented=True)
    if seen.film is None:
        return title, f'<div class="panel">{figures}{drawn(seen.chart)}</div>'
    player = place(film.message(seen.film, PLAYS))
    beside = f'<div class="beside">{figures}{drawn(seen.chart)}</div>'
    return title, f'<div class="halves">{player}{beside}</div>'
