"""The options of `ncengine export` that say what a film is to be."""

from __future__ import annotations

import argparse
from os.path import expanduser
from typing import Any

from ncengine.cli.parser import Once

ENDINGS = (".mp4", ".webm", ".webp")
SIZES = ("720p", "1080p", "4k")
RATES = ("30", "60")
OVER = ("passes", "layers")
THEMES = ("light", "dark")
LEAST_SECONDS, MOST_SECONDS = 1, 120
# What a film is where nothing is said of it.
_DEFAULTS: dict[str, Any] = {
    "size": SIZES[0], "rate": RATES[0], "seconds": 10.0, "over": OVER[0], "theme": THEMES[0],
}  # fmt: skip


def add_film_options(parser: argparse.ArgumentParser) -> None:
    """The options by which a film is asked for; `film_of` reads them."""
    group = parser.add_argument_group("a film")
    group.add_argument(
        "--film",
        type=expanduser,
        action=Once,
        metavar="FILE.mp4|.webm|.webp",
        help="the player as a film: MP4, WebM, or WebP for slides; takes Chromium or Chrome, and "
        "the extra `film`",
    )
    group.add_argument(
        "--story",
        type=expanduser,
        metavar="NAME|FILE.json",
        help="of a story that is shipped, or saved as a file: all of its steps, each for as long "
        "as it plays and 3 s",
    )
    group.add_argument("--film-size", choices=SIZES, help=f"its pictures; default {SIZES[0]}")
    group.add_argument("--film-rate", choices=RATES, help=f"pictures a second; default {RATES[0]}")
    group.add_argument(
        "--film-seconds",
        type=_seconds,
        metavar="SECONDS",
        help=f"how long it is, {LEAST_SECONDS} to {MOST_SECONDS}; default 10",
    )
    group.add_argument(
        "--film-over",
        choices=OVER,
        help="what it goes over: the passes of training, or the layers at the last; default passes",
    )
    group.add_argument("--film-theme", choices=THEMES, help=f"its colours; default {THEMES[0]}")


def film_of(options: argparse.Namespace) -> dict[str, Any]:
    """What the film is to be, by name."""
    return {name: _given(options, name) or default for name, default in _DEFAULTS.items()}


def said_in_vain(options: argparse.Namespace) -> str:
    """An option that says something of a film where none is asked for; "" without one."""
    said = [name for name in _DEFAULTS if _given(options, name) is not None]
    return f"--film-{said[0]}" if said and not options.film else ""


def of_no_story(options: argparse.Namespace) -> str:
    """An option that says what only a run's film can be; "" without one."""
    said = [name for name in ("seconds", "over") if _given(options, name) is not None]
    return f"--film-{said[0]}" if said else ""


def _given(options: argparse.Namespace, name: str) -> Any:
    return getattr(options, f"film_{name}")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not LEAST_SECONDS <= seconds <= MOST_SECONDS:
        raise argparse.ArgumentTypeError(
            f"{text!r}: must be a number from {LEAST_SECONDS} to {MOST_SECONDS}"
        )
    return seconds
