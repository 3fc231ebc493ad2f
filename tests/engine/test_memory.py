"""What a training needs of memory, against what a process really takes, and what is said."""

import subprocess
import sys
from pathlib import Path

import pytest

from ncengine.config import RunConfig
from ncengine.costs import memory
from ncengine.costs.memory import memory_here, memory_needed, too_large
from ncengine.jobs import job
from ncengine.runs.identity import identify
from ncengine.runs.run import Status
from ncengine.runs.store import Store

MEBIBYTE = 2**20
PEAK = """
import re, sys
from pathlib import Path
from ncengine.config import RunConfig
from ncengine.datasets import load
from ncengine.training.train import Training
import torch
config = RunConfig(**eval(sys.argv[1]))
def peak():  # in kB; getrusage would count what the parent held when it forked
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
Training(config.with_(width=4, depth=2), load(config), torch.device("cpu")).train
before = peak()
training = Training(config, load(config), torch.device("cpu"))
for step in training.steps():
    if step.passes == 4:
        break
print((peak() - before) * 1024)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's /proc")
@pytest.mark.parametrize(
    "values",
    [
        {"width": 512, "depth": 8, "samples_per_class": 20, "seeds": 2, "warmup": 0},
        {"architecture": "T11", "depth": 8, "samples_per_class": 100, "seeds": 2, "solver": "Adam"},
    ],
)
def test_it_is_about_what_a_process_takes(values):
    found = subprocess.run(
        [sys.executable, "-c", PEAK, repr(values)], capture_output=True, text=True, check=True
    )
    taken, told = int(found.stdout), memory_needed(RunConfig(**values))
    assert taken > 100 * MEBIBYTE
    assert 0.5 < told / taken < 2


def test_what_does_not_fit_is_said_with_both_amounts():
    config = RunConfig(width=1024, depth=200, seeds=10)
    said = too_large(config, 8 * 2**30)
    assert "8 GiB" in said
    assert "Adam" in said
    assert f"{memory_needed(config) / 2**30:.3g} GiB" in said
    assert "Adam" not in too_large(config.with_(solver="Adam"), MEBIBYTE)
    assert not too_large(RunConfig(), 8 * 2**30)


@pytest.mark.parametrize("limit", ["max\n", "", None, "4096\n"])
def test_a_containers_limit_counts(limit, tmp_path, monkeypatch):
    path = tmp_path / "memory.max"
    if limit is not None:
        path.write_text(limit)
    monkeypatch.setattr(memory, "CGROUP_LIMIT", path)
    assert (memory_here() == 4096) == (limit == "4096\n")
    assert memory_here() > 0


def test_a_run_that_does_not_fit_fails_before_it_takes_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(job, "memory_of", lambda device: MEBIBYTE)
    config = RunConfig(epochs=5)
    job.run_job(identify(config), Store(tmp_path))
    run = Store(tmp_path).open(config)
    assert run.status is Status.FAILED
    assert "memory" in run.error
