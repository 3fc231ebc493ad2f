"""L-BFGS against the paper's Adam, side by side in one process.

digits, 150 a class, RN1, L = 13, d = 64, CE, lambda = 0.005, seeds 0 to 2.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from benchmarks.table import show
from ncengine.config import RunConfig
from ncengine.config.presets import paper_preset
from ncengine.datasets import load
from ncengine.training.device import pick_device
from ncengine.training.train import Training

SETTING = RunConfig(
    dataset="digits", samples_per_class=150, norm="post", depth=13, seeds=3, solver="L-BFGS"
)
BUDGETS = (400, 1200)


@dataclass
class Trace:
    """Objective (E, R) of the iterates after each evaluation, and seconds since the start (E,)."""

    loss: np.ndarray
    seconds: np.ndarray


def trace(config: RunConfig) -> Trace:
    """Train without snapshots, so that only solver and objective are timed."""
    training = Training(config, load(config), pick_device())
    loss = np.full((config.epochs, len(config.seeds)), np.nan)
    seconds = np.zeros(config.epochs)
    best = np.full(len(config.seeds), np.nan)
    start = time.perf_counter()
    for e in range(config.epochs):
        evaluation = training.train.evaluate(training.solver.theta)
        accepted = training.solver.step(evaluation.loss, evaluation.grad)
        best[accepted] = evaluation.loss.cpu().numpy()[accepted]
        loss[e], seconds[e] = best, time.perf_counter() - start
    return Trace(loss, seconds)


def main() -> None:
    """Print the objective at two budgets, and the time to the paper's objective."""
    paper = trace(paper_preset(SETTING).with_(seeds=3))
    lbfgs = {budget: trace(SETTING.with_(epochs=budget)) for budget in BUDGETS}
    show(
        "Objective after so many evaluations, by seed",
        ("solver", "evaluations", "seed 0", "seed 1", "seed 2"),
        [
            *(
                ("L-BFGS", budget, *(f"{value:.5f}" for value in run.loss[-1]))
                for budget, run in lbfgs.items()
            ),
            ("Adam (Paper)", len(paper.loss), *(f"{value:.5f}" for value in paper.loss[-1])),
        ],
    )
    rows = []
    for budget, run in lbfgs.items():
        reached = (run.loss <= paper.loss[-1]).all(axis=1)
        if reached.any():
            at = int(reached.argmax())
            ratio = run.seconds[at] / paper.seconds[-1]
            rows.append(
                (
                    budget,
                    at + 1,
                    f"{run.seconds[at]:.1f} s",
                    f"{paper.seconds[-1]:.1f} s",
                    f"1/{1 / ratio:.1f}",
                )
            )
    show(
        "Time until every seed is at the objective with which Paper ends",
        ("L-BFGS budget", "evaluations", "L-BFGS", "Adam, 5000 epochs", "ratio"),
        rows,
    )
