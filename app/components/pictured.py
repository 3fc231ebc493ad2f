"""What a picture of Depth is drawn from: the runs that are done, and what lines are fitted to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.charts import depth as charts
from app.components.series import METRICS, Picture, Series
from app.engine import best_known, sweep
from app.engine.sweep import Point
from ncengine.analysis.best_known import entry_beside
from ncengine.analysis.bounds import Bound
from ncengine.runs.identity import identify
from ncengine.theory.optimum import FLOOR, UNPROVED, Least, least_name

Finished = list[list[charts.Finished]]


def finished(
    shown: Sequence[Series], points: Mapping[str, Point], picture: Picture
) -> tuple[Finished, dict[str, Bound], Finished]:
    """Of each series what is drawn, what others prove of it, and what of it lines are fitted to.

    Beside what has no floor stands the best that is known, as soon as it is.
    """
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
    return [
        (p.config, p.key, entry_beside(p.now.entry, best_known.figure(p.config)))
        for p in mended
        if p.finished and p.now.entry
    ]


def leasts(shown: Sequence[Series]) -> list[Least | None]:
    """Of each series the floor, or the best known in its place; None before that is known."""
    return [best_known.least(family.base) for family in shown]


def called(metric: str, shown: Sequence[Series]) -> str:
    """What a metric is called of these series: a gap is to a floor only where that is one."""
    return METRICS[metric].replace(FLOOR, least_called(shown))


def least_called(shown: Sequence[Series]) -> str:
    """What their objectives are above: "floor", "best known", or either."""
    return " or ".join(sorted({least_name(family.base) for family in shown}, reverse=True))


def dashed(shown: Sequence[Series]) -> str:
    """What the dashed lines are of these series, as sentences."""
    proved = [least.proved for least in leasts(shown) if least is not None]
    parts = ["the floor, below which no network can come"] * any(proved)
    parts += [UNPROVED] * (not all(proved))
    return f"Dashed: {'; or '.join(parts)}." if parts else ""
