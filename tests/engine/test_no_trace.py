"""What a careless look would leave behind: in buffers, in random numbers, in weights."""

import random
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations

import ncengine

torch.manual_seed(0)
X, Y = torch.randn(120, 12), torch.arange(120) % 5


class Average(nn.Module):
    """Counts by way of `.data`, which no version tells of."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(7, 5)
        self.register_buffer("average", torch.zeros(7))
        self.register_buffer("calls", torch.tensor(0))

    def forward(self, x):
        self.average.data.mul_(0.9).add_(0.1 * x.detach().mean(0))
        self.calls.data += 1
        return self.fc(x)


class AtFirstCall(nn.Module):
    """Makes a buffer of random numbers once it is called."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(7, 5)

    def forward(self, x):
        if not hasattr(self, "mask"):
            self.register_buffer("mask", torch.rand(7))
        return self.fc(x * self.mask)


class Counting(nn.Module):
    """Makes a buffer at its first call, and knows of it by a flag; what it gives hangs on calls."""

    def __init__(self):
        super().__init__()
        self.fc, self.calls, self.ready = nn.Linear(7, 5), 0, False

    def forward(self, x):
        self.calls += 1
        if not self.ready:
            self.register_buffer("mask", torch.rand(7))
            self.ready = True
        self.last = x
        return self.fc(x * self.mask * 0.9**self.calls)


class Adapter(nn.Module):
    """Beside a frozen matrix, with dropout."""

    def __init__(self):
        super().__init__()
        self.frozen, self.drop = nn.Linear(7, 5), nn.Dropout(0.5)
        self.down, self.up = nn.Linear(7, 2, bias=False), nn.Linear(2, 5, bias=False)

    def forward(self, x):
        return self.frozen(x) + self.up(self.down(self.drop(x)))


HEADS = {
    "average": Average,
    "at first call": AtFirstCall,
    "counting": Counting,
    "adapter": Adapter,
    "spectral norm": lambda: parametrizations.spectral_norm(nn.Linear(7, 5)),
    "old spectral norm": lambda: nn.utils.spectral_norm(nn.Linear(7, 5)),
    "weight norm": lambda: parametrizations.weight_norm(nn.Linear(7, 5)),
}


def trained(make, recorded, watched):
    torch.manual_seed(1)
    random.seed(1)
    np.random.seed(1)
    model = nn.Sequential(nn.Linear(12, 7), nn.ReLU(), nn.Dropout(0.2), make())
    optimiser = torch.optim.SGD(model.parameters(), 0.1)
    rec = ncengine.Recorder(model, probe=(X, Y)) if recorded else None
    heard = []
    model[3].register_forward_hook(lambda *_: heard.append(model.training))
    for step in range(4):
        optimiser.zero_grad()
        if watched and rec:
            with rec.watch():
                loss = F.cross_entropy(model(X), Y)
        else:
            loss = F.cross_entropy(model(X), Y)
        loss.backward()
        optimiser.step()
        if rec:
            rec.snapshot(step)
    after = torch.rand(1), random.random(), np.random.rand()
    return model.state_dict(), after, heard.count(True)


@pytest.mark.parametrize("watched", [False, True], ids=["probe", "watched"])
@pytest.mark.parametrize("kind", HEADS)
def test_training_is_the_same_to_the_bit(kind, watched):
    plain, numbers, heard = trained(HEADS[kind], False, watched)
    found, after, heard_too = trained(HEADS[kind], True, watched)
    assert list(found) == list(plain)
    for name, values in plain.items():
        assert torch.equal(found[name], values), name
    assert after == numbers
    assert heard_too == heard


def test_a_watched_adapter_is_recorded_as_it_is_in_evaluation():
    model = nn.Sequential(nn.Linear(12, 7), nn.ReLU(), Adapter())
    rec = ncengine.Recorder(model, probe=(X, Y))
    with rec.watch():
        F.cross_entropy(model(X), Y)
    watched, looked = rec.snapshot(0), rec.snapshot(1)
    assert watched.nc3_papyan == pytest.approx(looked.nc3_papyan, rel=1e-5)


def test_watching_within_a_watch_of_its_own_is_refused():
    model = nn.Sequential(nn.Linear(12, 7), nn.ReLU(), nn.Linear(7, 5))
    rec = ncengine.Recorder(model, probe=(X, Y))
    with pytest.raises(RuntimeError, match="within another watch"):
        with rec.watch(), rec.watch():
            F.cross_entropy(model(X), Y)
    with rec.watch():
        F.cross_entropy(model(X), Y)
    assert rec.snapshot(0).samples == 120


def test_a_snapshot_within_a_watch_is_of_the_probe_and_not_watched():
    model = nn.Sequential(nn.Linear(12, 7), nn.ReLU(), nn.Linear(7, 5))
    rec = ncengine.Recorder(model, probe=(X, Y))
    with rec.watch():
        F.cross_entropy(model(X[:60]), Y[:60])
        looked = rec.snapshot(0)
    watched = rec.snapshot(1)
    assert (looked.moved, looked.samples) == (False, 120)
    assert (watched.moved, watched.samples) == (True, 60)


# In a process of its own, which believes that there is another one.
SHARDED = """
import sys, torch, torch.distributed as dist
from torch import nn
from torch.distributed.fsdp import FullyShardedDataParallel, fully_shard
from torch.testing._internal.distributed.fake_pg import FakeStore
import ncengine

dist.init_process_group("fake", store=FakeStore(), rank=0, world_size=int(sys.argv[2]))
model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
if sys.argv[1] == "2":
    model = fully_shard(model)
else:
    cpu = torch.device("cpu")
    own = sys.argv[1] == "original"
    model = FullyShardedDataParallel(model, device_id=cpu, use_orig_params=own)
try:
    ncengine.Recorder(model, probe=(torch.randn(30, 6), torch.arange(30) % 3)).snapshot(0)
    print("measured")
except ValueError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("kind", "processes", "said"),
    [
        ("2", 2, "model: its parameter 0.weight is spread over processes"),
        ("1", 2, "model: it is spread over processes"),
        ("original", 2, "model: it is spread over processes"),
        ("1", 1, "measured"),
    ],
)
def test_a_sharded_model_is_refused_before_it_waits_for_others(kind, processes, said):
    command = [sys.executable, "-W", "ignore", "-c", SHARDED, kind, str(processes)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.stdout.startswith(said), done.stderr
