"""The app: page set-up, the experiment picker, navigation."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

# `streamlit run app/main.py` puts app/ on the path, not the folder above it, from which
# the app's own modules are imported as `app.…`.
HERE = Path(__file__).resolve().parent
if str(HERE.parent) not in sys.path:
    sys.path.insert(0, str(HERE.parent))

import streamlit as st  # noqa: E402
from streamlit import net_util  # noqa: E402

from app.components import text  # noqa: E402
from app.engine import warmup  # noqa: E402
from app.picker import picker  # noqa: E402
from app.views import explore  # noqa: E402

logger = logging.getLogger(__name__)

# To judge a request of a page from elsewhere, Streamlit would ask a machine outside for this one's
# address. It has none that the app listens on.
net_util.get_external_ip = lambda: None


def main() -> None:
    """Draw the picker, then the page that is open."""
    st.set_page_config(
        page_title="Neural Collapse Explorer",
        page_icon="🔺",
        layout="wide",
        initial_sidebar_state="auto",
    )
    st.html(HERE / "static" / "app.css")
    warmup.start()
    config = picker.draw()
    page = st.navigation(
        [st.Page(lambda: explore.draw(config), title="Explore", url_path="explore", default=True)]
    )
    page.run()


try:
    main()
except OSError as error:
    logger.exception("The cache cannot be used")
    st.error(f"**The cache folder cannot be used.** {text.plain(str(error))}")
except Exception:
    # Streamlit's own signals (rerun, stop) are not of this class, and pass.
    logger.exception("The page could not be drawn")
    st.error(
        "Something went wrong while drawing this page; the log has the details. "
        "Reload the page, or pick the preset “Default”."
    )
