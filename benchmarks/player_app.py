"""A page with nothing but the player: 2,000 points that collapse over 60 snapshots."""

import sys
from pathlib import Path

import numpy as np
import streamlit as st

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from app.charts.palette import CLASS_COLORS  # noqa: E402
from app.player.component import player  # noqa: E402
from app.player.wire import About, pack  # noqa: E402
from ncengine.analysis.projection import project  # noqa: E402
from ncengine.runs.run import Geometry  # noqa: E402
from ncengine.theory import simplex_etf  # noqa: E402

CLASSES, SAMPLES, SNAPSHOTS, WIDTH = 10, 2000, 60, 64


@st.cache_resource
def projection():
    """Points around the vertices of a simplex, ever closer to them."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(CLASSES), SAMPLES // CLASSES)
    vertices = 8 * simplex_etf(CLASSES) @ np.linalg.qr(rng.normal(size=(WIDTH, CLASSES - 1)))[0].T
    spread = np.geomspace(1, 0.05, SNAPSHOTS)[:, None, None]
    features = vertices[labels] + spread * rng.normal(size=(SAMPLES, WIDTH))
    means = features.reshape(SNAPSHOTS, CLASSES, -1, WIDTH).mean(axis=2)
    geometry = Geometry(
        epoch=np.geomspace(1, 1e4, SNAPSHOTS).round(),
        class_means=means[:, None].astype(np.float32),
        classifier=means[:, None].astype(np.float32),
        features=features[:, None].astype(np.float16),
        labels=labels,
        sample_index=np.arange(SAMPLES),
        test_features=np.zeros((SNAPSHOTS, 1, 0, WIDTH), np.float16),
        test_labels=np.zeros(0, int),
        test_index=np.zeros(0, int),
    )
    return project(geometry, 0)


st.set_page_config(layout="wide")
message = pack(
    projection(),
    About(run="crowd", class_names=[str(k) for k in range(CLASSES)], colors=CLASS_COLORS),
)
player(message, key="player", height=650)
