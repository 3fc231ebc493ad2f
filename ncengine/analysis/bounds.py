"""Bounds: what other runs' networks prove of the optimal objective.

A block whose matrices and biases are 0 adds nothing, and so is the identity, post-LN as pre-LN: a
network, padded with such blocks, fits as well at every greater depth. So each run gives an upper
bound of the optimal objective of every network that is at least as deep and otherwise the same:
its fit, and the decay of its weights as that objective counts it. The proofs open with this (the
optimal objective never rises with depth). A run above such a bound is no optimum, whatever
its collapse.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from ncengine.analysis.outcome import objective_of, outcome_of
from ncengine.catalogue.architectures import architecture_info
from ncengine.config import PARAMS, ConfigError, RunConfig, steps
from ncengine.config.fields import NEIGHBOUR, is_lbfgs
from ncengine.config.kept import known
from ncengine.datasets.files.sources import checksum

# Of the objective: of a run that is above by less no word is lost.
MARGIN = 1e-3
# What a bound may be carried over; and what changes neither data, network nor loss.
_CARRIED = frozenset({"depth", "weight_decay", "decay_schedule"})


@dataclass(frozen=True)
class Bound:
    """The least objective that a run at hand proves to be reachable.

    Attributes:
        objective: mean over the run's seeds of what their networks cost in the other's objective.
        config: of the run that gives it.
        key: its key.
    """

    objective: float
    config: RunConfig
    key: str

    def convicts(self, objective: float | None) -> bool:
        """Whether a run with that objective is above it by more than `MARGIN`."""
        return objective is not None and objective > self.objective * (1 + MARGIN)

    def start(self, config: RunConfig) -> RunConfig | None:
        """The run of `config`'s network that starts from the one that gives the bound.

        Like that one in all but depth and λ, so that it ends no higher than the bound; None where
        nothing can start there.
        """
        other = self.config
        if not is_lbfgs(other.solver) or other.decay_schedule != config.decay_schedule:
            return None
        ends = {"depth": config.depth, "weight_decay": config.weight_decay}
        if other.start == "deepening":
            started = other.with_(**ends)
            rung = started.origin
            while rung is not None and rung != other:
                rung = rung.origin
            return started if rung == other and started != config else None
        via = [*other.steps, (other.depth, other.weight_decay)]
        try:
            return other.with_(**ends, start=NEIGHBOUR, via=steps.written(via))
        except ConfigError:  # the same network, trained otherwise, or by way of too many
            return None

    def sentence(self, config: RunConfig, objective: float) -> str:
        """What is to be said of the run of `config` that it convicts, as a sentence."""
        return (
            f"{self._network(config)} reaches {self.objective:.4g}: this one, at {objective:.4g}, "
            "is not at its optimum."
        )

    def _network(self, config: RunConfig) -> str:
        other = self.config
        if other.depth == config.depth:
            name = "The network"
        else:
            name = f"A network of depth {other.depth}, padded with blocks that add nothing,"
        if other.weight_decay != config.weight_decay:
            return f"{name} trained with λ = {other.weight_decay:g}"
        if other.decay_schedule != config.decay_schedule:
            return f"{name} trained with the decay schedule {other.decay_schedule}"
        return name if other.depth != config.depth else "The same network, trained otherwise,"


def bound(
    config: RunConfig, entries: Iterable[Mapping[str, Any]], data: str | None = None
) -> Bound | None:
    """The best one for `config` among runs; None where none of them gives one.

    Args:
        config: whose optimum it is about.
        entries: of the index, of the gallery, or summaries of finished runs; that of `config`
            itself gives none.
        data: names the content of its data, see `Identity.data_checksum`: what was trained on other
            files bounds nothing. By default those that are meant here and now, which is also what
            an entry is of that does not say.
    """
    if not architecture_info(config.architecture).has_network:
        return None
    best: Bound | None = None
    itself, wanted = config.canonical_json(), _same(config)
    data = data or checksum(config.dataset)
    for entry in entries:
        if not _may(entry, config) or entry.get("data_checksum", data) != data:
            continue
        other = known(entry)
        if other.depth > config.depth or _same(other) != wanted:
            continue
        reached = _cost(entry, other, config)
        if reached is None or other.canonical_json() == itself:
            continue
        if best is None or reached < best.objective:
            best = Bound(reached, other, str(entry["key"]))
    return best


def convicted_by(summary: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]) -> Bound | None:
    """The bound that proves a finished run to be at no optimum; None where no run at hand does.

    Nor of one that ended worse than doing nothing, which is said of it already.

    Args:
        summary: of the run, see `Run.summary`.
        entries: see `bound`; that of the run itself says of which data it is.
    """
    if outcome_of(summary).worse_than_none:
        return None
    own = next((entry for entry in entries if entry["key"] == summary["key"]), {})
    least = bound(known(summary), entries, own.get("data_checksum"))
    return least if least is not None and least.convicts(objective_of(summary)) else None


def conviction(summary: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]) -> str:
    """Why it is at no optimum, as a sentence; "" where nothing proves it. See `convicted_by`."""
    least = convicted_by(summary, entries)
    objective = objective_of(summary)
    if least is None or objective is None:
        return ""
    return least.sentence(known(summary), objective)


def _may(entry: Mapping[str, Any], config: RunConfig) -> bool:
    """Whether it is worth a closer look: thousands of runs may be at hand."""
    of = entry["config"]
    names = ("dataset", "architecture", "classes", "samples_per_class", "width", "norm", "loss")
    alike = all(of.get(name) == getattr(config, name) for name in names)
    return alike and of.get("depth", 0) <= config.depth


@lru_cache(maxsize=4096)
def _same(config: RunConfig) -> dict[str, Any]:
    """What two networks have to share for the one to stand for the other."""
    return {
        name: getattr(config, name)
        for name in config.params
        if PARAMS[name].group != "Optimiser" and name not in _CARRIED
    }


def _cost(entry: Mapping[str, Any], other: RunConfig, config: RunConfig) -> float | None:
    """What that run's networks cost in the objective of `config`, as the mean over its seeds."""
    hidden = config.decay_hidden / other.decay_hidden
    last = config.decay_last / other.decay_last
    costs = []
    for seed in entry["seeds"]:
        parts = [seed.get(name) for name in ("fit", "decay_hidden", "decay_last")]
        if seed["diverged"] or any(part is None or not np.isfinite(part) for part in parts):
            continue
        costs.append(parts[0] + parts[1] * hidden + parts[2] * last)
    return float(np.mean(costs)) if costs else None
