"""The command line: `ncengine train`, `sweep`, `check`, `list`, `export` and others."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import traceback
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ncengine.architectures.formula import parameter_formula, parameter_legend
from ncengine.architectures.shapes import parameter_count
from ncengine.catalogue.metrics import Place, of_test, shown_in
from ncengine.cli import (
    construct,
    delete,
    exchange,
    explorer,
    gallery,
    record,
    stop,
    sweep,
    where,
)
from ncengine.cli.about import Version
from ncengine.cli.data import fetch, remedy
from ncengine.cli.options import add_experiment_options, config_of, processes
from ncengine.cli.output import number, plain
from ncengine.cli.parser import Parser, did_you_mean
from ncengine.cli.terminal import lost, terminal
from ncengine.config import RunConfig
from ncengine.config.param import ConfigError, Problem
from ncengine.reasons import reason
from ncengine.theory.optimum import why_no_figure

# Told apart by shape, so that they can be read without colour.
MARKS = {True: "✓", False: "!", None: "?"}
COLUMNS = (
    *(metric.name for metric in shown_in(Place.TERMINAL)),
    *(of_test(metric.name) for metric in shown_in(Place.TERMINAL, test=True)),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; gives the exit status.

    0 done, 1 failed, 2 wrong use, 130 stopped. What cannot be shown never decides what is done:
    where stdout cannot be written to, the work is done all the same, and the status is 1; where
    its reader has gone, who had enough, it is as if there were one.
    """
    with terminal() as (out, _):
        try:
            status = _run(arguments)
        except SystemExit as stop:  # of argparse, or of the app's server, which says why
            status = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
            if isinstance(stop.code, str):
                _say(stop.code)
        out.flush()
        if why := lost(out):
            _say(f"the output could not be written: {why}")
            status = status or 1
    return status


def _run(arguments: Sequence[str] | None) -> int:
    options = argparse.Namespace()
    try:
        options = _parser().parse_args(arguments)
        return options.command(options)
    except ConfigError as error:
        for problem in error.problems:
            option = "--" + problem.field.replace("_", "-")
            _say(f"{option} {problem.value}: {problem.allowed}{_meant(problem)}")
        return 2
    except (ValueError, OSError, RuntimeError) as error:
        _say((str(error) if "\n" in str(error) else reason(error)) + remedy(error))
        return 1
    except KeyboardInterrupt:
        goes_on = getattr(options, "goes_on", False)
        _say("stopped" + "; the same command goes on from the last checkpoint" * goes_on)
        return 130
    except Exception as error:
        _say(f"{type(error).__name__}: {reason(error)}. This is a fault of the program{_noted()}.")
        return 1


def _say(message: str) -> None:
    print(f"ncengine: {message}", file=sys.stderr)


def _meant(problem: Problem) -> str:
    """What may have been meant by a value that is none of a field's choices."""
    one_of = "must be one of "
    if not problem.allowed.startswith(one_of):
        return ""
    return did_you_mean(str(problem.value), problem.allowed.removeprefix(one_of).split(", "))


def _noted() -> str:
    """Write down where the error being handled came from, for who mends it; says where that is."""
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="ncengine-", suffix=".txt", delete=False, encoding="utf-8"
        ) as file:
            traceback.print_exc(file=file)
    except OSError:
        return ""
    return f"; {file.name} says where, for who mends it"


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="ncengine", description="Train deep regularised networks and measure neural collapse."
    )
    parser.set_defaults(command=parser.print_help_and_exit)
    parser.add_argument("--version", action=Version, help="say which release this is, and end")
    commands = parser.add_subparsers(metavar="COMMAND")
    train = commands.add_parser(
        "train",
        help="train a configuration, or fetch it from the cache",
        description="Train a configuration, or fetch it from the cache. While it trains, the app "
        "shows it live. Ctrl-C stops it; the same command goes on from there.",
    )
    train.set_defaults(command=_train, goes_on=True)
    add_experiment_options(train)
    train.add_argument("--download", action="store_true", help="fetch what the data set lacks")
    train.add_argument(
        "--workers",
        type=processes,
        help="over how many processes seeds may be spread, 1 to 256 (default: as many as there "
        "are cores, or as NCENGINE_WORKERS says)",
    )
    train.add_argument("--json", action="store_true", help="print one JSON object, nothing else")
    sweep.add_command(commands)
    check = commands.add_parser(
        "check",
        help="say what the theorems assume of a configuration, and whether it holds",
        description="Say what the theorems assume of a configuration, and whether it holds (✓), "
        "does not (!) or cannot be told (?), since the data are not on this machine. What does "
        "not hold is no error.",
    )
    check.set_defaults(command=_check)
    add_experiment_options(check)
    check.add_argument("--json", action="store_true", help="print one JSON list, nothing else")
    construct.add_command(commands)
    listing = commands.add_parser(
        "list", help="list the runs that train or wait, then the finished ones, newest first"
    )
    listing.set_defaults(command=_list)
    listing.add_argument("--json", action="store_true", help="print one JSON object a line")
    listing.add_argument(
        "--rebuild", action="store_true", help="make the list anew from the cache first"
    )
    stop.add_command(commands)
    delete.add_command(commands)
    exchange.add_commands(commands)
    record.add_command(commands)
    gallery.add_command(commands)
    where.add_command(commands)
    explorer.add_commands(commands)
    return parser


def _train(options: argparse.Namespace) -> int:
    from tqdm import tqdm

    from ncengine.analysis.bounds import conviction
    from ncengine.analysis.outcome import outcome, with_outcome
    from ncengine.jobs.foreground import run
    from ncengine.runs.places import require_cache
    from ncengine.runs.store import Store

    config, store = config_of(options), Store()
    show = sys.stderr.isatty() and not options.json
    if options.download:
        require_cache(store.root)
        fetch([config])
    with tqdm(total=config.budget, unit="pass", disable=not show, file=sys.stderr) as bar:

        def progress(passes: int, _: int) -> None:
            # A process that takes up another part of the run begins where that stands.
            bar.update(max(0, passes - bar.n))

        bar.set_description(config.title())
        finished = run(config, store=store, progress=progress, workers=options.workers)
    came = outcome(finished)
    summary = with_outcome(finished.summary(), came)
    convicted = summary["outcome"]["convicted"] = conviction(summary, store.at_hand())
    if options.json:
        print(json.dumps(plain({**summary, "layers": finished.layers_summary()})))
    else:
        print(_table(summary, config))
    wrong = [came.sentence] * (options.json and came.went_wrong)
    for sentence in filter(None, [*wrong, *came.troubles, convicted]):
        print(f"ncengine: {sentence}", file=sys.stderr)
    return 0


def _table(summary: dict[str, Any], config: RunConfig) -> str:
    lines = [config.title(), f"run {summary['key']}, {summary['seconds']:.1f} s"]
    if summary["floor"] is not None:
        lines.append(f"floor L*_GUFM {summary['floor']:.6g}")
    else:
        lines.append(f"no floor: {why_no_figure(config)}")
    columns = COLUMNS
    if "best_known" in summary:
        lines.append(_best_known(summary["best_known"], config))
        own = [
            name for name in ("nc2_known",) if any(s[name] is not None for s in summary["seeds"])
        ]
        columns = (*("gap_known" if name == "gap" else name for name in COLUMNS), *own)
    width = 2 + max(12, *map(len, columns))
    lines.append("seed   " + "".join(f"{name:>{width}}" for name in columns))
    for seed in summary["seeds"]:
        if seed["diverged"]:
            lines.append(f"{seed['seed']:<7}diverged")
            continue
        values = ("" if seed[n] is None else number(seed[n]) for n in columns)
        lines.append(f"{seed['seed']:<7}" + "".join(f"{value:>{width}}" for value in values))
    lines.append(summary["outcome"]["sentence"])
    return "\n".join(lines)


def _best_known(value: float, config: RunConfig) -> str:
    """What is compared with in the floor's place, named so that nobody takes it for one."""
    from ncengine.theory.optimum import figure_of

    figure = figure_of(config)
    what = "" if figure is None else f": {figure.words}"
    return f"best known, not proved {value:.6g}{what}"


def _check(options: argparse.Namespace) -> int:
    from ncengine.theory.assumptions import assumptions, remark

    config = config_of(options)
    checks = assumptions(config)
    if options.json:
        print(json.dumps([asdict(assumption) for assumption in checks]))
        return 0
    print(config.title())
    for assumption in checks:
        print(f"{MARKS[assumption.holds]} {assumption.title}. {assumption.reason}")
    if more := remark(config):
        print(more)
    print(_size(config))
    print(_time(config))
    return 0


def _size(config: RunConfig) -> str:
    legend = ", ".join(
        f"{letter} = {value:,}" for letter, value in parameter_legend(config).items()
    )
    count = f"{parameter_count(config):,} parameters a seed"
    return f"{count} = {parameter_formula(config)}, {legend}"


def _time(config: RunConfig) -> str:
    from ncengine.costs.load import runnable
    from ncengine.jobs.estimate import estimate
    from ncengine.jobs.shards import COLD, worker_count
    from ncengine.runs.store import Store

    try:
        store = Store()
    except OSError as error:
        return f"Training time unknown: {reason(error)}"
    others = runnable()
    seconds = estimate(store, config, workers=worker_count(), start=COLD, others=others)
    if seconds is None and others:
        return "Training time unknown: this machine is busy with other things"
    if seconds is None:
        return "Training time unknown: no run of this kind has ended here yet"
    rounded = float(f"{seconds:.2g}")
    return f"About {rounded:,.10g} s of training, judged by earlier runs"


def _list(options: argparse.Namespace) -> int:
    from ncengine.analysis.outcome import outcome_of, with_outcome
    from ncengine.jobs.ending import mend_index, rebuild_index
    from ncengine.runs.places import require_cache
    from ncengine.runs.store import Store

    store = Store()
    if options.rebuild:
        require_cache(store.root)
        rebuild_index(store)
    else:
        mend_index(store)
    if newer := store.newer():
        _say(newer)
    stop.print_going(store, as_json=options.json)
    imported = [entry for entry in store.imported.entries() if entry["key"] not in store.index]
    for entry in [*store.list(), *imported]:
        if options.json:
            print(json.dumps(plain(with_outcome(entry))))
        else:
            title, verdict = RunConfig(**entry["config"]).full_title(), outcome_of(entry).verdict
            title += ", imported" if entry in imported else ""
            print(f"{entry['key']}  {entry['seconds']:8.1f} s  {verdict:24}  {title}")
    return 0
