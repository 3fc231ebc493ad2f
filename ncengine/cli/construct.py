"""`ncengine construct`: build the network of a proof, and say what the objective makes of it."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from ncengine.cli.output import number
from ncengine.theory.constructions.networks import NETWORKS

# Of the library's function, see `theory.construction`: type, and what it is.
_OPTIONS: dict[str, tuple[type, str]] = {
    "classes": (int, "K"),
    "per_class": (int, "n, samples of each class"),
    "width": (int, "d, at least 4 and K"),
    "weight_decay": (float, "lambda of all weights"),
    "travel": (int, "blocks in which a sample travels to its vertex"),
    "settle": (int, "blocks in which a class settles there"),
    "seed": (int, "of samples and embedding"),
    "margin": (float, "of the proof, at most the largest that curves keep, which is the default"),
    "delta": (float, "of pre-LN, how small the stream becomes"),
}

# Options that some networks have nothing for.
_ONLY = {
    "travel": ("RN1", "RN2"),
    "settle": ("RN1", "RN2"),
    "margin": ("RN1", "RN2"),
    "delta": ("pre-LN",),
}


def add_command(commands: Any) -> None:
    """Add the command to argparse's."""
    parser = commands.add_parser(
        "construct",
        help="build the network of a proof: how deep ones come to the floor",
        description="Build the network by which Theorem 4 (RN1) or 10 (RN2) is proved, whose "
        "objective comes to the floor as it gets deeper; or one with pre-LN, which does so at a "
        "fixed depth as its stream shrinks. Nothing is trained.",
    )
    parser.set_defaults(command=_construct)
    for name, (kind, what) in _OPTIONS.items():
        parser.add_argument("--" + name.replace("_", "-"), type=_reader(kind), help=what)
    parser.add_argument("--network", choices=NETWORKS, help="which (default: RN1)")
    parser.add_argument("--json", action="store_true", help="print one JSON object, nothing else")


def _reader(kind: type) -> Any:
    wanted = {int: "a whole number", float: "a number"}[kind]

    def read(text: str) -> Any:
        try:
            return kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text:.80}: must be {wanted}") from None

    return read


def _construct(options: argparse.Namespace) -> int:
    from ncengine.theory import construction
    from ncengine.theory.constructions.planned import CONDITIONS

    names = [*_OPTIONS, "network"]
    given = {n: value for n in names if (value := getattr(options, n)) is not None}
    made = construction(**given)
    if aside := _left_aside(given):
        print(f"ncengine: {aside}", file=sys.stderr)
    figures = made.summary()
    if options.json:
        print(json.dumps(figures))
        return 0
    conditions = figures.pop("conditions")
    for name, value in figures.items():
        shown = number(value) if isinstance(value, float) else value
        print(f"{name:14}{shown}")
    for n, (holds, what) in enumerate(zip(conditions, CONDITIONS, strict=bool(conditions)), 1):
        print(f"condition {n}   {'holds' if holds else 'does not hold'}: {what}")
    return 0


def _left_aside(given: dict[str, Any]) -> str:
    """Which options say nothing of the network; "" where all do."""
    network = given.get("network", "RN1")
    names = [name for name in given if network not in _ONLY.get(name, NETWORKS)]
    if not names:
        return ""
    options = " and ".join("--" + name for name in names)
    of = " and ".join(_ONLY[names[0]])
    return f"{options} {'is' if len(names) == 1 else 'are'} of {of} alone, and left aside here"
