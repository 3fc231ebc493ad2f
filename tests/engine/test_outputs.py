"""Models that give several things, and where the logits are among them."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import ncengine

torch.manual_seed(0)
X, Y = torch.randn(120, 12), torch.arange(120) % 5


class Giving(nn.Module):
    """Features of some width, the logits, and those of a head beside it."""

    def __init__(self, give, width=7):
        super().__init__()
        self.give = give
        self.body, self.fc = nn.Linear(12, width), nn.Linear(width, 5)
        self.aside = nn.Linear(width, 5)

    def forward(self, x):
        h = self.body(x)
        return self.give(h, self.fc(h), self.aside(h))


GIVEN = {
    "features, logits": lambda h, y, _: (h, y),
    "logits, features": lambda h, y, _: (y, h),
    "under other names": lambda h, y, _: {"embedding": h, "prediction": y},
    "under its name": lambda h, y, _: {"embedding": h, "logits": y},
    "features after ReLU": lambda h, y, _: (h.relu(), y),
    "normalised": lambda h, y, _: [F.normalize(h), y],
    "logits, others": lambda h, y, other: (y, other),
    "maps, logits": lambda h, y, _: (h[:, None].repeat(1, 3, 1), y),
    "loss, features, logits": lambda h, y, _: (y.sum(), h, y),
}


@pytest.mark.parametrize("asked", [None, "fc"], ids=["found", "named"])
@pytest.mark.parametrize("width", [4, 7])
@pytest.mark.parametrize("kind", GIVEN)
def test_the_logits_are_told_from_what_comes_with_them(kind, width, asked):
    model = Giving(GIVEN[kind], width)
    rec = ncengine.Recorder(model, probe=(X, Y), head=asked)
    assert [part.module for part in rec.head.parts] == [model.fc]
    with torch.no_grad():
        h = model.body(X)
        right = (model.fc(h).argmax(1) == Y).double().mean()
    assert rec.snapshot(0).accuracy == pytest.approx(float(right), abs=1e-12)
    with rec.watch(Y):
        model(X)
    assert rec.snapshot(1).nc1 == pytest.approx(rec.snapshots[0].nc1, rel=1e-5)


def test_in_training_a_model_may_give_the_logits_alone():
    class Other(Giving):
        def forward(self, x):
            return super().forward(x)[1] if self.training else super().forward(x)

    model = Other(GIVEN["features, logits"]).train()
    rec = ncengine.Recorder(model, probe=(X, Y))
    with rec.watch(Y):
        model(X)
    assert rec.snapshot(0).nc2a == pytest.approx(rec.snapshot(1).nc2a, abs=1e-9)


def test_another_head_can_be_named():
    model = Giving(GIVEN["logits, others"])
    rec = ncengine.Recorder(model, probe=(X, Y), head="aside")
    with torch.no_grad():
        right = (model.aside(model.body(X)).argmax(1) == Y).double().mean()
    assert rec.snapshot(0).accuracy == pytest.approx(float(right), abs=1e-12)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_scripted_model_is_told_to_be_observed_or_have_a_head():
    scripted = torch.jit.script(nn.Sequential(nn.Linear(12, 7), nn.ReLU(), nn.Linear(7, 5)))
    with pytest.raises(ValueError, match="head="):
        ncengine.Recorder(scripted, probe=(X, Y))
