"""Metrics from batches against two passes over all samples, in twice the digits where it counts."""

import copy
import pickle
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch

import ncengine.metrics as metrics
from ncengine.metrics import Accumulator


def two_passes(features, labels, classes):
    """Means, and squared deviations, each in extended precision."""
    wide = features.astype(np.longdouble)
    means = np.stack([wide[labels == k].mean(0) for k in range(classes)])
    apart = wide - means[labels]
    centred = means - means.mean(0)
    variance = np.stack([(apart[labels == k] ** 2).sum(1).mean() for k in range(classes)])
    pairs = [
        (variance[a] + variance[b]) / 2 / ((means[a] - means[b]) ** 2).sum()
        for a in range(classes)
        for b in range(classes)
        if a != b
    ]
    scatter = (apart.T @ apart / len(labels)).astype(np.float64)
    between = (centred.T @ centred / classes).astype(np.float64)
    pinv = np.linalg.pinv(between, rcond=1e-10, hermitian=True)
    return {
        "nc1": float((apart**2).sum() / len(labels) / (centred**2).sum() * classes),
        "cdnv": float(np.mean(pairs)),
        "nc1_pinv": np.trace(scatter @ pinv) / classes,
    }


def problem(rng, spread):
    labels = rng.permutation(np.concatenate([np.arange(5), rng.integers(0, 5, 395)]))
    means = rng.normal(size=(5, 7)) + 3
    return means[labels] + spread * rng.normal(size=(400, 7)), labels


def accumulated(features, labels, sizes, library=np.asarray):
    made, start = Accumulator(5, 7), 0
    for size in sizes:
        end = start + size
        made.update(library(features[start:end]), library(labels[start:end]))
        start = end
    assert start == len(labels)
    return made


@pytest.mark.parametrize("library", [np.asarray, torch.from_numpy])
@pytest.mark.parametrize("sizes", [[400], [1] * 400, [0, 7, 193, 150, 50]], ids=["1", "400", "5"])
@pytest.mark.parametrize("spread, within", [(1.0, 1e-9), (1e-5, 1e-9), (1e-10, 1e-5)])
def test_agrees_with_two_passes(spread, within, sizes, library):
    features, labels = problem(np.random.default_rng(0), spread)
    result = accumulated(features, labels, sizes, library).result()
    for name, expected in two_passes(features, labels, 5).items():
        assert result[name] == pytest.approx(expected, rel=within, abs=0.0), name


@pytest.mark.parametrize("spread, within", [(1.0, 1e-9), (1e-5, 1e-9), (1e-10, 1e-5)])
def test_merging_is_as_good_in_any_tree(spread, within):
    features, labels = problem(np.random.default_rng(1), spread)
    parts = [Accumulator(5, 7) for _ in range(8)]
    for n, part in enumerate(parts):
        part.update(features[n::8], labels[n::8])
    left, right = parts[0], Accumulator(5, 7)
    for part in parts[1:4]:
        left.merge(part)
    for part in parts[4:]:
        right.merge(part)
    right.merge(Accumulator(5, 7))
    before = right.state()
    left.merge(Accumulator.from_state(right.state()))
    for name, expected in two_passes(features, labels, 5).items():
        assert left.result()[name] == pytest.approx(expected, rel=within, abs=0.0), name
    for name, values in right.state().items():
        np.testing.assert_array_equal(values, before[name])


def test_what_the_type_can_tell_is_told_however_small_it_is():
    """Deviations of 2^-44 times whole numbers, which float64 holds exactly beside means of 3."""
    rng = np.random.default_rng(8)
    means = 3 + rng.integers(-1024, 1025, size=(5, 7)) / 1024
    apart = rng.integers(-9, 10, size=(400, 7)).astype(float)
    labels = rng.permutation(np.concatenate([np.arange(5), rng.integers(0, 5, 395)]))
    features = means[labels] + 2.0**-44 * apart
    parts = [Accumulator(5, 7) for _ in range(4)]
    for n in range(0, 400, 20):
        parts[n // 20 % 4].update(features[n : n + 20], labels[n : n + 20])
    whole = Accumulator(5, 7)
    for part in parts:
        whole.merge(part)
    centred = np.concatenate([apart[labels == k] - apart[labels == k].mean(0) for k in range(5)])
    between = ((means - means.mean(0)) ** 2).sum() / 5
    expected = 2.0**-88 * (centred**2).sum() / 400 / between
    assert whole.result()["nc1"] == pytest.approx(expected, rel=1e-9, abs=0.0)


def test_one_of_torch_takes_in_one_of_numpy():
    features, labels = problem(np.random.default_rng(2), 1.0)
    made = accumulated(features[:200], labels[:200], [200], torch.from_numpy)
    made.merge(accumulated(features[200:], labels[200:], [200]))
    whole = accumulated(features, labels, [400]).result(np.eye(5, 7))
    assert made.result(torch.eye(5, 7)) == pytest.approx(whole, rel=1e-10, nan_ok=True)


def test_says_all_that_class_moments_say():
    rng = np.random.default_rng(3)
    features, labels = problem(rng, 0.5)
    weight = rng.normal(size=(5, 7))
    result = accumulated(features, labels, [100] * 4).result(weight, counts=[9] * 5)
    together = metrics.every(features, labels, weight, counts=[9] * 5)
    assert set(together) - set(result) == {"nc3", "nc4", "accuracy"}
    for name, value in result.items():
        assert value == pytest.approx(float(together[name]), rel=1e-9, abs=1e-12), name


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_narrow_types_are_added_up_in_double(dtype):
    features, labels = problem(np.random.default_rng(4), 1e-1)
    narrow = torch.from_numpy(features).to(dtype)
    made = accumulated(narrow, torch.from_numpy(labels), [100] * 4, lambda values: values)
    exact = two_passes(narrow.double().numpy(), labels, 5)
    assert made.result()["nc1"] == pytest.approx(exact["nc1"], rel=1e-9, abs=0.0)


def test_the_callers_arrays_stay_as_they_are():
    features, labels = problem(np.random.default_rng(5), 1.0)
    before = features.copy()
    made = accumulated(features, labels, [400])
    expected = made.result()
    np.testing.assert_array_equal(features, before)
    features[:] = 0
    assert made.result() == pytest.approx(expected, rel=1e-15, nan_ok=True)


def test_a_thousand_classes_of_width_2048_fit_in_200_megabytes():
    rng = np.random.default_rng(6)
    batch = rng.normal(size=(500, 2048))
    weight = rng.normal(size=(1000, 2048))
    tracemalloc.start()
    try:
        made = Accumulator(1000, 2048)
        for labels in (np.arange(500), np.arange(500, 1000)):
            made.update(batch, labels)
        made.result(weight)
        assert tracemalloc.get_traced_memory()[1] < 200e6
    finally:
        tracemalloc.stop()


# In a process of its own: what grows is what the operating system counts, from when everything is
# loaded and the caller's batch and weight are there. What the process held at most before is
# forgotten, by a 5 in clear_refs.
GROWN = """
import re, sys
from pathlib import Path
import numpy as np, torch
from ncengine.metrics import Accumulator

def mebibytes(name):
    return int(re.search(name + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

library = {"numpy": np.asarray, "torch": torch.from_numpy}[sys.argv[1]]
rng = np.random.default_rng(6)
batch = library(rng.normal(size=(500, 2048)).astype(sys.argv[2]))
weight = library(rng.normal(size=(1000, 2048)))
labels = [library(np.arange(500)), library(np.arange(500, 1000))]
small = Accumulator(5, 8)
small.update(batch[:10, :8], labels[0][:10] % 5)
small.result(weight[:5, :8])
Path("/proc/self/clear_refs").write_text("5")
before = mebibytes("VmRSS")
made = Accumulator(1000, 2048)
for each in labels:
    made.update(batch, each)
made.result(weight)
print((mebibytes("VmHWM") - before) * 2**20 / 1e6)
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="told by Linux")
def test_no_process_grows_by_more_than_that():
    """Of the library that takes more; `benchmarks recorder` measures both."""
    command = [sys.executable, "-c", GROWN, "torch", "float32"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    # The sums alone are 66 MB, so that what is measured is there to be seen.
    assert 66 < float(done.stdout) < 200


@pytest.mark.parametrize(
    "features, labels, message",
    [
        (np.zeros((2, 3)), [0, 1], r"features: shape \(2, 3\), must be \(B, 7\)"),
        (np.zeros(7), [0], r"features: shape \(7,\)"),
        (np.zeros((2, 7)), [0], r"labels: shape \(1,\), must be \(2,\)"),
        (np.zeros((2, 7)), [0, 5], "labels: from 0 to 5, must be from 0 to 4"),
        (np.zeros((2, 7)), [-1, 0], "labels: from -1 to 0"),
        (np.zeros((2, 7)), [0.0, 1.0], "float64, must be whole numbers"),
        (np.zeros((2, 7), int), [0, 1], "must be real floating point"),
        (np.full((2, 7), np.nan), [0, 1], "features: must be finite"),
    ],
)
def test_a_bad_batch_is_refused_and_changes_nothing(features, labels, message):
    good, numbers = problem(np.random.default_rng(7), 1.0)
    made = accumulated(good, numbers, [400])
    before = made.state()
    with pytest.raises(ValueError, match=message):
        made.update(features, np.asarray(labels))
    for name, values in made.state().items():
        np.testing.assert_array_equal(values, before[name])


def test_what_else_is_refused():
    made = Accumulator(3, 2)
    with pytest.raises(ValueError, match="class 0 has no sample"):
        made.result()
    made.update(np.zeros((2, 2)), np.array([0, 2]))
    with pytest.raises(ValueError, match="class 1 has no sample"):
        made.result()
    with pytest.raises(ValueError, match="other: 4 classes of width 2, must be 3 of width 2"):
        made.merge(Accumulator(4, 2))
    with pytest.raises(ValueError, match="numpy or torch, in all batches"):
        made.update(torch.zeros(1, 2), torch.tensor([1]))
    made.update(np.ones((1, 2)), np.array([1]))
    with pytest.raises(ValueError, match=r"weight: shape \(2, 2\), must be \(3, 2\)"):
        made.result(np.zeros((2, 2)))
    with pytest.raises(ValueError, match="classes = 1: must be a whole number, at least 2"):
        Accumulator(1, 2)
    with pytest.raises(ValueError, match="state: lacks squares"):
        Accumulator.from_state({k: v for k, v in made.state().items() if k != "squares"})


@pytest.mark.parametrize("again", [lambda one: pickle.loads(pickle.dumps(one)), copy.deepcopy])
@pytest.mark.parametrize("made", [np.asarray, torch.tensor], ids=["numpy", "torch"])
def test_one_can_be_sent_to_another_process_or_copied(made, again):
    rng = np.random.default_rng(0)
    features, labels = rng.normal(size=(60, 4)), np.arange(60) % 3
    whole, half = Accumulator(3, 4), Accumulator(3, 4)
    whole.update(made(features), made(labels))
    half.update(made(features[:30]), made(labels[:30]))
    other = again(half)
    other.update(made(features[30:]), made(labels[30:]))
    assert other.result() == pytest.approx(whole.result(), rel=1e-12)
    assert int(half.counts.sum()) == 30
    empty = again(Accumulator(3, 4))
    empty.merge(again(whole))
    assert empty.result() == pytest.approx(whole.result(), rel=1e-12)


@pytest.mark.parametrize("kind", [torch.uint16, torch.uint32, torch.uint64])
def test_labels_may_be_of_types_with_which_torch_does_little(kind):
    features, labels = torch.randn(30, 4), torch.arange(30) % 3
    one, other = Accumulator(3, 4), Accumulator(3, 4)
    one.update(features, labels)
    other.update(features, labels.to(kind))
    assert one.result() == other.result()
    with pytest.raises(ValueError, match="labels: from 0 to 3"):
        other.update(features, (torch.arange(30) % 4).to(kind))


@pytest.mark.parametrize("given", ["3", None, float("nan"), 2.5, float("inf")])
def test_sizes_that_are_none_are_refused(given):
    with pytest.raises(ValueError, match="classes = .*: must be a whole number, at least 2"):
        Accumulator(given, 4)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda made: made.update([[1.0, 2.0]], [0]), "features: list, must be an array"),
        (lambda made: made.merge(5), "other: int, must be an Accumulator"),
        (lambda made: made.result([[1.0, 2.0]] * 2), "weight: shape list, must be"),
    ],
)
def test_what_is_no_array_is_refused(ask, message):
    made = Accumulator(2, 2)
    made.update(np.eye(2), np.arange(2))
    with pytest.raises(ValueError, match=message):
        ask(made)
