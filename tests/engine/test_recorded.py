"""Recordings in the cache: what was measured is read back, while it grows and after its end."""

import json
import logging
import math
import os
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch
from torch import nn

import ncengine
from ncengine import own
from ncengine.analysis.alike import project_alike
from ncengine.exchange.recordings import write_recording
from ncengine.runs import recorded
from ncengine.runs.journal import Journal
from ncengine.runs.recorded import FOLDER, About, Writer, headers, recording, recordings
from ncengine.runs.recorded_layers import points_of
from ncengine.runs.recorded_order import in_order
from ncengine.runs.store import Store
from ncengine.snapshots.names import BLOCKS, LAYERS


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
    assert one.figures["nc1"].shape == (2,) and (one.about.classes, one.about.width) == (3, 4)
    assert one.geometry.features.shape == (2, 1, 12, 4) and np.isnan(one.geometry.classifier).all()
    with pytest.raises(ValueError, match="what is kept there needs a name"):
        ncengine.Recorder(cache=tmp_path)


def test_a_training_that_diverges_goes_on_and_is_recorded(tmp_path):
    rng = np.random.default_rng(0)
    features, labels = rng.normal(size=(12, 4)), np.arange(12) % 3
    with ncengine.Recorder(name="diverges", cache=tmp_path) as recorder:
        for size in (1.0, 1e6, 1e-9, np.inf, np.nan):
            with np.errstate(all="ignore"):
                recorder.observe(size * features, labels, rng.normal(size=(3, 4)))
    (one,) = recordings(tmp_path)
    assert np.isfinite(one.figures["nc1"][:3]).all() and np.isnan(one.figures["nc1"][3:]).all()
    # Whatever their size, their digits are kept.
    shown = [features[labels == k] for k in range(3)]
    for g, size in enumerate((1.0, 1e6, 1e-9)):
        kept = one.geometry.features[g, 0].astype(float) / size
        assert np.abs(kept - np.concatenate(shown)).max() < 2e-3
    film = project_alike(one.geometry)
    assert film.epoch.tolist() == [0, 1, 2] and np.isfinite(film.points).all()


def test_steps_in_any_order_are_put_in_order_and_the_last_of_each_counts(tmp_path):
    writer = Writer(About("begun anew", 2, 3, layers=("one",)), tmp_path)
    given = [0, 1, 2, 1, 2.5, math.nan, 0]
    for n, step in enumerate(given):
        filled = {name: np.full((2, 3), float(n)) for name in ("class_means", "classifier")}
        points = filled | {"features": filled["classifier"], "labels": np.arange(2)}
        points |= points_of([np.full((2, 5), float(n))], [np.full((2, 5), float(n))], np.arange(2))
        writer.append(step, {"loss": n, "one.nc1": n}, points)
    found = recording(writer.key, tmp_path)
    shown = in_order(found)
    assert shown.steps.tolist() == [0, 1, 2, 2.5] and shown.replaced == 3
    assert shown.figures["loss"].tolist() == [6, 3, 2, 4]
    assert shown.geometry.epoch.tolist() == [0, 1, 2, 2.5]
    assert shown.geometry.class_means[:, 0, 0, 0].tolist() == [6, 3, 2, 4]
    assert shown.layers.measured["nc1"][:, 0, 0].tolist() == [6, 3, 2, 4]
    assert shown.layers.class_means[:, 0, 0, 0, 0].tolist() == [6, 3, 2, 4]
    assert shown.layers.features[:, 0, 0, 0, 0].tolist() == [6, 3, 2, 4]
    assert in_order(shown) is shown


def distances(points):
    points = np.asarray(points, float)
    return np.linalg.norm(points[:, None] - points[None, :], axis=-1)


def test_layers_are_those_of_a_run_with_one_seed(tmp_path):
    with made(tmp_path, layers=["1", "0"]) as recorder:
        found = [recorder.snapshot(step) for step in (0, 1)]
    (one,) = recordings(tmp_path)
    layers = one.layers
    assert len(layers) == 2 and layers.class_means.shape == (2, 1, 3, 3, 5)
    for name in LAYERS:
        assert getattr(layers, name).shape == (2, 1, 3), name
    for name in BLOCKS:
        assert getattr(layers, name).shape == (2, 1, 2) and np.isnan(getattr(layers, name)).all()
    for name in ("nc1", "nc1_pinv", "nc2", "ncc_error", "effective_rank"):
        rows = [[s.layers["1"].figures[name], s.layers["0"].figures[name]] for s in found]
        np.testing.assert_array_equal(getattr(layers, name)[:, 0, :2], rows)
    np.testing.assert_array_equal(layers.nc1[:, 0, 2], one.figures["nc1"])
    # What module 1 puts out is what the head, module 2, reads.
    for name in ("nc1", "nc2", "ncc_error", "effective_rank", "effective_rank_features"):
        values = getattr(layers, name)[:, 0]
        np.testing.assert_allclose(values[:, 0], values[:, 2], rtol=1e-6)
    assert np.isnan(layers.stream_norm).all() and layers.newest(0) == 1
    np.testing.assert_array_equal(layers.class_means[:, :, 2], one.geometry.class_means)
    np.testing.assert_array_equal(
        layers.features[:, :, 2], one.geometry.features[:, :, layers.index]
    )
    np.testing.assert_allclose(layers.class_means[:, :, 0], layers.class_means[:, :, 2], rtol=1e-6)
    np.testing.assert_array_equal(layers.features_epoch, one.geometry.epoch)


class Bottle(nn.Module):
    """Its layers are of widths 700, 3 and 8."""

    def __init__(self):
        super().__init__()
        self.wide, self.narrow = nn.Linear(6, 700), nn.Linear(700, 3)
        self.last, self.head = nn.Linear(3, 8), nn.Linear(8, 3)

    def forward(self, inputs):
        return self.head(self.last(self.narrow(self.wide(inputs).relu()).relu()))


def test_layers_of_any_width_keep_lengths_and_angles(tmp_path):
    torch.manual_seed(1)
    model, probe = Bottle(), (torch.randn(30, 6), torch.arange(30).sort().values % 3)
    with ncengine.Recorder(
        model, probe=probe, layers=["wide", "narrow"], name="b", cache=tmp_path
    ) as recorder:
        recorder.snapshot(0)
        torch.manual_seed(2)
        with torch.no_grad():
            model.wide.weight += 1e-4 * torch.randn_like(model.wide.weight)
        recorder.snapshot(1)
        wide = model.wide(probe[0]).detach().double().numpy()
    (one,) = recordings(tmp_path)
    layers, labels = one.layers, one.geometry.labels
    count = 3 + len(layers.index)
    assert layers.class_means.shape == (2, 1, 3, 3, count)
    order = np.argsort(probe[1].numpy(), kind="stable")
    means = np.stack([wide[probe[1].numpy() == k].mean(0) for k in range(3)])
    points = np.concatenate([means, wide[order][layers.index]])
    kept = np.concatenate([layers.class_means[1, 0, 0], layers.features[1, 0, 0]])
    np.testing.assert_allclose(distances(kept), distances(points), atol=5e-3 * np.abs(points).max())
    np.testing.assert_allclose(
        np.linalg.norm(kept[:3], axis=-1), np.linalg.norm(means, axis=-1), rtol=1e-5
    )
    # Little has changed of the network, and so of coordinates.
    np.testing.assert_allclose(layers.class_means[0, 0, 0], layers.class_means[1, 0, 0], atol=0.05)
    assert (
        not layers.class_means[:, 0, 1, :, 3:].any()
        and not layers.class_means[:, 0, 2, :, 8:].any()
    )
    np.testing.assert_array_equal(labels[layers.index], np.sort(labels[layers.index]))


def test_one_can_travel_through_the_layers_and_end_where_the_head_reads(tmp_path):
    from ncengine.analysis.alike import project_alike, through_alike

    torch.manual_seed(1)
    probe = (torch.randn(30, 6), torch.arange(30) % 3)
    with ncengine.Recorder(
        Bottle(), probe=probe, layers=["wide", "narrow"], name="b", cache=tmp_path
    ) as recorder:
        recorder.snapshot(0)
        recorder.snapshot(1)
    (one,) = recordings(tmp_path)
    film = project_alike(one.geometry)
    found = through_alike(one.layers, 1, one.geometry, film)
    assert found.epoch.tolist() == [1, 2, 3]
    np.testing.assert_allclose(found.means[-1], film.means[-1], atol=2e-3)
    np.testing.assert_allclose(found.points[-1], film.points[-1][one.layers.index], atol=2e-3)


def test_what_takes_too_much_room_is_left_out_layers_first(tmp_path, monkeypatch):
    with made(tmp_path, layers=["0"]) as recorder:
        recorder.snapshot(0)
        looked = recorder._geometry.looks[0]
        of_head = looked.means.nbytes + looked.weight.nbytes + looked.features.nbytes
        of_layers = sum(one.nbytes for one in looked.layers.values())
    monkeypatch.setattr("ncengine.recorder.written.MOST_BYTES", 2 * of_head + of_layers)
    with made(tmp_path, layers=["0"], name="second") as recorder:
        for step in range(4):
            recorder.snapshot(step)
    one = recordings(tmp_path)[0]
    assert one.layers.means_epoch.tolist() == [0] and one.geometry.epoch.tolist() == [0, 1]
    assert one.layers.nc1.shape == (4, 1, 2) and np.isfinite(one.layers.nc1).all()


def test_a_recording_without_layers_has_none(tmp_path):
    with made(tmp_path, layers=[]) as recorder:
        recorder.snapshot(0)
    assert recordings(tmp_path)[0].layers is None


RECORD = """
import os, sys
from ncengine.runs.recorded import About, Writer
writer = Writer(About("other", 2, 2), sys.argv[1])
writer.append(0, {"nc1": 1.0}, None)
print(writer.key, flush=True)
sys.stdin.readline()
os._exit(1)
"""


def test_whether_someone_records_is_told_by_what_dies_with_the_process(tmp_path):
    recorder = made(tmp_path)
    recorder.snapshot(0)
    assert recordings(tmp_path)[0].live and headers(tmp_path)[0].live
    recorder.close()
    one = recordings(tmp_path)[0]
    assert one.ended and not one.live and not headers(tmp_path)[0].live
    other = subprocess.Popen(
        [sys.executable, "-c", RECORD, tmp_path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    key = other.stdout.readline().strip()
    one = recording(key, tmp_path)
    assert one.live and not one.ended
    with pytest.raises(recorded.BeingRecorded, match="other: is being recorded now"):
        recorded.delete(key, tmp_path)
    other.communicate("\n")
    one = recording(key, tmp_path)
    assert not one.live and not one.ended and one.figures["nc1"].tolist() == [1.0]
    assert recorded.delete(key, tmp_path)
    assert recording(key, tmp_path) is None and len(recordings(tmp_path)) == 1
    assert not recorded.delete(key, tmp_path) and not recorded.delete("..", tmp_path)


def test_headers_tell_of_all_without_reading_arrays(tmp_path, monkeypatch):
    with made(tmp_path, class_names=["a", "b", "c"], weight_decay=0.5, loss="MSE") as recorder:
        for step in range(3):
            recorder.snapshot(step)
    monkeypatch.setattr(Journal, "read", None)
    (header,) = headers(tmp_path)
    about = header.about
    assert (header.ended, header.live, header.snapshots) == (True, False, 3)
    assert (about.class_names, about.weight_decay, about.loss) == (("a", "b", "c"), 0.5, "MSE")
    assert about.origin == "recorder"
    snapshots = tmp_path / FOLDER / header.key / "snapshots"
    os.truncate(snapshots, snapshots.stat().st_size - 1)
    assert headers(tmp_path)[0].snapshots == 2


def test_what_was_read_is_not_read_again(tmp_path, monkeypatch):
    starts, read = [], Journal.read

    def counting(journal, start=0):
        starts.append(start)
        return read(journal, start)

    monkeypatch.setattr(Journal, "read", counting)
    recorder = made(tmp_path)
    recorder.snapshot(0)
    first = recordings(tmp_path)[0]
    again = recording(first.key, tmp_path)
    assert again is first and starts == [0]
    before = {name: values.copy() for name, values in first.figures.items()}
    for step in range(1, 40):
        recorder.snapshot(step, **({"late": 1.0} if step > 20 else {}))
        one = recording(first.key, tmp_path)
        assert one.steps.tolist() == list(range(step + 1))
        assert len(one.geometry) == len(one.layers.features_epoch) == step + 1 or step >= 12
    assert starts == sorted(set(starts)) and len(starts) == 40
    for name, values in before.items():
        np.testing.assert_array_equal(first.figures[name], values)
    assert len(first.geometry) == 1
    monkeypatch.setattr(recorded, "_READINGS", type(recorded._READINGS)())
    anew = recording(first.key, tmp_path)
    assert anew is not one
    for name, values in anew.figures.items():
        np.testing.assert_array_equal(one.figures[name], values)
    np.testing.assert_array_equal(one.geometry.features, anew.geometry.features)
    np.testing.assert_array_equal(one.layers.class_means, anew.layers.class_means)
    assert np.isnan(one.figures["late"][:21]).all() and (one.figures["late"][21:] == 1).all()
    assert len(one.layers.features_epoch) == 12 and one.layers.features_epoch[-1] == 39


def test_many_may_read_while_one_writes(tmp_path):
    writer = Writer(About("mine", 2, 2), tmp_path)
    writer.append(0, {"value": 0.0}, None)
    done, wrong = threading.Event(), []

    def look():
        last = 0
        while not done.is_set() or last < 200:
            one = recording(writer.key, tmp_path)
            steps = one.steps.tolist()
            if steps != list(range(len(steps))) or len(steps) < last:
                wrong.append(steps)
            if one.figures["value"].tolist() != steps:
                wrong.append(one.figures["value"])
            last = len(steps)

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for step in range(1, 200):
        writer.append(step, {"value": float(step)}, None)
    writer.end()
    done.set()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_only_so_many_stay_in_memory(tmp_path, monkeypatch):
    for number in range(recorded.KEPT + 3):
        writer = Writer(About(str(number), 2, 2), tmp_path)
        writer.append(0, {"nc1": 1.0}, None)
        writer.end()
    assert len(recordings(tmp_path)) == recorded.KEPT + 3
    assert len(recorded._READINGS) == recorded.KEPT
    one = recording(writer.key, tmp_path)
    monkeypatch.setattr(recorded, "KEPT_BYTES", 1)
    assert recording(writer.key, tmp_path) is one and len(recorded._READINGS) == 1


def test_the_last_thumbnails_count(tmp_path):
    writer = Writer(About("mine", 2, 3, origin="files"), tmp_path)
    points = {
        "class_means": np.eye(2, 3, dtype=np.float32),
        "classifier": np.eye(2, 3, dtype=np.float32),
        "features": np.eye(4, 3, dtype=np.float16),
        "labels": np.array([0, 0, 1, 1]),
    }
    writer.append(0, {}, points | {"thumbnails": np.zeros((4, 2, 2), np.uint8)})
    writer.append(1, {}, points | {"thumbnails": np.full((4, 2, 2, 3), 7, np.uint8)})
    writer.append(2, {}, points)
    one = recording(writer.key, tmp_path)
    assert one.thumbnails.shape == (4, 2, 2, 3) and (one.thumbnails == 7).all()
    assert one.about.origin == "files" and len(one.geometry) == 3
    writer.change(floor=0.25)
    assert recording(writer.key, tmp_path).about.floor == 0.25
    writer.append(3, {}, {name: values[:2] for name, values in points.items()})
    assert recording(writer.key, tmp_path).thumbnails is None
    writer.end()


@pytest.mark.parametrize(
    "options, message",
    [
        ({"weight_decay": 0}, "weight_decay = 0: must be a positive number"),
        ({"weight_decay": True}, "weight_decay = True"),
        ({"loss": "hinge"}, "loss = 'hinge': must be one of CE, MSE"),
        ({"class_names": "abc"}, "class_names = 'abc': must be a list"),
        ({"class_names": ["a", "b"]}, "class_names: 2, must be one for each of 3 classes"),
        ({"class_names": ["a", "", "b"]}, "class_names: '', each must be a text"),
    ],
)
def test_what_is_said_of_a_training_is_checked(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        made(tmp_path, **options)


@pytest.mark.parametrize("channels, side, named", [(1, 6, False), (3, 64, False), (3, 64, True)])
def test_images_are_kept_small_in_the_order_of_the_samples(tmp_path, channels, side, named):
    labels = torch.tensor([2, 0, 1, 2, 1, 0] * 30)
    # Each image is of one brightness, which is its number.
    images = torch.arange(180.0).view(-1, 1, 1, 1).expand(-1, channels, side, side)
    model = nn.Sequential(nn.Flatten(), nn.Linear(channels * side**2, 3))
    inputs = images / 100 - 1
    probe = [{"image": inputs, "label": labels}] if named else (inputs, labels)
    with ncengine.Recorder(model, probe=probe, per_class=4, name="i", cache=tmp_path) as recorder:
        recorder.snapshot(0)
        recorder.snapshot(1)
    (one,) = recordings(tmp_path)
    shown = min(side, 32)
    assert one.thumbnails.shape == (12, shown, shown) + (3,) * (channels > 1)
    numbers = [n for k in range(3) for n in np.flatnonzero(labels == k)[:4]]
    seen = one.thumbnails.reshape(12, -1)
    assert (seen.min(1) == seen.max(1)).all()
    low, high = min(numbers), max(numbers)
    np.testing.assert_allclose(
        seen[:, 0], [255 * (n - low) / (high - low) for n in numbers], atol=1
    )
    assert len(one.geometry) == 2


def test_vectors_have_no_thumbnails(tmp_path):
    with made(tmp_path) as recorder:
        recorder.snapshot(0)
    assert recordings(tmp_path)[0].thumbnails is None


@pytest.mark.parametrize("weighted", [True, False])
def test_what_is_exported_comes_back_as_it_was(tmp_path, weighted):
    rng = np.random.default_rng(0)
    labels = np.arange(600) % 3
    names = ("cat", "dog", "cow")
    with ncengine.Recorder(name="first", cache=tmp_path, class_names=names) as recorder:
        for step in (0, 2, 5):
            weight = [rng.normal(size=(3, 4))] * weighted
            recorder.observe(rng.normal(size=(600, 4)), labels, *weight, step=step, loss=1 / 3)
    (before,) = recordings(tmp_path)
    path = write_recording(before, tmp_path / "all.npz")
    after = recording(own.record(own.read([(path.name, path)]), tmp_path), tmp_path)
    assert after.about.class_names == names and after.steps.tolist() == [0, 2, 5]
    # Those of all 600 samples, though fewer are in the file.
    for name in ("nc1", "cdnv", "loss", "samples"):
        assert after.figures[name].tolist() == before.figures[name].tolist()
    assert np.array_equal(after.geometry.features, before.geometry.features)
    assert np.array_equal(after.geometry.classifier, before.geometry.classifier, equal_nan=True)
