"""The table of best known figures that is shipped; `docs/best_figures.py` says how it was made."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

WEIGHT_DECAY = 0.005
_TABLE = Path(__file__).with_name("best_figures.csv")


@dataclass(frozen=True)
class Known:
    """The best figure known of K classes at width d, with cross entropy and without a bias.

    Attributes:
        objective: at a weight decay of `WEIGHT_DECAY`.
        figure: in words.
        least_angle, largest_angle: degrees between two classes.
        least_row_norm, largest_row_norm: of W.
        nc3: 1 - mean cosine of a mean and its row.
        starts: how many were tried, and `agree`, how many of them came to it.
    """

    classes: int
    width: int
    objective: float
    figure: str
    least_angle: float
    largest_angle: float
    least_row_norm: float
    largest_row_norm: float
    nc3: float
    starts: int
    agree: int


@cache
def known_figures() -> tuple[Known, ...]:
    """Of K up to 12, and each d from 3 to K - 1."""
    wholes = {"classes", "width", "starts", "agree"}
    with _TABLE.open(encoding="utf-8", newline="") as file:
        return tuple(
            Known(
                **{
                    name: text if name == "figure" else int(text) if name in wholes else float(text)
                    for name, text in row.items()
                }  # type: ignore[arg-type]
            )
            for row in csv.DictReader(file)
        )
