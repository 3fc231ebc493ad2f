"""What a session looks at, for the buttons that save it: pages tell, buttons ask when pressed.

It changes as the page looks on, also after a button was drawn, and what makes a file runs beside
the script, where there is no session. So buttons hold this very object.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import streamlit as st

from app.components.series import Picture
from app.player.view import PLAYER_NAMES, View
from ncengine.config import RunConfig
from ncengine.runs.identity import Identity
from ncengine.runs.run import Run

if TYPE_CHECKING:
    from app.charts.lines import Chart
    from app.recorded import seen as recorded
    from app.theory.seen import Seen

_SHOWN = "export:shown"


@dataclass
class Shown:
    """What is looked at now.

    Attributes:
        asked: what Explore was asked for.
        run: what it shows.
        looked_at: from which side and at which moment.
        picture: what Depth is of, and shows.
        pair: the runs that Compare shows.
        clock: how these keep in step.
        several: the runs that the Library shows over each other, by what they are called there.
        metric: of which metric.
        theory: what a part of Theory is called, and shows; and the charts further down.
        recorded: the recording that Recorded shows.
    """

    asked: RunConfig | Identity | None = None
    run: Run | None = None
    looked_at: View | None = None
    picture: tuple[RunConfig, Picture] | None = None
    pair: tuple[Run, Run] | None = None
    clock: str = "pass"
    several: Mapping[str, Run] | None = None
    metric: str = ""
    theory: tuple[str, Seen, Sequence[Chart]] | None = None
    recorded: recorded.Seen | None = None


def shown() -> Shown:
    """What this session looks at."""
    return st.session_state.setdefault(_SHOWN, Shown())


def shows(asked: RunConfig | Identity, run: Run, looked_at: View) -> None:
    """Let the buttons know what Explore shows now, and what was asked for."""
    now = shown()
    now.asked, now.run, now.looked_at = asked, run, looked_at


def shows_picture(config: RunConfig, picture: Picture) -> None:
    """Let the buttons know what Depth shows now."""
    shown().picture = config, picture


def shows_pair(left: Run, right: Run, looked_at: View, clock: str) -> None:
    """Let the buttons know what Compare shows now."""
    now = shown()
    now.pair, now.looked_at, now.clock = (left, right), looked_at, clock


def shows_several(named: Mapping[str, Run], metric: str) -> None:
    """Let the buttons know what the Library shows now."""
    now = shown()
    now.several, now.metric = named, metric


def shows_theory(title: str, seen: Seen, more: Sequence[Chart] = ()) -> None:
    """Let the buttons know what Theory shows now, and which charts further down."""
    shown().theory = title, seen, more


def shows_recording(seen: recorded.Seen) -> None:
    """Let the buttons know what Recorded shows now."""
    shown().recorded = seen


def brought_to(looked_at: View, said: Mapping[str, str] | None) -> View:
    """The view as the browser's address says, where it was told."""
    if said is None:
        return looked_at
    start = tuple((name, said[name]) for name in PLAYER_NAMES if name in said)
    return replace(looked_at, start=start, moment=said.get("epoch", ""))
