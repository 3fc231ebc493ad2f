"""What a sample of the data set picked looks like."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from io import BytesIO

import numpy as np
import streamlit as st
from PIL import Image

from app.components import text
from app.engine import data
from ncengine.config import RunConfig


def draw(config: RunConfig) -> None:
    """A sample of each class: pictures in a row, or the last words of texts; nothing of points."""
    found = data.examples(config)
    if not found:
        return
    st.markdown("##### A sample of each class")
    pictures = [one for one in found if one.image is not None]
    if pictures:
        figures = "".join(_figure(one.name, one.image) for one in pictures)
        st.html(f'<div class="samples">{figures}</div>')
        return
    for one in found:
        st.markdown(f"**{text.plain(one.name)}**: {text.plain(text.ending(one.text))}")


def _figure(name: str, image: np.ndarray) -> str:
    """The picture within the page, which has none to ask for that a next page has let go."""
    file = BytesIO()
    Image.fromarray(image).save(file, "PNG")
    png = b64encode(file.getvalue()).decode()
    caption = f"<figcaption>{escape(name)}</figcaption>"
    return f'<figure><img alt="" src="data:image/png;base64,{png}">{caption}</figure>'
