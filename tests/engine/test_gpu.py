"""On a GPU the same numbers as on the processor, where there is a GPU."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from ncengine import Recorder, run
from ncengine.architectures.build import initial_parameters
from ncengine.config import RunConfig
from ncengine.costs.memory import device_memory_needed
from ncengine.datasets import load
from ncengine.runs.record import pack, unpack
from ncengine.runs.run import Status
from ncengine.runs.store import Store
from ncengine.training.train import Training

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")

CPU, GPU = torch.device("cpu"), torch.device("cuda")
SMALL = {
    "dataset": "digits",
    "classes": 4,
    "samples_per_class": 12,
    "width": 8,
    "depth": 3,
    "seeds": 3,
    "precision": "float64",
    "epochs": 60,
    "warmup": 20,
}
NETWORKS = {
    "RN1": {},
    "RN2, pre-LN": {"architecture": "RN2", "norm": "pre"},
    "RN1, MSE and bias": {"loss": "MSE", "last_bias": True},
    "T11": {"architecture": "T11"},
    "T22, pre-LN": {"architecture": "T22", "norm": "pre", "patch_size": 4},
    "UFM": {"architecture": "UFM"},
}


def evaluated(config, device):
    objective = Training(config, load(config), device).train
    theta = initial_parameters(config.with_(precision="float64"), torch.float64)
    found = objective.evaluate(theta.to(device, getattr(torch, config.precision)))
    assert found.gradient.device.type == device.type
    return found.loss.cpu().numpy(), found.gradient.double().cpu().numpy()


def assert_near(found, expected, within):
    assert np.linalg.norm(found - expected) <= within * np.linalg.norm(expected)


@pytest.mark.parametrize("values", NETWORKS.values(), ids=NETWORKS)
def test_objective_and_gradient_are_those_of_the_processor(values):
    config = RunConfig(**SMALL | values)
    expected = evaluated(config, CPU)
    # float32 in full: a unit that rounds to tf32 would be off by about 3e-4.
    for precision, within in (("float64", 1e-12), ("float32", 2e-5)):
        found = evaluated(config.with_(precision=precision), GPU)
        for one, other in zip(found, expected):
            assert_near(one, other, within)


@pytest.mark.parametrize("solver", ["L-BFGS", "Adam", "AdamW", "SGD"])
@pytest.mark.parametrize("values", NETWORKS.values(), ids=NETWORKS)
def test_all_that_is_recorded_is_that_of_the_processor(values, solver):
    config = RunConfig(**SMALL | {"solver": solver, "learning_rate": 0.01, "epochs": 30} | values)
    if solver != "L-BFGS" and config.architecture != "UFM":
        config = config.with_(batch_size=16)
    here, there = (
        [step.snapshot for step in Training(config, load(config), device).steps()]
        for device in (CPU, GPU)
    )
    assert len(here) == len(there) > 5
    for one, other in zip(here, there):
        assert (one is None) == (other is None)
        for name in one or ():
            assert isinstance(other[name], np.ndarray)
            np.testing.assert_allclose(other[name], one[name], 1e-5, 1e-7, err_msg=name)


@pytest.mark.parametrize("devices", [(CPU, GPU), (GPU, CPU)], ids=["to the GPU", "from the GPU"])
@pytest.mark.parametrize("solver", ["L-BFGS", "Adam"])
def test_a_checkpoint_goes_on_elsewhere(devices, solver):
    config = RunConfig(**SMALL | {"solver": solver, "learning_rate": 0.01})
    whole = {s.passes: s.snapshot for s in Training(config, load(config), CPU).steps()}
    first, second = (Training(config, load(config), device) for device in devices)
    for step in first.steps():
        if step.passes == 30:
            break
    saved, _ = unpack(pack(first.state()), 0)
    second.restore(saved)
    for step in second.steps():
        expected = whole[step.passes]
        for name in expected or ():
            np.testing.assert_allclose(
                step.snapshot[name], expected[name], 1e-4, 1e-6, err_msg=name
            )
    assert step.passes == max(whole)


@pytest.mark.parametrize(
    "values",
    [
        {"samples_per_class": 100, "depth": 13, "width": 64},
        {"samples_per_class": 20, "depth": 5, "width": 64, "architecture": "T11"},
        {"samples_per_class": 150, "width": 64, "architecture": "UFM"},
    ],
    ids=["RN1", "T11", "UFM"],
)
def test_a_run_says_where_it_was_trained_and_keeps_to_the_memory_it_was_said_to_need(
    values, tmp_path, monkeypatch
):
    monkeypatch.delenv("NCENGINE_DEVICE", raising=False)
    config = RunConfig(**SMALL | {"classes": 10, "precision": "float32"} | values)
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    done = run(config, store=Store(tmp_path))
    assert done.status is Status.DONE
    assert done.machine["device"] == torch.cuda.get_device_name()
    assert torch.cuda.max_memory_allocated() - before <= device_memory_needed(config)


def test_a_network_of_ones_own_has_the_same_figures_and_is_trained_the_same():
    def recorded(device):
        torch.manual_seed(0)
        body = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Dropout(0.3))
        model = torch.nn.Sequential(body, torch.nn.Linear(32, 10)).double().to(device)
        samples = load_digits()
        probe = torch.tensor(samples.data / 16), torch.tensor(samples.target)
        recorder = Recorder(
            model, probe=probe, test=probe, ood=torch.rand(40, 64), layers=["0"], per_class=50
        )
        before = torch.cuda.get_rng_state()
        found = recorder.snapshot(0)
        with recorder.watch():
            inputs, labels = (values.to(device) for values in probe)
            torch.nn.functional.cross_entropy(model.eval()(inputs), labels)
        assert torch.equal(before, torch.cuda.get_rng_state())
        return [
            {name: value for name, value in one.flat().items() if isinstance(value, float)}
            for one in (found, recorder.snapshot(1))
        ]

    for found, expected in zip(recorded(GPU), recorded(CPU)):
        assert found == pytest.approx(expected, rel=1e-6, abs=1e-9)
