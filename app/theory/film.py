"""The player on what theory builds: free features that descend, or the layers of a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import streamlit as st

from app.charts import palette
from app.components import address, theory
from app.player.on_page import PLAYER_HEIGHT
from app.player.view import PLAYER_NAMES
from app.player.wire import About, Playing, pack
from ncengine.analysis.projection import Projection, project
from ncengine.runs.run import Geometry

# Beside NC1, where there is one sample a class.
ALONE = "one sample a class"


@dataclass(frozen=True)
class Film:
    """F frames of N samples of K classes, and what the player is told of them.

    Attributes:
        name: tells it apart from all others.
        alike: equal for films between which camera and moment stay.
        title: what it shows.
        unit: what `at` counts.
        at: (F,) of each frame.
        features: (F, N, d).
        labels: (N,).
        rows: (F, K, d) of the last layer.
        row_norm: at the optimum.
        orthogonal: whether the ideal is an orthogonal frame, and no simplex.
        figure: (K, d - 1) the best known, where neither fits; None without one.
    """

    name: str
    alike: str
    title: str
    unit: str
    at: np.ndarray
    features: np.ndarray
    labels: np.ndarray
    rows: np.ndarray
    row_norm: float
    orthogonal: bool = False
    figure: np.ndarray | None = None


def draw(film: Film, playing: Playing) -> None:
    """The player on it."""
    # Only where it is drawn is the component registered, which takes a server.
    from app.player.component import player

    with st.container(key="stage"):
        shown = message(film, playing, address.read(PLAYER_NAMES))
        player(shown, key="player", height=PLAYER_HEIGHT)


def message(
    film: Film,
    playing: Playing,
    start: Mapping[str, str] = MappingProxyType({}),
) -> bytes:
    """What the player draws, which begins where `start` says."""
    about = About(
        run=film.name,
        class_names=[str(k) for k in range(film.rows.shape[1])],
        colors=palette.CLASS_COLORS,
        but_for_depth=film.alike,
        title=film.title,
        start=start,
        # It puts nothing beside its own into an address: what it last knew of the page may be of
        # another part. The page always writes all of that by itself.
        asking=(*theory.NAMES, *PLAYER_NAMES),
        playing=playing,
        unit=film.unit,
    )
    return pack(projected(film), about)


def projected(film: Film) -> Projection:
    """Its frames in three dimensions."""
    classes = film.rows.shape[1]
    means = np.stack([film.features[:, film.labels == k].mean(1) for k in range(classes)], axis=1)
    nothing = np.zeros((len(film.at), 1, 0, film.features.shape[2]))
    geometry = Geometry(
        epoch=film.at,
        class_means=means[:, None],
        classifier=film.rows[:, None],
        features=film.features[:, None],
        labels=film.labels,
        sample_index=np.arange(len(film.labels)),
        test_features=nothing,
        test_labels=film.labels[:0],
        test_index=film.labels[:0],
    )
    name = "nc2b" if film.orthogonal else "nc2a"
    return project(geometry, 0, nc2_name=name, row_norm=film.row_norm, figure=film.figure)
