"""A browser for commands that need one: Chromium or Chrome of this machine, without a window."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# Names a browser, before all that is looked for.
VARIABLE = "CHROMIUM"
# The first of them that there is. One without windows takes a third less of the processor.
NAMES = (
    "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome",
    "google-chrome-stable", "chrome", "msedge",
)  # fmt: skip
_APPLICATIONS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)


class BrowserError(ValueError):
    """There is no browser, nothing that drives one, or it ended; the message says what to do."""


@contextmanager
def patient() -> Iterator[Callable[[], None]]:
    """Ctrl-C waits until the browser is asked for nothing: in the midst of that it would hang.

    Gives what is called then, and wherever else it may come through, which raises
    KeyboardInterrupt. A second Ctrl-C waits for nothing.
    """
    pressed = False

    def press(*_: object) -> None:
        nonlocal pressed
        pressed = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def look() -> None:
        if pressed:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, press)
    try:
        yield look
    except Exception:
        # What was just being started may have been ended by it too.
        look()
        raise
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser, which is closed at the end.

    Raises:
        BrowserError: there is none, or what was done with it failed.
    """
    path = require()
    from playwright.sync_api import Error, sync_playwright

    with ExitStack() as ends:
        try:
            playwright = ends.enter_context(sync_playwright())
        except Exception as error:  # of no kind of its own
            raise BrowserError(f"what drives the browser ended: {_in_short(error)}") from error
        path = path or playwright.chromium.executable_path
        try:
            # Ctrl-C is the command's, which then closes the browser.
            opened = playwright.chromium.launch(executable_path=path, handle_sigint=False)
        except Error as error:
            raise BrowserError(_why(path, error)) from error
        try:
            yield opened
        except Error as error:
            raise BrowserError(f"the browser ended: {_in_short(error)}") from error
        finally:
            # With what drove it, it may be gone already.
            with suppress(Error):
                opened.close()


def require() -> str | None:
    """What `found` gives, where something drives a browser. Raises BrowserError."""
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError as error:
        raise BrowserError(
            "it takes playwright, which drives a browser: "
            "pip install 'neural-collapse-explorer[film]'"
        ) from error
    return found()


def found() -> str | None:
    """The path of a browser; None without one. Raises BrowserError for a wrong `CHROMIUM`."""
    if named := os.environ.get(VARIABLE):
        path = shutil.which(named)
        if path is None:
            raise BrowserError(f"{VARIABLE} = {named!r}: no program is there")
        return path
    for name in NAMES:
        if path := shutil.which(name):
            return path
    return next((path for path in _APPLICATIONS if Path(path).exists()), None)


def _why(path: str, error: Exception) -> str:
    if not Path(path).exists():
        return (
            "it takes a browser, and no Chromium or Chrome was found: install one, or have "
            f"playwright do so (`playwright install chromium`), or name one by {VARIABLE}=PATH"
        )
    return f"{path} did not start: {_in_short(error)}"


def _in_short(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
