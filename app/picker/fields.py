"""The fields of one configuration in the sidebar: drawn from the schema, and what was picked."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

import streamlit as st

from app.components import notices, text
from app.engine import derived
from app.picker import widgets
from ncengine.config import PARAMS, RunConfig
from ncengine.config.param import Param, Problem

# What the letters of the number of parameters mean, where no widget's label says it.
LETTERS = {
    "N": "samples",
    "d₀": "inputs",
    "p": "patch side",
    "c": "colours",
    "C": "patches",
    "K": "classes",
}


@dataclass(frozen=True)
class Fields:
    """The widgets of one side of a page.

    Attributes:
        side: what the keys of its widgets begin with.
    """

    side: str = widgets.PICKED

    @property
    def _drawn(self) -> str:
        """Where the session keeps the fields that the page drawn last had a widget for."""
        return f"picker:drawn:{self.side}"

    @property
    def _wrong(self) -> str:
        """Where it keeps what was wrong with the values typed last, in words, by field."""
        return f"picker:wrong:{self.side}"

    def show(self, config: RunConfig) -> None:
        """Have the widgets, drawn next, show this configuration."""
        for name, param in config.params.items():
            widgets.set_value(name, param, getattr(config, name), self.side)

    def changed(self, before: RunConfig) -> tuple[RunConfig, list[Problem]]:
        """What the widgets say that showed `before`, and what was wrong with what was typed."""
        # What a widget of an earlier page showed comes back with it; nobody has picked that now.
        drawn = st.session_state.get(self._drawn, PARAMS)
        names = [name for name in before.params if name in drawn]
        shown = {n: widgets.value_of(n, getattr(before, n), self.side) for n in names}
        changes = {n: value for n, value in shown.items() if value != getattr(before, n)}
        # What is nothing that the field could hold changes nothing.
        wrong = [
            Problem(name, changes.pop(name), param.allowed)
            for name, param in before.params.items()
            if name in changes and _is_nonsense(param, changes[name])
        ]
        picked, problems = before.repicked(changes)
        return picked, wrong + problems

    def tell(self, problems: list[Problem], picked: RunConfig, before: RunConfig) -> None:
        """Beside the field where it was typed; of what only follows from that, in passing."""
        self.forget()
        for problem in problems:
            # A field that the new data set or network does not have needs no message.
            if problem.field not in picked.params:
                continue
            typed = widgets.value_of(problem.field, None, self.side)
            if typed == problem.value and problem.value != getattr(before, problem.field):
                st.session_state[self._wrong][problem.field] = line(problem, picked)
            else:
                st.toast(line(problem, picked))

    def forget(self) -> None:
        """Nothing that was typed is wrong any more."""
        st.session_state[self._wrong] = {}

    def leave_out(self) -> None:
        """None of these widgets is on the page that is drawn."""
        st.session_state[self._drawn] = frozenset()

    def draw(self, config: RunConfig, without: frozenset[str] = frozenset()) -> None:
        """All fields, but those `without` which the page is."""
        params = [(name, param) for name, param in config.params.items() if name not in without]
        st.session_state[self._drawn] = frozenset(name for name, _ in params)
        plain = [(name, param) for name, param in params if not param.advanced]
        for group, members in groupby(plain, key=lambda item: item[1].group):
            st.markdown(f"##### {group}")
            self._stack(list(members), config)
            if group == "Network":
                _parameters(config)
        with st.expander("Advanced"):
            self._stack([(name, param) for name, param in params if param.advanced], config)

    def _stack(self, members: list[tuple[str, Param]], config: RunConfig) -> None:
        """The widgets one below another, narrow neighbours in pairs."""
        while members:
            pair = members[:2]
            paired = len(pair) == 2 and all(widgets.is_narrow(*field) for field in pair)
            row = pair if paired else pair[:1]
            columns = st.columns(2, vertical_alignment="bottom") if paired else [st.container()]
            for column, (name, param) in zip(columns, row, strict=True):
                with column:
                    widgets.draw(name, param, getattr(config, name), self.side)
            for name, _ in row:
                if sentence := st.session_state.get(self._wrong, {}).get(name):
                    st.caption(f":red[{sentence}]")
            members = members[len(row) :]


def line(problem: Problem, config: RunConfig) -> str:
    """What is wrong with a field, and what is shown instead, in words."""
    param = config.params.get(problem.field, PARAMS[problem.field])
    shown = config.in_words(problem.field)
    return notices.wrong_value(param.label, problem.value, problem.allowed, shown)


def _is_nonsense(param: Param, value: object) -> bool:
    try:
        param.parse(value)
    except (ValueError, TypeError, OverflowError, IndexError):
        return param.kind != "choice" and param.nearest(value) is None
    return False


def _parameters(config: RunConfig) -> None:
    formula, letters = derived.parameter_formula(config)
    values = ", ".join(_letter(config, name, value) for name, value in letters.items())
    count = text.unbroken(f"{derived.parameter_count(config):,} parameters")
    st.caption(f"**{count}** = {text.unbroken_groups(formula)}, with {values}")


def _letter(config: RunConfig, letter: str, value: int) -> str:
    labelled = any(param.letter == letter for param in config.params.values())
    meaning = "" if labelled else LETTERS[letter] + " "
    return text.unbroken(f"{meaning}{letter} = {value:,}")
