"""The recipe of CONTRIBUTING.md: a new architecture is a file, an entry and a line, no more."""

import filecmp
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILE = "ncengine/architectures/feedforward.py"
CATALOGUE = "ncengine/catalogue/architectures.py"
REGISTER = "ncengine/architectures/build.py"

NETWORK = '''"""FF1: a feed-forward network without a residual stream, batched over seeds."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from ncengine.architectures.layers import (
    Layer,
    Parameters,
    branch,
    by_block,
    layer_norm,
    linear,
)
from ncengine.architectures.shapes import layer_names
from ncengine.catalogue.architectures import architecture_info
from ncengine.config import RunConfig


def network(config: RunConfig) -> FeedForward:
    """The feed-forward network that `config` names."""
    (block,) = architecture_info(config.architecture).parts
    return FeedForward(layer_names(block))


class FeedForward:
    """Blocks of LN(σ(W x + b)) for R seeds at once."""

    def __init__(self, names: list[str]):
        self.names = names

    def layers(self, parameters: Parameters, inputs: Tensor) -> Iterator[Layer]:
        x = layer_norm(linear(inputs, parameters["embedding_weight"], parameters["embedding_bias"]))
        yield Layer(x, x)
        for block in by_block(parameters, self.names):
            x = layer_norm(branch(x, *block))
            yield Layer(x, x)
'''

ENTRY = """            ArchitectureInfo(
                name="FF1",
                family=Family(
                    name="FF",
                    help="FF: feed-forward network with one linear layer a block.",
                    reads=("points", "images"),
                    embedding="vector",
                    blocks_less=1,
                    held=5,
                ),
                parts=(mlp("block", 1),),
                defaults=MappingProxyType({"learning_rate": 0.002}),
            ),
"""
LINE = '    "FF": "feedforward",\n'

QUICK = (
    *("--architecture", "FF1", "--depth", "3", "--width", "8", "--classes", "3"),
    *("--samples-per-class", "10", "--epochs", "60", "--seeds", "2"),
)

PAGE = """
import sys
from streamlit.testing.v1 import AppTest
at = AppTest.from_file(sys.argv[1], default_timeout=60)
at.query_params["architecture"] = "FF1"
at.run()
assert not at.exception, at.exception
assert not at.warning and not at.error, (at.warning, at.error)
(header,) = at.header
print(header.value)
print([one.options for one in at.button_group if one.key == "field:architecture"])
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A copy of app and engine to which the architecture was added by the recipe."""
    copy = tmp_path_factory.mktemp("house")
    for package in ("app", "ncengine", ".streamlit"):
        shutil.copytree(
            ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    (copy / FILE).write_text(NETWORK, encoding="utf-8")
    insert(
        copy / CATALOGUE,
        before='            ArchitectureInfo(\n                name="UFM"',
        text=ENTRY,
    )
    insert(copy / REGISTER, before='    "UFM": "ufm",\n', text=LINE)
    return copy


def insert(path, *, before, text):
    source = path.read_text(encoding="utf-8")
    assert source.count(before) == 1
    path.write_text(source.replace(before, text + before), encoding="utf-8")


def run(house, *arguments):
    environment = {
        **os.environ,
        "PYTHONPATH": str(house),
        "NCENGINE_CACHE": str(house / "cache"),
        "NCENGINE_DEVICE": "cpu",
    }
    done = subprocess.run(
        [sys.executable, *arguments], cwd=house, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_touches_its_file_its_entry_and_one_line(house):
    changed, pairs = set(), [filecmp.dircmp(ROOT / p, house / p) for p in ("app", "ncengine")]
    while pairs:
        pair = pairs.pop()
        names = {*pair.diff_files, *pair.right_only} - {"__pycache__"}
        changed |= {Path(pair.right, name).relative_to(house).as_posix() for name in names}
        pairs += pair.subdirs.values()
    assert changed == {FILE, CATALOGUE, REGISTER}
    assert LINE.count("\n") == 1


def test_it_trains_to_a_smaller_objective_and_is_counted_right(house):
    result = json.loads(run(house, "-m", "ncengine.cli", "train", *QUICK, "--json"))
    assert result["config"]["architecture"] == "FF1"
    assert result["config"]["learning_rate"] == 0.002
    for seed in result["seeds"]:
        assert seed["accuracy"] > 0.9
        assert result["floor"] < seed["loss"] < 0.9 * 1.0986  # of guessing among three
    # Counted by hand: embedding, two blocks, last layer.
    said = run(house, "-m", "ncengine.cli", "check", *QUICK)
    assert f"{8 * 64 + 8 + 2 * (8 * 8 + 8) + 3 * 8} parameters" in said
    assert "d·d₀ + d + (L − 1)·(d² + d) + K·d" in said
    assert "none covers FF1" in said


def test_it_is_offered_wherever_architectures_are(house):
    text = run(house, "-m", "ncengine.cli", "train", "--help")
    assert "RN1|RN2|T11|T12|T21|T22|FF1|UFM" in text
    assert "feed-forward network" in " ".join(text.split())
    said = run(house, "-c", PAGE, str(house / "app" / "main.py"))
    assert "5-FF1" in said
    assert "'FF1'" in said
