"""The part of Share that saves a chart, or the player's view, as a figure for a paper."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import streamlit as st

from app.browser import component as browser
from app.charts import compare, lines
from app.components import series
from app.engine.files import AsTyped
from app.export import page, press, printable
from app.export.printable import Printable
from app.export.shown import Shown, brought_to, shown
from app.export.still import still_of_film
from app.stage.story import DEPTH, EXPLORE, RECORDED, THEORY

WIDTHS = {"single": "One column", "double": "Two columns"}
FRAGMENT = "figure"
LIBRARY = "Library"
PAIR = {"collapse": "Collapse", "objective": "Objective, or the gap to the floor"}


@dataclass(frozen=True)
class _Offer:
    """What of a page can be printed: in words, by name; how each is made; what it is called.

    `first` is the one that is offered before all others, where it is not the first of them.
    """

    titles: Mapping[str, str]
    make: Callable[[str], Printable]
    title: str
    first: str = ""


def draw(here: str) -> None:
    """Choose and save a figure of what the page shows."""
    with st.expander("Save a figure for a paper"):
        st.fragment(_draw, key=FRAGMENT)(here)


def _draw(here: str) -> None:
    offer = _offer(here, shown(), browser.address())
    if offer is None or not offer.titles:
        st.caption("There is nothing to be seen yet.")
        return
    names = tuple(offer.titles)
    name = st.selectbox(
        "Figure",
        names,
        index=names.index(offer.first or names[0]),
        format_func=offer.titles.__getitem__,
        key=f"figure:{here}{offer.first}",
    )
    width = st.segmented_control(
        "Width",
        tuple(WIDTHS),
        format_func=WIDTHS.__getitem__,
        key="figure:width",
        default="single",
        required=True,
        help="85 mm or 178 mm wide.",
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        form = st.segmented_control(
            "Format",
            tuple(press.FORMATS),
            format_func=str.upper,
            key="figure:form",
            default="pdf",
            required=True,
            help="PDF and SVG keep text as text, in an embedded typeface, and lines as lines.",
        )
        titled = st.toggle("Title", key="figure:title", value=True)
    pixels = _pixels(width) if form == "png" else None

    def file() -> bytes:
        made = offer.make(name)
        return press.pressed(made.svg(width, titled), form, pixels, made.told)

    st.download_button(
        "Save figure",
        data=AsTyped(file),
        file_name=page.file_name(f"{name} {offer.title}", form),
        mime=press.FORMATS[form],
        key="save_figure",
        on_click="ignore",
    )


def _pixels(width: str) -> int:
    return st.number_input(
        "Pixels across",
        press.LEAST_PIXELS,
        press.MOST_PIXELS,
        press.PIXELS[width],
        key=f"figure:pixels:{width}",
        help="600 to the inch, unless you say otherwise; 3,840 are 4K.",
    )


def _offer(here: str, seen: Shown, said: Mapping[str, str] | None) -> _Offer | None:
    """What can be printed of a page, as it is when the file is made; None before it is known."""
    if here == EXPLORE:
        return _of_run(seen, said)
    if here == DEPTH:
        return _of_picture(seen)
    if here == THEORY:
        return _of_theory(seen, said or {})
    if here == RECORDED:
        return _of_recorded(seen, said or {})
    return _of_several(seen) if here == LIBRARY else _of_pair(seen)


def _of_theory(seen: Shown, said: Mapping[str, str]) -> _Offer | None:
    if seen.theory is None:
        return None
    title, shown, more = seen.theory
    titles = {chart.name: _over(chart) for chart in (shown.chart, shown.second, *more)}
    if shown.film is not None:
        titles = {printable.PLAYER: "The player’s view", **titles}

    def make(name: str) -> Printable:
        _, now, others = seen.theory or (title, shown, more)
        if name == printable.PLAYER and now.film is not None:
            from app.theory.film import projected

            return still_of_film(projected(now.film), now.film.title, now.film.unit, said)
        # Of another part that was gone to since, what stands first.
        every = {chart.name: chart for chart in (now.chart, now.second, *others)}
        chart = every.get(name, now.second if name == shown.second.name else now.chart)
        return printable.of_lines(chart, now.film.title if now.film is not None else title)

    return _Offer(titles, make, title)


def _of_recorded(seen: Shown, said: Mapping[str, str]) -> _Offer | None:
    if seen.recorded is None or not len(seen.recorded.recording.steps):
        return None
    from app.export import printed

    now = seen.recorded

    def make(name: str) -> Printable:
        current = seen.recorded or now
        return printed.of_recording(
            replace(current, looked_at=brought_to(current.looked_at, said)), name
        )

    return _Offer(printed.titles(now), make, now.recording.about.name)


def _over(chart: lines.Chart) -> str:
    words = f"{chart.axes.y} over {chart.axes.x}"
    return words[:1].upper() + words[1:]


def _of_run(seen: Shown, said: Mapping[str, str] | None) -> _Offer | None:
    run, looked_at = seen.run, seen.looked_at
    if run is None or looked_at is None:
        return None

    def make(name: str) -> Printable:
        now, how = seen.run or run, seen.looked_at or looked_at
        return printable.of_run(now, name, brought_to(how, said))

    return _Offer(printable.titles(run), make, run.config.title())


def _of_picture(seen: Shown) -> _Offer | None:
    if seen.picture is None:
        return None
    config, picture = seen.picture
    titles = printable.panels(picture.series(config))

    def make(name: str) -> Printable:
        base, now = seen.picture or (config, picture)
        pictured = now.series(base)
        # Of a picture that has changed since to a map there are fewer.
        metric = name if name in printable.panels(pictured) else now.metric
        return printable.of_picture(pictured, now, metric)

    return _Offer(titles, make, series.labels(picture.series(config))[0])


def _of_pair(seen: Shown) -> _Offer | None:
    if seen.pair is None or not all(run.points for run in seen.pair):
        return None
    pair = seen.pair

    def make(name: str) -> Printable:
        return printable.of_pair(*(seen.pair or pair), name)

    return _Offer(PAIR, make, " and ".join(run.config.title() for run in pair))


def _of_several(seen: Shown) -> _Offer | None:
    if seen.several is None or not any(run.points for run in seen.several.values()):
        return None
    named = seen.several

    def make(name: str) -> Printable:
        return printable.of_several(seen.several or named, name)

    return _Offer(compare.METRICS, make, f"of {len(named)} runs", seen.metric)
