"""Grids: configurations for every combination of several values of some fields."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product
from math import prod
from typing import Any, overload

from ncengine.config.param import ConfigError, Problem
from ncengine.config.run_config import PARAMS, RunConfig

MOST = 10_000


@dataclass(frozen=True)
class LeftOut:
    """A combination that cannot be: its values by field, and what is wrong with them."""

    values: Mapping[str, Any]
    problems: Sequence[Problem]

    def __str__(self) -> str:
        values = ", ".join(f"{name} = {value}" for name, value in self.values.items())
        return f"{values}: " + "; ".join(map(str, self.problems))


@dataclass(frozen=True)
class Grid(Sequence[RunConfig]):
    """Configurations, each once, in the order of the product of their values.

    Attributes:
        configs: those that can be.
        left_out: combinations that cannot.
    """

    configs: tuple[RunConfig, ...]
    left_out: tuple[LeftOut, ...] = ()

    @overload
    def __getitem__(self, index: int) -> RunConfig: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[RunConfig, ...]: ...

    def __getitem__(self, index):
        return self.configs[index]

    def __len__(self) -> int:
        return len(self.configs)

    def __iter__(self) -> Iterator[RunConfig]:
        return iter(self.configs)

    def __add__(self, other: Grid) -> Grid:
        """Both, each configuration once."""
        return Grid(_each_once(self.configs + other.configs), self.left_out + other.left_out)


def grid(base: RunConfig | None = None, /, **axes: Iterable[Any]) -> Grid:
    """Every combination of the values given for some fields, the rest being as in `base`.

    A field of `base` that stands at its default takes the default of each combination's own data
    set and architecture. Combinations that cannot be (transformers on Gaussian clusters, say) are
    left out, and named in `left_out`. What is the same run twice is there once.

    Args:
        base: the default configuration by default.
        axes: values by field, such as depth=[2, 3, 5]; a list of seeds is one value of `seeds`.

    Raises:
        ConfigError: a name that is no field, no value for a field, or a value that cannot be in
            any combination.
    """
    return combine((base or RunConfig()).set_fields(), axes)


def combine(given: Mapping[str, Any], axes: Mapping[str, Iterable[Any]]) -> Grid:
    """As `grid`, from values of fields, in a field's own type or as text, that stay as they are."""
    listed = {name: _listed(name, values) for name, values in axes.items()}
    _check(listed)
    combinations = (dict(zip(listed, values, strict=True)) for values in product(*listed.values()))
    tried = [(values, *RunConfig.nearest({**given, **values})) for values in combinations]
    if mistakes := _mistakes(tried):
        raise ConfigError(mistakes)
    configs = [config for _, config, problems in tried if not problems]
    left_out = [LeftOut(values, problems) for values, _, problems in tried if problems]
    return Grid(_each_once(configs), tuple(left_out))


def _each_once(configs: Sequence[RunConfig]) -> tuple[RunConfig, ...]:
    return tuple({config.canonical_json(): config for config in configs}.values())


def _listed(name: str, values: Any) -> list[Any]:
    """At most one value more than any grid may have, of what may have no end."""
    problem = None
    if name not in PARAMS:
        problem = "is not a field; the fields are " + ", ".join(PARAMS)
    elif isinstance(values, str) or not isinstance(values, Iterable):
        problem = "must be a list of values"
    elif not (listed := list(islice(values, MOST + 1))):
        problem = "must be a list of at least one value"
    if problem:
        raise ConfigError([Problem(name, values, problem)])
    return listed


def _check(axes: Mapping[str, Sequence[Any]]) -> None:
    count = prod(map(len, axes.values()))
    if count > MOST:
        widest = max(axes, key=lambda name: len(axes[name]))
        allowed = f"must be fewer values: the grid has {count:,} combinations, at most {MOST:,} go"
        raise ConfigError([Problem(widest, axes[widest], allowed)])


def _mistakes(tried: Sequence[tuple[dict[str, Any], RunConfig, list[Problem]]]) -> list[Problem]:
    """What is wrong with a value in every combination that has it: it fits nowhere."""
    wrong: Counter[tuple[str, str]] = Counter()
    problems: dict[tuple[str, str], Problem] = {}
    for values, _, faults in tried:
        for problem in faults:
            key = problem.field, repr(values.get(problem.field))
            wrong[key] += 1
            problems[key] = problem
    names = {name for name, _ in wrong}
    there = Counter((name, repr(values.get(name))) for values, *_ in tried for name in names)
    return [problems[key] for key, count in wrong.items() if count == there[key]]
