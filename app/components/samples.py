"""What a sample of the data set picked looks like."""

from __future__ import annotations

import numpy as np
import streamlit as st
from PIL import Image

from app.components import text
from app.engine import data
from ncengine.config import RunConfig

# Pixels on the page of a picture's longer side, or of several of its own pixels.
SIDE = 42


def draw(config: RunConfig) -> None:
    """A sample of each class: pictures in a row, or the last words of texts; nothing of points."""
    found = data.examples(config)
    if not found:
        return
    st.markdown("##### A sample of each class")
    pictures = [one for one in found if one.image is not None]
    if pictures:
        shown = [_enlarged(one.image) for one in pictures if one.image is not None]
        st.image(shown, caption=[one.name for one in pictures], width=SIDE)
        return
    for one in found:
        st.markdown(f"**{text.plain(one.name)}**: {text.plain(text.ending(one.text))}")


def _enlarged(image: np.ndarray) -> Image.Image:
    """The picture with its pixels as they are, and not smeared by the browser."""
    times = max(1, round(2 * SIDE / max(image.shape[:2])))
    return Image.fromarray(image.repeat(times, 0).repeat(times, 1))
