"""The page's address: what a link carries, shared by several owners of parameters.

Each owner (the picker, the view's controls, the player in the browser) keeps to its own
names, so that none removes what another wrote.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app.browser.component import travels

# A click can reach the server with the address as it was before the server's last change came to
# the browser. The replaced address is taken for such an echo, unless the browser says that someone
# pressed Back: until a page has run with the new one, and for this many seconds anyhow, since a
# script that has itself run anew brings the new one without the browser.
ECHO_SECONDS = 5.0
# What every page can be asked for, see `stage.presenting`.
EVERYWHERE = ("present", "story", "step", "show", "autoplay", "loop")
_UNKNOWN = "address:unknown"
# What no address says.
_NEVER = {"": ""}
# Within `at_once`: all parameters as they are to be.
_WAITING = "address:waiting"
# What mailings, advertisements and sites that link here add to an address, to tell who followed it.
_TRACKING_FAMILIES = ("utm_", "hsa_", "pk_", "mtm_", "matomo_", "vero_", "_hs", "oly_", "at_")
_TRACKING = frozenset(
    "fbclid gclid dclid gclsrc gbraid wbraid gad_source gad_campaignid msclkid twclid ttclid yclid "
    "ysclid igsh igshid li_fat_id rdt_cid sccid epik srsltid wickedid mc_cid mc_eid mkt_tok "
    "hsctatracking s_cid cmpid trk _ga _gl ref ref_src ref_url".split()
)


@dataclass(frozen=True)
class _Known:
    """The owner's values when it last looked, and those that it last replaced.

    `heard`: whether the page has run with `seen` as its address. `travels`: how often Back or
    Forward had been pressed when it last looked. `doubted_at`: when `replaced` was last taken for
    an echo; 0 where it was not.
    """

    seen: Mapping[str, str]
    replaced: Mapping[str, str]
    replaced_at: float
    heard: bool
    travels: int
    doubted_at: float = 0.0


def read(names: Iterable[str]) -> dict[str, str]:
    """The address's values of those `names` that it has."""
    waiting = st.session_state.get(_WAITING)
    if waiting is not None:
        return {name: waiting[name][-1] for name in names if name in waiting}
    return {name: st.query_params[name] for name in names if name in st.query_params}


def arrival(owner: str, names: Iterable[str]) -> dict[str, str] | None:
    """The owner's values where the address changed from outside; None where it did not.

    Outside means: a page just opened, a link followed, the browser's Back and Forward.
    """
    now = read(names)
    known: _Known | None = st.session_state.get(_key(owner))
    if known is None:
        return now
    if now == known.seen:
        # It may have been Back all the same, of which the browser tells only now.
        doubted = time.monotonic() - known.doubted_at < ECHO_SECONDS
        return dict(known.replaced) if doubted and went_through_history(owner) else None
    if went_through_history(owner):
        return now
    just_now = time.monotonic() - known.replaced_at < ECHO_SECONDS
    echo = now == known.replaced and (just_now or not known.heard)
    if not echo:
        return now
    st.session_state[_key(owner)] = replace(known, doubted_at=time.monotonic())
    return None


def unknown(names: Iterable[str]) -> tuple[str, ...]:
    """The parameters of an address from outside that are none of those `names`.

    Those that only track a visitor are passed over.
    """
    names = {*names, *EVERYWHERE}
    here = tuple(name for name in st.query_params if name not in names and not _tracks(name))
    if st.session_state.get(_UNKNOWN) == here:
        return ()
    st.session_state[_UNKNOWN] = here
    return here


def _tracks(name: str) -> bool:
    name = name.casefold()
    return name in _TRACKING or name.startswith(_TRACKING_FAMILIES)


def accept(owner: str, names: Iterable[str]) -> None:
    """Take the address as it stands for the owner's own."""
    known = st.session_state.get(_key(owner))
    replaced, at = (known.replaced, known.replaced_at) if known else ({}, 0.0)
    doubted = _doubted_at(owner, known)
    st.session_state[_key(owner)] = _Known(read(names), replaced, at, True, travels(), doubted)


def write(owner: str, names: Iterable[str], values: Mapping[str, str]) -> None:
    """Put the owner's `values` into the address, and take out its other `names`.

    Nothing is sent where the address says so already. Other owners' parameters stay.
    """
    names = tuple(names)
    now = read(names)
    if now == values:
        accept(owner, names)
        return
    every = _all()
    foreign = {name: listed for name, listed in every.items() if name not in names}
    query = foreign | {name: [value] for name, value in values.items()}
    if _WAITING in st.session_state:
        st.session_state[_WAITING] = query
    else:
        st.query_params.from_dict(query)
    at, doubted = time.monotonic(), _doubted_at(owner, st.session_state.get(_key(owner)))
    st.session_state[_key(owner)] = _Known(dict(values), now, at, False, travels(), doubted)


def go(query: Mapping[str, str]) -> None:
    """Make the address say this and nothing else; all owners take it in as one from outside."""
    st.query_params.from_dict(query)
    expect()


def expect() -> None:
    """Have all owners take in the address as it is next, even if it is one that was left before."""
    for key, known in st.session_state.items():
        if isinstance(known, _Known):
            st.session_state[key] = replace(known, seen=_NEVER, replaced=_NEVER)


@contextmanager
def at_once() -> Iterator[None]:
    """What owners write within reaches the browser as one change, which is one step for Back."""
    before = st.session_state[_WAITING] = _all()
    try:
        yield
    finally:
        query = st.session_state.pop(_WAITING)
        if query != before:
            st.query_params.from_dict(query)


def _all() -> dict[str, list[str]]:
    """Every parameter's values."""
    waiting = st.session_state.get(_WAITING)
    if waiting is not None:
        return waiting
    return {name: st.query_params.get_all(name) for name in st.query_params}


def joined(values: Mapping[str, str]) -> str:
    """Several values in one parameter: "norm=pre;depth=13"."""
    return ";".join(f"{name}={value}" for name, value in values.items())


def parted(text: str) -> dict[str, str]:
    """What `joined` wrote, by name.

    Raises:
        ValueError: a part is no value with a name, or a name stands there twice.
    """
    named: dict[str, str] = {}
    for part in filter(None, text.split(";")):
        name, value = _named(part)
        if name in named:
            raise ValueError(f"{name} stands there twice")
        named[name] = value
    return named


def _named(part: str) -> tuple[str, str]:
    name, sign, value = part.partition("=")
    if not sign:
        raise ValueError(part)
    return name, value


def went_through_history(owner: str) -> bool:
    """Whether Back or Forward brought the page here since the owner last took in its address."""
    if getattr(get_script_run_ctx(), "is_history_navigation", False):
        return True
    # Streamlit (1.67) forgets that flag where any other request comes before the page has begun to
    # run for this one, and where it interrupts it. The browser's own count is not forgotten.
    known: _Known | None = st.session_state.get(_key(owner))
    return known is not None and travels() > known.travels


def if_picked(owner: str, callback: Callable[..., None]) -> Callable[..., None]:
    """`callback` for a widget that shows a value of the owner's, where somebody picked another.

    What it showed before Back or Forward may come once more with the browser's word of them, after
    the page was drawn for the address that they lead to. That nobody has picked.
    """

    def call(*args: Any) -> None:
        if not went_through_history(owner):
            callback(*args)

    return call


def _doubted_at(owner: str, known: _Known | None) -> float:
    """When what the owner replaced last was taken for an echo; 0 once Back is known of."""
    return 0.0 if known is None or went_through_history(owner) else known.doubted_at


def _key(owner: str) -> str:
    return f"address:{owner}"
