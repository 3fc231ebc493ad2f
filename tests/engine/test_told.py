"""What readers are told of the figures of a recording: all of them, and what the README lists."""

import re
from pathlib import Path

import numpy as np
import pytest

from ncengine.catalogue.literature import MEASURED, NC2, in_order, told
from ncengine.catalogue.metrics import Scale
from ncengine.metrics import every, ideal
from ncengine.recorder.recorder import Recorder

README = Path(__file__).resolve().parents[2] / "README.md"


def taken(classes, width, sizes):
    labels = np.repeat(np.arange(classes), sizes)
    rng = np.random.default_rng(classes)
    rows = rng.normal(size=(classes, width))
    return every(rng.normal(size=(len(labels), width)), labels, rows), labels


@pytest.mark.parametrize(
    "classes, width, sizes, figure",
    [(3, 8, 5, "simplex"), (6, 3, 5, "code"), (3, 8, [5, 20, 50], "seli")],
)
def test_every_figure_that_is_measured_is_explained(classes, width, sizes, figure):
    found, labels = taken(classes, width, sizes)
    assert ideal(classes, width, np.bincount(labels)) == figure
    assert found.keys() <= MEASURED.keys()
    # One that stands for NC2 has a value there.
    assert np.isfinite(float(found[NC2[figure][0]]))
    for name in found:
        assert told(name) is MEASURED[name] and len(told(name).help) > 20


def test_a_value_is_drawn_as_its_range_allows():
    for classes, width, sizes in ((3, 8, 5), (6, 3, 5), (3, 8, [5, 20, 50])):
        for name, value in taken(classes, width, sizes)[0].items():
            if np.isfinite(float(value)):
                low, high = {
                    Scale.LOG: (0, np.inf),
                    Scale.SHARE: (0, 1),
                    Scale.LINEAR: (-np.inf, np.inf),
                }[MEASURED[name].scale]
                assert low <= float(value) <= high, name


def test_what_a_recorder_measures_is_known_by_whose_it_is():
    import torch

    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.ReLU(), torch.nn.Linear(5, 3))
    data = torch.randn(30, 4), torch.arange(30) % 3
    recorder = Recorder(model, probe=data, test=data, ood=data[0], layers=["0"])
    names = recorder.snapshot(0, loss=0.5, learning_rate=0.1).numbers()
    given = {"loss", "learning_rate", "samples"}
    assert {n for n in names if told(n).help == told("loss").help} <= given
    assert told("test.nc1").title == "Test NC1" and told("0.cdnv").title == "CDNV · 0"
    ordered = in_order(names)
    assert ordered[:2] == ["nc1", "nc2a"] and sorted(ordered) == sorted(names)
    dotted = ["." in name for name in ordered]
    assert dotted == sorted(dotted)


def test_the_readme_says_where_each_comes_from():
    table = README.read_text(encoding="utf-8").partition("Which paper uses which metric")[2]
    rows = re.findall(r"^\| (`.+?) \|", table, re.M)
    listed = set()
    for row in rows:
        names = re.findall(r"`([^`]+)`", row)
        for name in names:
            if name.startswith("_"):
                name = names[0].removesuffix("_means") + name
            listed |= {name.removesuffix("_…")}
    own = {
        "gap",
        "fit",
        "decay_last",
        "loss_gufm",
        "accuracy",
        "nc2",
        "ncc_error",
        "effective_rank",
        "effective_rank_features",
    }
    for name in MEASURED.keys() - own:
        assert any(name == one or name.startswith(one + "_") for one in listed), name
