"""Models that change tensors in place after a layer has read or given them."""

import pytest
import torch
from torch import nn

import ncengine
from ncengine.recorder.heads import HeadNotFound

torch.manual_seed(0)
X, Y = torch.randn(120, 12), torch.arange(120) % 5


class Changing(nn.Module):
    def __init__(self, change):
        super().__init__()
        self.body, self.fc, self.change = nn.Linear(12, 7), nn.Linear(7, 5), change

    def forward(self, x):
        h = self.body(x)
        return self.change(h, self.fc(h))


def zeroed(h, logits):
    h.zero_()
    return logits


@pytest.mark.parametrize(
    ("change", "factor"),
    [(lambda h, logits: logits.mul_(2.0), 2.0), (zeroed, 1.0)],
    ids=["logits", "features"],
)
def test_the_head_is_as_it_was_when_it_was_called(change, factor):
    model = Changing(change)
    rec = ncengine.Recorder(model, probe=(X, Y), weight_decay=1e-3)
    assert [part.module for part in rec.head.parts] == [model.fc]
    assert rec.head.parts[0].relation.factor == pytest.approx(factor)
    with torch.no_grad():
        expected = ncengine.Recorder().observe(model.body(X), Y, model.fc.weight, model.fc.bias)
    found = rec.snapshot(0)
    assert found.nc1 == pytest.approx(expected.nc1, rel=1e-6)
    assert found.nc4 == pytest.approx(expected.nc4, abs=1e-9)


def test_a_layer_whose_output_is_changed_to_other_logits_is_no_head():
    with pytest.raises(HeadNotFound, match="fc"):
        ncengine.Recorder(Changing(lambda h, logits: logits.relu_()), probe=(X, Y))


def test_further_layers_are_measured_before_what_comes_next():
    rows = {}
    for inplace in (False, True):
        torch.manual_seed(1)
        model = nn.Sequential(nn.Linear(12, 7), nn.ReLU(inplace=inplace), nn.Linear(7, 5))
        found = ncengine.Recorder(model, probe=(X, Y), layers=("0",)).snapshot(0)
        rows[inplace] = found.layers["0"].nc1
    assert rows[True] == rows[False]
