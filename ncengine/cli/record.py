"""`ncengine record`: features, labels and weights that were saved elsewhere, as a recording."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ncengine.cli.output import number, plain

if TYPE_CHECKING:
    from ncengine.own import Brought
    from ncengine.runs.recorded import Recording

# Of all that is measured, what a terminal has room for; a recording's JSON has the rest.
_COLUMNS = ("nc1", "cdnv", "nc2a", "nc3", "nc4", "accuracy")


def add_command(commands: Any) -> None:
    """Add the command to argparse's."""
    parser = commands.add_parser(
        "record",
        help="measure features, labels and weights that were saved elsewhere",
        description="Measure features, labels and weights that were saved elsewhere, and keep them "
        "as a recording, which the app shows. Files are .npz, .npy, .csv or .parquet; several are "
        "snapshots, in the order of the numbers in their names. Nothing in them is run or "
        "unpickled.",
    )
    parser.set_defaults(command=_record)
    parser.add_argument(
        "paths", nargs="+", metavar="PATH", help="a file, or a folder, all of whose files are read"
    )
    parser.add_argument("--name", help="what the recording is called (default: as the files are)")
    parser.add_argument("--json", action="store_true", help="print one JSON object a recording")


def _record(options: argparse.Namespace) -> int:
    from ncengine import own
    from ncengine.runs.places import cache_root, require_cache
    from ncengine.runs.recorded import recording

    root = cache_root()
    root.mkdir(parents=True, exist_ok=True)
    require_cache(root)
    # All is read, and may be refused, before any is kept.
    groups = own.groups(_files(options.paths), own.LOCAL)
    for brought in [own.read(files, own.LOCAL) for files in groups]:
        name = options.name
        if name is not None and len(groups) > 1:
            name = f"{name}, {brought.name}"
        key = own.record(brought, root, name=name, told=_told if sys.stderr.isatty() else None)
        kept = recording(key, root)
        assert kept is not None
        print(_as_json(kept, brought) if options.json else _as_text(kept, brought))
    return 0


def _files(paths: list[str]) -> list[Any]:
    """Each with its name. Raises ValueError where a folder has none of the kind."""
    from ncengine.own import ENDINGS, Named

    found = []
    for path in map(Path, paths):
        if path.is_dir():
            inside = sorted(one for one in path.iterdir() if one.suffix.lower() in ENDINGS)
            if not inside:
                raise ValueError(f"{path}: has no file that ends in {', '.join(ENDINGS)}")
            found += inside
        else:
            found.append(path)
    return [Named(path.name, path) for path in found]


def _told(done: int, total: int) -> None:
    print(f"\r{done} of {total} snapshots", end="\n" * (done == total), file=sys.stderr, flush=True)


def _rows(kept: Recording) -> list[dict[str, float]]:
    return [
        {"step": float(step), **{name: float(v[n]) for name, v in kept.figures.items()}}
        for n, step in enumerate(kept.steps)
    ]


def _as_json(kept: Recording, brought: Brought) -> str:
    said = {
        "key": kept.key,
        "name": kept.about.name,
        "classes": brought.classes,
        "width": brought.width,
        "class_names": list(brought.class_names),
        "ideal": kept.about.ideal,
        "notes": list(brought.notes),
        "snapshots": _rows(kept),
    }
    return json.dumps(plain(said))


def _as_text(kept: Recording, brought: Brought) -> str:
    shape = f"{brought.classes} classes, width {brought.width}" if brought.classes else "figures"
    lines = [f"{kept.key}  {kept.about.name}: {shape}", *brought.notes]
    names = [name for name in _COLUMNS if name in kept.figures]
    lines.append("step    " + "".join(f"{name:>12}" for name in names))
    for row in _rows(kept):
        values = ("" if row[name] != row[name] else number(row[name]) for name in names)
        lines.append(f"{row['step']:<8g}" + "".join(f"{value:>12}" for value in values))
    return "\n".join(lines)
