"""Ctrl-C, as a command takes it."""

from __future__ import annotations

import _thread
import signal
import time
from types import FrameType

RETRY_SECONDS = 0.02
_IMPORT = "<frozen importlib"


def wait_for_imports() -> None:
    """From now on Ctrl-C waits until what is being loaded is loaded, and stops the command then.

    Amid that it would be lost where a library takes whatever goes wrong with an optional module
    for its absence (numpy's `f2py`, when array-api-compat asks for all there is), and end the
    process where a compiled one cannot go on (pydantic-core aborts in Rust).

    To be called in the main thread. Who has the signal ignored, as `nohup` does, is left alone.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _press)


def _press(_: int, frame: FrameType | None) -> None:
    if not _imports(frame):
        raise KeyboardInterrupt
    # Not by `threading`, whose locks the main thread may hold just now.
    _thread.start_new_thread(_press_again, (_thread.get_ident(),))


def _imports(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith(_IMPORT):
            return True
        frame = frame.f_back
    return False


def _press_again(main_thread: int) -> None:
    time.sleep(RETRY_SECONDS)
    if hasattr(signal, "pthread_kill"):
        # It wakes the main thread from whatever it waits for.
        signal.pthread_kill(main_thread, signal.SIGINT)
    else:
        _thread.interrupt_main()
