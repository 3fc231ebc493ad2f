"""Classes of which few samples were drawn: balanced ones are not taken for unequal."""

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import ncengine


def ideals(classes, sizes, per_class, draws, shuffle=True):
    """What recorders expect that draw a few samples of so many, in as many orders."""
    labels = torch.repeat_interleave(torch.arange(classes), torch.tensor(sizes))
    inputs = torch.randn(len(labels), classes, generator=torch.Generator().manual_seed(0))
    model = nn.Linear(classes, classes)
    loader = DataLoader(TensorDataset(inputs, labels), 32, shuffle=shuffle)
    made = [
        ncengine.Recorder(model, probe=loader, per_class=per_class, seed=seed)
        for seed in range(draws)
    ]
    return [recorder.snapshot(0).ideal for recorder in made]


@pytest.mark.parametrize("classes, per_class", [(2, 3), (10, 5), (10, 20), (60, 5)])
def test_of_balanced_classes_a_simplex_is_expected(classes, per_class):
    found = ideals(classes, [300] * classes, per_class, 20)
    assert found == ["simplex"] * 20


@pytest.mark.parametrize("classes, per_class", [(2, 5), (10, 20), (60, 5)])
def test_of_those_that_are_ten_times_larger_it_is_not(classes, per_class):
    sizes = [60] * (classes // 2) + [600] * (classes - classes // 2)
    assert ideals(classes, sizes, per_class, 10) == ["seli"] * 10


def test_of_all_samples_nothing_is_allowed_for():
    assert ideals(4, [20, 20, 20, 32], 200, 1) == ["seli"]
    assert ideals(4, [20, 20, 20, 29], 200, 1) == ["simplex"]


@pytest.mark.parametrize("classes, per_class", [(2, 50), (10, 200), (10, 5), (60, 20)])
def test_nor_are_those_that_come_one_after_another(classes, per_class):
    # Of the last class no more is looked at than is kept.
    assert ideals(classes, [300] * classes, per_class, 1, shuffle=False) == ["simplex"]
