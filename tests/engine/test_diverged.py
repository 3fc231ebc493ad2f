"""Trainings whose numbers stop being finite: they go on, and their figures are NaN."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import ncengine
from ncengine.recorder.during import During
from ncengine.recorder.heads import HeadNotFound

torch.manual_seed(0)
X, Y = torch.randn(120, 12), torch.arange(120) % 5


class Way(nn.Module):
    """From features of three positions to the logits, in one of several ways."""

    def __init__(self, way):
        super().__init__()
        self.way = way
        self.body, self.fc, self.other = nn.Linear(12, 7), nn.Linear(7, 5), nn.Linear(7, 5)

    def forward(self, x):
        h = self.body(x)
        each = torch.stack([h, 2 * h, -h], 1)
        match self.way:
            case "plain":
                return self.fc(h)
            case "picked":
                return self.fc(each)[:, 1]
            case "mean":
                return self.fc(each).mean(1)
            case "leading":
                return self.fc(each)[:, :2].mean(1)
            case "pair":
                return (self.fc(h) + self.other(h)) / 2
            case "function":
                return 16 * F.linear(h, self.fc.weight)


@pytest.mark.parametrize("broken", ["body", "fc"])
@pytest.mark.parametrize("way", ["plain", "picked", "mean", "leading", "pair", "function"])
def test_a_snapshot_of_what_diverged_is_nan(way, broken):
    model = Way(way)
    rec = ncengine.Recorder(model, probe=(X, Y))
    before = rec.snapshot(0)
    with torch.no_grad():
        getattr(model, broken).weight.fill_(math.nan)
    found = rec.snapshot(1)
    assert not math.isnan(before.nc2a) and math.isnan(found.nc3)
    assert not math.isnan(before.accuracy) and math.isnan(found.accuracy)
    assert math.isnan(found.nc1 if broken == "body" else found.nc2a)


def test_what_was_watched_of_it_is_nan_and_training_goes_on():
    model = Way("plain")
    rec = ncengine.Recorder(model, probe=(X, Y))
    for weight in (1.0, math.nan, 1.0):
        with torch.no_grad():
            model.body.weight.fill_(weight)
        with rec.watch():
            F.cross_entropy(model(X), Y)
        if weight == 1.0:
            rec.snapshot(len(rec.snapshots))
    before, lost = rec.snapshots
    assert math.isfinite(before.nc2a) and lost.samples == 240
    assert all(math.isnan(value) for value in lost.figures.values())


def test_a_model_that_diverged_before_says_why_no_head_is_found():
    model = Way("plain")
    with torch.no_grad():
        model.body.weight.fill_(math.inf)
    with pytest.raises(HeadNotFound, match="not finite"):
        ncengine.Recorder(model, probe=(X, Y))


def test_a_log_goes_on_with_each_figure_that_it_had():
    during, model = During((X, Y), 1, {}), Way("plain")
    during.begin(model)
    before = during.ask(0)
    with torch.no_grad():
        model.body.weight.fill_(math.nan)
    after = during.ask(1)
    assert before.keys() == after.keys() and math.isfinite(before["collapse/nc1"])
    assert math.isnan(after["collapse/nc1"]) and math.isnan(after["collapse/accuracy"])
    during.end()
