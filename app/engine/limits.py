"""What a public server lets its visitors ask for: the host's limits, and what is refused and why.

All of it follows from what it is given: who asks, and for what, is `visitors` and `admission`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto

PUBLIC = "NCENGINE_PUBLIC"
SECONDS, WAITING = "NCENGINE_PUBLIC_SECONDS", "NCENGINE_PUBLIC_WAITING"
ADDRESS, DISK = "NCENGINE_PUBLIC_ADDRESS", "NCENGINE_PUBLIC_DISK"
MEGABYTE = 10**6
# Where the host does not say how many runs those of one address may have, as many as so many have.
VISITORS_OF_AN_ADDRESS = 10


@dataclass(frozen=True)
class Limits:
    """What visitors of a public server may take.

    Attributes:
        seconds: that one run may take, as estimated.
        waiting: runs of one visitor that wait or train.
        address: the same of all visitors of one address together.
        disk: bytes that results, and what was stopped, may take.
    """

    seconds: float = 120.0
    waiting: int = 2
    address: int = 2 * VISITORS_OF_AN_ADDRESS
    disk: int = 2000 * MEGABYTE

    def in_words(self) -> str:
        """What a visitor may do, in a sentence or two."""
        return (
            f"You can look at everything, and train what is estimated to take up to "
            f"{self.seconds:,.0f} s, {_runs(self.waiting)} at a time. Results that nobody has "
            "looked at for longest make room for new ones. No data sets are fetched, and no runs "
            "deleted or imported."
        )


class Deed(Enum):
    """What a visitor may want to do, beyond looking."""

    TRAIN = auto()
    STOP = auto()
    DELETE = auto()
    DOWNLOAD = auto()
    IMPORT = auto()


class Refused(RuntimeError):
    """A public server does not do that for its visitors; the message says why."""


@dataclass(frozen=True)
class Standing:
    """How things stand for who wants to train or to stop something.

    Attributes:
        wanted: runs that are asked for.
        seconds: that each is estimated to take, if that was looked at; None: nobody can tell.
        own: runs of theirs that wait or train.
        of_address: the same of all of their address.
        free: how many more runs may wait, whoever asks for them.
        has_room: whether what is kept of runs takes no more than it may.
        is_theirs: whether what is to be stopped was asked for by them, and by nobody else.
    """

    wanted: int = 0
    seconds: Sequence[float | None] = ()
    own: int = 0
    of_address: int = 0
    free: float = math.inf
    has_room: bool = True
    is_theirs: bool = False


def refused(deed: Deed, limits: Limits | None, standing: Standing | None = None) -> str:
    """Why a visitor may not do that, in a sentence or two; "" where they may.

    `limits`: None of a server that is not public, where everything goes.
    """
    if limits is None:
        return ""
    standing = standing or Standing()
    if deed is Deed.TRAIN:
        why = _no_training(limits, standing)
    elif deed is Deed.STOP:
        why = "" if standing.is_theirs else _NOT_THEIRS
    else:
        why = _NEVER[deed]
    return f"This is a public server: {why}" if why else ""


def refuse(deed: Deed) -> None:
    """Let pass what this server does for its visitors.

    Raises:
        Refused: it does not do that for them.
    """
    if why := refused(deed, limits()):
        raise Refused(why)


_NOT_THEIRS = (
    "a run can be stopped by the visitor who began it, in the window where they did, unless "
    "others asked for it too."
)
_NEVER = {
    Deed.DELETE: "nothing is deleted by visitors. Results that nobody has looked at for longest "
    "make room for new ones by themselves.",
    Deed.DOWNLOAD: "no data sets are fetched for visitors. Its host can fetch them.",
    Deed.IMPORT: "no runs are imported for visitors. Its host can import them.",
}


def _no_training(limits: Limits, standing: Standing) -> str:
    wanted = standing.wanted
    if not wanted:
        return ""
    if standing.own + wanted > limits.waiting:
        have = f"you have {standing.own}" if standing.own else ""
        asked = f"this asks for {wanted}" if wanted > 1 else ""
        more = " more" if have and asked else ""
        return (
            f"a visitor may have {_runs(limits.waiting)} that wait or train, and "
            f"{', and '.join(filter(None, [have, asked]))}{more}. {_remedy(standing.own)}"
        )
    if standing.of_address + wanted > limits.address:
        return (
            f"visitors of one address may have {_runs(limits.address)} together that wait or "
            f"train, and those of yours have {standing.of_address}. Try again in some minutes."
        )
    if wanted > standing.free:
        return "so many runs wait already that no more are taken. Try again in some minutes."
    if not standing.has_room:
        return (
            "results take all of the disk that they may, and others look at them now. Try again "
            "in some minutes."
        )
    return _too_long(limits, standing.seconds)


def _too_long(limits: Limits, seconds: Sequence[float | None]) -> str:
    told = [each for each in seconds if each is not None]
    if len(told) < len(seconds):
        which = "this one takes" if len(seconds) == 1 else "each of these takes"
        return (
            f"it trains what takes up to about {limits.seconds:,.0f} s, and nobody can tell how "
            f"long {which}, for no run of its kind has ended here."
        )
    if all(each <= limits.seconds for each in told):  # which what is no number is not
        return ""
    which = "this one" if len(told) == 1 else "one of these"
    return (
        f"a run may take about {limits.seconds:,.0f} s, and {which} would take about "
        f"{max(told):,.0f} s. Fewer passes, seeds, layers or samples take less."
    )


def _remedy(own: int) -> str:
    return "Wait until one has ended, or stop one." if own else "Ask for fewer at a time."


def _runs(count: int) -> str:
    return "one run" if count == 1 else f"{count:,} runs"


def limits(named: Mapping[str, str] | None = None) -> Limits | None:
    """The limits that the host has set by variables; None where the server is not public.

    `named`: the variables, by default those of this process.

    Raises:
        ValueError: one of them holds what it may not; says which, what, and what is allowed.
    """
    named = os.environ if named is None else named
    public = named.get(PUBLIC, "").strip()
    if public not in ("", "0", "1"):
        raise ValueError(f"{PUBLIC} = {public!r}: must be 1 for a public server, or 0")
    usual = Limits()
    waiting = _whole(named, WAITING, usual.waiting)
    found = Limits(
        seconds=_seconds(named, usual.seconds),
        waiting=waiting,
        address=_whole(named, ADDRESS, VISITORS_OF_AN_ADDRESS * waiting),
        disk=_whole(named, DISK, usual.disk // MEGABYTE) * MEGABYTE,
    )
    return found if public == "1" else None


def _whole(named: Mapping[str, str], name: str, usual: int) -> int:
    text = named.get(name, "").strip()
    if text and not (
        text.isascii() and text.isdecimal() and 1 <= int(text[:10]) and len(text) < 10
    ):
        raise ValueError(f"{name} = {text!r}: must be a whole number from 1 to 999,999,999")
    return int(text) if text else usual


def _seconds(named: Mapping[str, str], usual: float) -> float:
    text = named.get(SECONDS, "").strip()
    try:
        seconds = float(text) if text else usual
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise ValueError(f"{SECONDS} = {text!r}: must be a number of seconds above 0")
    return seconds
