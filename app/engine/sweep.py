"""The runs of a sweep: how each stands, and what is asked of them together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from app.engine import best_known, runs
from ncengine.analysis.best_known import entry_beside
from ncengine.analysis.bounds import Bound, bound
from ncengine.analysis.consistent import (
    lowest,
    next_starts,
    started_from_neighbours,
)
from ncengine.analysis.outcome import with_outcome
from ncengine.config import RunConfig
from ncengine.config.kept import known
from ncengine.runs.identity import identify

if TYPE_CHECKING:
    import pandas as pd

    from ncengine.runs.glance import Glance


@dataclass(frozen=True)
class Point:
    """A run of a sweep, without its curves."""

    config: RunConfig
    key: str
    now: Glance

    @property
    def finished(self) -> bool:
        """Whether there are figures of it."""
        return self.now.status.finished


def look(configs: Iterable[RunConfig]) -> list[Point]:
    """How each run stands at this moment, in the order given."""
    points = []
    for config in configs:
        points.append(Point(config, identify(config).key, runs.glance(config)))
    return points


def mended(points: Iterable[Point]) -> list[Point]:
    """In place of each run that started from random weights a lower one that did not, if any is."""
    started = started_from_neighbours(runs.store().at_hand())
    return [
        _lowest([point, *look(known(entry) for entry in started.get(point.config, ()))])
        for point in points
    ]


def _lowest(points: Sequence[Point]) -> Point:
    """The lowest, where the first is done; one that is shown in its place stands for itself."""
    first, *started = points
    by_key = {p.key: p for p in (*started, first) if p.finished and p.now.entry}
    best = lowest({**p.now.entry, "key": key} for key, p in by_key.items())  # type: ignore[dict-item]
    return by_key[best["key"]] if best and first.key in by_key else first


def starts(finished: Iterable[tuple[RunConfig, str, Mapping[str, Any]]]) -> list[RunConfig]:
    """Runs that start from their neighbours', so that none is above what another proves."""
    entries = {config.from_random: {**entry, "key": key} for config, key, entry in finished}
    found = next_starts(list(entries), entries.values(), ())
    return [start for start in found if not runs.glance(start).status.finished]


def recorded(points: Sequence[Point]) -> tuple:
    """Changes whenever a run has come to its end, or an end is gone."""
    return tuple((point.key, point.finished) for point in points)


def moment(points: Sequence[Point]) -> tuple:
    """Changes whenever anything of them does that a reader could see."""
    each = tuple((point.key, point.now.status, point.now.passes) for point in points)
    return *each, runs.jobs().waits_for


def share(points: Sequence[Point]) -> float:
    """How much of the work of all of them is done."""
    whole = [work(point.config, point.config.budget) for point in points]
    done = [
        total if point.finished else min(total, work(point.config, point.now.passes))
        for point, total in zip(points, whole, strict=True)
    ]
    return sum(done) / sum(whole) if whole else 1.0


@st.cache_data(show_spinner=False, max_entries=4096)
def work(config: RunConfig, passes: int) -> float:
    """See `ncengine.costs.work.run_work`."""
    from ncengine.costs.work import run_work

    return run_work(config, passes) if passes else 0.0


@st.cache_data(show_spinner=False, ttl=4.0, max_entries=256)
def seconds_left(configs: tuple[RunConfig, ...]) -> float | None:
    """How long the rest of those runs takes, one after another; None where that cannot be told.

    Judged four seconds ago at most.
    """
    each = [runs.jobs().estimate(config) for config in configs]
    return None if None in each else sum(each)  # type: ignore[arg-type]


def bounds(runs_shown: Iterable[tuple[RunConfig, str, Mapping[str, Any]]]) -> dict[str, Bound]:
    """What other runs at hand prove of the optimum of each, by key, where any does."""
    at_hand = runs.store().at_hand()
    found = (
        (key, bound(config, at_hand, entry.get("data_checksum")))
        for config, key, entry in runs_shown
    )
    return {key: least for key, least in found if least is not None}


def table(points: Sequence[Point]) -> pd.DataFrame:
    """The finished runs, see `ncengine.runs.table`."""
    from ncengine.runs.table import table

    return table(
        with_outcome(entry_beside(point.now.entry, best_known.figure(point.config)))
        for point in points
        if point.now.entry
    )
