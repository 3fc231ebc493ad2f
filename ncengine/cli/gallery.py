"""`ncengine gallery`: list the runs that are shipped, and build them."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from ncengine.cli.data import fetch
from ncengine.cli.options import processes
from ncengine.cli.output import bar, plain, write_line
from ncengine.cli.parser import did_you_mean
from ncengine.config import RunConfig
from ncengine.config.gallery import ROWS, SCALES


def add_command(commands: Any) -> None:
    """Add the command to argparse's."""
    parser = commands.add_parser(
        "gallery",
        help="list the runs that are shipped, or build them",
        description="The gallery: runs that are shipped, in cache/gallery or the folder that "
        "NCENGINE_GALLERY names.",
    )
    parser.set_defaults(command=parser.print_help_and_exit)
    actions = parser.add_subparsers(metavar="ACTION")
    listing = actions.add_parser("list", help="list the runs that are shipped")
    listing.set_defaults(command=_list)
    listing.add_argument("--json", action="store_true", help="print one JSON object a line")
    build = actions.add_parser(
        "build",
        help="train what is missing, and add each run as it is done",
        description="Train what is missing, shortest first, and add each run as it is done. "
        "Ctrl-C keeps what is done; the same command goes on from there.",
    )
    build.set_defaults(command=_build, goes_on=True)
    build.add_argument(
        "--only",
        type=_rows,
        default=ROWS,
        metavar="NAME,…",
        help=f"these rows alone, with commas between: {', '.join(ROWS)}",
    )
    build.add_argument(
        "--scale",
        choices=SCALES,
        default="small",
        help="small: what two cores can do (default); paper: the paper's full size",
    )
    build.add_argument(
        "--anew",
        action="store_true",
        help="write what is there again too, from the cache's result or by training it",
    )
    build.add_argument("--download", action="store_true", help="fetch what the data sets lack")
    build.add_argument(
        "--workers", type=processes, help="how many processes train, see sweep --help"
    )


def _rows(text: str) -> tuple[str, ...]:
    named = tuple(part.strip() for part in text.split(",") if part.strip())
    unknown = [name for name in named if name not in ROWS]
    if unknown or not named:
        names = ", ".join(unknown) or "nothing"
        meant = did_you_mean(unknown[0], ROWS) if unknown else ""
        raise argparse.ArgumentTypeError(f"{names}: must be some of {', '.join(ROWS)}{meant}")
    return named


def _list(options: argparse.Namespace) -> int:
    from ncengine.runs.gallery import Gallery
    from ncengine.runs.places import gallery_root, no_gallery

    folder = gallery_root()
    gallery = Gallery(folder)
    if not gallery.entries():
        message = no_gallery() if folder is None else f"no gallery here: no runs in {folder}"
        print(f"ncengine: {message}", file=sys.stderr)
    for entry in gallery.entries():
        if options.json:
            print(json.dumps(plain(entry)))
        else:
            title = RunConfig(**entry["config"]).full_title()
            print(
                f"{entry['key']}  {entry['seconds']:8.1f} s  {title}  ({', '.join(entry['rows'])})"
            )
    return 0


def _build(options: argparse.Namespace) -> int:
    from ncengine.config.gallery import row
    from ncengine.jobs.gallery import build, require_places
    from ncengine.runs.run import Run
    from ncengine.runs.store import Store

    configs = [config for name in options.only for config in row(name, options.scale)]
    store = Store()
    if options.download:
        require_places(store)
        fetch(configs)

    def told(end: str, run: Run) -> None:
        reason = f": {run.error}" if run.error else ""
        write_line(f"{end:>10}  {run.seconds:8.1f} s  {run.config.full_title()}{reason}")

    with bar(len(configs), sys.stderr.isatty()) as progress:
        counts = build(
            options.only,
            scale=options.scale,
            anew=options.anew,
            workers=options.workers,
            store=store,
            progress=progress,
            on_end=told,
        )
    print(", ".join(f"{count} {end}" for end, count in counts.items() if count))
    return 1 if counts.keys() - {"added", "here"} else 0
