"""`ncengine stop`: stop a run that trains or waits, whoever began it."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from ncengine.cli.keys import add_keys, beginning, several
from ncengine.cli.output import plain

if TYPE_CHECKING:
    from ncengine.runs.store import Store

PATIENCE = 10.0  # seconds until it is left to stop by itself


def add_command(commands: Any) -> None:
    """Add the command to argparse's."""
    parser = commands.add_parser(
        "stop",
        help="stop runs that train or wait, whoever began them",
        description="Stop runs that train or wait, of the app or of any terminal. What they did is "
        "kept: asked for again, they go on from there. `ncengine list` shows their keys.",
    )
    parser.set_defaults(command=_stop)
    add_keys(parser)


def _stop(options: argparse.Namespace) -> int:
    from ncengine.jobs.stop import going, stop
    from ncengine.runs.store import Store

    store = Store()
    runs = going(store)
    wanted = {}
    for key in options.keys:
        named = beginning(key, runs)
        if len(named) != 1:
            print(f"ncengine: {_why_none(key, named, runs)}", file=sys.stderr)
            return 2
        wanted[named[0]] = runs[named[0]]
    left = stop(store, [run.identity for run in wanted.values()], PATIENCE)
    for key, run in wanted.items():
        word = "stops after its present pass" if key in left else "stopped"
        print(f"{key}  {word}  {run.identity.config.full_title()}")
    return 0


def print_going(store: Store, *, as_json: bool) -> None:
    """A line for each run that trains or waits, as `ncengine list` shows them."""
    from ncengine.jobs.stop import going

    for key, run in going(store).items():
        if as_json:
            # The keys that finished runs have, for who reads both; the values so far.
            summary = store.open(run.identity, shipped=False).summary()
            print(json.dumps(plain({**summary, "outcome": None})))
        else:
            passes = f"{run.passes:,} of {run.identity.config.budget:,} passes"
            print(f"{key}  {run.status:>8}    {run.identity.config.full_title()}, {passes}")


def _why_none(key: str, named: list[str], runs: Any) -> str:
    if named:
        return several(key, named)
    at_hand = f"some of {', '.join(runs)}" if runs else "of a run, and none trains or waits now"
    return f"KEY = {key!r}: must be {at_hand}"
