"""The picker: the sidebar's widgets, derived from the schema, in step with the address."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from app.components import address, automatic, notices, requests
from app.engine import runs
from app.picker.fields import Fields, line
from ncengine.config import PARAMS, RunConfig
from ncengine.config.gallery import first
from ncengine.config.param import Problem
from ncengine.config.presets import instant_preset, paper_preset
from ncengine.runs.identity import Identity
from ncengine.runs.run import Status

OWNER = "config"
_STATE = "config"
_WELCOME = "picker:welcome"
# Besides the configuration an address can name one very run of it, by its key.
RUN = "run"
_RUN = "picker:run"
NAMES = (*PARAMS, RUN)
FIELDS = Fields()


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
    config = take_in()
    with st.sidebar:
        draw_head(config, links)
        draw_presets(config, apply, apply_instant)
        automatic.draw_toggle()
        FIELDS.draw(config, without)
    write_url(config)


def draw_links(links: Callable[[RunConfig], None]) -> None:
    """The sidebar of a page on which nothing is picked: what leads to other pages."""
    take()
    with st.sidebar:
        draw_head(picked(), links)


def take() -> None:
    """The same without a widget, for a page that has no room for any."""
    config = st.session_state[_STATE] = _current()
    FIELDS.leave_out()
    write_url(config)


def take_in() -> RunConfig:
    """What is picked after all that happened since the last run of the page."""
    config = st.session_state[_STATE] = _current()
    FIELDS.show(config)
    return config


def draw_head(config: RunConfig, links: Callable[[RunConfig], None]) -> None:
    """The app's name, and what leads to other pages."""
    st.html('<p class="app-name">Neural Collapse Explorer</p>')
    links(config)


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
    before: RunConfig | None = st.session_state.get(_STATE)
    # What the widgets showed before Back or Forward may come once more, together with it.
    if before is not None and not address.went_through_history(OWNER):
        picked, problems = FIELDS.changed(before)
        if picked != before or problems:
            notices.post(OWNER, [])
            _has_picked(picked)
            FIELDS.tell(problems, picked, before)
            return picked
    if address.arrival(OWNER, NAMES) is None and before is not None:
        return before
    FIELDS.forget()
    config, problems = read_url()
    if before is not None and config != before:
        automatic.picked(config)  # Back and Forward, to what may have been stopped on leaving
    st.session_state[_RUN], wrong = _run_of(config)
    notices.post(OWNER, [line(problem, config) for problem in problems] + wrong)
    return config


def _run_of(config: RunConfig) -> tuple[Identity | None, list[str]]:
    """The run that the address names, if it is one of that configuration; what was wrong."""
    named, key = _named(), address.read([RUN]).get(RUN)
    if key is None or (named is not None and named.config == config):
        return named, []
    return None, [notices.no_such_run("Run", key)]


def draw_presets(
    config: RunConfig,
    show: Callable[[RunConfig], None],
    instant: Callable[[], None],
    side: str = "",
) -> None:
    """Buttons that pick a preset in place of `config`.

    Args:
        show: has another configuration shown; for callbacks.
        instant: what the preset “Instant” does.
        side: what the keys of its buttons end with, where a page has two sides.
    """
    with st.container(horizontal=True, gap="xsmall", key=f"presets_of_picker{side}"):
        st.button(
            "Instant",
            key=f"preset_instant{side}",
            on_click=instant,
            width="stretch",
            help="Four classes of digits on an ordinary sphere: trained in seconds"
            f"{'' if side else ', at once'}.",
        )
        st.button(
            "Default",
            key=f"preset_default{side}",
            on_click=lambda: show(RunConfig()),
            width="stretch",
            help="Pre-LN RN1 of depth 5 on the digits, trained in seconds.",
        )
        st.button(
            "Paper",
            key=f"preset_paper{side}",
            on_click=lambda: show(paper_preset(config)),
            width="stretch",
            help="The paper's training (Appendix I) for the network and data picked: "
            "Adam, 5000 epochs, 5 seeds, width 64.",
        )


def apply_instant() -> None:
    """Have the preset “Instant” shown, and trained unless it is. For callbacks."""
    config = instant_preset()
    apply(config)
    if runs.look(config).status not in (Status.DONE, Status.RUNNING, Status.QUEUED):
        requests.submit(config)


def apply(config: RunConfig) -> None:
    """Have the widgets show this configuration at the page's next run. For callbacks."""
    FIELDS.show(config)
    # Not what a reader means who changes some fields: each is as it is asked for.
    st.session_state[_STATE] = config
    # It goes before an address that has changed meanwhile, as the player changes a bare one.
    accept_url()
    _has_picked(config)


def show_run(identity: Identity) -> None:
    """Have this very run of the configuration shown that was just applied. For callbacks."""
    st.session_state[_RUN] = identity


def _has_picked(config: RunConfig) -> None:
    st.session_state[_WELCOME] = False
    st.session_state[_RUN] = None
    automatic.picked(config)
