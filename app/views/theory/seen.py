"""What a part of the page Theory shows on the player, with the figures and the chart beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.views.theory.film import Film, Reading


@dataclass(frozen=True)
class Seen:
    """What follows the player's moment.

    Attributes:
        film: on the player; None where nothing moves.
        readings: figures at its moment.
        chart: draws the chart over its moments; given whether it fills the window.
        second: draws another one.
    """

    film: Film | None
    readings: Sequence[Reading]
    chart: Callable[[bool], None]
    second: Callable[[], None]
