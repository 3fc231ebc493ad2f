"""Series: what the page Depth draws, one over another, and how an address holds it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import streamlit as st

from app.components import address, notices
from ncengine.catalogue.metrics import Place, asked_for
from ncengine.config import PARAMS, ConfigError, Grid, RunConfig, as_text, grid
from ncengine.config.fields import PAPER_DEPTHS

OWNER = "depth"
NAMES = ("depths", "decays", "kept", "metric", "lines")
# What lines are fitted to: all points, or those that nothing proves to be at no optimum.
LINES = ("all", "optima")
METRICS = asked_for(Place.DEPTH)
MOST_KEPT = 5
MOST_VALUES = 20
_STATE = "depth:picture"
# Fields that a series sweeps over, and so says nothing of by itself.
SWEPT = ("depth", "weight_decay")


@dataclass(frozen=True)
class Series:
    """Networks that differ by depth, or weight decay, or both.

    Attributes:
        base: all else of them.
        depths: which depths.
        decays: which weight decays; () for that of `base` alone.
    """

    base: RunConfig
    depths: tuple[int, ...] = PAPER_DEPTHS
    decays: tuple[float, ...] = ()

    @cached_property
    def grid(self) -> Grid:
        """Its networks."""
        decays = self.decays or (self.base.weight_decay,)
        return grid(self.base, depth=self.depths, weight_decay=decays)

    @property
    def over(self) -> str:
        """The field that it is drawn over: "depth", or "weight_decay" at one depth."""
        return "weight_decay" if len(self.depths) == 1 and len(self.decays) > 1 else "depth"

    @property
    def is_grid(self) -> bool:
        """Whether it has several depths and several weight decays."""
        return len(self.depths) > 1 and len(self.decays) > 1

    def by_decay(self) -> list[Series]:
        """One series a weight decay."""
        decays = self.decays or (self.base.weight_decay,)
        return [Series(self.base.with_(weight_decay=decay), self.depths) for decay in decays]

    def axes(self) -> dict[str, Sequence[Any]]:
        """What it sweeps over, by field."""
        decays = {"weight_decay": self.decays} if self.decays else {}
        return {"depth": self.depths, **decays}

    def as_text(self) -> str:
        """As it stands in an address."""
        fields = {n: as_text(v) for n, v in self.base.set_fields().items() if n in self.base.params}
        fields.pop("depth", None)
        fields |= _lists(self.depths, self.decays)
        return address.joined(fields)

    @classmethod
    def from_text(cls, text: str) -> Series:
        """What `as_text` wrote. Raises ValueError for anything else."""
        values = address.parted(text)
        depths = _read("depth", values.pop("depths", None)) or PAPER_DEPTHS
        decays = _read("weight_decay", values.pop("decays", None))
        return cls(RunConfig(**values), depths, decays)


@dataclass(frozen=True)
class Picture:
    """What the page shows.

    Attributes:
        depths, decays: of the series that is picked now, see `Series`.
        kept: series shown beside it.
        metric: of the heat map, one of `METRICS`.
        lines: one of `LINES`.
    """

    depths: tuple[int, ...] = PAPER_DEPTHS
    decays: tuple[float, ...] = ()
    kept: tuple[Series, ...] = ()
    metric: str = "nc1"
    lines: str = "all"

    def series(self, config: RunConfig) -> list[Series]:
        """All that is shown, each once, that of the picker first."""
        return list(dict.fromkeys((Series(config, self.depths, self.decays), *self.kept)))

    def query(self) -> dict[str, str]:
        """What the address says of it: only what differs from the default."""
        params = _lists(self.depths, self.decays)
        if self.kept:
            params["kept"] = "|".join(series.as_text() for series in self.kept)
        if self.metric != "nc1":
            params["metric"] = self.metric
        if self.lines != "all":
            params["lines"] = self.lines
        return params


def current() -> Picture:
    """The picture after all that happened: what was changed here, else a changed address."""
    picture = last()
    query = address.arrival(OWNER, NAMES)
    if query is not None:
        picture, wrong = parse(query)
        notices.post(OWNER, wrong)
    show(picture)
    return picture


def last() -> Picture:
    """The picture that was shown last, or is shown first."""
    return st.session_state.get(_STATE, Picture())


def show(picture: Picture) -> None:
    """Have the page show this, and its address say so."""
    st.session_state[_STATE] = picture
    address.write(OWNER, NAMES, picture.query())


def parse(query: Mapping[str, str]) -> tuple[Picture, list[str]]:
    """The picture that an address asks for, and what was wrong with it, in words."""
    wrong = []
    usual = {
        "depths": "2 to 34",
        "decays": "one",
        "kept": "no other series",
        "metric": "NC1",
        "lines": "those through all points",
    }
    readers: dict[str, Callable[[str], dict[str, Any]]] = {
        "depths": lambda text: {"depths": _read("depth", text)},
        "decays": lambda text: {"decays": _read("weight_decay", text)},
        "kept": lambda text: {"kept": _kept(text)},
        "metric": lambda text: {"metric": _one_of(METRICS, text)},
        "lines": lambda text: {"lines": _one_of(LINES, text)},
    }
    allowed = {
        "depths": f"must be up to {MOST_VALUES} depths, each of which "
        f"{PARAMS['depth'].allowed}, with commas between",
        "decays": f"must be up to {MOST_VALUES} weight decays, each of which "
        f"{PARAMS['weight_decay'].allowed}, with commas between",
        "kept": f"must be up to {MOST_KEPT} series as this page writes them",
        "metric": f"must be one of {', '.join(METRICS)}",
        "lines": f"must be one of {', '.join(LINES)}",
    }
    values: dict[str, Any] = {}
    for name, text in query.items():
        try:
            values |= readers[name](text)
        except (ValueError, TypeError, OverflowError, ConfigError):
            sentence = notices.wrong_value(name.capitalize(), text, allowed[name], usual[name])
            wrong.append(sentence)
    return Picture(**values), wrong


def labels(series: Sequence[Series]) -> list[str]:
    """What tells the series apart, in the words of the picker; of one alone, what it is."""
    if len(series) == 1:
        return [_title(series[0])]
    names = [name for name in PARAMS if name not in SWEPT and name != "seeds"]
    values = {n: {repr(getattr(s.base, n)) for s in series if n in s.base.params} for n in names}
    # What only follows from data set and network is told by these.
    set_ones = {name for family in series for name in family.base.set_fields()}
    differing = [n for n in names if len(values[n]) > 1 and (n in _PLAIN or n in set_ones)]
    if len({family.base.weight_decay for family in series if not family.decays}) > 1:
        differing.append("weight_decay")
    titles = []
    for family in series:
        told = [_value(n, family.base) for n in differing if n in family.base.params]
        titles.append(", ".join(filter(None, told)) or _title(family))
    # The same but for their depths: their place tells them apart.
    return [
        label if titles.count(label) == 1 else f"{label} ({n + 1})"
        for n, label in enumerate(titles)
    ]


def _title(series: Series) -> str:
    parts = series.base.title().split(" · ")
    if parts[0][0].isdigit():
        parts[0] = parts[0].partition("-")[2]
    kept = [part for part in parts if not (series.decays and part.startswith("λ = "))]
    return " · ".join(kept)


def _value(name: str, config: RunConfig) -> str:
    param, value = config.params[name], getattr(config, name)
    if name == "image_side":
        return f"{value} × {value}" if config.is_averaged else ""
    if param.kind == "choice":
        shown = param.choices[value]
        return shown if name in _PLAIN else f"{param.label.lower()} {shown}"
    if name == "epochs":
        return f"{value:,} passes"
    if name == "last_bias":
        return "with bias" if value else "without bias"
    if isinstance(value, float):
        return f"{param.letter or param.label.lower()} = {value:g}"
    return f"{param.letter or param.label.lower()} = {as_text(value)}"


# Whose choices say by themselves what they are.
_PLAIN = ("dataset", "architecture", "norm", "loss", "solver")


def _lists(depths: tuple[int, ...], decays: tuple[float, ...]) -> dict[str, str]:
    params = {}
    if depths != PAPER_DEPTHS:
        params["depths"] = ",".join(map(str, depths))
    if decays:
        params["decays"] = ",".join(map(repr, decays))
    return params


def _read(name: str, text: str | None) -> tuple:
    """Values of a field, in order, each once. Raises ValueError where one cannot be."""
    if text is None:
        return ()
    values = {PARAMS[name].parse(part.strip()) for part in text.split(",")}
    if not 1 <= len(values) <= MOST_VALUES:
        raise ValueError(text)
    return tuple(sorted(values))


def _kept(text: str) -> tuple[Series, ...]:
    kept = tuple(Series.from_text(part) for part in text.split("|"))
    if len(kept) > MOST_KEPT:
        raise ValueError(text)
    return kept


def _one_of(values: Iterable[str], text: str) -> str:
    if text not in values:
        raise ValueError(text)
    return text
