"""The recorder: figures of a plain training loop, and not a trace in it."""

import copy
import json
import math
import random
import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

import ncengine
from ncengine.recorder.heads import HeadNotFound
from tests.engine.test_metrics import definition


@pytest.fixture(autouse=True)
def _cache_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("NCENGINE_CACHE", str(tmp_path / "cache"))


def digits(count=600):
    found = load_digits()
    x = torch.tensor(found.data[:count] / 16, dtype=torch.float32)
    return x, torch.tensor(found.target[:count])


class Network(nn.Module):
    """With dropout and BatchNorm, which a careless look would change."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, 16)
        )
        self.fc = nn.Linear(16, 10)

    def forward(self, x):
        return self.fc(torch.tanh(self.body(x)))


def train(model, loader, passes, each=None, loss_of=F.cross_entropy, autocast=False):
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for n in range(passes):
        model.train()
        for x, y in loader:
            optimiser.zero_grad()
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
                loss = loss_of(model(x), y)
            loss.backward()
            optimiser.step()
        if each:
            each(n, float(loss.detach()))


def loader_of(**options):
    return DataLoader(TensorDataset(*digits()), 50, shuffle=True, **options)


def started(seed=0):
    torch.manual_seed(seed)
    np.random.seed(seed)
    random.seed(seed)
    return Network()


def states():
    return torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()


@pytest.mark.parametrize(
    "options",
    [{}, {"num_workers": 1, "persistent_workers": True}, {"generator": 5}],
    ids=["plain", "workers", "generator"],
)
def test_training_with_it_is_the_same_to_the_bit(options):
    def run(recorded):
        model = started()
        given = dict(options)
        if "generator" in given:
            given["generator"] = torch.Generator().manual_seed(given["generator"])
        loader = loader_of(**given)
        each = None
        if recorded:
            foreign = torch.rand(30, 64)
            recorder = ncengine.Recorder(
                model, probe=loader, test=loader, ood=foreign, layers=["body.2"], per_class=20
            )
            each = lambda n, loss: recorder.snapshot(n, loss=loss)  # noqa: E731
        else:
            torch.rand(30, 64)
        train(model, loader, 3, each)
        return model.state_dict(), states()

    (plain, before), (watched, after) = run(False), run(True)
    for name, values in plain.items():
        assert torch.equal(values, watched[name]), name
    assert torch.equal(before[0], after[0]) and before[1:] == after[1:]


@pytest.mark.parametrize("workers", [0, 1])
def test_a_loader_that_is_being_read_goes_on_where_it_was(workers):
    x = torch.arange(600.0)[:, None] * torch.ones(1, 64)
    data = TensorDataset(x, torch.arange(600) % 10)
    loader = DataLoader(
        data, 50, shuffle=True, num_workers=workers, persistent_workers=bool(workers)
    )
    read = []
    for n, (rows, _) in enumerate(loader):
        read += rows[:, 0].tolist()
        if n == 2:
            ncengine.Recorder(started(), probe=loader, per_class=5).snapshot(0)
    assert sorted(read) == list(range(600))


@pytest.mark.parametrize("autocast", [False, True])
def test_watching_live_batches_changes_nothing_either(autocast):
    def run(watched):
        model = started()
        recorder = ncengine.Recorder(model, probe=digits(), per_class=5) if watched else None

        def loss_of(z, y):
            return F.cross_entropy(z, y)

        optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
        torch.manual_seed(1)
        for x, y in loader_of():
            optimiser.zero_grad()
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
                if recorder:
                    with recorder.watch():
                        loss = loss_of(model(x), y)
                else:
                    loss = loss_of(model(x), y)
            loss.backward()
            optimiser.step()
        found = recorder.snapshot(0) if recorder else None
        return model.state_dict(), found

    (plain, _), (watched, found) = run(False), run(True)
    for name, values in plain.items():
        assert torch.equal(values, watched[name]), name
    assert found.moved and found.samples == 600 and found.nc1 > 0


def test_figures_are_those_of_the_engine_and_of_the_definition():
    model = started()
    x, y = digits()
    recorder = ncengine.Recorder(model, probe=(x, y), per_class=10**6)
    train(model, loader_of(), 4)
    found = recorder.snapshot(4)
    model.eval()
    with torch.no_grad():
        features = torch.tanh(model.body(x))
    weight = model.fc.weight.detach()
    ours = ncengine.metrics.neural_collapse(features, y, weight)
    exact = definition(features.numpy(), y.numpy(), weight.numpy())
    assert found.samples == 600
    for name, value in exact.items():
        assert getattr(found, name) == pytest.approx(value, rel=1e-6), name
        assert getattr(found, name) == pytest.approx(float(getattr(ours, name)), rel=1e-5), name
    layer = ncengine.metrics.layers.layer_collapse(features, y, 10)
    assert found.nc1_pinv == pytest.approx(float(layer.nc1_pinv), rel=1e-4)
    with torch.no_grad():
        right = (model(x).argmax(1) == y).float().mean()
    assert found.accuracy == pytest.approx(float(right))


def test_a_run_of_the_engine_has_the_same_figures_as_its_network_recorded():
    config = ncengine.RunConfig(
        dataset="digits",
        depth=2,
        width=16,
        samples_per_class=20,
        epochs=60,
        seeds=1,
        precision="float64",
    )
    run = ncengine.run(config)
    network = run.network(seed=0)
    train = ncengine.datasets.load(config).train
    recorder = ncengine.Recorder(network.double(), probe=(train.inputs, train.labels))
    found = recorder.snapshot(0)
    assert str(recorder.head) == "last: 16 → 10"
    for name in ("nc1", "nc2a", "nc2b", "nc3"):
        assert getattr(found, name) == pytest.approx(float(run.curves[name][-1, 0]), rel=1e-6), name


def test_parts_that_are_not_of_its_mode_stay_so():
    model = started().train()
    model.body[1].eval()
    model.body[3].p = 0.9
    recorder = ncengine.Recorder(model, probe=digits(), per_class=3)
    modes = {name: module.training for name, module in model.named_modules()}
    assert recorder.snapshot(0).nc1 == recorder.snapshot(1).nc1
    assert modes == {name: module.training for name, module in model.named_modules()}
    assert not modes["body.1"] and modes["body.3"]
    assert torch.is_grad_enabled()
    assert all(not module._forward_hooks for module in model.modules())


class Counting(Network):
    """Counts its batches in a buffer, another one is made anew, in evaluation mode as well."""

    def __init__(self):
        super().__init__()
        self.register_buffer("batches", torch.zeros(()))
        self.register_buffer("last", torch.zeros(3))

    def forward(self, x):
        self.batches += 1
        self.last = torch.rand(3)
        return super().forward(x)


def test_buffers_that_a_look_would_change_are_put_back():
    torch.manual_seed(0)
    model = Counting()
    last = model.last
    recorder = ncengine.Recorder(model, probe=digits(), per_class=3)
    recorder.snapshot(0)
    assert model.batches == 0 and model.last is last and not last.any()


def test_within_autocast_weights_are_still_trained():
    """Weights that were cast for a look must not be used, without a gradient, to train with."""

    def run(recorded):
        model = started()
        x, y = digits(40)
        recorder = ncengine.Recorder(model, probe=digits(), per_class=3) if recorded else None
        with torch.autocast("cpu", dtype=torch.bfloat16):
            if recorder:
                assert recorder.snapshot(0).nc1 > 0
            F.cross_entropy(model(x), y).backward()
        return [parameter.grad for parameter in model.parameters()]

    for plain, recorded in zip(run(False), run(True), strict=True):
        assert plain is not None and torch.equal(plain, recorded)


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float64])
def test_a_model_in_another_type_gets_inputs_of_its_own(kind):
    model = started().to(kind)
    found = ncengine.Recorder(model, probe=digits(), per_class=5).snapshot(0)
    reference = ncengine.Recorder(started(), probe=digits(), per_class=5).snapshot(0)
    assert found.nc1 == pytest.approx(reference.nc1, rel=0.05)


@pytest.fixture
def group(tmp_path):
    """A group of this process alone."""
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{tmp_path / 'group'}", rank=0, world_size=1
    )
    yield
    torch.distributed.destroy_process_group()


@pytest.mark.parametrize("wrap", ["compile", "in place", "parallel", "distributed"])
def test_wrapped_models_are_seen_through(wrap, group):
    model = started()
    if wrap == "compile":
        wrapped = torch.compile(model, backend="eager")
    elif wrap == "parallel":
        wrapped = nn.DataParallel(model)
    elif wrap == "distributed":
        wrapped = nn.parallel.DistributedDataParallel(model)
    else:
        wrapped = model
        model.compile(backend="eager")
    wrapped(digits(20)[0])
    recorder = ncengine.Recorder(wrapped, probe=digits(), per_class=5, layers=["body"])
    found = recorder.snapshot(0)
    plain = Network()
    plain.load_state_dict(model.state_dict())
    expected = ncengine.Recorder(plain, probe=digits(), per_class=5, layers=["body"]).snapshot(0)
    assert found.to_dict() == expected.to_dict()
    assert str(recorder.head) == "fc: 16 → 10"


def test_a_compiled_part_is_seen_into():
    model = started()
    model.body = torch.compile(model.body, backend="eager")
    model(digits(20)[0])
    recorder = ncengine.Recorder(model, probe=digits(), per_class=5, layers=["body._orig_mod.2"])
    assert recorder.snapshot(0).layers["body._orig_mod.2"].nc1 > 0


@pytest.mark.parametrize("wrap", ["compile", "in place", "a part"])
def test_watching_a_compiled_model_says_that_hooks_do_not_fire(wrap):
    model = started()
    if wrap == "compile":
        given = torch.compile(model, backend="eager")
    elif wrap == "a part":
        given, model.body = model, torch.compile(model.body, backend="eager")
    else:
        given = model
        model.compile(backend="eager")
    recorder = ncengine.Recorder(given, probe=digits(), per_class=5)
    with pytest.raises(RuntimeError, match="is compiled, and runs without hooks") as error:
        with recorder.watch():
            pytest.fail("went on")
    assert "observe" in str(error.value)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_scripted_model_says_the_way_out():
    scripted = torch.jit.trace(started().eval(), digits(5)[0])
    with pytest.raises((HeadNotFound, ValueError), match="observe|head="):
        ncengine.Recorder(scripted, probe=digits(), per_class=5)


def test_layers_pools_test_and_foreign_samples():
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 6, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(6, 10),
    )  # fmt: skip
    x, y = digits()
    foreign = torch.rand(40, 64)
    taken = {
        "mean": lambda z: z.mean((2, 3)),
        "max": lambda z: z.amax((2, 3)),
        "first": lambda z: z[:, :, 0, 0],
        "last": lambda z: z[:, :, -1, -1],
        "flatten": lambda z: z.movedim(1, -1).flatten(1),
    }
    taken["a function"] = taken["first"]
    for pool, by_hand in taken.items():
        recorder = ncengine.Recorder(
            model,
            probe=(x[:400], y[:400]),
            test=[(x[400:], y[400:])],
            ood=foreign,
            layers=["1"],
            pool=by_hand if pool == "a function" else pool,
            per_class=1000,
        )
        found = recorder.snapshot(0)
        with torch.no_grad():
            maps = model[:2](x[:400])
            features, tested, outside = (model[:5](t) for t in (x[:400], x[400:], foreign))
        layer = ncengine.metrics.layers.layer_collapse(by_hand(maps).double(), y[:400], 10)
        assert found.layers["1"].nc1 == pytest.approx(float(layer.nc1), rel=1e-5), pool
    means = np.stack([features.numpy()[y[:400] == k].mean(0) for k in range(10)])
    tested, labels = tested.numpy().astype(float), y[400:].numpy()
    distances = ((tested[:, None] - means) ** 2).sum(-1)
    logits = tested @ model[5].weight.detach().numpy().T + model[5].bias.detach().numpy()
    disagree = np.mean(distances.argmin(1) != logits.argmax(1))
    assert found.test.nc4 == pytest.approx(disagree, abs=1.01 / len(labels))
    exact = definition(tested, labels, model[5].weight.detach().numpy())
    assert found.test.nc1 == pytest.approx(exact["nc1"], rel=1e-4)
    mean = outside.double().numpy().mean(0)
    cosines = means @ mean / np.linalg.norm(means, axis=1) / np.linalg.norm(mean)
    assert found.nc5 == pytest.approx(np.abs(cosines).mean(), rel=1e-5)
    assert 0 <= found.neco_auroc <= 1


@pytest.mark.parametrize("pool", ["mean", "max", "first", "last"])
def test_layers_that_give_sequences_are_pooled(pool):
    from tests.engine.test_heads import Token

    torch.manual_seed(0)
    model = Token()
    words, labels = torch.randint(9, (60, 5)), torch.arange(60) % 4
    given = {"input_ids": words, "attention_mask": torch.ones_like(words), "labels": labels}
    recorder = ncengine.Recorder(model, probe=[given], layers=["mix"], pool=pool)
    found = recorder.snapshot(0)
    with torch.no_grad():
        states = model.mix(model.embed(words)).double()
        last = torch.tanh(states.float().cumsum(1))[:, -1]
    rows = {"mean": states.mean(1), "max": states.amax(1), "first": states[:, 0]}
    rows = rows.get(pool, states[:, -1])
    layer = ncengine.metrics.layers.layer_collapse(rows, labels, 4)
    assert found.layers["mix"].nc1 == pytest.approx(float(layer.nc1), rel=1e-5)
    exact = definition(last.numpy(), labels.numpy(), model.score.weight.detach().numpy())
    assert found.nc1 == pytest.approx(exact["nc1"], rel=1e-5)


def test_both_heads_of_a_pair_have_figures():
    from tests.engine.test_heads import Pair

    torch.manual_seed(0)
    model = Pair()
    x = torch.randn(80, 6)
    recorder = ncengine.Recorder(model, probe=(x, torch.arange(80) % 4))
    found = recorder.snapshot(0)
    assert set(found.heads) == {"head", "head_dist"}
    model.eval()
    with torch.no_grad():
        features, weight = model.side(x), model.head_dist.weight
    exact = ncengine.metrics.neural_collapse(features, torch.arange(80) % 4, weight)
    assert found.heads["head_dist"].nc1 == pytest.approx(float(exact.nc1), rel=1e-5)
    assert found.nc1 != found.heads["head"].nc1


def test_a_function_stands_for_the_head():
    model = started()

    def head(model, x):
        return torch.tanh(model.body(x)), model.fc.weight, model.fc.bias

    x, y = digits()
    named = ncengine.Recorder(model, probe=(x, y), per_class=8).snapshot(0)
    given = ncengine.Recorder(model, probe=(x, y), per_class=8, head=head).snapshot(0)
    assert given.to_dict() == named.to_dict()
    with pytest.raises(ValueError, match="the function must give features"):
        ncengine.Recorder(model, probe=(x, y), head=lambda model, x: model(x))


def test_observing_arrays_needs_no_model():
    rng = np.random.default_rng(0)
    features, labels = rng.normal(size=(40, 6)), np.arange(40) % 4
    weight, bias = rng.normal(size=(4, 6)), rng.normal(size=4)
    recorder = ncengine.Recorder(name="of files")
    found = recorder.observe(features, labels, weight, bias, loss=0.5)
    expected = ncengine.metrics.every(features, labels, weight, bias)
    assert found.figures == pytest.approx({name: float(v) for name, v in expected.items()})
    alone = recorder.observe(features.tolist(), labels.tolist())
    assert alone.nc1 == pytest.approx(found.nc1) and (found.step, alone.step) == (0, 1)
    assert "nc3" not in alone.figures
    with pytest.raises(AttributeError, match="no figure 'nc3'; there is nc1, nc1_pinv"):
        _ = alone.nc3
    with pytest.raises(ValueError, match="class 4 has no sample"):
        recorder.observe(features, labels, rng.normal(size=(5, 6)))
    with pytest.raises(ValueError, match="features: str, must be an array of numbers"):
        recorder.observe("x", labels)


def test_watched_batches_are_counted_together():
    model = started().eval()
    x, y = digits()
    recorder = ncengine.Recorder(model, probe=(x, y), per_class=10**6, counts=[60] * 10)
    for n in range(0, 600, 100):
        with recorder.watch():
            nn.CrossEntropyLoss()(model(x[n : n + 100]), y[n : n + 100])
    watched, probed = recorder.snapshot(0), recorder.snapshot(1)
    assert watched.moved and not probed.moved
    assert set(probed.figures) - set(watched.figures) == {"nc3", "nc4", "accuracy"}
    for name, value in watched.figures.items():
        assert value == pytest.approx(probed.figures[name], rel=1e-5, abs=1e-9), name
    with pytest.raises(RuntimeError, match="called 1 times, and labels were seen of 0 batches"):
        with recorder.watch():
            model(x)
    with recorder.watch(y):
        model(x)
    assert recorder.snapshot(2).samples == 600


def test_classes_of_unequal_size_are_not_held_against_a_simplex():
    x, y = digits(1000)
    keep = (y < 5) | (torch.arange(1000) % 4 == 0)
    model = started()
    found = ncengine.Recorder(model, probe=(x[keep], y[keep]), per_class=10).snapshot(0)
    assert found.ideal == "seli" and math.isnan(found.nc2a) and 0 <= found.seli_rows <= 1.5
    even = ncengine.Recorder(model, probe=(x[keep], y[keep]), per_class=10, counts=[9] * 10)
    assert even.snapshot(0).ideal == "simplex"


def test_what_is_saved_can_be_read(tmp_path):
    model = started()
    x, y = digits()
    with ncengine.Recorder(model, probe=(x, y), per_class=5, layers=["body.0"], name="n") as rec:
        found = [rec.snapshot(n, loss=1 / (n + 1)) for n in range(3)]
    whole = json.loads(rec.save(tmp_path / "a.json").read_text())
    assert whole["name"] == "n" and whole["snapshots"] == [one.to_dict() for one in found]
    assert whole["snapshots"][1]["layers"]["body.0"]["nc1"] == found[1].layers["body.0"].nc1
    table = np.genfromtxt(rec.save(tmp_path / "a.csv"), delimiter=",", names=True, dtype=None)
    np.testing.assert_allclose(table["nc1"], [one.nc1 for one in found])
    np.testing.assert_allclose(table["loss"], [1, 1 / 2, 1 / 3])
    with np.load(rec.save(tmp_path / "a.npz"), allow_pickle=False) as file:
        np.testing.assert_array_equal(file["figures/nc1"], [one.nc1 for one in found])
        assert file["geometry/class_means"].shape == (3, 10, 16)
        assert file["geometry/features"].shape == (3, 50, 16)
        np.testing.assert_array_equal(file["geometry/classifier"][2], model.fc.weight.detach())
    with pytest.raises(ValueError, match="must end with .json, .csv, .npz"):
        rec.save(tmp_path / "a.pt")
    with pytest.raises(RuntimeError, match="the recorder is closed"):
        rec.snapshot(3)
    with pytest.raises(ValueError, match="nothing was recorded yet"):
        ncengine.Recorder().save(tmp_path / "b.json")


def test_a_snapshot_can_be_copied():
    found = ncengine.Recorder(started(), probe=digits(), per_class=5).snapshot(0)
    assert copy.deepcopy(found).to_dict() == found.to_dict()


@pytest.mark.parametrize(
    "given, message",
    [
        (dict(probe=3), "probe: int, must be a loader"),
        (dict(probe=[]), "probe: there is no batch"),
        (dict(probe=[torch.zeros(3, 64)]), "probe: a batch has no labels"),
        (
            dict(probe=(torch.zeros(20, 64), torch.arange(20))),
            "labels from 0 to 19, must be from 0",
        ),
        (dict(probe=(torch.zeros(9, 64), torch.arange(9))), "class 9 has no sample"),
        (dict(probe=[(torch.zeros(9, 64), torch.zeros(9))]), "type torch.float32, must be"),
        (dict(probe=digits(), per_class=0), "per_class = 0: must be a whole number"),
        (dict(probe=digits(), pool="median"), "pool = 'median': must be mean, max"),
        (dict(probe=digits(), layers=["layer3"]), "there is no module 'layer3'; there is body"),
        (dict(probe=digits(), layers="body"), "layers = 'body': must be a list"),
        (dict(probe=digits(), head=3), "head = 3: must be a module's name"),
        (dict(probe=digits(), counts=[1, 2]), "counts: 2, must be one for each of 10 classes"),
        (dict(test=digits()), "test and ood are looked at beside a probe"),
        (dict(model=None, probe=digits()), "model = None: probe cannot be used without a model"),
        (dict(model=nn.LazyLinear(10), probe=digits()), "weight has no shape yet"),
    ],
)
def test_what_cannot_be_is_refused_in_words(given, message):
    with pytest.raises(ValueError, match=message):
        ncengine.Recorder(**{"model": started(), **given})


def test_what_is_no_model_is_refused():
    with pytest.raises(TypeError, match="model: str, must be a torch.nn.Module; see observe"):
        ncengine.Recorder("resnet18")
    recorder = ncengine.Recorder(started(), probe=digits(), per_class=3)
    with pytest.raises(ValueError, match="loss = 'low': must be a number"):
        recorder.snapshot(0, loss="low")
    with pytest.raises(ValueError, match="nc1: is measured, must be another name"):
        recorder.snapshot(0, nc1=3.0)
    with pytest.raises(ValueError, match="snapshot: there is no probe"):
        ncengine.Recorder(started()).snapshot(0)
    with pytest.raises(ValueError, match="watch: there must be a probe to find the head by"):
        with ncengine.Recorder(started()).watch():
            pass


def test_torch_is_not_loaded_before_a_recorder_is_asked_for():
    code = "import ncengine, sys; assert 'torch' not in sys.modules; ncengine.Recorder"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


@pytest.mark.parametrize("step", [float("nan"), float("inf"), None])
def test_a_step_is_a_place_among_others(step):
    recorder = ncengine.Recorder(nn.Linear(3, 2), probe=(torch.randn(6, 3), torch.arange(6) % 2))
    with pytest.raises(ValueError, match="^step = .*: must be a number"):
        recorder.snapshot(step)
    assert recorder.snapshots == []


class WithParts(nn.Module):
    """Two heads, of which the logits are the mean, and a layer that is called as test samples."""

    def __init__(self):
        super().__init__()
        self.test, self.a, self.b = nn.Linear(12, 8), nn.Linear(8, 4), nn.Linear(8, 4)

    def forward(self, x):
        h = self.test(x).relu()
        return (self.a(h) + self.b(h)) / 2


def test_layers_that_are_called_as_another_part_are_told_apart(tmp_path):
    torch.manual_seed(0)
    x, y = torch.randn(80, 12), torch.arange(80) % 4
    rec = ncengine.Recorder(
        WithParts(),
        probe=(x, y),
        test=(x[:40] + 1, y[:40]),
        layers=["test", "a"],
        name="parts",
        cache=tmp_path,
    )
    found = rec.snapshot(0)
    flat = found.flat()
    assert len({found.layers["test"].cdnv, found.test.cdnv}) == 2
    assert flat["test.cdnv"] == found.test.cdnv
    assert flat["layers.test.cdnv"] == found.layers["test"].cdnv
    assert flat["a.cdnv"] == found.heads["a"].cdnv
    assert flat["layers.a.cdnv"] == found.layers["a"].cdnv
    rec.close()
    kept = ncengine.recordings(tmp_path)[0]
    assert kept.about.layers == ("layers.test", "layers.a")
    for name in ("test.cdnv", "layers.test.cdnv", "a.cdnv", "layers.a.cdnv"):
        assert kept.figures[name][0] == pytest.approx(flat[name], rel=1e-12)
    with pytest.raises(ValueError, match="test.cdnv: is measured, must be another name"):
        again = ncengine.Recorder(WithParts(), probe=(x, y), test=(x, y))
        again.snapshot(0, **{"test.cdnv": 1.0})
