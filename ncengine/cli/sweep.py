"""`ncengine sweep`: train every combination of several values of some options."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ncengine.catalogue.metrics import Place, asked_for, of_test, shown_in
from ncengine.cli.data import fetch, lacking
from ncengine.cli.options import add_config_options, processes
from ncengine.cli.output import bar, counted, number, plain, write_line
from ncengine.cli.parser import Once
from ncengine.config import PARAMS, Grid, RunConfig, combine
from ncengine.config.sweeps import SWEEPS, sweep_grid
from ncengine.snapshots.names import KNOWN

if TYPE_CHECKING:
    from ncengine.analysis.outcome import Outcome
    from ncengine.runs.run import Run
    from ncengine.runs.store import Store

WORSE = "worse than doing nothing"
CONVICTED = "above what another network is known to reach"


def add_command(commands: Any) -> None:
    """Add the command to argparse's."""
    parser = commands.add_parser(
        "sweep",
        help="train every combination of several values of some options",
        description="Train every combination of the values given, or fetch them from the cache; "
        "an option of a field takes several, separated by commas: --depth 2,3,5. What takes least "
        "is trained first. Ctrl-C keeps what is done; the same command goes on from there.",
    )
    parser.set_defaults(command=_sweep, goes_on=True)
    add_config_options(parser)
    presets = "; ".join(f"{name}: {preset.title}" for name, preset in SWEEPS.items())
    parser.add_argument(
        "--preset",
        choices=list(SWEEPS),
        help=f"a named grid, of which the options given replace what it says ({presets})",
    )
    parser.add_argument(
        "--as-in-paper", action="store_true", help="the preset in the paper's full size"
    )
    parser.add_argument(
        "--export",
        action=Once,
        metavar="FILE",
        help="write the table to a file that ends in .csv or .parquet",
    )
    parser.add_argument(
        "--consistent",
        action="store_true",
        help="then train each run that another of them proves to be at no optimum once more, from "
        "that one's network, until none is; the table has the lower one",
    )
    parser.add_argument("--download", action="store_true", help="fetch what the data sets lack")
    parser.add_argument(
        "--workers",
        type=processes,
        help="how many processes train, 1 to 256 (default: as many as there are cores, or as "
        "NCENGINE_WORKERS says)",
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object a line as runs end"
    )


def _sweep(options: argparse.Namespace) -> int:
    from ncengine.analysis.consistent import lowest_of_each
    from ncengine.analysis.outcome import outcome
    from ncengine.jobs.consistent import consistent_sweep
    from ncengine.jobs.sweep import sweep
    from ncengine.runs.places import require_cache
    from ncengine.runs.store import Store
    from ncengine.runs.table import check_table_path, write_table

    if options.export is not None:
        check_table_path(options.export)
    grid = _grid(options)
    for left_out in grid.left_out:
        print(f"ncengine: left out: {left_out}", file=sys.stderr)
    store = Store()
    if options.download:
        require_cache(store.root)
        fetch(grid)
    _tell_what_is_lacking(grid, store)
    ended: Counter[str] = Counter()
    finished: list[dict[str, Any]] = []

    def told(run: Run) -> None:
        came = outcome(run) if run.status.finished else None
        finished.extend([run.summary()] * run.status.finished)
        ended[run.status] += 1
        ended[WORSE] += came is not None and came.worse_than_none
        _tell(run, came, options.json)

    with bar(len(grid), sys.stderr.isatty() and not options.json) as progress:
        train = consistent_sweep if options.consistent else sweep
        table = train(grid, options.workers, progress, store=store, on_end=told)
    ended[CONVICTED] = _tell_convictions(
        lowest_of_each(finished) if options.consistent else finished, store
    )
    _sum_up(ended, options.json)
    if options.export is not None:
        try:
            write_table(table, options.export)
        except OSError as error:
            raise OSError(
                f"{error}. The runs are kept: the same command writes the table without training"
            ) from error
    return 1 if ended["failed"] + ended["cancelled"] else 0


def _tell_what_is_lacking(grid: Grid, store: Store) -> None:
    """Before anything is trained: of which data sets no run can be, and how they are had."""
    from ncengine.jobs.cluster import scheduler
    from ncengine.runs.identity import identify

    if scheduler():
        return  # what counts is what its workers have
    wanted = (
        config
        for config in grid
        if not store.glance(identify(config), shipped=False).status.finished
    )
    for sentence in lacking(wanted):
        print(f"ncengine: {sentence}", file=sys.stderr)


def _grid(options: argparse.Namespace) -> Grid:
    given, axes = {}, {}
    for name, text in vars(options).items():
        if name not in PARAMS or text is None:
            continue
        several = not PARAMS[name].is_list and "," in text
        if several:
            axes[name] = [part.strip() for part in text.split(",") if part.strip()]
        else:
            given[name] = text
    if options.preset is None:
        if options.as_in_paper:
            raise ValueError("--as-in-paper is for a --preset")
        return combine(given, axes)
    return sweep_grid(options.preset, {**given, **axes}, as_in_paper=options.as_in_paper)


def _tell(run: Run, came: Outcome | None, as_json: bool) -> None:
    """One line on a run that has ended; on stderr too where something is to be said of it."""
    from ncengine.analysis.outcome import with_outcome

    trouble = {"failed": run.error, "cancelled": "it was stopped", "diverged": "every seed did"}
    reason = trouble.get(run.status)
    if as_json:
        summary = with_outcome(run.summary(), came) if came else run.summary()
        print(json.dumps(plain({**summary, "error": run.error})), flush=True)
    elif came and not reason:
        write_line(_line(run, came))
    if reason:
        write_line(f"ncengine: {run.status}: {run.config.full_title()}: {reason}", sys.stderr)
    elif came:
        for sentence in [came.sentence] * came.worse_than_none + [*came.troubles]:
            write_line(f"ncengine: {run.config.full_title()}: {sentence}", sys.stderr)


def _tell_convictions(finished: Sequence[Mapping[str, Any]], store: Store) -> int:
    """Which runs are at no optimum, since others at hand prove it; gives their number."""
    from ncengine.analysis.bounds import conviction

    entries, count = store.at_hand(), 0
    for summary in finished:
        if sentence := conviction(summary, entries):
            title = RunConfig(**summary["config"]).full_title()
            write_line(f"ncengine: {title}: {sentence}", sys.stderr)
            count += 1
    return count


def _line(run: Run, came: Outcome) -> str:
    from ncengine.analysis.over_seeds import last_by_scale

    shown = [run.config.curve(name) for name in asked_for(Place.DEPTH)]
    shown += [of_test(metric.name) for metric in shown_in(Place.TERMINAL, test=True)]
    shown += KNOWN if run.best_figure else ()
    values = {name: last_by_scale(run, name) for name in shown}
    told = [f"{n} {number(value)}" for n, value in values.items() if value is not None]
    return f"{run.seconds:8.1f} s  {run.config.full_title()}  {came.verdict}, {', '.join(told)}"


def _sum_up(ended: Counter[str], as_json: bool) -> None:
    from ncengine.runs.run import Status

    runs = sum(ended[end] for end in Status)
    counts = ", ".join(f"{ended[end]} {end}" for end in reversed(Status) if ended[end])
    for what in (WORSE, CONVICTED):
        if ended[what]:
            counts += f"; {ended[what]} of them ended {what}"
    print(f"{counted(runs)}: {counts}", file=sys.stderr if as_json else sys.stdout)
