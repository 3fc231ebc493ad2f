"""A run that someone brings along as a file is taken in, or refused in words."""

from __future__ import annotations

import streamlit as st

from app.components import text
from app.engine import library, public
from app.engine.limits import Deed, Refused
from ncengine.reasons import reason

# Megabytes of a file, as `server.maxUploadSize` has it.
MOST = 64
_FILE, _TAKEN, _REFUSED = "taken_in:file", "taken_in:runs", "taken_in:refused"


def draw() -> None:
    """The place for files, behind a button."""
    why_not = public.why_not(Deed.IMPORT)
    with st.popover("Take in a file", disabled=bool(why_not), help=why_not or None):
        st.file_uploader(
            "Runs that were saved as “Whole run”, or by `ncengine export --run`",
            type="npz",
            accept_multiple_files=True,
            key=_FILE,
            max_upload_size=MOST,
            on_change=_take_in,
            help="Read with care: nothing in a file is run. What was trained here goes before it.",
        )


def tell() -> None:
    """What came of the files that were brought, once."""
    if taken := st.session_state.pop(_TAKEN, []):
        st.success(f"Taken in: {'; '.join(taken)}. It is in the table, marked as imported.")
    for refused in st.session_state.pop(_REFUSED, []):
        st.error(f"**Not taken in.** {refused}")


def _take_in() -> None:
    taken, refused = [], []
    for file in st.session_state[_FILE] or ():
        try:
            taken.append(text.plain(library.take_in(file).config.title()))
        except (ValueError, OSError, Refused) as error:
            refused.append(f"{text.plain(file.name)}: {text.plain(reason(error))}")
    st.session_state[_TAKEN], st.session_state[_REFUSED] = taken, refused
