"""`ncengine export` and `import`: a run as files to take along, and back."""

from __future__ import annotations

import argparse
import sys
from os.path import expanduser
from typing import TYPE_CHECKING, Any

from ncengine.cli import explorer, written
from ncengine.cli.film import add_film_options, film_of, of_no_story, said_in_vain
from ncengine.cli.keys import beginning, several
from ncengine.cli.options import add_experiment_options, config_of, given
from ncengine.cli.parser import Once

if TYPE_CHECKING:
    from ncengine.runs.run import Run
    from ncengine.runs.store import Store


# The options that name what is written.
_WRITES = ("run", "csv", "parquet", "parameters", "html", "film")
_OF_STORIES = ("html", "film")


class Unknown(ValueError):
    """A key that names no run, or several."""


def add_commands(commands: Any) -> None:
    """Add the commands to argparse's."""
    export = commands.add_parser(
        "export",
        help="write a finished run as files to take along",
        description="Write a finished run as files to take along: the whole run as one file, its "
        "tables, its trained parameters. The run is named by its key (`ncengine list` and "
        "`ncengine gallery list` show it), or by its options, as for `ncengine train`.",
    )
    export.set_defaults(command=_export)
    export.add_argument(
        "key", nargs="?", metavar="KEY", help="the key of a run, or how one begins and no other"
    )
    wanted = export.add_argument_group("what to write")
    wanted.add_argument(
        "--run",
        action=Once,
        metavar="FILE.npz",
        help="all of it as one file, which `import` and numpy read",
    )
    wanted.add_argument("--csv", action=Once, metavar="DIR", help="its tables, as CSV")
    wanted.add_argument("--parquet", action=Once, metavar="DIR", help="its tables, as Parquet")
    wanted.add_argument(
        "--features", action="store_true", help="with the tables one of the samples' features"
    )
    wanted.add_argument(
        "--parameters",
        action=Once,
        metavar="FILE.safetensors",
        help="the trained parameters of all seeds",
    )
    wanted.add_argument(
        "--html",
        type=expanduser,
        action=Once,
        metavar="FILE.html",
        help="player and curves as one HTML file, for any browser",
    )
    add_film_options(export)
    add_experiment_options(export)
    back = commands.add_parser(
        "import",
        help="take in runs that were exported as files",
        description="Take in runs that `ncengine export --run` wrote, here or elsewhere. They are "
        "looked at like runs that were trained here, which go before them.",
    )
    back.set_defaults(command=_import)
    back.add_argument("files", nargs="+", metavar="FILE.npz", help="what was exported")


def _export(options: argparse.Namespace) -> int:
    from ncengine.runs.store import Store

    if not any(getattr(options, name) for name in _WRITES):
        *others, last = (f"--{name}" for name in _WRITES)
        return _refuse(f"nothing to write: {', '.join(others)} and {last} say what")
    if options.features and not (options.csv or options.parquet):
        return _refuse("--features: goes with --csv or --parquet")
    if alone := said_in_vain(options):
        return _refuse(f"{alone}: goes with --film")
    if options.story is not None:
        return _export_story(options)
    _check_written(options)
    try:
        run = run_of(Store(), options)
    except Unknown as error:
        return _refuse(str(error))
    for path in _written(run, options):
        print(path)
    return 0


def _export_story(options: argparse.Namespace) -> int:
    others = [name for name in _WRITES if name not in _OF_STORIES and getattr(options, name)]
    if others or not any(getattr(options, name) for name in _OF_STORIES):
        return _refuse("--story: goes with --film or --html, and with nothing else")
    if options.key is not None or given(options) or options.preset:
        return _refuse("--story says what is written, and KEY or options name a run: give one")
    if alone := of_no_story(options):
        return _refuse(f"{alone}: a story is as long as its steps, which say what they play")
    _check_written(options)
    if options.html:
        print(explorer.command("html").save_story(options.story, options.html))
    if options.film:
        print(explorer.command("story_film").save(options.story, options.film, film_of(options)))
    return 0


def _check_written(options: argparse.Namespace) -> None:
    """Nothing is written where a part cannot be, nor what needs an app or a browser be made."""
    written.check(options)
    if options.html:
        explorer.command("html")
    if options.film:
        explorer.command("film").require(options.film)


def _refuse(message: str) -> int:
    print(f"ncengine: {message}", file=sys.stderr)
    return 2


def run_of(store: Store, options: argparse.Namespace) -> Run:
    """The run that KEY or the options of an experiment mean.

    Raises:
        Unknown: KEY names no run, or several, or options name one too.
        ValueError: it is not finished.
    """
    if options.key is not None and (given(options) or options.preset):
        raise Unknown("KEY names the run, and so do options: give one of both")
    # An empty one is none, and not the run that no options name.
    if options.key is not None:
        meant = store.identity(_key(store, options.key))
        if meant is None:
            raise Unknown(f"KEY = {options.key!r}: its data are not those that are meant here")
        run = store.open(meant)
    else:
        run = store.open(config_of(options))
    if not run.status.finished:
        why = f": {run.error}" if run.error else "; `ncengine train` trains it"
        raise ValueError(f"{run.config.full_title()}: {run.status}{why}")
    from ncengine.analysis.best_known import beside_best_known

    return beside_best_known(run)


def _key(store: Store, typed: str) -> str:
    named = sorted(set(beginning(typed, (entry["key"] for entry in store.at_hand()))))
    if len(named) == 1:
        return named[0]
    if named:
        raise Unknown(several(typed, named[:5]))
    raise Unknown(f"KEY = {typed!r}: no run at hand has such a key; `ncengine list` shows them")


def _written(run: Run, options: argparse.Namespace) -> list[Any]:
    from ncengine.exchange import write_tables
    from ncengine.exchange.parameters import save_parameters
    from ncengine.runs.whole import save

    paths = []
    # First what may be refused.
    if options.parameters:
        paths.append(save_parameters(run, options.parameters))
    if options.run:
        paths.append(save(run, options.run))
    for form in ("csv", "parquet"):
        if folder := getattr(options, form):
            paths += write_tables(run, folder, form, features=options.features)
    if options.html:
        paths.append(explorer.command("html").save(run, options.html))
    if options.film:
        paths.append(explorer.command("film").save(run, options.film, film_of(options)))
    return paths


def _import(options: argparse.Namespace) -> int:
    from ncengine.reasons import reason
    from ncengine.runs.places import require_cache
    from ncengine.runs.store import Store

    store, status = Store(), 0
    require_cache(store.root)
    for file in options.files:
        try:
            run = store.imported.add(file)
        except (ValueError, OSError) as error:
            print(f"ncengine: {reason(error)}", file=sys.stderr)
            status = 1
            continue
        print(f"{run.key}  {run.config.full_title()}")
    return status
