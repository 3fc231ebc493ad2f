"""What a part of the page Theory shows on the player, with the figures and charts beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.charts.lines import Chart
from app.components.readings import Reading
from app.theory.film import Film


@dataclass(frozen=True)
class Seen:
    """What follows the player's moment.

    Attributes:
        film: on the player; None where nothing moves.
        readings: figures at its moment, those that matter most first.
        chart: over its moments, which goes to an audience too.
        second: another one beside the player.
    """

    film: Film | None
    readings: Sequence[Reading]
    chart: Chart
    second: Chart
