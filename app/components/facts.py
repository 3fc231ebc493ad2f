"""What is said of a finished run in a few words: where it comes from, what it took, what is odd."""

from __future__ import annotations

from app.components import clock, text
from app.components.shown import Shown
from ncengine.catalogue.datasets import dataset_info
from ncengine.costs.curvature import spent_on_curvature
from ncengine.runs.run import Run


def where_from(run: Run) -> list[str]:
    """Where a run comes from that was not trained here; nothing of others."""
    if run.imported:
        return ["**Imported**"]
    return ["**From the gallery**"] if run.shipped else []


def what_is_odd(shown: Shown) -> list[str]:
    """Of a run from elsewhere, in what it differs from one that would be trained here."""
    parts = []
    if shown.started_elsewhere:
        parts.append("it came lower than from random weights, and is shown in their place")
    if shown.on_other_data:
        title = dataset_info(shown.run.config.dataset).title
        parts.append(f"on other files of {title} than those used here")
    if shown.run.from_elsewhere and shown.version is not None:
        parts.append(f"by version {text.plain(shown.version)} of the engine, which recorded less")
    return parts


def what_it_took(run: Run) -> list[str]:
    """Passes, time, device and day of a finished run."""
    done = "" if run.from_elsewhere else "**Done**: "
    spent = spent_on_curvature(run.config, run.passes)
    curvature = f" ({spent} of them for the curvature)" if spent else ""
    parts = [f"{done}{text.passes(run.passes)}{curvature} in {text.duration(run.seconds)}"]
    if run.machine.get("device"):
        parts.append(text.plain(str(run.machine["device"])))
    if run.machine.get("date"):
        parts.append(clock.day(str(run.machine["date"])))
    return parts
