"""The end of a command's process."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from contextlib import suppress
from typing import NoReturn


def leave(status: int) -> NoReturn:
    """End this process, with what was registered for its end, but without taking it down by parts.

    Threads are waited for and what `threading` and `atexit` were given is called, as at any end:
    pools end their processes, temporary folders go. What would follow has nothing to keep: that
    Python clears its modules, and the C++ libraries their threads. There a command that was
    stopped amid an import has stood still for good; and it takes a tenth of a second.
    """
    threading._shutdown()  # type: ignore[attr-defined]  # there is no public way
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):  # closed, or nobody reads it
            stream.flush()
    os._exit(status)
