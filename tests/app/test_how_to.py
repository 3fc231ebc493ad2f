"""The code that the page Recorded offers is run as it stands."""

import io
from contextlib import redirect_stdout

import numpy as np
import pytest
import torch

import ncengine
from app.recorded import how_to
from ncengine import own
from ncengine.runs import recorded


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("NCENGINE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "cache"


def run(code, **names):
    with redirect_stdout(io.StringIO()):
        exec(compile(code, "how_to", "exec"), names)


def only(cache):
    (one,) = recorded.recordings(cache)
    return one


def samples():
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 4
    return (np.eye(6)[labels] + 0.3 * rng.normal(size=(40, 6))).astype(np.float32), labels


def test_in_pytorch(cache):
    inputs, labels = samples()
    data = torch.utils.data.TensorDataset(torch.tensor(inputs), torch.tensor(labels))
    loader = torch.utils.data.DataLoader(data, 8)
    model = torch.nn.Linear(6, 4)
    run(how_to.PYTORCH, model=model, loader=loader, epochs=3, train=lambda *_: None)
    assert only(cache).steps.tolist() == [0, 1, 2] and only(cache).ended


def test_in_jax_by_its_arrays(cache):
    inputs, labels = samples()
    rng = np.random.default_rng(1)
    params = {"head": {"kernel": rng.normal(size=(6, 4)), "bias": np.zeros(4)}}
    names = {"params": params, "x": inputs, "y": labels, "epochs": 2}
    run(how_to.JAX, train=lambda params: params, features=lambda params, x: x, **names)
    one = only(cache)
    assert one.about.name == "my network in JAX" and (one.about.classes, one.about.width) == (4, 6)
    expected = ncengine.metrics.every(inputs, labels, params["head"]["kernel"].T, np.zeros(4))
    assert one.figures["nc1"].tolist() == pytest.approx([float(expected["nc1"])] * 2)


def test_as_files(cache):
    features, labels = samples()
    weight, bias = np.random.default_rng(1).normal(size=(4, 6)), np.zeros(4)
    run(how_to.FILES, features=features, labels=labels, weight=weight, bias=bias)
    with open("my network.npz", "rb") as file:
        key = own.record(own.read([("my network.npz", file)]), cache)
    assert recorded.recording(key, cache).about.origin == "files"


@pytest.mark.parametrize("way", ["LIGHTNING", "TRANSFORMERS"])
def test_by_a_callback_of_a_library(way):
    """Where that library is installed it is run whole, see tests of the integrations."""
    compile(getattr(how_to, way), way, "exec")
    assert "CollapseCallback(probe=" in getattr(how_to, way) and "name=" in getattr(how_to, way)
