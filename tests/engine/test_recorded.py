"""Recordings in the cache: what was measured is read back, while it grows and after its end."""

import json
import logging
import os

import numpy as np
import pytest
import torch
from torch import nn

import ncengine
from ncengine.runs.recorded import FOLDER, recording, recordings
from ncengine.runs.store import Store


def made(cache, **options):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3))
    probe = (torch.randn(30, 6), torch.arange(30) % 3)
    options = {"name": "mine", "layers": ["0"], "test": probe, "per_class": 8, **options}
    return ncengine.Recorder(model, probe=probe, cache=cache, **options)


def test_what_was_measured_is_read_while_it_grows(tmp_path):
    recorder = made(tmp_path)
    assert recordings(tmp_path) == []
    first = recorder.snapshot(0, loss=2.0)
    (one,) = recordings(tmp_path)
    assert not one.ended and one.about.name == "mine" and one.about.head == "2: 5 → 3"
    assert (one.about.classes, one.about.width, one.about.layers) == (3, 5, ("0",))
    second = recorder.snapshot(2.5)
    recorder.close()
    again = recording(one.key, tmp_path)
    assert again.ended and again.about == one.about
    np.testing.assert_array_equal(again.steps, [0, 2.5])
    np.testing.assert_array_equal(again.figures["nc1"], [first.nc1, second.nc1])
    np.testing.assert_array_equal(
        again.figures["0.cdnv"], [s.layers["0"].cdnv for s in (first, second)]
    )
    np.testing.assert_array_equal(again.figures["test.nc4"], [first.test.nc4, second.test.nc4])
    np.testing.assert_array_equal(again.figures["loss"], [2.0, np.nan])
    geometry = again.geometry
    assert geometry.class_means.shape == geometry.classifier.shape == (2, 1, 3, 5)
    assert geometry.features.shape == (2, 1, 24, 5)
    np.testing.assert_array_equal(geometry.labels, np.repeat([0, 1, 2], 8))
    for k in range(3):
        mean = geometry.features[0, 0, geometry.labels == k].astype(float).mean(0)
        np.testing.assert_allclose(geometry.class_means[0, 0, k], mean, atol=2e-3)


def test_it_lies_beside_the_runs_and_is_none(tmp_path):
    with made(tmp_path) as recorder:
        recorder.snapshot(0)
    store = Store(tmp_path)
    assert store.journals() == [] and store.index.entries() == [] and store.imported.entries() == []
    assert len(recordings(tmp_path)) == 1


def test_the_newest_comes_first_and_what_is_damaged_is_passed_over(tmp_path, caplog):
    keys = []
    for name in ("one", "two", "three"):
        with made(tmp_path, name=name) as recorder:
            recorder.snapshot(0)
            recorder.snapshot(1)
        keys.append(recordings(tmp_path)[0].key)
    assert [one.about.name for one in recordings(tmp_path)] == ["three", "two", "one"]
    about = tmp_path / FOLDER / keys[0] / "asked.json"
    about.write_text(json.dumps({**json.loads(about.read_text()), "classes": None, "layers": 3}))
    snapshots = tmp_path / FOLDER / keys[1] / "snapshots"
    os.truncate(snapshots, snapshots.stat().st_size - 3)
    with caplog.at_level(logging.WARNING):
        found = recordings(tmp_path)
    assert [one.about.name for one in found] == ["three", "two"]
    assert found[1].steps.tolist() == [0.0]
    assert "passed over" in caplog.text
    assert recording("../x", tmp_path) is None and recording("abc", tmp_path) is None


def test_a_disk_that_cannot_be_written_to_stops_no_training(tmp_path, caplog):
    recorder = made(tmp_path)
    recorder.snapshot(0)
    (one,) = recordings(tmp_path)
    snapshots = tmp_path / FOLDER / one.key / "snapshots"
    snapshots.unlink()
    snapshots.mkdir()
    with caplog.at_level(logging.WARNING):
        assert recorder.snapshot(1).nc1 > 0
        recorder.snapshot(2)
        recorder.close()
    assert caplog.text.count("the recording is not kept any more") == 1
    assert len(recorder.snapshots) == 3


def test_observed_arrays_are_kept_too(tmp_path):
    rng = np.random.default_rng(0)
    recorder = ncengine.Recorder(name="arrays", cache=tmp_path)
    for _ in range(2):
        recorder.observe(rng.normal(size=(12, 4)), np.arange(12) % 3)
    (one,) = recordings(tmp_path)
    assert one.figures["nc1"].shape == (2,) and one.geometry is None
    with pytest.raises(ValueError, match="what is kept there needs a name"):
        ncengine.Recorder(cache=tmp_path)
