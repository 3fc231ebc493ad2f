"""Consistent sets of runs: none above what another one of them proves to be reachable.

A run that another convicts, see `bounds`, is trained once more from that one's network, and what
it then reaches stands in its place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ncengine.analysis.bounds import bound
from ncengine.analysis.outcome import objective_of
from ncengine.config import RunConfig
from ncengine.config.fields import NEIGHBOUR
from ncengine.config.kept import known

Entry = Mapping[str, Any]


def started_from_neighbours(entries: Iterable[Entry]) -> dict[RunConfig, list[Entry]]:
    """Runs that started from a neighbour's network, by what they are from random weights."""
    found: dict[RunConfig, list[Entry]] = {}
    for entry in entries:
        if entry["config"].get("start") == NEIGHBOUR:
            found.setdefault(known(entry).from_random, []).append(entry)
    return found


def lowest(entries: Iterable[Entry]) -> Entry | None:
    """Of several runs of one network the one with the least objective; None without any."""
    judged = [(objective_of(entry), entry) for entry in entries]
    finite = [(objective, entry) for objective, entry in judged if objective is not None]
    return min(finite, key=lambda pair: pair[0])[1] if finite else None


def lowest_of_each(entries: Iterable[Entry]) -> list[Entry]:
    """Of each network the run that came lowest, however it started."""
    by_network: dict[RunConfig, list[Entry]] = {}
    for entry in entries:
        by_network.setdefault(known(entry).from_random, []).append(entry)
    return [lowest(several) or several[0] for several in by_network.values()]


def next_starts(
    configs: Sequence[RunConfig], entries: Iterable[Entry], tried: Collection[RunConfig]
) -> list[RunConfig]:
    """What to train next, so that in the end none of `configs` is above a bound of the others.

    What is bounded by a run that is itself to be trained once more comes after that one.

    Args:
        configs: of the set.
        entries: of its runs and of those that were started from them.
        tried: what has been trained in vain, or failed.
    """
    entries = list(entries)
    started = started_from_neighbours(entries)
    own = {known(entry): entry for entry in entries}
    best = {
        config: entry
        for config in configs
        if (entry := lowest([*filter(None, [own.get(config)]), *started.get(config, [])]))
    }
    convicted = {}
    for config, entry in best.items():
        alike = [e for other, e in best.items() if _trained_alike(other, config)]
        least = bound(config, alike, entry.get("data_checksum"))
        if least is not None and least.convicts(objective_of(entry)):
            convicted[str(entry["key"])] = least, least.start(config)
    starts = [
        start
        for least, start in convicted.values()
        if start is not None and start not in tried and least.key not in convicted
    ]
    return list(dict.fromkeys(starts))


def _trained_alike(one: RunConfig, other: RunConfig) -> bool:
    """Whether they differ by depth and λ alone, so that the one can start from the other."""
    return one.with_(depth=other.depth, weight_decay=other.weight_decay) == other
