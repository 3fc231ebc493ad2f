"""What the page Theory shows, and how an address holds it: a part, and its sliders' values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import streamlit as st

from app.components import address, notices
from ncengine.config.numbers import real, whole

OWNER = "theory"
NAMES = ("part", "at")
FLOOR, PROOF, SHORTCUT, LAYERS = PARTS = ("floor", "proof", "shortcut", "layers")
_STATE = "theory:state"
# For whose curves to be planned while someone moves a slider.
MOST_SAMPLES = 30

Value = int | float | str | bool
Values = Mapping[str, Value]


@dataclass(frozen=True)
class Field:
    """One of a part's values.

    Attributes:
        label: above its slider.
        usual: what it is at first.
        offered: numbers that the slider stops at, between whose ends an address may have others;
            or all values that there are.
        help: what it is.
        letter: how formulas call it.
    """

    label: str
    usual: Value
    offered: tuple[Any, ...]
    help: str
    letter: str = ""

    @property
    def is_number(self) -> bool:
        """Whether there are more values than those that are offered."""
        return not isinstance(self.usual, bool | str)

    @property
    def allowed(self) -> str:
        """In words: which values can be."""
        if not self.is_number:
            return f"must be one of {', '.join(map(as_text, self.offered))}"
        kind = "a whole number" if isinstance(self.usual, int) else "a number"
        return f"must be {kind} from {self.offered[0]:g} to {self.offered[-1]:g}"

    def parse(self, text: str) -> Value:
        """The value of a text. Raises ValueError where it is none."""
        if not self.is_number:
            return next(value for value in self.offered if as_text(value) == text)
        value = whole(text) if isinstance(self.usual, int) else real(text)
        if not self.offered[0] <= value <= self.offered[-1]:
            raise ValueError(text)
        return value

    def stops(self, value: Value) -> list[Value]:
        """Where the slider can stand, with the value that it has."""
        return sorted({*self.offered, value}) if self.is_number else list(self.offered)


def as_text(value: Value) -> str:
    """As it stands in an address."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)


_DECAYS = (1e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
_BLOCKS = (10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000)
_CLASSES = Field("Classes K", 4, tuple(range(2, 11)), "How many classes there are.", "K")
_PER_CLASS = Field(
    "Samples a class n", 3, tuple(range(1, 11)), "Each of them travels by itself.", "n"
)
_WIDTH = Field(
    "Width d",
    4,
    (4, 5, 6, 8, 10, 12, 16),
    "Entries of a feature. LayerNorm puts features onto a sphere of d − 2 dimensions: with d = 4 "
    "an ordinary one.",
    "d",
)
_DECAY = Field("Weight decay λ", 0.005, _DECAYS, "Of all weights of the network.", "λ")
_SEED = Field("Seed", 0, tuple(range(10)), "Of samples and embedding.")
FIELDS: dict[str, dict[str, Field]] = {
    FLOOR: {
        "classes": replace(_CLASSES, offered=tuple(range(2, 13))),
        "width": Field(
            "Width d",
            4,
            (*range(3, 13), 16, 32, 64),
            "Entries of a feature, which has mean 0 and norm √d. With d = 4 features lie on an "
            "ordinary sphere.",
            "d",
        ),
        "weight_decay": replace(_DECAY, help="Of the last layer's weights."),
        "loss": Field("Loss", "CE", ("CE", "MSE"), "Cross entropy, or squared error."),
        "bias": Field("Bias", False, (False, True), "Of the last layer; it is not decayed."),
        "minority": Field(
            "Classes with fewer samples", 2, tuple(range(1, 12)), "How many classes are small."
        ),
        "ratio": Field(
            "How many times fewer, R",
            100.0,
            (
                1.0,
                2.0,
                5.0,
                10.0,
                20.0,
                50.0,
                100.0,
                200.0,
                500.0,
                1e3,
                2e3,
                2.5e3,
                5e3,
                1e4,
                1e5,
                1e6,
            ),
            "How many times fewer samples each of these classes has.",
            "R",
        ),
    },
    PROOF: {
        "classes": _CLASSES,
        "per_class": _PER_CLASS,
        "width": _WIDTH,
        "weight_decay": _DECAY,
        "travel": Field(
            "Blocks a sample L₁", 1000, _BLOCKS, "In which it travels to its class's cap.", "L₁"
        ),
        "settle": Field(
            "Blocks a class L₂", 1000, _BLOCKS, "In which its samples settle on the vertex.", "L₂"
        ),
        "margin": Field(
            "Margin m, share of the largest",
            1.0,
            (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
            "How far from every other sample a block still fires. The largest is what the curves "
            "keep; a smaller one costs more.",
            "m",
        ),
        "network": Field(
            "Network", "RN1", ("RN1", "RN2"), "One linear layer a block, or two (Theorem 10)."
        ),
        "seed": _SEED,
    },
    SHORTCUT: {
        "classes": _CLASSES,
        "per_class": replace(_PER_CLASS, help="Each of them has a block of its own."),
        "width": _WIDTH,
        "weight_decay": _DECAY,
        "delta": Field(
            "Stream's size δ",
            1e-5,
            (1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 1e-3, 1e-2),
            "How small the stream becomes, which nothing normalises in a pre-LN network: its norm "
            "shrinks from √d to 10 √d δ. Below 1e-6 the network would feel the 1e-12 that keeps "
            "LayerNorm from dividing by zero.",
            "δ",
        ),
        "seed": _SEED,
    },
    LAYERS: {
        "stretch": Field(
            "How far to stretch a",
            2.0,
            (0.1, 0.2, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0),
            "By a factor of e to the power a.",
            "a",
        ),
        "blocks": Field(
            "Blocks L",
            10,
            (1, 2, 3, 5, 8, 10, 20, 30, 50, 100, 300, 1000, 10_000),
            "How many blocks there are.",
            "L",
        ),
        "change": Field(
            "Size of one change c",
            0.1,
            (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0),
            "By how much a block is to change its input.",
            "c",
        ),
    },
}


def usual(part: str) -> dict[str, Value]:
    """Its values at first."""
    return {name: one.usual for name, one in FIELDS[part].items()}


@dataclass(frozen=True)
class Theory:
    """What the page shows.

    Attributes:
        part: one of `PARTS`.
        values: by part, those that differ from what they are at first.
    """

    part: str = FLOOR
    values: Mapping[str, Values] = field(default_factory=dict)

    def of(self, part: str) -> dict[str, Value]:
        """All values of a part, which fit each other."""
        return fit(part, {**usual(part), **self.values.get(part, {})})

    @property
    def classes(self) -> int:
        """How many the player shows; 0 in a part without one."""
        return int(self.of(self.part).get("classes", 0))

    def with_(self, part: str, values: Values) -> Theory:
        """The same with these values of a part, which is shown."""
        others = {name: v for name, v in values.items() if v != FIELDS[part][name].usual}
        return Theory(part, {**self.values, part: others})

    def query(self) -> dict[str, str]:
        """What the address says of it: only what differs from the default."""
        query = {} if self.part == FLOOR else {"part": self.part}
        if others := self.values.get(self.part):
            query["at"] = address.joined({name: as_text(v) for name, v in others.items()})
        return query


def fit(part: str, values: Mapping[str, Value]) -> dict[str, Value]:
    """The nearest values that there can be together."""
    fitted: dict[str, Any] = dict(values)
    if part == FLOOR:
        fitted["minority"] = min(fitted["minority"], fitted["classes"] - 1)
    elif part in (PROOF, SHORTCUT):
        fitted["width"] = max(fitted["width"], fitted["classes"])
        fitted["per_class"] = min(fitted["per_class"], MOST_SAMPLES // fitted["classes"])
    return fitted


def current() -> Theory:
    """What is shown after all that happened: what was changed here, else a changed address."""
    shown = last()
    query = address.arrival(OWNER, NAMES)
    if query is not None:
        arrived, wrong = parse(query)
        notices.post(OWNER, wrong)
        # Other parts stay as they were left.
        shown = Theory(arrived.part, {**shown.values, **arrived.values})
    show(shown)
    return shown


def last() -> Theory:
    """What was shown last, or is shown first."""
    return st.session_state.get(_STATE, Theory())


def show(theory: Theory) -> None:
    """Have the page show this, and its address say so."""
    st.session_state[_STATE] = theory
    address.write(OWNER, NAMES, theory.query())


def parse(query: Mapping[str, str]) -> tuple[Theory, list[str]]:
    """What an address asks for, and what was wrong with it, in words."""
    wrong = []
    part = query.get("part", FLOOR)
    if part not in PARTS:
        wrong.append(notices.wrong_value("Part", part, f"must be one of {', '.join(PARTS)}", FLOOR))
        part = FLOOR
    fields, values = FIELDS[part], usual(part)
    try:
        given = address.parted(query.get("at", ""))
    except ValueError:
        given = {}
        allowed = "must be names and values, each once, as in classes=4;width=8"
        wrong.append(notices.wrong_value("At", query["at"], allowed, "the usual values"))
    for name, text in given.items():
        if name not in fields:
            allowed = f"must name one of {', '.join(fields)}"
            wrong.append(notices.wrong_value("At", name, allowed, "the others"))
            continue
        try:
            values[name] = fields[name].parse(text)
        except (ValueError, OverflowError, StopIteration):
            label, shown = fields[name].label, as_text(values[name])
            wrong.append(notices.wrong_value(label, text, fields[name].allowed, shown))
    fitted = fit(part, values)
    for name in given:
        if name in fields and fitted[name] != values[name]:
            allowed = _TOGETHER[name]
            shown = as_text(fitted[name])
            wrong.append(
                notices.wrong_value(fields[name].label, as_text(values[name]), allowed, shown)
            )
    return Theory().with_(part, fitted), wrong


# What is asked of a value beside others.
_TOGETHER = {
    "minority": "must leave one class that is not small",
    "width": "must be at least the number of classes, for their simplex to fit",
    "per_class": f"must leave at most {MOST_SAMPLES} samples in all",
}


def draw_part(theory: Theory, titles: Mapping[str, str]) -> None:
    """Which part is shown, for it to be changed."""
    st.session_state["theory:part"] = theory.part
    st.segmented_control(
        "Part",
        PARTS,
        format_func=titles.__getitem__,
        key="theory:part",
        required=True,
        on_change=address.if_picked(OWNER, _part_changed),
        label_visibility="collapsed",
    )


def _part_changed() -> None:
    show(replace(last(), part=st.session_state["theory:part"]))


def draw_values(part: str, names: Sequence[str], values: Values) -> None:
    """Sliders, and choices, in a row."""
    with st.container(key=f"theory_values_{names[0]}"):
        columns = st.columns([1.0 if FIELDS[part][n].is_number else 0.7 for n in names])
        for column, name in zip(columns, names, strict=True):
            with column:
                _draw_value(part, name, values[name])


def _draw_value(part: str, name: str, value: Value) -> None:
    one, key = FIELDS[part][name], f"theory:{part}:{name}"
    # Only where it is another one: else a slider that is still being moved would spring back.
    if st.session_state.get(key) != value:
        st.session_state[key] = value
    how: dict[str, Any] = {
        "key": key,
        "help": one.help,
        "on_change": address.if_picked(OWNER, _value_changed),
        "args": (part, name),
    }
    if isinstance(one.usual, bool):
        st.toggle(one.label, **how)
    elif one.is_number:
        options = _possible(part, name, one.stops(value))
        if len(options) > 1:
            st.select_slider(one.label, options, format_func=_shown, **how)
        else:
            st.markdown(f"{one.label}: **{_shown(value)}**")
    else:
        st.segmented_control(one.label, one.offered, required=True, **how)


def _possible(part: str, name: str, stops: list[Value]) -> list[Value]:
    """Those that the other values let be."""
    values = last().of(part)
    return [stop for stop in stops if fit(part, {**values, name: stop})[name] == stop]


def _value_changed(part: str, name: str) -> None:
    theory = last()
    values = fit(part, {**theory.of(part), name: st.session_state[f"theory:{part}:{name}"]})
    show(theory.with_(part, values))


def _shown(value: Value) -> str:
    """A number above its slider."""
    if isinstance(value, int):
        return f"{value:,}"
    if not isinstance(value, float):
        return str(value)
    if value >= 1000:
        return f"{value:,.10g}"
    # As on the axes of charts: 1e−5.
    return f"{value:g}".replace("e-0", "e-").replace("-", "−")
