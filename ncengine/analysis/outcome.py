"""Outcome: what came of a run, in numbers and in words: the same ones wherever it is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf, log, sqrt
from typing import Any

import numpy as np

from ncengine.analysis import over_seeds
from ncengine.analysis.words import named, number, passes, percent
from ncengine.catalogue.architectures import architecture_info
from ncengine.config import PARAMS_DEFAULTS
from ncengine.runs.run import Run
from ncengine.theory.trivial import trivial

# A gap that shrank by more in the second half of all passes was still falling.
FALLING = 0.05
# Of the floor, or of what is known in its place: so small a gap is none.
AT_FLOOR = 1e-4
# After so few passes a network is as good as untrained.
HARDLY_ANY = 5
# The word for NC1 up to so much.
WORDS = (
    (1e-3, "Collapsed"),
    (1e-2, "Nearly collapsed"),
    (1e-1, "Partly collapsed"),
    (1.0, "Hardly collapsed"),
    (inf, "Not collapsed"),
)


@dataclass(frozen=True)
class Outcome:
    """What came of a run, as means over the seeds that did not diverge.

    Attributes:
        objective: where it ended; None where every seed diverged.
        of_zeros: the objective of weights that are all zero, which answer the same to every sample.
        nc1: geometric mean of NC1 over the seeds for which it is finite and not 0; 0 where it is
            for all, and infinite where it is for all that have none other.
        above_floor: the gap as a share of the floor, or of the best that is known in its place:
            less than 0 where it is below that. None where neither is at hand.
        passes: how many there were.
        fell: by which share the gap, without a floor the objective, shrank in the second half of
            the passes; None where the run's curves were not looked at, or have one point.
        rested: whether every seed found no further descent before its passes were over.
        tells_nothing: why NC1 tells nothing; "" where it does.
        free: whether there was no network, but free features.
        diverged: seeds that did.
        worse: of several seeds, those that ended above `of_zeros`, where not all did.
        not_converged: seeds whose classes fell onto one point, with their NC1.
        proved: whether what it is above is the floor.
    """

    objective: float | None
    of_zeros: float
    nc1: float | None
    above_floor: float | None
    passes: int
    fell: float | None = None
    rested: bool = False
    tells_nothing: str = ""
    free: bool = False
    diverged: tuple[int, ...] = ()
    worse: tuple[int, ...] = ()
    not_converged: Mapping[int, float] | None = None
    proved: bool = True

    @property
    def worse_than_none(self) -> bool:
        """Whether the objective ended above that of weights that are all zero."""
        return self.objective is not None and self.objective > self.of_zeros

    @property
    def hardly_trained(self) -> bool:
        """Whether it is worse than nothing because it has hardly begun."""
        return self.worse_than_none and self.passes <= HARDLY_ANY

    @property
    def went_wrong(self) -> bool:
        """Whether it diverged, or ended worse than weights that are all zero."""
        return self.objective is None or self.worse_than_none

    @property
    def at_floor(self) -> bool:
        """Whether nothing is left between the objective and the floor, or what is in its place."""
        return self.above_floor is not None and self.above_floor < AT_FLOOR

    @property
    def below_known(self) -> bool:
        """Whether it is better than the best that was known; below a floor nothing can be."""
        return not self.proved and self.above_floor is not None and self.above_floor < -AT_FLOOR

    @property
    def falling(self) -> bool:
        """Whether more passes would have brought the objective further down."""
        over = self.rested or self.at_floor or self.worse_than_none
        return not over and self.fell is not None and self.fell > FALLING

    @property
    def verdict(self) -> str:
        """What came of it in a word or a few."""
        if self.objective is None:
            return "Diverged"
        if self.worse_than_none:
            return "Hardly trained" if self.hardly_trained else "Worse than doing nothing"
        if self.nc1 is None or self.tells_nothing:
            return "Collapse cannot be told"
        return next(word for most, word in WORDS if self.nc1 <= most)

    @property
    def reason(self) -> str:
        """What the verdict goes by, as one to three sentences, of which the first goes on it."""
        if self.objective is None:
            return "the numbers of every seed grew beyond all bounds."
        if self.worse_than_none:
            ended = "the objective ended at"
            if self.hardly_trained:
                ended = f"after {passes(self.passes)} the objective is"
            return (
                f"{ended} {number(self.objective)}; weights that are all zero, which answer the "
                f"same to every sample, have {number(self.of_zeros)}."
            )
        parts = [self._spread(), self._descent()]
        if self.free and not self.tells_nothing and self.nc1 is not None and self.nc1 <= 1e-2:
            parts.append("Free features can always do so: it tells nothing of a network.")
        return " ".join(filter(None, parts))

    @property
    def sentence(self) -> str:
        """Verdict and reason in one."""
        return f"{self.verdict}: {self.reason}"

    @property
    def troubles(self) -> tuple[str, ...]:
        """What has to be said of some of its seeds, a sentence each."""
        sentences = []
        if self.diverged and self.objective is not None:
            are = "is" if len(self.diverged) == 1 else "are"
            sentences.append(f"{_named(self.diverged)} diverged and {are} left out of all means.")
        if self.worse:
            sentences.append(f"{_named(self.worse)} ended worse than doing nothing.")
        if self.not_converged:
            ends = sorted(set(map(number, self.not_converged.values())))
            sentences.append(
                f"{_named(tuple(self.not_converged))} did not converge: NC1 ended at "
                f"{' and '.join(ends)}, so the classes fell onto one point. Try more passes, or a "
                "smaller weight decay."
            )
        return tuple(sentences)

    def _spread(self) -> str:
        if self.tells_nothing:
            return f"{self.tells_nothing}, so that NC1 is 0 by definition."
        if self.nc1 is None:
            return "NC1 has no value."
        if self.nc1 > over_seeds.NOT_CONVERGED:
            return "the classes fell onto one point."
        if self.nc1 <= 0:
            return "all samples of a class are one point, to the last digit."
        return (
            f"samples lie {_about(sqrt(self.nc1))} as far from their class’s mean as the classes "
            "from the centre."
        )

    def _descent(self) -> str:
        least = "the floor" if self.proved else "the best known"
        unproved = "" if self.proved else ", which is not proved to be the least"
        if self.below_known:
            share = _about(-(self.above_floor or 0.0))
            return f"The objective ended {share} below {least}: its figure is a better one."
        if self.at_floor:
            return f"The objective ended at {least}{unproved}."
        how = "still falling" if self.falling else "with no way further down" * self.rested
        how = how or "settled" * (self.fell is not None)
        if self.above_floor is None:
            ended = number(self.objective or 0.0)
        elif self.above_floor < 1:
            ended = f"{_about(self.above_floor)} above {least}"
        else:
            ended = f"at {number(1 + self.above_floor)} times {least}"
        at = "at " * (self.above_floor is None)
        return f"The objective ended {at}{ended}{', ' * bool(how)}{how}."


def outcome(run: Run) -> Outcome:
    """What came of a finished run."""
    came = outcome_of(run.summary())
    if came.objective is None:
        return came
    rested = run.passes < run.config.budget
    return replace(came, fell=_fell(run), rested=rested)


def outcome_of(summary: Mapping[str, Any]) -> Outcome:
    """What came of a finished run, as far as its last values tell.

    Args:
        summary: `Run.summary()`, or an entry of the index or of the gallery, of whose
            configuration fields may be missing.
    """
    config = PARAMS_DEFAULTS | summary["config"]
    known = _Ends(summary["seeds"])
    of_zeros = log(config["classes"]) if config["loss"] == "CE" else 0.5
    objective, proved = known.mean("loss"), summary["floor"] is not None
    least = summary["floor"] if proved else summary.get("best_known")
    gap = known.mean("gap" if proved else "gap_known")
    worse = tuple(seed for seed, loss in known.of("loss").items() if loss > of_zeros)
    return Outcome(
        objective=objective,
        of_zeros=of_zeros,
        nc1=over_seeds.typical(known.of("nc1").values()),
        above_floor=gap / least if least and gap is not None else None,
        passes=summary["passes"],
        tells_nothing=trivial(config["classes"], config["samples_per_class"]).get("nc1", ""),
        free=not architecture_info(config["architecture"]).has_network,
        diverged=tuple(values["seed"] for values in summary["seeds"] if values["diverged"]),
        worse=worse if len(worse) < len(known.of("loss")) else (),
        not_converged={
            seed: nc1 for seed, nc1 in known.of("nc1").items() if nc1 > over_seeds.NOT_CONVERGED
        },
        proved=proved or not least,
    )


def objective_of(summary: Mapping[str, Any]) -> float | None:
    """The mean objective over the seeds that did not diverge; see `outcome_of`."""
    return _Ends(summary["seeds"]).mean("loss")


def with_outcome(summary: Mapping[str, Any], came: Outcome | None = None) -> dict[str, Any]:
    """A summary that also says what came of it: "outcome", and of each seed "verdict".

    "outcome" has "verdict", "sentence", "troubles" and "worse_than_none"; a seed's verdict is on
    it alone.

    Args:
        summary: see `outcome_of`.
        came: what came of it, where more is known than its last values.
    """
    came = came or outcome_of(summary)
    seeds = [
        {**seed, "verdict": outcome_of({**summary, "seeds": [seed]}).verdict}
        for seed in summary["seeds"]
    ]
    told = {
        "verdict": came.verdict,
        "sentence": came.sentence,
        "troubles": list(came.troubles),
        "worse_than_none": came.worse_than_none,
    }
    return {**summary, "seeds": seeds, "outcome": told}


class _Ends:
    """The last values of the seeds that did not diverge, by name and seed."""

    def __init__(self, seeds: Sequence[Mapping[str, Any]]):
        self._seeds = [seed for seed in seeds if not seed["diverged"]]

    def of(self, name: str) -> dict[int, float]:
        values = {seed["seed"]: seed.get(name) for seed in self._seeds}
        return {s: float(v) for s, v in values.items() if v is not None and not np.isnan(float(v))}

    def mean(self, name: str) -> float | None:
        """The arithmetic mean of those that are finite."""
        return over_seeds.arithmetic(self.of(name).values())


def _fell(run: Run) -> float | None:
    """By which share the gap, without a floor the objective, shrank in the second half.

    Nobody knows how far it could have shrunk where nothing is proved, so of the gap to the best
    that is known it is not told.
    """
    height = over_seeds.mean_over_seeds(run, "loss" if run.floor is None else "gap")
    at = over_seeds.passes(run)
    before = int(np.searchsorted(at, at[-1] / 2, side="right"))
    if not before:
        return None
    middle = height[before - 1]
    return float((middle - height[-1]) / middle) if middle > 0 else 0.0


def _named(seeds: Sequence[int]) -> str:
    return named(seeds).capitalize()


def _about(share: float) -> str:
    """A share of 1 as a percentage of two or three significant digits."""
    return f"{100 * share:.2g} %" if 1e-6 <= share < 0.995 else percent(share)
