"""What a picture of Depth is drawn from: the runs that are done, and what lines are fitted to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.charts import depth as charts
from app.components.series import Picture, Series
from app.engine import sweep
from app.engine.sweep import Point
from ncengine.analysis.bounds import Bound
from ncengine.runs.identity import identify

Finished = list[list[charts.Finished]]


def finished(
    shown: Sequence[Series], points: Mapping[str, Point], picture: Picture
) -> tuple[Finished, dict[str, Bound], Finished]:
    """Of each series what is drawn, what others prove of it, and what of it lines are fitted to."""
    done = [_mended(family, points) for family in shown]
    bounds = sweep.bounds(run for runs in done for run in runs)
    return done, bounds, without_convicted(done, bounds) if picture.lines == "optima" else done


def without_convicted(
    done: Sequence[list[charts.Finished]], bounds: Mapping[str, Bound]
) -> Finished:
    """Of each series those that nothing proves to be at no optimum."""
    return [
        [run for run in runs if not charts.is_convicted(run[1], run[2], bounds)] for runs in done
    ]


def _mended(family: Series, points: Mapping[str, Point]) -> list[charts.Finished]:
    """Its finished runs; in place of some a lower one that started from a neighbour's network."""
    mended = sweep.mended(points[identify(config).key] for config in family.grid)
    return [(p.config, p.key, p.now.entry) for p in mended if p.finished and p.now.entry]
