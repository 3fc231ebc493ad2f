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
from ncengine.catalogue.datasets import dataset_info
from ncengine.config import RunConfig

_SHOWN, _SWITCH = "texts:shown", "texts:switch"


def texts_are_shown() -> bool:
    """Whether who looks has asked to see what people wrote."""
    return bool(st.session_state.get(_SHOWN))


def draw_switch(config: RunConfig, explained: bool = False) -> bool:
    """The switch behind which texts stand; gives whether they are shown.

    Args:
        config: of whose data they are.
        explained: whether what they are is said beside it.
    """
    # A switch forgets what it said while it is not drawn.
    st.session_state[_SWITCH] = texts_are_shown()
    about = None if explained else _about(config)
    st.toggle(f"Show {_noun(config)}s", key=_SWITCH, on_change=_remember, help=about)
    return texts_are_shown()


def _noun(config: RunConfig) -> str:
    return dataset_info(config.dataset).noun


def _about(config: RunConfig) -> str:
    return (
        f"The {_noun(config)}s of this data set are real, shown as people wrote them. Some are "
        "rude, or worse."
    )


def _remember() -> None:
    st.session_state[_SHOWN] = st.session_state[_SWITCH]


def draw(config: RunConfig) -> None:
    """A sample of each class: pictures in a row, or the last words of texts; nothing of points.

    What people wrote is shown to who asks for it.
    """
    examples = data.examples(config)
    if not examples:
        return
    st.markdown("##### A sample of each class")
    pictures = [(example.name, example.image) for example in examples if example.image is not None]
    if pictures:
        figures = "".join(_figure(*picture) for picture in pictures)
        st.html(f'<div class="samples">{figures}</div>')
        return
    st.caption(_about(config))
    for example in examples if draw_switch(config, explained=True) else ():
        st.markdown(f"**{text.plain(example.name)}**: {text.plain(text.ending(example.text))}")


def _figure(name: str, image: np.ndarray) -> str:
    """The picture within the page, which has none to ask for that a next page has let go."""
    file = BytesIO()
    Image.fromarray(image).save(file, "PNG")
    png = b64encode(file.getvalue()).decode()
    caption = f"<figcaption>{escape(name)}</figcaption>"
    return f'<figure><img alt="" src="data:image/png;base64,{png}">{caption}</figure>'
