"""What of a recording can be printed, as a figure for a paper."""

from __future__ import annotations

from app.charts import cosines
from app.charts import modules as of_modules
from app.components import text
from app.export import printable
from app.export.printable import PLAYER, Printable
from app.export.still import still_of_film
from app.recorded import angles, curves, modules
from app.recorded.seen import UNIT, Seen, class_names, projection

MODULES, COSINES = "modules", "cosines"


def titles(seen: Seen) -> dict[str, str]:
    """All that there is of it, by name, in words."""
    points = {} if projection(seen) is None else {PLAYER: "The player’s view"}
    angled = {} if angles.snapshot(seen) is None else {COSINES: "Cosines between class means"}
    layers = {} if seen.recording.layers is None else {MODULES: "A figure over the modules"}
    lines = {curves.COLLAPSE: "Collapse over steps", curves.PICKED: "Other figures over steps"}
    if len(seen.recording.steps) < 2:
        lines = {}
    return {**points, **lines, **layers, **angled}


def of_recording(seen: Seen, name: str) -> Printable:
    """One of `titles`.

    Raises:
        ValueError: there is no such thing of it.
    """
    recording, title = seen.recording, seen.recording.about.name
    film, g = projection(seen), angles.snapshot(seen)
    if name == PLAYER and film is not None:
        said = dict(seen.looked_at.start) | {"epoch": seen.looked_at.moment}
        return still_of_film(film, title, UNIT, said, class_names(recording), seen.focus)
    if name == COSINES and g is not None and recording.geometry is not None:
        table, names, fits = angles.drawn(seen, g)
        moment = text.place(float(recording.geometry.epoch[g]))
        return printable.of_chart(f"{title} · step {moment}", cosines.spec(names, fits), table)
    if name == MODULES and recording.layers is not None:
        table, names, one = modules.drawn(seen)
        return printable.of_chart(title, of_modules.spec(names, one), table)
    if name == curves.PICKED:
        return printable.of_lines(curves.picked(recording, curves.chosen(recording)), title)
    if name == curves.COLLAPSE:
        return printable.of_lines(curves.collapse(recording), title)
    raise ValueError(f"{title}: it has nothing to show of {name}")
