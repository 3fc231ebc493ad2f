"""What is taken where nothing is said, and where it was measured that it should be."""

from pathlib import Path

import pytest

from ncengine.catalogue.architectures import ARCHITECTURES
from ncengine.config import RunConfig
from ncengine.config.fields import DEEPENING_EPOCHS, INITIAL_BLOCKS, KFAC
from ncengine.config.presets import paper_preset
from ncengine.costs import curvature, memory
from ncengine.training.solvers import preconditioner

RESULTS = (Path(__file__).parents[2] / "benchmarks" / "RESULTS.md").read_text("utf-8")
NETWORKS = [name for name, info in ARCHITECTURES.items() if info.has_network]
BEGIN, PARTS = "### How hidden weights begin", "### What its parts bring"

# Field, architectures, default, and the section that says why.
MEASURED = [
    ("solver", NETWORKS, KFAC, "## K-FAC L-BFGS"),
    ("epochs", NETWORKS, 500, "## K-FAC L-BFGS"),
    ("initial_scale", ["RN1", "RN2", "T11", "T12"], 0.0, BEGIN),
    ("initial_scale", ["T21", "T22"], 1.0, BEGIN),
    ("warmup", NETWORKS, 0, PARTS),
    ("solver", ["UFM"], "L-BFGS", "### Free features"),
    ("precision", ["UFM"], "float64", "### Free features"),
    ("epochs", ["UFM"], 1000, "### Free features"),
    ("learning_rate", ["T11", "T12", "T21", "T22"], 0.001, "## Transformers"),
]


@pytest.mark.parametrize(("field", "architectures", "default", "section"), MEASURED, ids=str)
def test_every_default_is_what_was_measured(field, architectures, default, section):
    for architecture in architectures:
        for dataset in ("digits", "mnist", "cifar10"):
            config = RunConfig(dataset=dataset, architecture=architecture)
            assert getattr(config, field) == default
    assert f"\n{section}" in RESULTS


def test_numbers_of_the_solver_are_what_was_measured():
    assert INITIAL_BLOCKS == 3 and "min(1, 3/L)" in _section(BEGIN)
    assert curvature.LOOKS == (20, 50, 100, 200, 350)
    assert f"at {', '.join(map(str, curvature.LOOKS))}" in _section(PARTS)
    assert memory.KFAC_HISTORY == 20 and "history is of 20" in _section(PARTS)
    assert preconditioner.EMBEDDING_DAMPING == 1e-3 and "damped by 10⁻²" in _section(PARTS)
    assert preconditioner.EXACT_DAMPING == 1e-2
    assert "a hundredth of the median" in _section("### Squared error")
    assert DEEPENING_EPOCHS == 200
    assert "200 passes a rung (600 at the first)" in _section("### Starts from trained networks")


def test_the_papers_training_begins_as_torch_does_and_by_its_solver():
    for architecture in NETWORKS:
        paper = paper_preset(RunConfig(dataset="mnist", architecture=architecture, depth=34))
        assert (paper.branch_scale, paper.solver, paper.epochs) == (1.0, "Adam", 5000)


def _section(heading: str) -> str:
    _, _, rest = RESULTS.partition(f"\n{heading}")
    return rest.split("\n#", 1)[0]
