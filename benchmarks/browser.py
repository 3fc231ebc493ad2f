"""The app with what is shipped, in a Chromium that compiles its scripts as anyone's does."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tests.e2e.live_app import CHROMIUM_ARGUMENTS, LiveApp, chromium


@contextmanager
def shipped_page(viewport: Any, script: str) -> Iterator[tuple[Page, LiveApp]]:
    """A page and the server, with an empty cache; `script` runs before the page's own."""
    os.environ.pop("NCENGINE_GALLERY", None)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        app = LiveApp(Path(folder) / "cache", env={"NCENGINE_GALLERY": None})
        app.start().wait()
        browser = playwright.chromium.launch(
            executable_path=chromium(), args=[a for a in CHROMIUM_ARGUMENTS if "js-flags" not in a]
        )
        try:
            page = browser.new_page(viewport=viewport)
            page.add_init_script(script)
            yield page, app
        finally:
            browser.close()
            app.end()
