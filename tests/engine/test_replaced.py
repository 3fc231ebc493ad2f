"""Networks whose layers are replaced by others while they are trained."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import ncengine
from ncengine.recorder.heads import HeadNotFound
from tests.engine.test_metrics import definition

RNG = torch.Generator().manual_seed(0)
LABELS = torch.arange(120) % 4
INPUTS = torch.randn(120, 6, generator=RNG) + 2 * torch.eye(4, 6)[LABELS]


class Network(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.body, self.fc = nn.Linear(6, width), nn.Linear(width, 4)

    def forward(self, x):
        return self.fc(torch.tanh(self.body(x)))


def expected(model):
    """NC1 of the paper's definition, of what the last layer is given, without a hook."""
    with torch.no_grad():
        features = torch.tanh(INPUTS @ model.body.weight.T + model.body.bias)
    return definition(features.double().numpy(), LABELS.numpy(), model.fc.weight.detach().numpy())


def widened(model, width=11):
    model.body, model.fc = nn.Linear(6, width), nn.Linear(width, 4, bias=False)


@pytest.mark.parametrize("head", [None, "fc"])
def test_another_head_is_found_where_it_took_the_place(head, tmp_path):
    model = Network()
    recorder = ncengine.Recorder(
        model, probe=(INPUTS, LABELS), head=head, layers=["body"], name="wider", cache=tmp_path
    )
    recorder.snapshot(0)
    widened(model)
    seen = recorder.snapshot(1)
    recorder.close()
    truth = expected(model)
    assert seen.nc1 == pytest.approx(truth["nc1"], rel=1e-5)
    assert seen.nc3 == pytest.approx(truth["nc3"], rel=1e-4)
    with torch.no_grad():
        of_layer = definition(model.body(INPUTS).double().numpy(), LABELS.numpy(), np.ones((4, 11)))
    assert seen.layers["body"].nc1 == pytest.approx(of_layer["nc1"], rel=1e-5)
    (kept,) = ncengine.recordings(tmp_path)
    assert (kept.about.head, kept.about.width) == ("fc: 11 → 4", 11)
    np.testing.assert_allclose(kept.figures["nc1"][1], truth["nc1"], rtol=1e-5)


def test_it_is_listened_to_as_well():
    model = Network()
    recorder = ncengine.Recorder(model, probe=(INPUTS, LABELS))
    widened(model)
    with recorder.watch():
        F.cross_entropy(model(INPUTS), LABELS)
    assert recorder.snapshot(0).nc1 == pytest.approx(expected(model)["nc1"], rel=1e-5)


def test_a_head_of_other_classes_is_told_and_the_recorder_goes_on():
    model = Network()
    recorder = ncengine.Recorder(model, probe=(INPUTS, LABELS))
    own, model.fc = model.fc, nn.Linear(8, 5)
    with pytest.raises(ValueError, match="head fc: 8 → 5: must be of 4 classes, as the probe is"):
        recorder.snapshot(0)
    model.fc = own
    assert recorder.snapshot(1).nc1 == pytest.approx(expected(model)["nc1"], rel=1e-5)


def test_a_head_that_is_there_and_not_used_any_more_is_told():
    model = Network()
    recorder = ncengine.Recorder(model, probe=(INPUTS, LABELS))
    model.other = nn.Linear(8, 4)
    model.forward = lambda x: model.other(torch.tanh(model.body(x)))
    with pytest.raises(HeadNotFound, match="if others give the logits by now, begin another"):
        recorder.snapshot(0)


def test_a_layer_that_is_gone_is_named():
    model = Network()
    recorder = ncengine.Recorder(model, probe=(INPUTS, LABELS), layers=["body"])
    model.first, model.body = model.body, None
    model.forward = lambda x: model.fc(torch.tanh(model.first(x)))
    with pytest.raises(ValueError, match="there is no module 'body'"):
        recorder.snapshot(0)
