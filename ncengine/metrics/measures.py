"""What measures a metric of the catalogue, by its name: a function of samples by class.

`neural_collapse` and `layers_collapse` measure several at once, since they go through the same
numbers. Any other metric is a function of `Samples` in a file of this folder, which `measures`
gives the name of its entry.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

import ncengine.metrics as room
from ncengine.metrics.arrays import Array, as_float, namespace
from ncengine.metrics.groups import Groups


@dataclass(frozen=True)
class Samples:
    """Samples of R networks side by side, or of one, as a metric sees them.

    Attributes:
        xp: the namespace of the arrays, numpy's or torch's.
        groups: which sample is of which class.
        features: (N, d) or (R, N, d).
        means: (K, d) or (R, K, d) class means, in float64.
        deviations: the samples minus these, in a layout that `groups` knows.
        weight: (K, d) or (R, K, d), the last layer's; None of layers before the last.
    """

    xp: Any
    groups: Groups
    features: Array
    means: Array
    deviations: Array
    weight: Array | None


Measure = Callable[[Samples], Array]
_MEASURES: dict[str, Measure] = {}


def measures(name: str) -> Callable[[Measure], Measure]:
    """Have the function measure the metric of that name; it gives shape () or (R,)."""

    def register(measure: Measure) -> Measure:
        _MEASURES[name] = measure
        return measure

    return register


def measured(
    names: Iterable[str], features: Array, labels: Array, classes: int, weight: Array | None = None
) -> Mapping[str, Array]:
    """Those of the metrics that a function of this folder measures, by name.

    Args:
        names: of the catalogue.
        features: (N, d) or (R, N, d).
        labels: (N,) whole numbers 0 to `classes` - 1.
        weight: the last layer's, where features are its inputs.

    Raises:
        ValueError: see `metrics.neural_collapse`.
    """
    known = _all_measures()
    asked = {name: known[name] for name in names if name in known}
    if not asked:
        return {}
    xp = namespace(features=features)
    features = as_float(xp, features)
    groups = Groups(xp, features, labels, classes)
    samples = Samples(xp, groups, features, *groups.centred(features), weight)
    return {name: measure(samples) for name, measure in asked.items()}


@cache
def _all_measures() -> Mapping[str, Measure]:
    """Those of every file of this folder, which registers them as it is imported."""
    for file in pkgutil.iter_modules(room.__path__):
        import_module(f"{room.__name__}.{file.name}")
    return _MEASURES
