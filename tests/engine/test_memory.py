"""What a training needs of memory, against what a process really takes, and what is said."""

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from ncengine.config import RunConfig
from ncengine.costs import memory
from ncengine.costs.memory import device_memory_needed, memory_here, memory_needed, too_large
from ncengine.jobs import job, process_memory
from ncengine.jobs.process_memory import process_bytes
from ncengine.runs.identity import identify
from ncengine.runs.run import Status
from ncengine.runs.store import Store

MEBIBYTE = 2**20
# Trains up to a checkpoint, or goes on from there to the result. Says its peak, and where it began.
CURVED = {"solver": "K-FAC L-BFGS"}
PEAK = """
import os, re, sys
from pathlib import Path
from ncengine.config import RunConfig
from ncengine.jobs import job, reporter
from ncengine.runs.identity import identify
from ncengine.runs.store import Store

class Reporter(reporter.Reporter):
    def begin(self, training, state):
        super().begin(training, state)
        self.began = training.passes

    def after(self, passes):
        super().after(passes)
        if passes == int(sys.argv[3]):
            self.checkpoint()
            self.tell()

    def end(self):
        super().end()
        self.tell()

    def tell(self):  # not getrusage, which would count what the parent held when it forked
        peak = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]
        print(int(peak) * 1024, self.began, flush=True)
        os._exit(0)

job.Reporter = Reporter
job.run_job(identify(RunConfig.model_validate_json(sys.argv[1])), Store(sys.argv[2]))
"""


def peak(config, folder, until):
    """Most bytes that a process takes, and the pass at which it began."""
    command = [sys.executable, "-c", PEAK, config.model_dump_json(), str(folder), str(until)]
    found = subprocess.run(command, capture_output=True, text=True)
    assert found.returncode == 0 and found.stdout, found.stderr
    taken, began = map(int, found.stdout.split())
    return taken, began


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's /proc")
@pytest.mark.parametrize(
    "values",
    [
        {"depth": 34, "width": 128, "samples_per_class": 10, "seeds": 1, "epochs": 9, "warmup": 2},
        {"architecture": "UFM", "samples_per_class": 150, "seeds": 10, "epochs": 9},
        {
            "dataset": "gaussian",
            "samples_per_class": 5000,
            "input_dim": 1024,
            "seeds": 1,
            "solver": "SGD",
            "batch_size": 8192,
            "epochs": 3,
        },
        {"depth": 34, "width": 128, "samples_per_class": 10, "seeds": 1, "epochs": 112, **CURVED},
        {
            "dataset": "gaussian",
            "samples_per_class": 500,
            "input_dim": 1024,
            "seeds": 1,
            "epochs": 25,
            **CURVED,
        },
    ],
    ids=["network", "free features", "data", "curvature", "principal axes"],
)
def test_no_process_takes_much_more_than_is_said_with_checkpoint_and_data(values, tmp_path):
    config = RunConfig(**values)
    middle = config.epochs - 2
    told = memory_needed(config, process_bytes())
    # What goes on from a checkpoint holds that as well: the deep ones, with curvature and without.
    for until, began in ((middle, 0), (0, middle))[: 1 + (config.depth == 34)]:
        taken, was = peak(config, tmp_path, until)
        assert was == began
        assert 0.6 * told < taken < 1.3 * told


def test_a_gpu_is_asked_for_no_memory_of_the_host():
    few, of_process = RunConfig(samples_per_class=10), 700 * MEBIBYTE
    assert 0 < device_memory_needed(few) < memory_needed(few, of_process) - 600 * MEBIBYTE


def test_each_process_takes_what_one_does_before_it_trains():
    few, of_process = RunConfig(samples_per_class=10), 700 * MEBIBYTE
    more = memory_needed(few, of_process, 3) - memory_needed(few, of_process, 1)
    assert more == 2 * (of_process + memory_needed(few, 0, 2) - memory_needed(few, 0, 1))


def test_what_does_not_fit_is_said_with_both_amounts():
    config = RunConfig(width=1024, depth=200, seeds=10)
    needed = memory_needed(config, 300 * MEBIBYTE)
    said = too_large(config, 8 * 2**30, needed)
    assert "width, depth, samples or seeds" in said
    assert "8 GiB" in said
    assert "Adam" in said
    assert f"{needed / 2**30:.3g} GiB" in said
    assert "Adam" not in too_large(config.with_(solver="Adam"), MEBIBYTE, needed)
    assert not too_large(config, needed, needed)


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


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """A user's cache folder with nothing in it."""
    monkeypatch.setattr(process_memory, "user_cache", lambda: tmp_path / "cache")
    process_bytes.cache_clear()
    yield tmp_path / "cache"
    process_bytes.cache_clear()


# As `PEAK` does, without the engine: what any process takes that has loaded torch.
TORCH = """
import re, torch
from pathlib import Path
print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's /proc")
def test_what_a_process_takes_is_measured_where_torch_is_installed(own_cache):
    assert process_memory.known() is None
    torch = 1024 * int(
        subprocess.run([sys.executable, "-c", TORCH], capture_output=True, text=True).stdout
    )
    assert torch <= process_bytes() < torch + 200 * MEBIBYTE
    assert process_memory.known() == process_bytes()


def test_it_is_measured_once_for_an_installation_and_anew_for_another(own_cache, monkeypatch):
    measured = []

    def measure():
        measured.append(len(measured))
        return (100 + len(measured)) * MEBIBYTE

    monkeypatch.setattr(process_memory, "_measured", measure)
    assert process_bytes() == process_bytes() == 101 * MEBIBYTE
    process_bytes.cache_clear()
    assert process_bytes() == 101 * MEBIBYTE
    monkeypatch.setattr(process_memory, "_installation", lambda: "torch for CUDA in its place")
    assert process_memory.known() is None
    process_bytes.cache_clear()
    assert process_bytes() == process_memory.known() == 102 * MEBIBYTE
    assert len(list(own_cache.iterdir())) == 1


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", "\x00", '{"bytes": 1}', '{"bytes": -5}', '{"bytes": "NaN"}', "{"]
)
def test_what_else_lies_there_is_not_believed(own_cache, monkeypatch, content):
    monkeypatch.setattr(process_memory, "_measured", lambda: 123 * MEBIBYTE)
    assert process_bytes() == 123 * MEBIBYTE
    (path,) = own_cache.iterdir()
    kept = json.loads(path.read_text())
    with suppress(ValueError, TypeError):
        content = json.dumps(kept | json.loads(content) if content != "{}" else {})
    path.write_text(content)
    process_bytes.cache_clear()
    assert process_memory.known() is None
    assert process_bytes() == process_memory.known() == 123 * MEBIBYTE


def test_a_folder_that_cannot_be_written_or_a_measurement_that_fails_stops_nothing(
    own_cache, monkeypatch
):
    own_cache.write_text("no folder")
    monkeypatch.setattr(process_memory, "_measured", lambda: 123 * MEBIBYTE)
    assert process_bytes() == 123 * MEBIBYTE
    process_bytes.cache_clear()
    monkeypatch.setattr(process_memory, "_measured", lambda: None)
    assert process_bytes() == process_memory.ASSUMED_BYTES
