"""Heads that no module stands for, by whatever function they multiply."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import ncengine
from ncengine.recorder.heads import HeadNotFound

torch.manual_seed(0)
X, Y = torch.randn(120, 12), torch.arange(120) % 5

WAYS = {
    "linear, by name": lambda h, w, b: F.linear(bias=b, weight=w, input=h),
    "addmm": lambda h, w, b: torch.addmm(b, h, w.T),
    "addmm of a tensor": lambda h, w, b: b.addmm(h, w.T),
    "einsum": lambda h, w, b: torch.einsum("bd,kd->bk", h, w) + b,
    "einsum, turned": lambda h, w, b: torch.einsum("dk, bd -> bk", w.T, h) + b,
    "einsum of tokens": lambda h, w, b: torch.einsum("btd,kd->btk", h[:, None], w)[:, 0] + b,
    "einsum, classes first": lambda h, w, b: torch.einsum("kd,bd->kb", w, h).T + b,
    "einsum without result": lambda h, w, b: torch.einsum("bd,kd", h, w) + b,
    "einsum of any axes": lambda h, w, b: torch.einsum("...d,kd->...k", h, w) + b,
    "einsum of a list": lambda h, w, b: torch.einsum("bd,kd->bk", [h, w]) + b,
    "einsum by numbers": lambda h, w, b: torch.einsum(h, [0, 1], w, [2, 1], [0, 2]) + b,
    "features in columns": lambda h, w, b: (w @ h.T).T + b,
    "mm of columns": lambda h, w, b: torch.mm(w, h.t()).t() + b,
    "addmm of columns": lambda h, w, b: torch.addmm(b[:, None], w, h.T).T,
    "a column a sample": lambda h, w, b: (w @ h[:, :, None]).squeeze(-1) + b,
    "bmm": lambda h, w, b: torch.bmm(h[:, None], w.T.expand(len(h), 7, 5))[:, 0] + b,
    "bmm, turned": lambda h, w, b: torch.bmm(w.repeat(len(h), 1, 1), h[:, :, None])[..., 0] + b,
    "inner": lambda h, w, b: torch.inner(h, w) + b,
    "tensordot": lambda h, w, b: torch.tensordot(h, w, dims=([1], [1])) + b,
    "tensordot, turned": lambda h, w, b: torch.tensordot(w, h, dims=([-1], [-1])).T + b,
    "a pixel's kernel": lambda h, w, b: F.conv2d(h[:, :, None, None], w[..., None, None], b)[
        ..., 0, 0
    ],
    "a map's kernel": lambda h, w, b: F.conv1d(h[:, None], w[:, None], b)[..., 0],
}


class Multiplying(nn.Module):
    def __init__(self, way):
        super().__init__()
        self.way, self.body = way, nn.Linear(12, 7)
        self.w, self.b = nn.Parameter(torch.randn(5, 7)), nn.Parameter(torch.randn(5))

    def forward(self, x):
        return self.way(self.body(x), self.w, self.b)


@pytest.mark.parametrize("kind", WAYS)
def test_what_it_multiplies_are_features_and_the_last_layer(kind):
    model = Multiplying(WAYS[kind])
    found = ncengine.Recorder(model, probe=(X, Y)).snapshot(0)
    with torch.no_grad():
        h, right = model.body(X), (model(X).argmax(1) == Y).double().mean()
    expected = ncengine.Recorder().observe(h, Y, model.w, model.b)
    for name in ("nc1", "nc2a", "nc3", "nc4"):
        assert getattr(found, name) == pytest.approx(getattr(expected, name), rel=1e-5), name
    assert found.accuracy == pytest.approx(float(right), abs=1e-12)


@pytest.mark.parametrize(
    "way",
    [
        lambda h, w, b: torch.addmm(b, h, w.T, beta=0.5),
        lambda h, w, b: torch.einsum("bd,kd,bd->bk", h, w, h),
        lambda h, w, b: torch.einsum("bd,bkd->bk", h, w.expand(len(h), 5, 7) * h[:, None]),
        lambda h, w, b: torch.bmm(w * h[:, None], h[:, :, None])[..., 0],
        lambda h, w, b: torch.tanh(w @ h.T).T,
    ],
    ids=["half a bias", "squares", "another matrix a sample", "bmm of such", "bent"],
)
def test_what_is_no_such_product_is_not_taken_for_one(way):
    with pytest.raises(HeadNotFound):
        ncengine.Recorder(Multiplying(way), probe=(X, Y))
