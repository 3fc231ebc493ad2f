"""Comparison: in what two runs differ, and what came of it, in figures and in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ncengine.analysis import over_seeds
from ncengine.analysis.outcome import AT_FLOOR, outcome
from ncengine.analysis.words import number
from ncengine.catalogue.metrics import METRICS, Metric, Place, of_test, shown_in
from ncengine.config import PARAMS, RunConfig
from ncengine.runs.run import Run, Status
from ncengine.theory.optimum import BEST_KNOWN, why_no_figure
from ncengine.theory.trivial import trivial

# So many fields are named in words; of more, how many more there are.
MOST_NAMED = 4
# Values whose ratio is closer to 1 are called about the same.
ALIKE = 1.05
# Ratios up to this are told as a percentage, others as a factor.
TIMES = 2.0
# With which a label is not written small.
NAMES = ("Adam", "LayerNorm")


@dataclass(frozen=True)
class Figure:
    """One metric where both runs stand now.

    Attributes:
        metric: of the catalogue.
        test: whether it is taken of test samples.
        left, right: means over the seeds that did not diverge, see `over_seeds.by_scale`; None
            where it was not recorded, or has no value.
        trivial: why it tells nothing, whatever a network learns, of one of the two; "" where it
            does.
        comparable: whether both measure the same: the distance from one figure.
    """

    metric: Metric
    test: bool
    left: float | None
    right: float | None
    trivial: str = ""
    comparable: bool = True

    @property
    def ratio(self) -> float | None:
        """Right over left; None where that says nothing."""
        if not self.comparable or self.left is None or self.right is None:
            return None
        if not (np.isfinite(self.left) and np.isfinite(self.right)) or self.left == 0:
            return None
        return self.right / self.left


def differing(configs: Sequence[RunConfig]) -> list[str]:
    """The fields in which the configurations are not all the same, in their order."""
    return [name for name in PARAMS if _differ(configs, name)]


def _differ(configs: Sequence[RunConfig], name: str) -> bool:
    """Where a field applies to some alone, these differ by it unless it is at its default."""
    where = [config for config in configs if name in config.params]
    values = {getattr(config, name) for config in where}
    told = len(where) < len(configs) and any(name in config.set_fields() for config in where)
    return told or len(values) > 1


def figures(left: Run, right: Run) -> list[Figure]:
    """All metrics that readouts show, in their order, those of test samples after their own."""
    found: dict[tuple[str, bool], Figure] = {}
    tested = shown_in(Place.READOUTS, test=True)
    for metric in shown_in(Place.READOUTS):
        if metric.name == "gap" and left.best_figure and right.best_figure:
            metric = METRICS["gap_known"]
        asked = metric.asked_as or metric.name
        for test in (False, True):
            if (asked, test) not in found and (not test or metric in tested):
                found[asked, test] = _figure(left, right, metric, asked, test)
    return list(found.values())


def _figure(left: Run, right: Run, metric: Metric, asked: str, test: bool) -> Figure:
    curves = [run.config.curve(asked) for run in (left, right)]
    reasons = [
        trivial(run.config.classes, run.config.samples_per_class).get(curve, "")
        for run, curve in zip((left, right), curves, strict=True)
    ]
    return Figure(
        metric,
        test,
        _last(left, of_test(curves[0]) if test else curves[0]),
        _last(right, of_test(curves[1]) if test else curves[1]),
        "" if test else next(filter(None, reasons), ""),
        curves[0] == curves[1],
    )


def _last(run: Run, curve: str) -> float | None:
    """Where a curve stands; of a gap to a floor that there is not, nowhere."""
    unknown = curve == "gap" and bool(why_no_figure(run.config))
    return None if unknown or not run.points else over_seeds.last_by_scale(run, curve)


def label(run: Run, other: Run, most: int = 2) -> str:
    """What tells a run apart from another, in the words of the picker; "" where nothing does.

    `most`: so many fields are named.
    """
    names = [n for n in differing([run.config, other.config]) if n in run.config.params]
    # Of how many seeds means are taken tells least.
    names = [name for name in names if name != "seeds"] or names
    return ", ".join(_value(run.config, name) for name in names[:most])


def sentence(left: Run, right: Run) -> str:
    """In what they differ and what came of it, in one sentence."""
    names = differing([left.config, right.config])
    if not names and left.key == right.key:
        return "Both sides show the same run: nothing differs."
    by = f"They differ by {_listed(names, left, right)}" if names else _same(left, right)
    return f"{by}: {_what_came(left, right)}."


def _same(left: Run, right: Run) -> str:
    versions = [str(run.machine.get("version", "")) for run in (left, right)]
    if all(versions) and versions[0] != versions[1]:
        why = f"by versions {versions[0]} and {versions[1]} of the engine"
    elif left.shipped != right.shipped:
        why = f"the {'left' if left.shipped else 'right'} one from the gallery"
    else:
        why = "on other data"
    return f"The same configuration was trained twice, {why}"


def _listed(names: Sequence[str], left: Run, right: Run) -> str:
    parts = [_difference(name, left.config, right.config) for name in names[:MOST_NAMED]]
    more = len(names) - MOST_NAMED
    if more > 0:
        return f"{', '.join(parts)} and {more} more"
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))


def _difference(name: str, left: RunConfig, right: RunConfig) -> str:
    """ "norm (post-LN against pre-LN)"."""
    # How many classes there are is told of a data set, too, that leaves no choice.
    told = [name in c.params or name == "classes" for c in (left, right)]
    sides = [c.in_words(name) if t else "none" for c, t in zip((left, right), told, strict=True)]
    first, second = (side.removesuffix(" seeds").removeprefix("seed ") for side in sides)
    return f"{_called(name)} ({first} against {second})"


def _called(name: str) -> str:
    """A field's label within a sentence: what is no name of its own is not capitalised."""
    words = PARAMS[name].label
    return words if words.startswith(NAMES) else words[0].lower() + words[1:]


def _value(config: RunConfig, name: str) -> str:
    shown = config.in_words(name)
    param = config.params[name]
    if name == "epochs":
        return f"{shown} passes"
    if param.letter:
        return f"{param.letter} = {shown}"
    says_it = param.kind == "choice" and name not in ("decay_schedule", "rate_schedule")
    return shown if says_it or name == "seeds" else f"{_called(name)} {shown}"


def _what_came(left: Run, right: Run) -> str:
    """What came of it, as a clause."""
    if waiting := _not_there(left, right):
        return waiting
    lost = [side for side, run in _sides(left, right) if run.status is Status.DIVERGED]
    if lost:
        whose = "both" if len(lost) == 2 else f"the {lost[0]} one"
        return f"every seed of {whose} diverged"
    wrong = [side for side, run in _sides(left, right) if outcome(run).worse_than_none]
    if wrong:
        whose = "both" if len(wrong) == 2 else f"the {wrong[0]} one"
        return f"{whose} ended worse than weights that are all zero"
    return f"{_collapse(left, right)}{_objective(left, right)}"


def _not_there(left: Run, right: Run) -> str:
    """Which of them has not ended, as a clause; "" where both have."""
    words = []
    for side, run in _sides(left, right):
        if run.status.busy:
            words.append(f"the {side} one is still to end")
        elif run.status is Status.FAILED:
            words.append(f"the {side} one failed")
        elif not run.status.finished and run.points:
            words.append(f"the {side} one was stopped before its end")
        elif not run.status.finished:
            words.append(f"the {side} one is not trained yet")
    if len(words) == 2 and words[0].removeprefix("the left") == words[1].removeprefix("the right"):
        return words[0].replace("the left one is", "both are").replace("the left one", "both")
    return " and ".join(words)


def _sides(left: Run, right: Run) -> tuple[tuple[str, Run], tuple[str, Run]]:
    return ("left", left), ("right", right)


def _collapse(left: Run, right: Run) -> str:
    """How their NC1 compare."""
    nc1 = next(one for one in figures(left, right) if one.metric.name == "nc1" and not one.test)
    if nc1.trivial:
        return f"of NC1 nothing can be told, since {nc1.trivial}"
    values = nc1.left, nc1.right
    if None in values:
        return "NC1 was not recorded of both"
    if nc1.ratio and 1 / ALIKE < nc1.ratio < ALIKE:
        return f"both end with about the same NC1, {number(nc1.left)} and {number(nc1.right)}"
    if not nc1.ratio:
        return f"they end with NC1 {number(nc1.left)} and {number(nc1.right)}"
    if nc1.ratio < 1:
        return f"the right one ends with NC1 {_factor(1 / nc1.ratio)} smaller"
    return f"the right one ends with NC1 {_factor(nc1.ratio)} larger"


def _factor(ratio: float) -> str:
    """A ratio in two digits: "3.2 times", "1,200 times"."""
    rounded = float(f"{ratio:.2g}")
    return f"{rounded:.1f} times" if rounded < 10 else f"{rounded:,.0f} times"


def _objective(left: Run, right: Run) -> str:
    """How near they came to the floor, or both to the best known, as a clause that goes on."""
    first, second = _over_least(left), _over_least(right)
    known = left.best_figure is not None
    if first is None or second is None or known is not (right.best_figure is not None):
        return _without_floor(left, right)
    clause = _over_the_same(first, second, left.least == right.least)
    return clause.replace("floor", BEST_KNOWN) if known else clause


def _over_the_same(first: float, second: float, same: bool) -> str:
    """The clause, from both gaps as shares of the floor, which is the `same` one or is not."""
    at = [gap < AT_FLOOR for gap in (first, second)]
    if all(at):
        return ", and both objectives are at the floor"
    if any(at):
        side, other = ("left", second) if at[0] else ("right", first)
        return (
            f", and the objective of the {side} one is at the floor, that of the other "
            f"{_percent(other)} above"
        )
    if not same:
        return (
            f", and its objective is {_percent(second)} above its floor, against "
            f"{_percent(first)} at the left"
        )
    ratio = second / first
    if 1 / ALIKE < ratio < ALIKE:
        return ", and both objectives are about as far above the floor"
    nearer = "nearer to" if ratio < 1 else "farther from"
    if 1 / TIMES < ratio < TIMES:
        return f", and its objective is {_percent(abs(1 - ratio))} {nearer} the floor"
    return f", and its objective is {_factor(max(ratio, 1 / ratio))} {nearer} the floor"


def _percent(share: float) -> str:
    """Two digits of it: "3.2 %", "120 %"."""
    return f"{float(f'{100 * share:.2g}'):,g} %"


def _over_least(run: Run) -> float | None:
    """The gap as a share of the floor, or of the best known; None where neither is at hand."""
    if run.least is None:
        return None
    gap = over_seeds.last_by_scale(run, over_seeds.gap_name(run))
    return None if gap is None else max(gap, 0.0) / run.least.value


def _without_floor(left: Run, right: Run) -> str:
    """Where there is nothing to measure from, the objectives themselves, if they are the same."""
    ends = [over_seeds.last_by_scale(run, "loss") for run in (left, right)]
    if left.config.loss != right.config.loss or ends[0] is None or ends[1] is None:
        return ""
    return f", and the objectives end at {number(ends[0])} and {number(ends[1])}"
