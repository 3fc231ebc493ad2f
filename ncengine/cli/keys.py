"""Runs named in a terminal: by their keys, or by how one begins and no other."""

from __future__ import annotations

import argparse
from collections.abc import Iterable


def add_keys(parser: argparse.ArgumentParser) -> None:
    """The arguments of a command that is given several; read by `keys`."""
    parser.add_argument(
        "keys", nargs="+", metavar="KEY", help="the key of a run, or how one begins and no other"
    )


def beginning(typed: str, keys: Iterable[str]) -> list[str]:
    """Those of the keys that begin as was typed, in their order; none where nothing was."""
    begins = typed.strip().lower()
    return [key for key in keys if begins and key.startswith(begins)]


def several(typed: str, some: Iterable[str]) -> str:
    """What is said where more than one begins so."""
    return f"KEY = {typed!r}: must be how one key alone begins, not {', '.join(some)}"
