"""What `streamlit run` starts: the server, and for each look at a page the page."""

import sys
from pathlib import Path

# `streamlit run app/main.py` puts app/ on the path, not the folder above it, from which
# the app's own modules are imported as `app.…`.
HERE = Path(__file__).resolve()
if str(HERE.parents[1]) not in sys.path:
    sys.path.insert(0, str(HERE.parents[1]))

import streamlit as st  # noqa: E402

if __name__ == "__main__":
    from app import frame

    frame.draw()
elif __name__ == HERE.stem:
    # Imported for the server, which runs the file as a script for each look at a page. A worker's
    # process, to which it has a third name, has no use for either.
    from app.engine import server as parts

    server = st.App(HERE, middleware=parts.guard(), lifespan=parts.ended_by_a_key)
