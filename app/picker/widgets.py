"""One widget for each kind of `Param`. Values live in `st.session_state` under `key(name)`.

Where two configurations are picked on one page, each side's widgets have keys of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from ncengine.config import PARAMS
from ncengine.config.param import Param

PICKED = "field"
OTHER = "other"
MOST_SEGMENTS = 4
LONGEST_SEGMENT = 12
MOST_LISTED = 32


def key(name: str, side: str = PICKED) -> str:
    """Where the widget of the field `name` keeps its value."""
    return f"{side}:{name}"


def value_of(name: str, fallback: Any, side: str = PICKED) -> Any:
    """The value of the field's widget; `fallback` while it has none."""
    place = key(name, side)
    value = st.session_state.get(place, fallback)
    if value is None:
        return fallback
    if value == OTHER:
        other = st.session_state.get(_other_key(place), fallback)
        return _seeds_meant(other) if isinstance(other, str) else other
    return value


def set_value(name: str, param: Param, value: Any, side: str = PICKED) -> None:
    """Make the field's widget, drawn next, show `value`."""
    place = key(name, side)
    shown = st.session_state.get(place)
    if param.kind == "seeds" and (shown == OTHER or value not in _offered(param)):
        # The box stays open, and its list is written as it was understood.
        st.session_state[place] = OTHER
        if st.session_state.get(_other_key(place)) != _list_of(value):
            st.session_state[_other_key(place)] = _list_of(value)
    elif shown is not None and value_of(name, value, side) == value:
        return
    elif _has_other(param) and value not in _offered(param):
        st.session_state[place] = OTHER
        st.session_state[_other_key(place)] = value
    else:
        st.session_state[place] = value


def draw(name: str, param: Param, value: Any, side: str = PICKED) -> None:
    """Draw the field's widget, which shows `value` (see `set_value`).

    `value` is its default too: a widget that the browser has to build anew, and whose state it
    has lost, would otherwise come back with its first choice, and pick that.
    """
    _drawer(name, param)(key(name, side), param, value)


def is_narrow(name: str, param: Param) -> bool:
    """Whether two such widgets fit beside one another."""
    return _drawer(name, param) in (_list, _number)


def _drawer(name: str, param: Param) -> Callable[[str, Param, Any], None]:
    if param.kind == "choice":
        if max(len(text) for text in param.choices.values()) > LONGEST_SEGMENT:
            return _titles
        # All choices count, also those that the data set leaves out, so that a change of data set
        # does not change the kind of widget.
        return _segments if len(PARAMS[name].choices) <= MOST_SEGMENTS else _chips
    if param.kind == "bool":
        return _toggle
    if param.kind == "seeds":
        return _seeds
    if param.kind == "steps":
        return _steps
    if param.widget == "slider":
        return _slider
    if _has_other(param):
        return _pills
    listed = param.suggested or param.high - param.low < MOST_LISTED
    return _list if listed else _number


def _has_other(param: Param) -> bool:
    return param.widget == "pills" or param.kind == "seeds"


def _offered(param: Param) -> list:
    """What is one click away, of a field that has another box for all else."""
    if param.kind == "seeds":
        return [tuple(range(count)) for count in param.suggested]
    return list(param.suggested)


def _other_key(place: str) -> str:
    return f"{place}:{OTHER}"


def _titles(place: str, param: Param, value: Any) -> None:
    st.selectbox(
        param.label,
        tuple(param.choices),
        index=list(param.choices).index(value),
        format_func=param.choices.__getitem__,
        key=place,
        help=param.help,
    )


def _segments(place: str, param: Param, value: Any) -> None:
    st.segmented_control(
        param.label,
        tuple(param.choices),
        default=value,
        format_func=param.choices.__getitem__,
        key=place,
        help=param.help,
        required=True,
        width="stretch",
    )


def _chips(place: str, param: Param, value: Any) -> None:
    st.pills(
        param.label,
        tuple(param.choices),
        default=value,
        format_func=param.choices.__getitem__,
        key=place,
        help=param.help,
        required=True,
    )


def _toggle(place: str, param: Param, value: Any) -> None:
    st.toggle(param.label, value, key=place, help=param.help)


def _pills(place: str, param: Param, value: Any) -> None:
    st.pills(
        param.label,
        (*param.suggested, OTHER),
        default=value if value in param.suggested else OTHER,
        format_func=str,
        key=place,
        help=param.help,
        required=True,
    )
    if st.session_state[place] == OTHER:
        st.session_state.setdefault(_other_key(place), value)
        st.number_input(
            f"{param.label}, other",
            int(param.low),
            int(param.high),
            value,
            key=_other_key(place),
            label_visibility="collapsed",
        )


def _slider(place: str, param: Param, value: Any) -> None:
    """Over what is suggested, with a box beside it that takes any value."""
    wide, narrow = st.columns((3, 1.2), gap="small", vertical_alignment="bottom")
    with wide:
        st.select_slider(
            param.label,
            sorted({*param.suggested, value}),
            value=value,
            format_func=_text,
            key=place,
            help=f"{param.help} Slide, or type a value: it {param.allowed}.",
        )
    typed = f"{place}:typed"
    # Only where it changed: what is being typed would be overwritten.
    if st.session_state.get(typed) != _text(value):
        st.session_state[typed] = _text(value)
    with narrow:
        st.text_input(
            f"{param.label}, typed",
            key=typed,
            label_visibility="collapsed",
            on_change=_take_typed,
            args=(place, typed),
        )


def _take_typed(place: str, typed: str) -> None:
    st.session_state[place] = st.session_state[typed].strip()


def _list(place: str, param: Param, value: Any) -> None:
    listed = param.suggested or range(int(param.low), int(param.high) + 1)
    options = sorted({*listed, value})
    st.selectbox(
        param.label,
        options,
        index=options.index(value),
        format_func=lambda option: param.choices.get(option) or _text(option),
        key=place,
        help=f"{param.help} Pick a value or type one: it {param.allowed}.",
        accept_new_options=True,
    )


def _number(place: str, param: Param, value: Any) -> None:
    whole = param.kind == "int"
    st.number_input(
        param.label,
        int(param.low) if whole else param.low,
        int(param.high) if whole else param.high,
        value,
        key=place,
        help=param.help,
    )


def _seeds(place: str, param: Param, value: tuple[int, ...]) -> None:
    """How many, or which: "other" opens a box for a list."""
    counted = _offered(param)
    st.segmented_control(
        param.label,
        (*counted, OTHER),
        default=[value if value in counted else OTHER],
        format_func=lambda seeds: OTHER if seeds == OTHER else str(len(seeds)),
        key=place,
        help=f"{param.help} “Other” takes a list, such as 0, 3, 7 or 10-14.",
        required=True,
        width="stretch",
    )
    if st.session_state[place] == OTHER:
        st.session_state.setdefault(_other_key(place), _list_of(value))
        st.text_input(
            f"{param.label}, as a list",
            key=_other_key(place),
            label_visibility="collapsed",
            placeholder="0, 3, 7 or 10-14",
        )


def _steps(place: str, param: Param, value: str) -> None:
    st.text_input(param.label, value, key=place, help=param.help, placeholder="2, 3 or 3@0.02")


def _list_of(seeds: tuple[int, ...]) -> str:
    return ", ".join(map(str, seeds))


def _seeds_meant(listed: str) -> Any:
    """The seeds of a list; the text itself where it is none, for the field to refuse."""
    # A single number would be taken for how many.
    alone = listed.strip().isdecimal()
    try:
        return PARAMS["seeds"].parse(f"{listed}," if alone else listed)
    except (ValueError, TypeError, OverflowError, IndexError):
        return listed


def _text(value: Any) -> str:
    # With six digits, a value such as 0.0037 from an address is shown as it was typed.
    return f"{value:g}" if isinstance(value, float) else str(value)
