"""What trainings are said to need of memory, against what their processes take at most.

Each case is trained twice over: a process begins it and ends at a checkpoint, with L-BFGS under
way; another goes on from there to the result.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile

from benchmarks.table import show
from ncengine.config import RunConfig
from ncengine.costs.memory import memory_needed
from ncengine.datasets import is_available
from ncengine.jobs.process_memory import process_bytes

MEBIBYTE = 2**20
# The history of L-BFGS is allocated whole: a few steps take as much as many.
L_BFGS = {"solver": "L-BFGS", "epochs": 40}
# With factors of the curvature, at which it looks once.
K_FAC = {"epochs": 40}
ADAM = {"solver": "Adam", "epochs": 4}
SGD = {"solver": "SGD", "epochs": 4}
CASES = (
    {"depth": 34, "width": 192, **L_BFGS},
    {"architecture": "UFM", "samples_per_class": 150, "seeds": 10, **L_BFGS},
    {"dataset": "gaussian", "samples_per_class": 5000, "input_dim": 1024, "epochs": 6},
    {**L_BFGS, "samples_per_class": 10},
    {"depth": 34, "width": 192, **K_FAC},
    {"dataset": "mnist", "norm": "post", "seeds": 5, **K_FAC},
    {"dataset": "mnist", "architecture": "T11", "samples_per_class": 20, **K_FAC},
    {"width": 512, "depth": 8, "samples_per_class": 20, "seeds": 2, **L_BFGS},
    {"architecture": "RN2", "norm": "pre", "width": 256, "precision": "float64", **L_BFGS},
    {"dataset": "mnist", "samples_per_class": 2000, "seeds": 2, **ADAM},
    {"dataset": "mnist", "samples_per_class": 5000, "batch_size": 256, "seeds": 3, **SGD},
    {"dataset": "mnist", "architecture": "UFM", "samples_per_class": 1000, "seeds": 5, **SGD},
    {"architecture": "T11", "samples_per_class": 100, "depth": 8, "seeds": 2, **ADAM},
    {"architecture": "T22", "norm": "pre", "patch_size": 4, "width": 128, "seeds": 2, **L_BFGS},
    {"architecture": "T12", "precision": "float64", "samples_per_class": 20, "seeds": 3, **SGD},
    {"dataset": "mnist", "architecture": "T21", "patch_size": 4, "samples_per_class": 50, **ADAM},
    {"dataset": "gaussian", "architecture": "RN2", "samples_per_class": 5000, **SGD},
    {"dataset": "gaussian", "input_dim": 512, "samples_per_class": 1000, "precision": "float64",
     "batch_size": 500, "depth": 20, **ADAM},
    {"dataset": "gaussian", "classes": 2, "architecture": "UFM", "samples_per_class": 5000,
     "input_dim": 256, "precision": "float64", "width": 16, "seeds": 4, "loss": "MSE", **ADAM},
    {"dataset": "cifar10", "samples_per_class": 500, "seeds": 2, **ADAM},
    {"dataset": "imdb", "samples_per_class": 50, "seeds": 1, **ADAM},
)  # fmt: skip
# What the process says last: its peak in KiB, and at which pass it began. Not getrusage, which
# would count what the parent held when it forked.
TRAIN = """
import os, re, sys
from pathlib import Path
from ncengine.config import RunConfig
from ncengine.jobs import job
from ncengine.jobs.reporter import Reporter
from ncengine.runs.identity import identify
from ncengine.runs.run import Status
from ncengine.runs.store import Store

config, until = RunConfig.model_validate_json(sys.argv[1]), int(sys.argv[3])
after = Reporter.after

def after_with_checkpoint(report, passes):
    after(report, passes)
    if passes == until:
        report.checkpoint()
        say(report)
        os._exit(0)

def say(report):
    peak = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]
    print(peak, report.started_passes, flush=True)

reports = []
begin = Reporter.begin

def remember(report, *arguments):
    reports.append(report)
    begin(report, *arguments)

Reporter.after, Reporter.begin = after_with_checkpoint, remember
job.run_job(identify(config), Store(sys.argv[2]))
run = Store(sys.argv[2]).open(config)
if run.status is not Status.DONE:
    sys.exit(f"{run.status}: {run.error}")
say(reports[0])
"""


def peaks(config: RunConfig) -> tuple[int, int]:
    """Bytes that a process takes up to a checkpoint, and one that goes on from there.

    Raises RuntimeError where a process failed or did not go on.
    """
    middle = config.epochs - 2
    with tempfile.TemporaryDirectory() as folder:
        first, began = _train(config, folder, middle)
        second, went_on = _train(config, folder, 0)
    if (began, went_on) != (0, middle):
        raise RuntimeError(f"{config.title()}: it went on from pass {went_on}, not {middle}")
    return first, second


def _train(config: RunConfig, folder: str, until: int) -> tuple[int, int]:
    """Most bytes that a process takes which trains in that folder, and the pass it began at."""
    command = [sys.executable, "-c", TRAIN, config.model_dump_json(), folder, str(until)]
    found = subprocess.run(command, capture_output=True, text=True)
    if found.returncode:
        raise RuntimeError(found.stdout + found.stderr)
    peak, began = map(int, found.stdout.split())
    return 1024 * peak, began


def main() -> None:
    """Print promise and peaks of each case."""
    rows = []
    for values in CASES:
        config = RunConfig(**values)
        if not is_available(config.dataset):
            continue
        told, (first, second) = memory_needed(config, process_bytes()), peaks(config)
        row = [config.title(), len(config.seeds), config.solver, config.precision]
        row += [f"{count / MEBIBYTE:,.0f}" for count in (told, first, second)]
        rows.append([*row, f"{max(first, second) / told:.2f}"])
        print(json.dumps(row), file=sys.stderr, flush=True)
    show(
        f"Memory: told and taken, MiB; a process alone {process_bytes() / MEBIBYTE:,.0f}",
        ("run", "seeds", "solver", "precision", "told", "taken", "going on", "taken / told"),
        rows,
    )


if __name__ == "__main__":
    main()
