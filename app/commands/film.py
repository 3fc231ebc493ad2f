"""`ncengine export --film`: the player of a run as a film, as the page saves it.

A browser draws and encodes it, of the one HTML file of the run: there is no server.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.commands import chromium
from app.commands.chromium import browser, patient
from app.commands.quiet import quieten
from ncengine.cli.film import ENDINGS
from ncengine.cli.written import check_ending
from ncengine.runs.run import Run

if TYPE_CHECKING:
    from playwright.sync_api import Page

_READY = "[data-testid=nc-player][data-epoch]"
# Seconds between two looks at how far the browser has come.
_LOOK = 0.2
# Has the player make a film, and the browser save it; `window.film` tells how far it has come.
_MAKE = """(asked) => {
  const [player] = document[Symbol.for("nc-players")];
  const film = window.film = { share: 0, ended: false, wrong: "", note: "" };
  const end = (how) => Object.assign(film, how, { ended: true });
  player.filming.shoot(asked, (share) => { film.share = share; }).then(({ blob, note }) => {
    const link = document.createElement("a");
    Object.assign(link, { href: URL.createObjectURL(blob), download: "film" });
    link.click();
    end({ note });
  }).catch((error) => end({ wrong: error.message }));
}"""


def save(run: Run, path: str, asked: Mapping[str, Any]) -> Path:
    """Make the film and write the file; gives its path.

    Args:
        run: a finished one.
        path: must end in one of `ncengine/cli/film.py`'s `ENDINGS`.
        asked: `size`, `rate`, `seconds`, `over` and `theme`, see `ncengine/cli/film.py`.

    Raises:
        ValueError: another ending, no browser, or the browser cannot make such a film.
        OSError: the file cannot be written.
    """
    file, form = Path(path), form_of(path)
    quieten()
    from app.export import page
    from app.player.view import View

    with patient() as look, whole(file) as unfinished, tempfile.TemporaryDirectory() as folder:
        document = Path(folder) / "run.html"
        document.write_text(page.of_run(run, View(run.seeds_shown[0])), encoding="utf-8")
        look()
        try:
            _film(document, unfinished, {**asked, "format": form}, look)
        except ValueError as error:
            raise ValueError(f"--film {path}: {error}") from error
    return file


def require(path: str) -> None:
    """Make sure, before anything is written, that films can be made here. Raises ValueError."""
    try:
        chromium.require()
    except ValueError as error:
        raise ValueError(f"--film {path}: {error}") from error


def form_of(path: str) -> str:
    """The kind of film that a file's ending says. Raises ValueError."""
    check_ending("film", path, ENDINGS)
    return Path(path).suffix.lower().removeprefix(".")


@contextmanager
def whole(file: Path) -> Iterator[Path]:
    """Where to write what is to become the file once it is whole, and is nothing otherwise."""
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        unfinished.touch()
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(file)) from error
    try:
        yield unfinished
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)


def _film(document: Path, file: Path, asked: Mapping[str, Any], look: Callable[[], None]) -> None:
    """Have a browser film the player of a document."""
    with browser() as opened:
        # At rest, for nothing else to be drawn meanwhile.
        context = opened.new_context(color_scheme=asked["theme"], reduced_motion="reduce")
        page = context.new_page()
        page.goto(document.as_uri())
        if not page.locator(".place[data-message]").count():
            raise ValueError("there is nothing to draw of this network")
        page.wait_for_selector(_READY)
        _make(page, file, asked, look)


def _make(page: Page, file: Path, asked: Mapping[str, Any], look: Callable[[], None]) -> None:
    with page.expect_download(timeout=0) as download:
        page.evaluate(_MAKE, dict(asked))
        with bar() as tell:
            while not (film := page.evaluate("() => window.film"))["ended"]:
                look()
                tell(film["share"])
                time.sleep(_LOOK)
        if film["wrong"]:
            raise ValueError(film["wrong"])
    download.value.save_as(file)
    if film["note"]:
        print(film["note"], file=sys.stderr)


@contextmanager
def bar() -> Iterator[Callable[[float], None]]:
    """Progress on stderr, where that is a terminal; gives what takes the share that is done."""
    from tqdm import tqdm

    form = "{desc}: {percentage:3.0f}% |{bar}| {elapsed}, {remaining} left"
    show = sys.stderr.isatty()
    with tqdm(total=100, desc="film", disable=not show, file=sys.stderr, bar_format=form) as shown:

        def tell(share: float) -> None:
            shown.update(int(100 * share) - shown.n)

        yield tell
