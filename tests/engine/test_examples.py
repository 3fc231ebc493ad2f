"""What the examples do, they do as they stand."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def run(name, folder):
    path = os.pathsep.join([str(EXAMPLES.parent), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, EXAMPLES / name],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def test_a_plain_loop_in_few_lines_sees_collapse(tmp_path):
    assert len((EXAMPLES / "plain_pytorch.py").read_text().splitlines()) <= 25
    printed = run("plain_pytorch.py", tmp_path).splitlines()
    table = pd.read_csv(tmp_path / "digits.csv")
    assert len(printed) == len(table) == 30
    assert table["nc1"].iloc[-1] < table["nc1"].iloc[0] / 3
    assert table["accuracy"].iloc[-1] > 0.9 and (table["ideal"] == "simplex").all()
    assert f"NC1 {table['nc1'].iloc[-1]:.4f}" in printed[-1]


def test_a_loop_in_jax_is_short():
    assert len((EXAMPLES / "jax_observe.py").read_text().splitlines()) <= 40


@pytest.mark.parametrize(
    "name, library, table, looks",
    [
        ("lightning_callback.py", "lightning", "digits.csv", 4),
        ("transformers_callback.py", "transformers", "texts.csv", 4),
        ("torchmetrics_metric.py", "torchmetrics", None, 30),
        ("jax_observe.py", "jax", "digits.csv", 30),
    ],
)
def test_each_library_sees_collapse(tmp_path, name, library, table, looks):
    pytest.importorskip(library)
    printed = [line for line in run(name, tmp_path).splitlines() if "  NC1 " in line]
    seen = [float(line.split()[2]) for line in printed]
    assert len(seen) == looks
    # The digits' first look is after five epochs, when half of it is done.
    assert seen[-1] < 0.9 * seen[0]
    if table:
        assert pd.read_csv(tmp_path / table)["nc1"].tolist() == pytest.approx(seen, abs=1e-4)
