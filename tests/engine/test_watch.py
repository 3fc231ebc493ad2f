"""Live batches whose losses leave samples out."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import ncengine

torch.manual_seed(0)
X, Y = torch.randn(120, 12), torch.arange(120) % 5

LOSSES = {
    "as usual": (-100, F.cross_entropy),
    "by name": (7, lambda logits, y: F.cross_entropy(logits, y, ignore_index=7)),
    "by place": (7, lambda logits, y: F.nll_loss(logits.log_softmax(-1), y, None, None, 7)),
    "a module": (-1, nn.CrossEntropyLoss(ignore_index=-1, label_smoothing=0.1)),
}


@pytest.mark.parametrize("kind", LOSSES)
def test_samples_that_the_loss_ignores_are_not_counted(kind):
    ignored, loss = LOSSES[kind]
    model = nn.Sequential(nn.Linear(12, 7), nn.ReLU(), nn.Linear(7, 5))
    rec = ncengine.Recorder(model, probe=(X, Y))
    labels = Y.clone()
    labels[:7] = ignored
    with rec.watch():
        loss(model(X), labels)
    found = rec.snapshot(0)
    with torch.no_grad():
        expected = ncengine.Recorder().observe(model[:2](X)[7:], Y[7:], model[2].weight)
    assert found.samples == 113
    assert found.nc1 == pytest.approx(expected.nc1, rel=1e-5)


def test_labels_that_are_given_are_all_counted():
    model = nn.Sequential(nn.Linear(12, 7), nn.ReLU(), nn.Linear(7, 5))
    rec = ncengine.Recorder(model, probe=(X, Y))
    with pytest.raises(ValueError, match="labels: from -100 to 4"):
        with rec.watch(Y.masked_fill(Y == 3, -100)):
            model(X)
