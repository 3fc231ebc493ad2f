"""The picker: the sidebar's widgets, derived from the schema, in step with the address."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby

import streamlit as st

from app.components import address, automatic, notices, requests, text
from app.engine import derived, runs
from app.picker import widgets
from ncengine.config import PARAMS, RunConfig
from ncengine.config.gallery import first
from ncengine.config.param import Param, Problem
from ncengine.config.presets import instant_preset, paper_preset
from ncengine.runs.identity import Identity
from ncengine.runs.run import Status

OWNER = "config"
_STATE = "config"
_WELCOME = "picker:welcome"
# Besides the configuration an address can name one very run of it, by its key.
RUN = "run"
_RUN = "picker:run"
# The fields that the page drawn last had a widget for.
_DRAWN = "picker:drawn"
# What was wrong with the values that were typed last, in words, by field.
_WRONG = "picker:wrong"
NAMES = (*PARAMS, RUN)
# What the letters of the number of parameters mean, where no widget's label says it.
LETTERS = {
    "N": "samples",
    "d₀": "inputs",
    "p": "patch side",
    "c": "colours",
    "C": "patches",
    "K": "classes",
}


def arrive(*, bare: bool, welcomes: bool) -> None:
    """Take in how the visitor came; before `draw`.

    Args:
        bare: whether the address asks for nothing.
        welcomes: whether the page is the one to whose welcome Back and Forward lead again.
    """
    if _WELCOME not in st.session_state:
        automatic.begin(bare)
        st.session_state[_WELCOME] = bare and runs.home() == first()
    elif bare and welcomes and address.went_through_history(OWNER):
        st.session_state[_WELCOME] = runs.home() == first()


def draw(without: frozenset[str], links: Callable[[RunConfig], None]) -> None:
    """Draw the picker in the sidebar; `picked` is the configuration that it shows.

    Args:
        without: fields that the page has no widget for.
        links: draws what leads to other pages with the same configuration.
    """
    config = _current()
    for name, param in config.params.items():
        widgets.set_value(name, param, getattr(config, name))
    st.session_state[_STATE] = config
    with st.sidebar:
        st.html('<p class="app-name">Neural Collapse Explorer</p>')
        links(config)
        _presets()
        _fields(config, without)
    write_url(config)


def take() -> None:
    """The same without a widget, for a page that has no room for any."""
    config = _current()
    st.session_state[_STATE] = config
    st.session_state[_DRAWN] = frozenset()
    write_url(config)


def picked() -> RunConfig:
    """The configuration that was picked last."""
    return st.session_state[_STATE]


def meant() -> RunConfig | Identity:
    """What is to be shown: the configuration that is picked, or one very run of it."""
    return st.session_state.get(_RUN) or picked()


def came_without_a_link() -> bool:
    """Whether what is shown is the gallery's first run, for which nobody asked."""
    # Opened from elsewhere in the app, it is another one without anything being picked.
    shown = st.session_state.get(_STATE, first())
    by_name = st.session_state.get(_RUN) is not None
    return bool(st.session_state.get(_WELCOME)) and shown == first() and not by_name


def read_url() -> tuple[RunConfig, list[Problem]]:
    """The valid configuration nearest to the address, and what had to be changed."""
    query, named = address.read(PARAMS), _named()
    return (named.config, []) if named is not None and not query else _meant(query)


def _named() -> Identity | None:
    """The finished run that the address names, where there is one."""
    key = address.read([RUN]).get(RUN)
    return None if key is None else runs.store().identity(key)


def _meant(query: dict[str, str]) -> tuple[RunConfig, list[Problem]]:
    return RunConfig.nearest(query) if query else (runs.home(), [])


def accept_url() -> None:
    """Take the address for what is picked, until it changes."""
    address.accept(OWNER, NAMES)


def write_url(config: RunConfig) -> None:
    """Make the address say `config`, unless it does already; other parameters stay."""
    query, run = address.read(PARAMS), st.session_state.get(_RUN)
    named = {} if run is None else {RUN: run.key}
    shown, problems = _meant(query)
    # A bare or partial address that already means this configuration stays as it is:
    # to write it out would add a page that the Back button has to pass.
    as_it_is = shown == config and not problems and query.keys() <= config.query().keys()
    if as_it_is and address.read([RUN]) == named:
        address.accept(OWNER, NAMES)
    else:
        address.write(OWNER, NAMES, {**config.query(), **named})


def _current() -> RunConfig:
    """The configuration after all that happened since the last run of the page."""
    before: RunConfig | None = st.session_state.get(_STATE)
    # What the widgets showed before Back or Forward may come once more, together with it.
    if before is not None and not address.went_through_history(OWNER):
        picked, problems = _from_widgets(before)
        if picked != before or problems:
            notices.post(OWNER, [])
            _has_picked(picked)
            _tell(problems, picked, before)
            return picked
    if address.arrival(OWNER, NAMES) is None and before is not None:
        return before
    st.session_state[_WRONG] = {}
    config, problems = read_url()
    if before is not None and config != before:
        automatic.picked(config)  # Back and Forward, to what may have been stopped on leaving
    st.session_state[_RUN], wrong = _run_of(config)
    notices.post(OWNER, [_line(problem, config) for problem in problems] + wrong)
    return config


def _run_of(config: RunConfig) -> tuple[Identity | None, list[str]]:
    """The run that the address names, if it is one of that configuration; what was wrong."""
    named, key = _named(), address.read([RUN]).get(RUN)
    if key is None or (named is not None and named.config == config):
        return named, []
    allowed = "must be the key of a run of this configuration that is at hand"
    return None, [notices.wrong_value("Run", key, allowed, "what there is of it")]


def _from_widgets(before: RunConfig) -> tuple[RunConfig, list[Problem]]:
    # What a widget of an earlier page showed comes back with it; nobody has picked that now.
    drawn = st.session_state.get(_DRAWN, PARAMS)
    names = [name for name in before.params if name in drawn]
    shown = {name: widgets.value_of(name, getattr(before, name)) for name in names}
    changes = {n: value for n, value in shown.items() if value != getattr(before, n)}
    # What is nothing that the field could hold changes nothing.
    wrong = [
        Problem(name, changes.pop(name), param.allowed)
        for name, param in before.params.items()
        if name in changes and _is_nonsense(param, changes[name])
    ]
    picked, problems = before.repicked(changes)
    return picked, wrong + problems


def _is_nonsense(param: Param, value: object) -> bool:
    try:
        param.parse(value)
    except (ValueError, TypeError, OverflowError, IndexError):
        return param.kind != "choice" and param.nearest(value) is None
    return False


def _tell(problems: list[Problem], picked: RunConfig, before: RunConfig) -> None:
    """Beside the field where it was typed; of what only follows from that, in passing."""
    st.session_state[_WRONG] = {}
    for problem in problems:
        # A field that the new data set or network does not have needs no message.
        if problem.field not in picked.params:
            continue
        if widgets.value_of(problem.field, None) == problem.value and problem.value != getattr(
            before, problem.field
        ):
            st.session_state[_WRONG][problem.field] = _line(problem, picked)
        else:
            st.toast(_line(problem, picked))


def _line(problem: Problem, config: RunConfig) -> str:
    param = config.params.get(problem.field, PARAMS[problem.field])
    shown = config.in_words(problem.field)
    return notices.wrong_value(param.label, problem.value, problem.allowed, shown)


def _presets() -> None:
    with st.container(horizontal=True, gap="xsmall", key="presets_of_picker"):
        st.button(
            "Instant",
            key="preset_instant",
            on_click=apply_instant,
            width="stretch",
            help="Four classes of digits on an ordinary sphere: trained at once, in seconds.",
        )
        st.button(
            "Default",
            key="preset_default",
            on_click=_apply_default,
            width="stretch",
            help="Pre-LN RN1 of depth 5 on the digits, trained in seconds.",
        )
        st.button(
            "Paper",
            key="preset_paper",
            on_click=_apply_paper,
            width="stretch",
            help="The paper's training (Appendix I) for the network and data picked: "
            "Adam, 5000 epochs, 5 seeds, width 64.",
        )
    automatic.draw_toggle()


def apply_instant() -> None:
    """Have the preset “Instant” shown, and trained unless it is. For callbacks."""
    config = instant_preset()
    apply(config)
    if runs.look(config).status not in (Status.DONE, Status.RUNNING, Status.QUEUED):
        requests.submit(config)


def _apply_default() -> None:
    apply(RunConfig())


def _apply_paper() -> None:
    apply(paper_preset(st.session_state[_STATE]))


def apply(config: RunConfig) -> None:
    """Have the widgets show this configuration at the page's next run. For callbacks."""
    for name, param in config.params.items():
        widgets.set_value(name, param, getattr(config, name))
    # Not what a reader means who changes some fields: each is as it is asked for.
    st.session_state[_STATE] = config
    # It goes before an address that has changed meanwhile, as the player changes a bare one.
    accept_url()
    _has_picked(config)


def _has_picked(config: RunConfig) -> None:
    st.session_state[_WELCOME] = False
    st.session_state[_RUN] = None
    automatic.picked(config)


def _fields(config: RunConfig, without: frozenset[str]) -> None:
    params = [(name, param) for name, param in config.params.items() if name not in without]
    st.session_state[_DRAWN] = frozenset(name for name, _ in params)
    plain = [(name, param) for name, param in params if not param.advanced]
    for group, members in groupby(plain, key=lambda item: item[1].group):
        st.markdown(f"##### {group}")
        _stack(list(members), config)
        if group == "Network":
            _parameters(config)
    with st.expander("Advanced"):
        _stack([(name, param) for name, param in params if param.advanced], config)


def _parameters(config: RunConfig) -> None:
    formula, letters = derived.parameter_formula(config)
    values = ", ".join(_letter(config, name, value) for name, value in letters.items())
    count = text.unbroken(f"{derived.parameter_count(config):,} parameters")
    st.caption(f"**{count}** = {text.unbroken_groups(formula)}, with {values}")


def _letter(config: RunConfig, letter: str, value: int) -> str:
    labelled = any(param.letter == letter for param in config.params.values())
    meaning = "" if labelled else LETTERS[letter] + " "
    return text.unbroken(f"{meaning}{letter} = {value:,}")


def _stack(members: list[tuple[str, Param]], config: RunConfig) -> None:
    """The widgets one below another, narrow neighbours in pairs."""
    while members:
        pair = members[:2]
        paired = len(pair) == 2 and all(widgets.is_narrow(*field) for field in pair)
        row = pair if paired else pair[:1]
        columns = st.columns(2, vertical_alignment="bottom") if paired else [st.container()]
        for column, (name, param) in zip(columns, row, strict=True):
            with column:
                widgets.draw(name, param, getattr(config, name))
        for name, _ in row:
            if sentence := st.session_state.get(_WRONG, {}).get(name):
                st.caption(f":red[{sentence}]")
        members = members[len(row) :]
