"""The presets of Depth: named sweeps, each one click away."""

from __future__ import annotations

from functools import cache

import streamlit as st

from app.components import address, series, text
from app.components.series import Picture, Series
from app.picker import picker
from ncengine.config import PARAMS_DEFAULTS, RunConfig
from ncengine.config.sweeps import SWEEPS, sweep_series

# What who asks for nothing is shown, where the gallery has it.
OPENS_ON = "figure-1"


def draw_words(shown: list[Series]) -> None:
    """Which of them is shown, if any, and what to look for."""
    name = _preset_shown(shown)
    if name is not None:
        st.markdown(f":blue-badge[{text.plain(SWEEPS[name].title)}] {SWEEPS[name].look_for}")


def draw() -> None:
    """A button for each."""
    full = st.toggle(
        "As in the paper",
        key="depth:full",
        help="In the paper's full size: Adam for 5,000 epochs, five seeds, as many samples as "
        "there may be. How long that takes is said before it starts.",
    )
    for name, preset in SWEEPS.items():
        st.button(
            preset.title,
            key=f"preset-{name}",
            on_click=_apply,
            args=(name, full),
            help=preset.look_for,
            width="stretch",
        )


def _apply(name: str, full: bool) -> None:
    base, picture = of(name, full)
    picker.apply(base)
    series.show(picture)


def open_at_first() -> None:
    """Show what the page opens on, for an address that asks for nothing; before the picker."""
    _apply(OPENS_ON, full=False)
    picker.accept_url()
    address.accept(series.OWNER, series.NAMES)


def query_of(name: str) -> dict[str, str]:
    """What the address says of the page when it shows a preset."""
    base, picture = of(name, False)
    return {**base.query(), **picture.query()}


@cache
def of(name: str, full: bool) -> tuple[RunConfig, Picture]:
    """What is picked, and the picture, of a preset; in the paper's `full` size."""
    shown = []
    for grid in sweep_series(name, as_in_paper=full):
        depths = tuple(sorted({config.depth for config in grid}))
        decays = tuple(sorted({config.weight_decay for config in grid}))
        shown.append(Series(grid[0], depths, decays if len(decays) > 1 else ()))
    first, kept = shown[0], tuple(shown[1:])
    usual = PARAMS_DEFAULTS["depth"]
    base = first.base.with_(depth=usual) if usual in first.depths else first.base
    return base, Picture(depths=first.depths, decays=first.decays, kept=kept)


@cache
def _networks_of(name: str, full: bool) -> list[tuple[RunConfig, ...]]:
    """Those of each of its series."""
    base, picture = of(name, full)
    return [family.grid.configs for family in picture.series(base)]


def _preset_shown(shown: list[Series]) -> str | None:
    """The name of the preset that is shown; None where it is none."""
    pictured = [family.grid.configs for family in shown]
    every = ((name, full) for name in SWEEPS for full in (False, True))
    return next((name for name, full in every if _networks_of(name, full) == pictured), None)
