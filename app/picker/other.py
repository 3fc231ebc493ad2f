"""The second configuration of a page that shows two: its picker, and its part of the address.

The first is the picker's own, at the left. As long as the address says nothing of the second, that
is the same as the first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from app.components import address, notices
from app.engine import runs
from app.picker import picker
from app.picker.fields import Fields, line
from ncengine.config import PARAMS, Problem, RunConfig, as_text
from ncengine.config.presets import instant_preset
from ncengine.runs.identity import Identity

OWNER = "other"
OTHER, RUN = "other", "other_run"
NAMES = (OTHER, RUN)
SIDES = {"left": "Left", "right": "Right"}
FIELDS = Fields("other")
_STATE, _RUN, _SIDE = "other:config", "other:run", "other:side"
# The first configuration as it was when the page was drawn last.
_LEFT = "other:left"


def draw(links: Callable[[RunConfig], None]) -> None:
    """Draw the pickers of both sides in the sidebar, of which one is open, and write the address.

    `links` draws what leads to other pages.
    """
    with address.at_once():
        left = picker.take_in()
        right = st.session_state[_STATE] = _current(left)
        FIELDS.show(right)
        with st.sidebar:
            picker.draw_head(left, links)
            _draw_open(left, right)
        picker.write_url(left)
        _write_url(left, right)
        st.session_state[_LEFT] = left


def take() -> None:
    """The same without a widget, for a page that has no room for any."""
    with address.at_once():
        picker.take()
        left = picker.picked()
        right = st.session_state[_STATE] = _current(left)
        FIELDS.leave_out()
        _write_url(left, right)
        st.session_state[_LEFT] = left


def picked() -> RunConfig:
    """The second configuration that was picked last; before that, the first."""
    return st.session_state.get(_STATE) or picker.picked()


def meant() -> RunConfig | Identity:
    """What is to be shown of it: what is picked, or one very run of it."""
    return st.session_state.get(_RUN) or picked()


def query() -> dict[str, str]:
    """What an address says of the second side as it was looked at last; {} before that."""
    return query_of(meant()) if _STATE in st.session_state else {}


def query_of(spec: RunConfig | Identity) -> dict[str, str]:
    """What an address says for this to be the second side."""
    if isinstance(spec, Identity):
        return {**query_of(spec.config), RUN: spec.key}
    return {OTHER: as_one(spec)}


def as_one(config: RunConfig) -> str:
    """A configuration as one parameter: its data set, and all that stands at no default."""
    names = [name for name in config.set_fields() if name in config.params]
    fields = {name: as_text(getattr(config, name)) for name in ("dataset", *names)}
    return address.joined(fields)


def apply(config: RunConfig) -> None:
    """Have the second side show this at the page's next run. For callbacks."""
    FIELDS.show(config)
    st.session_state[_STATE] = config
    address.accept(OWNER, NAMES)
    st.session_state[_RUN] = None


def swap() -> None:
    """Each side shows what the other one does. For callbacks."""
    left, right = picker.meant(), meant()
    _show(picker.apply, picker.show_run, right)
    _show(apply, _show_run, left)


def take_over_all_but(name: str) -> None:
    """The second side becomes the first but for one field. For callbacks."""
    left, right = picker.picked(), picked()
    changed, _ = left.repicked({name: getattr(right, name)})
    apply(changed)


def _show(
    show: Callable[[RunConfig], None],
    by_name: Callable[[Identity], None],
    spec: RunConfig | Identity,
) -> None:
    show(spec.config if isinstance(spec, Identity) else spec)
    if isinstance(spec, Identity):
        by_name(spec)


def _show_run(identity: Identity) -> None:
    st.session_state[_RUN] = identity


def _current(left: RunConfig) -> RunConfig:
    """The second configuration after all that happened since the last run of the page."""
    before: RunConfig | None = st.session_state.get(_STATE)
    if before is not None and not address.went_through_history(OWNER):
        changed, problems = FIELDS.changed(before)
        if changed != before or problems:
            notices.post(OWNER, [])
            st.session_state[_RUN] = None
            FIELDS.tell(problems, changed, before)
            return changed
    query = address.arrival(OWNER, NAMES)
    if query is None and before is not None and not _goes_along(left):
        return before
    FIELDS.forget()
    config, st.session_state[_RUN], wrong = read(query or {}, left)
    notices.post(OWNER, wrong)
    return config


def _goes_along(left: RunConfig) -> bool:
    """Whether another address changed the first configuration, and says nothing of the second."""
    moved = left != st.session_state.get(_LEFT) and picker.read_url()[0] == left
    return moved and not address.read(NAMES)


def read(query: dict[str, str], left: RunConfig) -> tuple[RunConfig, Identity | None, list[str]]:
    """The configuration and the very run that an address asks for, and what was wrong, in words."""
    named = runs.store().identity(query[RUN]) if RUN in query else None
    if OTHER in query:
        config, wrong = _meant(query[OTHER], left)
    else:
        config, wrong = (left if named is None else named.config), []
    if RUN in query and (named is None or named.config != config):
        named = None
        wrong.append(notices.no_such_run("Right run", query[RUN]))
    return config, named, wrong


def _meant(text: str, left: RunConfig) -> tuple[RunConfig, list[str]]:
    try:
        fields: dict[str, Any] = address.parted(text)
    except ValueError:
        allowed = "must be fields of a configuration, each once, as in dataset=digits;norm=pre"
        return left, [notices.wrong_value("Right side", text, allowed, "the same as at the left")]
    config, problems = RunConfig.nearest(fields)
    return config, [_wrong(problem, config) for problem in problems]


def _wrong(problem: Problem, config: RunConfig) -> str:
    if problem.field not in PARAMS:
        allowed = "is no field of a configuration"
        return notices.wrong_value("Right side", problem.field, allowed, "what else it says")
    return f"Right side, {line(problem, config)}"


def _write_url(left: RunConfig, right: RunConfig) -> None:
    """Make the address say what stands at the right, unless it does already."""
    named = st.session_state.get(_RUN)
    now = address.read(NAMES)
    config, run, wrong = read(now, left)
    # What already means this stays as it is written: else Back had one more page to pass.
    if (config, run, wrong) == (right, named, []):
        address.accept(OWNER, NAMES)
        return
    same = right == left and named is None
    address.write(OWNER, NAMES, {} if same else query_of(named or right))


def _draw_open(left: RunConfig, right: RunConfig) -> None:
    """The fields and presets of the side that is picked for."""
    # At first that which is to become another.
    st.session_state.setdefault(_SIDE, "right")
    side = st.segmented_control(
        "Pick for",
        tuple(SIDES),
        key=_SIDE,
        format_func=SIDES.__getitem__,
        required=True,
        width="stretch",
        help="Which of the two runs the fields below are of.",
    )
    if side == "left":
        config, fields, show, closed = left, picker.FIELDS, picker.apply, FIELDS
    else:
        config, fields, show, closed = right, FIELDS, apply, picker.FIELDS
    closed.leave_out()
    picker.draw_presets(config, show, lambda: show(instant_preset()), f"_{side}")
    fields.draw(config)
