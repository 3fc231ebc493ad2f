"""What the gallery holds: named rows of runs, most of them the presets of a sweep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ncengine.config.fields import PAPER_DEPTHS
from ncengine.config.grid import Grid, combine
from ncengine.config.run_config import RunConfig
from ncengine.config.sweeps import SWEEPS, joined, sweep_grid

# What the app opens on, and the depths that are one click away: four classes of which nothing is
# lost on the way to the screen, for features of width 4 lie on an ordinary sphere.
FIRST: dict[str, Any] = {
    "dataset": "mnist",
    "classes": 4,
    "samples_per_class": 500,
    "architecture": "RN1",
    "norm": "post",
    "width": 4,
    "depth": 5,
    "seeds": 3,
}
_DIGITS = {"dataset": "digits", "samples_per_class": 100, "seeds": 3}
# Few enough classes that nothing is lost: the simplex at the floor; with squared error a triangle,
# and without a bias three right angles; two classes, opposite each other.
# Values by field, of which lists are axes; what is left out is at its default.
OWN_ROWS: dict[str, Sequence[dict[str, Any]]] = {
    "first": ({**FIRST, "depth": list(PAPER_DEPTHS)},),
    "proofs-of-concept": (
        {**_DIGITS, "architecture": "UFM", "classes": 4, "width": 4},
        {**_DIGITS, "classes": 3, "width": 4, "loss": "MSE", "last_bias": [True, False]},
        {**_DIGITS, "classes": 2, "width": 4, "depth": 8},
    ),
}
# In the order in which they matter.
ROWS = (
    "first",
    "figure-1",
    "too-many-numbers",
    "figure-1-mse",
    "figure-2-top",
    "figure-2-bottom",
    "schedules",
    "two-mechanisms",
    "deepening",
    "digits-grid",
    "proofs-of-concept",
)
SCALES = ("small", "paper")


def first() -> RunConfig:
    """The run that the app opens on."""
    return RunConfig(**FIRST)


def row(name: str, scale: str = "small") -> Grid:
    """The runs of a row.

    Args:
        name: of `ROWS`.
        scale: "small", what two cores can do, or "paper", in the paper's full size; `OWN_ROWS`
            have one size.

    Raises:
        ValueError: there is no such row or scale.
    """
    if name not in ROWS:
        raise ValueError(f"row = {name!r}: must be one of {', '.join(ROWS)}")
    if scale not in SCALES:
        raise ValueError(f"scale = {scale!r}: must be one of {', '.join(SCALES)}")
    if name in SWEEPS:
        return sweep_grid(name, as_in_paper=scale == "paper")
    return joined(map(_grid, OWN_ROWS[name]))


def _grid(values: dict[str, Any]) -> Grid:
    axes = {name: value for name, value in values.items() if isinstance(value, list)}
    return combine({name: value for name, value in values.items() if name not in axes}, axes)
