"""The first page of who came without a link: a picture that moves, and three things to try."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from app.player import on_page, view
from ncengine.config import RunConfig
from ncengine.config.fields import PAPER_DEPTHS
from ncengine.config.gallery import row
from ncengine.runs.run import Run

# A depth further down the row of the gallery, at which one sees the difference.
DEEPER = PAPER_DEPTHS[-1]


def draw(
    run: Run, looked_at: view.View, pick: Callable[[RunConfig], None], train: Callable[[], None]
) -> None:
    """One sentence, three things to try, and the player as large as the window.

    `pick` has the page show another configuration, and `train` trains one at once. For callbacks.
    """
    with st.container(key="welcome"):
        st.markdown(
            "#### Watch a network tidy up its last layer\n"
            "Each dot is a handwritten digit as the network’s last layer sees it: in training each "
            "class draws together into one point, and the four points move apart, to the corners "
            "of a regular tetrahedron."
        )
        with st.container(key="welcome_tries", horizontal=True, gap="small"):
            _tries(run.config, pick, train)
        on_page.draw_player(run, looked_at)


def _tries(config: RunConfig, pick: Callable[[RunConfig], None], train: Callable[[], None]) -> None:
    deeper, transformer = config.with_(depth=DEEPER), _transformer()
    _try(
        "Deeper",
        f"The same with {DEEPER} layers instead of {config.depth}: tighter points.",
        "layers",
        lambda: pick(deeper),
    )
    _try(
        "Another architecture",
        "A transformer that tells all ten digits apart, patch by patch.",
        "hub",
        lambda: pick(transformer),
    )
    _try(
        "Train your own",
        "Trains a small network here and now, while you watch.",
        "play_arrow",
        train,
        type="primary",
    )


def _try(label: str, why: str, icon: str, do: Callable[[], None], **more: Any) -> None:
    def tried() -> None:
        do()
        # The page, not just what is around the button: the picker has to show it too.
        st.rerun()

    key = "try-" + label.split()[0].lower()
    st.button(label, key=key, icon=f":material/{icon}:", on_click=tried, help=why, **more)


def _transformer() -> RunConfig:
    """The transformer of Figure 1 at a depth of five."""
    wanted = ("T11", "mnist", 5)
    configs = (
        config
        for config in row("figure-1")
        if (config.architecture, config.dataset, config.depth) == wanted
    )
    return next(configs)
