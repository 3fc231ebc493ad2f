"""`ncengine delete`: delete finished runs that were trained here or imported."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from ncengine.cli.keys import add_keys, beginning, several
from ncengine.config import RunConfig


def add_command(commands: Any) -> None:
    """Add the command to argparse's."""
    parser = commands.add_parser(
        "delete",
        help="delete finished runs that were trained here or imported",
        description="Delete finished runs that were trained here or imported, for good. "
        "`ncengine list` shows their keys. What is shipped stays.",
    )
    parser.set_defaults(command=_delete)
    add_keys(parser)


def _delete(options: argparse.Namespace) -> int:
    from ncengine.runs.store import Store

    store = Store()
    entries = {one["key"]: one for one in (*store.imported.entries(), *store.list())}
    wanted = []
    for typed in options.keys:
        named = beginning(typed, entries)
        if len(named) != 1:
            shipped = bool(beginning(typed, (one["key"] for one in store.gallery.entries())))
            print(f"ncengine: {_why_none(typed, named, shipped)}", file=sys.stderr)
            return 2
        wanted.append(named[0])
    status = 0
    for key in dict.fromkeys(wanted):
        identity, title = store.identity(key), RunConfig(**entries[key]["config"]).full_title()
        if identity is not None and store.delete(identity):
            print(f"{key}  deleted  {title}")
            continue
        why = "is being trained; `ncengine stop` ends that"
        if identity is None:
            why = "its data are not those that are meant here"
        print(f"ncengine: {key}, {title}: {why}", file=sys.stderr)
        status = 1
    return status


def _why_none(typed: str, named: list[str], shipped: bool) -> str:
    if named:
        return several(typed, sorted(named)[:5])
    if shipped:
        return f"KEY = {typed!r}: that run is shipped, and stays"
    return f"KEY = {typed!r}: no run that can be deleted has such a key; `ncengine list` shows them"
