"""Arrays from anywhere, and numbers beside them, that a recorder is given."""

import json

import numpy as np
import pytest
import torch

import ncengine

RNG = np.random.default_rng(0)
H, Y, W = RNG.normal(size=(60, 7)), np.arange(60) % 5, RNG.normal(size=(5, 7))
WHOLE = ncengine.Recorder().observe(H, Y, W).nc1


@pytest.mark.parametrize("kind", ["u1", "u2", "u4", "u8", "i1", ">i8", ">u2"])
@pytest.mark.parametrize("weight", [None, W], ids=["alone", "with weight"])
def test_labels_come_in_any_whole_type(kind, weight):
    assert ncengine.Recorder().observe(H, Y.astype(kind), weight).nc1 == WHOLE


@pytest.mark.parametrize("kind", [">f8", "longdouble", ">f4"])
def test_features_come_in_types_that_torch_lacks(kind):
    found = ncengine.Recorder().observe(H.astype(kind), Y, W.astype(kind)).nc1
    assert found == pytest.approx(WHOLE, rel=1e-6)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (Y + 10**12, "samples; every class needs one"),
        (Y * np.nan, "must be whole numbers"),
        (Y > 2, "must be whole numbers"),
    ],
    ids=["huge", "NaN", "bool"],
)
def test_labels_that_cannot_be_are_refused_before_anything_is_made(labels, message):
    with pytest.raises(ValueError, match=message):
        ncengine.Recorder().observe(H, labels)


def test_bytes_without_a_type_are_no_features():
    with pytest.raises(ValueError, match="features"):
        ncengine.Recorder().observe(H.astype(np.float16).view("V2"), Y, W)


@pytest.mark.parametrize("name", ["test", "layers", "heads", "ideal", "samples", "nc1"])
def test_a_scalar_cannot_be_called_as_what_is_measured(name):
    rec = ncengine.Recorder()
    with pytest.raises(ValueError, match=f"^{name}: .* must be another name"):
        rec.observe(H, Y, W, **{name: 0.5})
    assert not rec.snapshots


def test_scalars_of_other_names_come_back(tmp_path):
    names = ["figures", "scalars", "train/loss", "a.b", "", "label\0s", "test.loss", "file"]
    rec = ncengine.Recorder()
    found = rec.observe(H, Y, W, **{name: 0.25 for name in names})
    assert all(found.numbers()[name] == 0.25 for name in names)
    assert json.loads(rec.save(tmp_path / "x.json").read_text())["snapshots"][0]["a.b"] == 0.25


@pytest.mark.parametrize("given", [{"step": 10**400}, {"loss": 10**400}], ids=["step", "scalar"])
def test_numbers_beyond_all_floats_are_refused(given):
    with pytest.raises(ValueError, match=f"^{next(iter(given))}: must be a number"):
        ncengine.Recorder().observe(H, Y, W, **given)


def test_an_accumulator_takes_the_last_layer_with_its_bias():
    acc = ncengine.metrics.Accumulator(5, 7)
    acc.update(H, Y)
    assert acc.result(W, np.ones(5)) == acc.result(W)
    with pytest.raises(ValueError, match="bias: shape"):
        acc.result(W, np.ones(4))
    in_torch = ncengine.metrics.Accumulator(5, 7)
    in_torch.update(torch.tensor(H), torch.tensor(Y))
    assert in_torch.result(torch.tensor(W), torch.ones(5)) == pytest.approx(acc.result(W))


@pytest.mark.parametrize("given", [{"loss": "3"}, {"step": "1"}, {"loss": b"1"}])
def test_a_text_is_no_number_even_if_it_reads_as_one(given):
    with pytest.raises(ValueError, match="must be a number"):
        ncengine.Recorder().observe(torch.randn(30, 4), torch.arange(30) % 3, **given)
