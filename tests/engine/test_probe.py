"""Samples in the forms that trainings have them in, and what is refused of them."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import IterableDataset

import ncengine

torch.manual_seed(0)
X, Y = torch.randn(120, 12), torch.arange(120) % 5
TEXTS = [f"class {k}" for k in Y.tolist()]


def body():
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(12, 7), nn.ReLU(), nn.Linear(7, 5))


class Taking(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = body()


class OfBatch(Taking):
    def forward(self, batch):
        assert "label" in batch
        return self.body(batch["x"])


class WithLabels(Taking):
    def forward(self, x, labels):
        logits = self.body(x)
        return F.cross_entropy(logits, labels), logits


class ByName(Taking):
    def forward(self, x, mask=None):
        return self.body(x)


class OfTensor(Taking):
    def forward(self, x):
        return self.body(x.float())


class Stream(IterableDataset):
    def __iter__(self):
        return iter([(x, int(y)) for x, y in zip(X, Y, strict=True)])


PROBES = {
    "float64": (body, (X.double(), Y)),
    "numpy's float64": (body, (X.double().numpy(), Y.numpy())),
    "big-endian": (body, (X.numpy().astype(">f4"), Y.numpy().astype(">i8"))),
    "a list of labels": (body, (X, Y.tolist())),
    "labels (N, 1)": (body, (X, Y[:, None])),
    "a stream": (body, Stream()),
    "the batch as it is": (OfBatch, [{"x": X, "label": Y}]),
    "a mapping and labels": (OfBatch, [({"x": X}, Y)]),
    "labels needed by name": (WithLabels, [{"x": X, "labels": Y}]),
    "labels needed": (WithLabels, (X, Y)),
    "more than it takes": (ByName, [{"x": X, "label": Y, "idx": torch.arange(120)}]),
    "names that it does not take": (body, [{"image": X, "label": Y}]),
    "and more beside": (OfTensor, [{"image": X, "label": Y, "idx": Y, "path": TEXTS}]),
}


@pytest.mark.parametrize("kind", PROBES)
def test_samples_come_in_many_forms(kind):
    make, probe = PROBES[kind]
    expected = ncengine.Recorder(body(), probe=(X, Y)).snapshot(0)
    found = ncengine.Recorder(make(), probe=probe).snapshot(0)
    assert found.samples == 120
    assert found.nc1 == pytest.approx(expected.nc1, rel=1e-5)


def test_half_precision_goes_into_a_model_of_single_precision():
    assert ncengine.Recorder(body(), probe=(X.half(), Y)).snapshot(0).samples == 120


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"probe": (X, F.one_hot(Y))}, r"labels of shape \(120, 5\)"),
        ({"probe": (X, TEXTS)}, "probe: labels are of type str, must be whole numbers"),
        ({"probe": [(X, TEXTS)]}, "probe: labels are of type str, must be whole numbers"),
        ({"probe": (X.numpy(), np.array(TEXTS))}, "probe: labels are of type"),
        ({"probe": (X, Y[:-1])}, r"must be \(120,\)"),
        ({"probe": [{"x": x, "label": y} for x, y in zip(X, Y)]}, "must be batches of them"),
        ({"probe": [{"image": X, "mask": X, "label": Y}]}, "a batch holds image, mask, which the"),
        ({"per_class": float("nan")}, "per_class = nan: must be a whole number, at least 1"),
        ({"seed": "a"}, "seed = 'a': must be a whole number"),
        ({"seed": 1.5}, "seed = 1.5: must be a whole number"),
        ({"seed": 2**70}, "seed = .*: must be a whole number"),
        ({"counts": ["a"] * 5}, "counts = .*: must be K whole numbers"),
        ({"counts": [1, 2, 3, 4, float("nan")]}, "counts = .*: must be"),
        ({"name": 5}, "name = 5: must be a text"),
        ({"name": " "}, "name = ' ': must be a text"),
        ({"name": "x", "cache": 5}, "cache = 5: must be the path"),
    ],
)
def test_what_cannot_be_is_named(given, message):
    with pytest.raises(ValueError, match=message):
        ncengine.Recorder(body(), **{"probe": (X, Y), **given})


class Ragged(Taking):
    def forward(self, x):
        return self.body(x).mean(1)


class Summed(Taking):
    def __init__(self):
        super().__init__()
        self.total = nn.Flatten(0)

    def forward(self, x):
        return self.body(x) * (1 + 0 * self.total(x).sum())


@pytest.mark.parametrize(
    ("make", "probe", "options", "message"),
    [
        (
            Ragged,
            [(torch.randn(60, 3 + n, 12), Y[60 * n : 60 * n + 60]) for n in range(2)],
            {"layers": ("body.0",), "pool": "flatten"},
            "layers: 'body.0' gives from 21 to 28 numbers",
        ),
        (Summed, (X, Y), {"layers": ("total",)}, r"layers: 'total' gives .* shape \(1440,\)"),
        (lambda: body().to("meta"), (X, Y), {}, "on the meta device"),
    ],
)
def test_layers_and_models_that_give_no_rows_are_named(make, probe, options, message):
    with pytest.raises(ValueError, match=message):
        ncengine.Recorder(make(), probe=probe, **options).snapshot(0)


class OfSparse(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.head = nn.Linear(6, 8), nn.Linear(8, 3)

    def forward(self, x):
        return self.head((torch.sparse.mm(x, self.first.weight.T) + self.first.bias).relu())


class OfDense(OfSparse):
    def forward(self, x):
        return self.head(self.first(x).relu())


class OfPairs(OfDense):
    def forward(self, pair):
        return super().forward(pair[0] - pair[1])


@pytest.mark.parametrize(
    ("made", "kind"),
    [
        (lambda x: x.to_sparse(), OfSparse),
        (lambda x: x.to_sparse_csr(), OfSparse),
        (lambda x: (x, torch.zeros_like(x)), OfPairs),
    ],
    ids=["sparse, by places", "sparse, by rows", "a pair that is one argument"],
)
def test_inputs_are_what_the_model_takes(made, kind):
    torch.manual_seed(0)
    x, y, model = torch.randn(90, 6), torch.arange(90) % 3, OfDense()
    other = kind()
    other.load_state_dict(model.state_dict())
    probe = [(made(x[:50]), y[:50]), (made(x[50:]), y[50:])]
    found = ncengine.Recorder(other, probe=probe, per_class=20).snapshot(0)
    expected = ncengine.Recorder(model, probe=(x, y), per_class=20).snapshot(0)
    assert found.figures == pytest.approx(expected.figures, rel=1e-5, nan_ok=True)
