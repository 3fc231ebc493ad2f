"""The recipe of CONTRIBUTING.md: a new data set is a file and an entry, no more."""

import json

import numpy as np
import pytest

from tests.engine.recipes import LOOKS, House

FILE = "ncengine/datasets/wine.py"
CATALOGUE = "ncengine/catalogue/datasets.py"

SAMPLES = '''"""scikit-learn's wines, of which some are held out, once and for all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ncengine.catalogue.datasets import dataset_info
from ncengine.datasets.data import Data, Split, drawn, shuffled
from ncengine.datasets.dataset import Dataset

INFO = dataset_info("wine")


class Wines(NamedTuple):
    inputs: np.ndarray
    train: list[np.ndarray]
    test: list[np.ndarray]


def _read(_: Sequence[Path]) -> Wines:
    from sklearn.datasets import load_wine

    table, labels = load_wine(return_X_y=True)
    orders = [shuffled(labels, k) for k in range(INFO.classes)]
    train = [order[INFO.held_out :] for order in orders]
    rows = table[np.concatenate(train)]
    inputs = ((table - rows.mean(0)) / rows.std(0)).astype(np.float32)
    return Wines(inputs, train, [order[: INFO.held_out] for order in orders])


def _draw(pool: Wines, classes: int, n: int, seed: int) -> Data:
    train = pool.inputs[drawn(pool.train[:classes], n, seed)]
    test = pool.inputs[np.concatenate(pool.test[:classes])]
    return Data(Split.of(train, classes), Split.of(test, classes))


DATASET = Dataset(_draw, _read)
'''

ENTRY = """            DatasetInfo(
                name="wine",
                kind="points",
                sample="wine",
                title="Wine",
                classes=3,
                class_names=("Barolo", "Grignolino", "Barbera"),
                max_samples_per_class=28,
                held_out=20,
                input_dim=13,
                image_shape=None,
                checksum="scikit-learn wine, 178 samples",
                description="178 wines of three growers, of each 13 measurements.",
            ),
"""
FIRST = '            DatasetInfo(\n                name="mnist"'

LOADED = """
import json
from ncengine import RunConfig
from ncengine.datasets import load
data = load(RunConfig(dataset="wine"))
print(json.dumps([data.train.inputs.tolist(), data.train.labels.tolist(), len(data.test)]))
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A copy of app and engine to which the data set was added by the recipe."""
    copy = House(tmp_path_factory.mktemp("house"))
    copy.add(FILE, SAMPLES)
    copy.insert(CATALOGUE, before=FIRST, text=ENTRY)
    return copy


def test_it_touches_its_file_and_its_entry(house):
    assert house.changed() == {FILE, CATALOGUE}


def test_of_defaults_it_has_as_many_as_there_are(house):
    inputs, labels, tested = json.loads(house.run("-c", LOADED))
    assert np.bincount(labels).tolist() == [28, 28, 28] and tested == 60
    # By all that is for training, of which two thirds are drawn.
    inputs = np.array(inputs)
    np.testing.assert_allclose(inputs.mean(0), 0, atol=0.2)
    np.testing.assert_allclose(inputs.std(0), 1, atol=0.2)


def test_it_is_trained_counted_right_checked_and_shown(house):
    quick = ("--dataset", "wine", "--depth", "3", "--width", "8", "--epochs", "40", "--seeds", "1")
    trained, checked, many, more, *looks, page = house.tried(
        ["train", *quick, "--json"],
        ["check", *quick],
        ["train", "--dataset", "wine", "--classes", "4"],
        ["train", "--dataset", "wine", "--samples-per-class", "29"],
        *LOOKS,
        ["pytest", "tests/engine/test_catalogue.py", "tests/test_house.py"],
        address={name[2:]: value for name, value in zip(quick[::2], quick[1::2], strict=True)},
    )
    house.assert_all_is_as_before(*looks)
    (seed,) = json.loads(trained.out)["seeds"]
    assert seed["accuracy"] > 0.95 and seed["test_accuracy"] > 0.8
    # Counted by hand: embedding, two blocks, last layer.
    assert f"{8 * 13 + 8 + 2 * (8 * 8 + 8) + 3 * 8} parameters" in checked.out
    assert many.status == more.status == 2
    assert "--classes 4: must be a whole number from 2 to 3" in many.err
    assert "--samples-per-class 29: must be a whole number from 1 to 28" in more.err
    assert "3 classes of Wine apart, from 28 wines of each" in page.out and "NC1" in page.out
