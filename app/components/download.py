"""A data set that is not on this machine: what it is, and the button that fetches it."""

from __future__ import annotations

import streamlit as st

from app.components import text
from app.engine import data
from ncengine.catalogue.datasets import DATASETS, dataset_info
from ncengine.config import RunConfig

_TROUBLE = "download:trouble"


def draw(config: RunConfig, key: str = "download") -> None:
    """Say that the data set is missing, and fetch it on request by the button of that key.

    Where there is nowhere to fetch it from, say where its files belong instead.
    """
    info = dataset_info(config.dataset)
    st.subheader(f"{info.title} is not on this machine yet", anchor=False)
    if obstacle := data.no_download(config.dataset):
        st.warning(text.plain(obstacle))
        return
    st.write(f"{info.description} Once fetched, it stays. {_offline()} work without any download.")
    asked = st.button(f"Download {info.title}", type="primary", key=key)
    failed, message = st.session_state.get(_TROUBLE, ("", ""))
    if not asked:
        if failed == config.dataset:
            _complain(message)
        return
    st.session_state.pop(_TROUBLE, None)
    bar = st.progress(0.0, f"Fetching {info.title} …")

    def show(done: int, total: int) -> None:
        bar.progress(min(done / max(total, 1), 1.0), f"{done / 1e6:.1f} of {total / 1e6:.1f} MB")

    try:
        data.download(config.dataset, show)
    except RuntimeError as error:
        bar.empty()
        # The page is drawn again and again while it waits for the data.
        st.session_state[_TROUBLE] = (config.dataset, str(error))
        _complain(str(error))
        return
    st.rerun()


def _complain(message: str) -> None:
    # Line by line, for Markdown would run the last one into a list before it.
    st.error("\n\n".join(text.plain(line) for line in message.splitlines()))


def _offline() -> str:
    """ "Digits and Gaussian clusters": the sets that need no download."""
    titles = [info.title for info in DATASETS.values() if not info.files]
    return " and ".join([", ".join(titles[:-1]), titles[-1]])
