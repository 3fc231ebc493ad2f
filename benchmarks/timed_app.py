"""The app, with a stopwatch on its live part: what `streamlit run` starts for the benchmark."""

import os
import runpy
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from app.views import explore  # noqa: E402


def timed(live):
    """Appends a line for each refresh of a busy run to the file that PAGE_TIMES names.

    On it are seconds of processor time of the thread that runs the page, and of wall time.
    """

    def wrapper(config, drawn, *rest):
        worked, start = time.thread_time(), time.perf_counter()
        live(config, drawn, *rest)
        worked, passed = time.thread_time() - worked, time.perf_counter() - start
        if drawn.busy:
            with open(os.environ["PAGE_TIMES"], "a", encoding="utf-8") as file:
                file.write(f"{worked} {passed}\n")

    wrapper.is_timed = True
    return wrapper


# Streamlit runs this script anew for each look at the page; the module stays.
if not hasattr(explore._live, "is_timed"):
    explore._live = timed(explore._live)
runpy.run_path(str(ROOT / "app" / "main.py"))
