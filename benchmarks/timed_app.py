"""The app, with a stopwatch on its refreshes: what `streamlit run` starts for the benchmarks."""

import os
import runpy
import sys
import time
from pathlib import Path

from streamlit.runtime.scriptrunner.script_runner import ScriptRunner

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))


def timed(run_script):
    """Appends a line for each refresh of parts of a page to the file that PAGE_TIMES names.

    On it are seconds of processor time of the thread that runs the page, Streamlit's share
    included, and of wall time.
    """

    def wrapper(runner, asked):
        worked, start = time.thread_time(), time.perf_counter()
        run_script(runner, asked)
        worked, passed = time.thread_time() - worked, time.perf_counter() - start
        if asked.fragment_id_queue:
            with open(os.environ["PAGE_TIMES"], "a", encoding="utf-8") as file:
                file.write(f"{worked} {passed}\n")

    wrapper.is_timed = True
    return wrapper


# Streamlit runs this script anew for each look at the page; its own modules stay.
if not hasattr(ScriptRunner._run_script, "is_timed"):
    ScriptRunner._run_script = timed(ScriptRunner._run_script)
runpy.run_path(str(ROOT / "app" / "main.py"), run_name="__main__")
