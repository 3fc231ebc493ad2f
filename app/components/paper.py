"""The paper whose theorems, lemmas and definitions are named on the pages."""

from __future__ import annotations

import streamlit as st

TITLE = "Neural Collapse is Globally Optimal in Deep Regularized ResNets and Transformers"
VENUE = "under review for the Workshop on High-dimensional Learning Dynamics, 2025"


def draw() -> None:
    """What the words refer to, once on a page."""
    st.caption(
        f"Theorems, lemmas, definitions and appendices are those of *{TITLE}* ({VENUE}).",
    )
