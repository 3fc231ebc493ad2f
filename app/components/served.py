"""For whom the server is there, said beside every page: for visitors, or for all who reach it."""

from __future__ import annotations

import streamlit as st

from app.components import text
from app.engine import server
from app.engine.limits import limits


def draw() -> None:
    """Nothing is said where only this machine reaches the server."""
    public = limits()
    if public is not None:
        with st.expander("This is a public server", icon=":material/public:"):
            st.caption(text.plain(public.in_words()))
    elif server.reaches_beyond():
        st.warning(server.WARNING, icon=":material/lock_open:")
