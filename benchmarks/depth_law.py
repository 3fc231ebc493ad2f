"""The depth law: RN1 on MNIST over the paper's depths, and deepening on digits.

What is timed is trained anew. The preset Paper takes hours: it is timed on some hundred epochs, and
its end is read from the cache that `NCENGINE_CACHE` names, where it was trained before.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import ncengine
from benchmarks.table import show
from ncengine.analysis.fits import power_law
from ncengine.config import RunConfig, grid
from ncengine.config.fields import PAPER_DEPTHS
from ncengine.config.presets import paper_preset
from ncengine.datasets import is_available
from ncengine.runs.run import Run
from ncengine.runs.store import Store

MNIST = RunConfig(dataset="mnist", norm="post", samples_per_class=100, seeds=5)
DIGITS = RunConfig(dataset="digits", norm="post", samples_per_class=100, seeds=3)
SCHEDULES = (("constant", 0.0025), ("1/L", 0.005), ("uniform 1/L", 0.005))
TIMED_EPOCHS = 300
SMALL = RunConfig(norm="post", samples_per_class=40, epochs=400, seeds=5)


def main() -> None:
    """Print the tables; those on MNIST where it is on this machine."""
    _deepening()
    _workers()
    if is_available("mnist"):
        _law("random")
        _law("deepening")
        _schedules()


def _swept(configs: Sequence[RunConfig], workers: int | None = None) -> tuple[list[Run], float]:
    """The runs, trained from nothing, and the seconds that it took."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "cache")
        start = time.perf_counter()
        ncengine.sweep(configs, workers, store=store)
        passed = time.perf_counter() - start
        return [store.open(config) for config in configs], passed


def _last(runs: Sequence[Run], name: str) -> np.ndarray:
    """(runs, seeds)"""
    return np.stack([run.curves[name][-1] for run in runs])


def _law(start: str) -> None:
    configs = list(grid(MNIST, depth=PAPER_DEPTHS, start=[start]))
    runs, passed = _swept(configs)
    rows = []
    for run in runs:
        logs = [_moments(np.log10(run.curves[name][-1])) for name in ("nc1", "nc2a", "nc3")]
        share = run.curves["gap"][-1] / (run.floor or np.nan)
        within = f"{share.mean():.1%} ± {share.std():.1%}"
        rows.append((run.config.depth, *logs, within, *_against_paper(run)))
    head = ("L", "log10 NC1", "log10 NC2A", "log10 NC3", "gap / floor", "seconds",
            "Paper's objective after", "Paper", "ratio")  # fmt: skip
    show(f"MNIST, RN1, post-LN, five seeds, start {start}: {passed:.0f} s in all", head, rows)
    rows = []
    for name in ("nc1", "nc2a", "nc3", "gap"):
        law = power_law(PAPER_DEPTHS, _last(runs, name))
        ends = f"{law.low:.2f} to {law.high:.2f}"
        rows.append((name, f"{law.slope:.2f}", ends, f"{law.r_squared:.3f}", law.verdict))
    show("Slopes over log10 L", ("metric", "slope", "95 %", "R²", "what it is"), rows)


def _moments(values: np.ndarray) -> str:
    return f"{values.mean():.2f} ± {values.std():.2f}"


def _against_paper(run: Run) -> tuple[str, str, str, str]:
    """Seconds of the run, and until it was where Paper ends; those of Paper, and their ratio."""
    paper = paper_preset(run.config)
    ended = Store().open(paper)
    seconds = f"{run.seconds:.0f} s"
    if not ended.points:
        return seconds, "Paper was not trained here", "", ""
    (timed,), _ = _swept([paper.with_(epochs=TIMED_EPOCHS)])
    whole = timed.seconds * paper.epochs / TIMED_EPOCHS
    there = run.curves["loss"].mean(axis=1) <= ended.curves["loss"][-1].mean()
    if not there.any():
        return seconds, "never", f"{whole:.0f} s", ""
    passes = int(run.curves["epoch"][int(there.argmax())])
    until = run.seconds * passes / run.passes
    return seconds, f"{passes} passes, {until:.0f} s", f"{whole:.0f} s", f"1/{whole / until:.0f}"


def _schedules() -> None:
    base = MNIST.with_(architecture="RN2", seeds=3)
    rows = []
    for schedule, decay in SCHEDULES:
        fields = {"decay_schedule": [schedule], "weight_decay": [decay]}
        runs, _ = _swept(list(grid(base, depth=(2, 5, 13, 34), **fields)))
        for run in runs:
            hidden, nc1 = run.curves["decay_hidden"][-1], np.log10(run.curves["nc1"][-1])
            rows.append((schedule, run.config.depth, f"{hidden.mean():.1e}", _moments(nc1)))
    show("MNIST, RN2, post-LN", ("schedule", "L", "hidden decay", "log10 NC1"), rows)


def _deepening() -> None:
    climbed, climb = _swept(list(grid(DIGITS, depth=PAPER_DEPTHS, start=["deepening"])))
    long, scratch = _swept(list(grid(DIGITS, depth=PAPER_DEPTHS, epochs=[1000])))
    short, _ = _swept(list(grid(DIGITS, depth=PAPER_DEPTHS, epochs=[400])))
    rows = []
    for runs, what in ((climbed, "deepening"), (short, "400 passes"), (long, "1000 passes")):
        for run in runs:
            share = run.curves["gap"][-1] / (run.floor or np.nan)
            each = ", ".join(f"{one:.1%}" for one in share)
            rows.append((what, run.config.depth, each, f"{share.std():.2%}", f"{run.seconds:.1f}"))
    title = f"Deepening on digits: {climb:.0f} s against {scratch:.0f} s, {climb / scratch:.2f}"
    show(title, ("start", "L", "gap / floor of each seed", "spread", "seconds"), rows)


def _workers() -> None:
    configs = list(grid(SMALL, depth=PAPER_DEPTHS))
    seconds = {workers: _swept(configs, workers)[1] for workers in (1, 2)}
    rows = [(workers, f"{passed:.0f} s") for workers, passed in seconds.items()]
    title = f"A sweep of 35 networks by one worker and by two: {seconds[1] / seconds[2]:.2f} times"
    show(title, ("workers", "time"), rows)


if __name__ == "__main__":
    main()
