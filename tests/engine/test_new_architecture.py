"""The recipe of CONTRIBUTING.md: a new architecture is a file and an entry, no more."""

import json

import pytest

from tests.engine.recipes import LOOKS, QUICK, House

FILE = "ncengine/architectures/feedforward.py"
CATALOGUE = "ncengine/catalogue/architectures.py"

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
    return FeedForward(layer_names(block), block.activation)


class FeedForward:
    """Blocks of LN(σ(W x + b)) for R seeds at once."""

    def __init__(self, names: list[str], activation: str):
        self.names, self.activation = names, activation

    def layers(self, parameters: Parameters, inputs: Tensor) -> Iterator[Layer]:
        x = layer_norm(linear(inputs, parameters["embedding_weight"], parameters["embedding_bias"]))
        yield Layer(x, x)
        for block in by_block(parameters, self.names):
            x = layer_norm(branch(x, *block, activation=self.activation))
            yield Layer(x, x)
'''

ENTRY = """            ArchitectureInfo(
                name="FF1",
                family=Family(
                    name="FF",
                    network="feedforward",
                    help="a network of one linear layer a block, without a stream.",
                    reads=("points", "images"),
                    embedding="vector",
                    blocks_less=1,
                    held=5,
                ),
                parts=(mlp("block", 1, "gelu"),),
                norms=("post",),
                defaults=MappingProxyType({"learning_rate": 0.002}),
            ),
"""

TRAINED = ("--architecture", "FF1", *QUICK)


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A copy of app and engine to which the architecture was added by the recipe."""
    copy = House(tmp_path_factory.mktemp("house"))
    copy.add(FILE, NETWORK)
    first_of_others = '            ArchitectureInfo(\n                name="UFM"'
    copy.insert(CATALOGUE, before=first_of_others, text=ENTRY)
    return copy


def test_it_touches_its_file_and_its_entry(house):
    assert house.changed() == {FILE, CATALOGUE}


def test_it_is_offered_trained_to_a_smaller_objective_and_counted_right(house):
    trained, checked, helped, *looks, page = house.tried(
        ["train", *TRAINED, "--json"],
        ["check", *TRAINED],
        ["train", "--help"],
        *LOOKS,
        ["pytest", "tests/engine/test_catalogue.py", "tests/engine/test_formula.py"],
        address={"architecture": "FF1"},
    )
    house.assert_all_is_as_before(*looks)
    result = json.loads(trained.out)
    assert result["config"]["architecture"] == "FF1"
    assert result["config"]["learning_rate"] == 0.002
    for seed in result["seeds"]:
        assert seed["accuracy"] > 0.9
        assert result["floor"] < seed["loss"] < 0.9 * 1.0986  # of guessing among three
    # Counted by hand: embedding, two blocks, last layer.
    assert f"{8 * 64 + 8 + 2 * (8 * 8 + 8) + 3 * 8} parameters" in checked.out
    assert "d·d₀ + d + (L − 1)·(d² + d) + K·d" in checked.out
    assert "none covers FF1" in checked.out
    assert "RN1|RN2|T11|T12|T21|T22|FF1|UFM" in helped.out
    assert "FF1: a network of one linear layer a block" in " ".join(helped.out.split())
    assert "5-FF1\N{NO-BREAK SPACE}·" in page.out
    assert "'FF1'" in page.out and "field:norm" not in page.out
