"""Who visits a public server, what each asked for, and what each looks at."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

# Who has one address of version 6 has as many as there are under its first so many bits.
BITS_OF_ONE_HOST = 64
# A browser that lost its server for a moment comes back to the same page within so many seconds.
COMES_BACK = 600.0


@dataclass(frozen=True)
class Visitor:
    """Who asks.

    Attributes:
        session: one browser window, until it is reloaded.
        address: of its machine, or of the proxy before it; "" of this machine.
    """

    session: str
    address: str = ""


def here() -> Visitor:
    """Whose page is drawn, or whose callback is called."""
    context = get_script_run_ctx()
    if context is None:
        return Visitor("")
    address = st.context.ip_address if runtime.exists() else None
    return Visitor(context.session_id, of_one_host(address or ""))


def _session() -> str:
    context = get_script_run_ctx()
    return context.session_id if context else ""


def of_one_host(address: str) -> str:
    """The address, or what all addresses have in common that one host is given."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, BITS_OF_ONE_HOST), strict=False))


def is_connected(session: str) -> bool:
    """Whether a browser has that session's page open."""
    return runtime.exists() and runtime.get_instance().is_active_session(session)


class Asked:
    """Which runs, by key, are on their way since which visitors asked for them."""

    def __init__(self) -> None:
        self._by: dict[str, list[Visitor]] = {}

    def add(self, key: str, visitor: Visitor) -> None:
        """A visitor asked for that run; one that others asked for before counts as theirs."""
        by = self._by.setdefault(key, [])
        if visitor not in by:
            by.append(visitor)

    def keys(self) -> list[str]:
        """All of them."""
        return [*self._by]

    def forget(self, key: str) -> None:
        """The run has come to an end."""
        self._by.pop(key, None)

    def is_alone(self, key: str, visitor: Visitor) -> bool:
        """Whether they asked for it, and nobody else did."""
        return {by.session for by in self._by.get(key, ())} == {visitor.session}

    def of(self, visitor: Visitor) -> int:
        """How many a visitor asked for first."""
        return Counter(by[0].session for by in self._by.values())[visitor.session]

    def of_address(self, visitor: Visitor) -> int:
        """The same of all of their address."""
        return Counter(by[0].address for by in self._by.values())[visitor.address]


@dataclass
class Seen:
    """What each session has on its page, by key. Safe to share between threads.

    Args:
        connected: whether a session's page is still open.
        now: seconds, that only grow.
    """

    connected: Callable[[str], bool] = is_connected
    now: Callable[[], float] = time.monotonic
    _on_page: dict[str, tuple[set[str], float]] = field(default_factory=dict)
    _lately: set[str] = field(default_factory=set)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def begins(self, session: str) -> None:
        """A session's page is drawn anew: what was on it may not be there any more."""
        with self._guard:
            self._on_page.pop(session, None)

    def sees(self, session: str, keys: Iterable[str]) -> None:
        """These runs are on a session's page."""
        with self._guard:
            found = set(keys)
            before, _ = self._on_page.get(session, (set(), 0.0))
            self._on_page[session] = before | found, self.now()
            self._lately |= found

    def taken(self) -> set[str]:
        """What is on an open page now, or was seen since this was asked last."""
        with self._guard:
            seen, self._lately = self._lately, set()
            for session, (keys, last) in [*self._on_page.items()]:
                if self.connected(session):
                    self._on_page[session] = keys, self.now()
                    seen |= keys
                elif self.now() - last > COMES_BACK:
                    del self._on_page[session]
            return seen


_seen = Seen()


def page_begins() -> None:
    """This session's page is drawn anew."""
    _seen.begins(_session())


def sees(*keys: str) -> None:
    """These runs are on this session's page."""
    _seen.sees(_session(), keys)


def seen() -> set[str]:
    """See `Seen.taken`; of all sessions of this server."""
    return _seen.taken()
