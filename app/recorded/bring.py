"""Files of one's own: taken in as a recording, or refused in words."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from app.components import text
from app.engine import public, recorded
from app.engine.limits import Deed, Refused
from ncengine.reasons import reason

# Megabytes of a file, as `server.maxUploadSize` has it.
MOST = 64
TYPES = ("npz", "npy", "csv", "parquet")
_FILES, _NAME, _CLASSES, _FOLDER = (
    f"recorded:{name}" for name in ("files", "name", "classes", "folder")
)
_TOLD, _REFUSED = "recorded:told", "recorded:refused"
WHAT = (
    "Features (N, d), labels (N,) and the last layer (K, d), of one snapshot or of many: as one "
    "`.npz`, as several `.npy`, or as tables, `.csv` or `.parquet`, of a row a sample with a "
    "column `label`, and perhaps `step`. Without a last layer, features are measured alone. "
    "Arrays `class_names` and `thumbnails` go along."
)


def draw(open_one: Callable[[str], None]) -> None:
    """The place for files; `open_one` shows the recording of a key."""
    tell()
    if why_not := public.why_not(Deed.IMPORT):
        st.caption(text.plain(why_not))
        return
    files, folder = st.columns(2, gap="medium")
    with files, st.form("recorded:bring", border=False, clear_on_submit=False):
        brought = st.file_uploader(
            "Files",
            type=list(TYPES),
            accept_multiple_files=True,
            key=_FILES,
            max_upload_size=MOST,
            help=f"{WHAT} Nothing in a file is run.",
        )
        left, right = st.columns(2)
        name = left.text_input("Name", key=_NAME, placeholder="as the files are called")
        classes = right.text_input(
            "Class names", key=_CLASSES, placeholder="cat, dog, …", help="With commas between."
        )
        if st.form_submit_button("Take in", type="primary"):
            _take_in(brought, name.strip(), classes, open_one)
    with folder, st.form("recorded:folder_form", border=False):
        place = st.text_input(
            "Or a folder on this machine",
            key=_FOLDER,
            placeholder="/home/me/runs",
            help="Of recordings, of files that `Recorder.save` wrote, or of files as at the left.",
        )
        if st.form_submit_button("Take in the folder"):
            _take_in_folder(place.strip())
    st.caption(WHAT)


def tell() -> None:
    """What came of what was brought, once."""
    for line in st.session_state.pop(_TOLD, []):
        st.info(line)
    for line in st.session_state.pop(_REFUSED, []):
        st.error(f"**Not taken in.** {line}")


def _take_in(files: list, name: str, classes: str, open_one: Callable[[str], None]) -> None:
    if not files:
        st.error("**Not taken in.** There is no file: drop some above.")
        return
    names = [part.strip() for part in classes.split(",")] if classes.strip() else []
    bar = st.progress(0.0, "Reading …")

    def told(done: int, of: int) -> None:
        bar.progress(done / max(1, of), f"Measured {done:,} of {of:,} snapshots")

    try:
        key, notes = recorded.take_in([(file.name, file) for file in files], name, names, told)
    except (ValueError, OSError, Refused) as error:
        bar.empty()
        st.error(f"**Not taken in.** {text.plain(reason(error))}")
        return
    st.session_state[_TOLD] = [f"{text.plain(note)}." for note in notes]
    open_one(key)


def _take_in_folder(place: str) -> None:
    if not place:
        st.error("**Not taken in.** There is no folder: name one.")
        return
    bar = st.progress(0.0, "Reading …")
    try:
        taken, refused = recorded.take_in_folder(place)
    except (ValueError, OSError, Refused) as error:
        bar.empty()
        st.error(f"**Not taken in.** {text.plain(reason(error))}")
        return
    count = f"{taken:,} recording{'s' * (taken != 1)}"
    st.session_state[_TOLD] = [f"Taken in: {count}. They are in the table."] if taken else []
    st.session_state[_REFUSED] = [text.plain(line) for line in refused]
    st.rerun()
