"""A run as one file: the same to the bit when it comes back."""

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ncengine
from ncengine.config import RunConfig
from ncengine.runs import npz, whole
from ncengine.runs.gallery import Gallery
from ncengine.runs.identity import Identity, identify
from ncengine.runs.needed import most
from ncengine.runs.run import Status
from ncengine.runs.whole import arrays_of, load, read, save
from ncengine.snapshots.plan import layer_passes, log_spaced, snapshot_passes
from ncengine.version import ENGINE_VERSION
from tests.engine.conftest import SMALL
from tests.engine.made_up import assert_same, made_up

SHIPPED = Path(__file__).resolve().parents[2] / "cache" / "gallery"


def test_a_trained_run_comes_back_to_the_bit_and_read_only(trained, tmp_path):
    back = ncengine.load(trained.save(tmp_path / "run.npz"))
    assert_same(trained, back)
    assert back.parameters is not None
    for array in (back.curves["nc1"], back.geometry.features, back.parameters, back.layers.nc1):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_the_same_run_is_the_same_file(trained, content, tmp_path):
    assert save(trained, tmp_path / "again.npz").read_bytes() == content
    assert save(read(io.BytesIO(content)), tmp_path / "back.npz").read_bytes() == content


def test_numpy_reads_it_and_nothing_in_it_says_whose_machine_it_was(trained, tmp_path):
    path = save(trained, tmp_path / "run.npz")
    with np.load(path, allow_pickle=False) as archive:
        np.testing.assert_array_equal(archive["curves/nc1"], trained.curves["nc1"])
        np.testing.assert_array_equal(archive["parameters"], trained.parameters)
    entry = json.loads(zipfile.ZipFile(path).read("entry.json"))
    assert entry["engine_version"] == ENGINE_VERSION
    assert entry["data_checksum"] == identify(SMALL).data_checksum
    assert "host" not in entry and str(Path.home()) not in json.dumps(entry)


def test_every_shipped_run_comes_back(tmp_path):
    gallery = Gallery(SHIPPED)
    keys = [entry["key"] for entry in gallery.entries()][::20]
    assert keys
    for key in keys:
        run = gallery.open(key)
        assert_same(run, load(save(run, tmp_path / "run.npz")))


@settings(max_examples=60)
@given(
    architecture=st.sampled_from(["RN1", "RN2", "T11", "T22", "UFM"]),
    depth=st.integers(2, 5),
    width=st.integers(2, 9),
    seeds=st.lists(st.integers(0, 99), min_size=1, max_size=3, unique=True),
    snapshots=st.integers(1, 12),
    diverged=st.sampled_from([0.0, 0.5, 1.0]),
    parameters=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_run_comes_back_to_the_bit(
    architecture, depth, width, seeds, snapshots, diverged, parameters, seed
):
    config = RunConfig(
        architecture=architecture,
        depth=depth,
        width=width,
        classes=3,
        samples_per_class=4,
        epochs=40,
        seeds=tuple(seeds),
    )
    rng = np.random.default_rng(seed)
    looks = int(rng.integers(1, snapshots + 1))
    run = made_up(config, rng, snapshots, looks, diverged, parameters)
    file = io.BytesIO()
    npz.write(file, whole.entry_of(run), arrays_of(run))
    assert_same(run, read(file))


def test_a_run_of_an_engine_that_showed_more_and_knew_no_layers_comes_back(tmp_path):
    config = SMALL.with_(samples_per_class=100, solver="L-BFGS", initial_scale=1.0, epochs=1000)
    rng, kept, passes = np.random.default_rng(0), 270, sorted(log_spaced(1000, 18))
    run = made_up(config, rng, 60, 1, 0.0, False)
    before, frames = run.geometry, (len(passes), 2)
    geometry = replace(
        before,
        epoch=np.array(passes),
        class_means=rng.normal(size=(*frames, 3, 6)).astype(np.float32),
        classifier=rng.normal(size=(*frames, 3, 6)).astype(np.float32),
        features=rng.normal(size=(*frames, kept, 6)).astype(np.float16),
        labels=np.repeat(np.arange(3), kept // 3),
        sample_index=np.arange(kept),
        test_features=np.zeros((*frames, len(before.test_labels), 6), np.float16),
    )
    identity = Identity(config, "made up", "3")
    machine = {**run.machine, "version": "3"}
    lacking = frozenset({"fit"})
    run = replace(run, geometry=geometry, layers=None, machine=machine, key=identity.key)
    run = replace(run, not_recorded=lacking)
    assert_same(run, load(save(run, tmp_path / "run.npz")))


def test_a_metric_that_was_added_since_is_absent_and_said_to_be(trained):
    arrays = arrays_of(trained)
    for name in ("curves/nc3", "layers/measured/stream_norm", "layers/measured/movement"):
        del arrays[name]
    file = io.BytesIO()
    npz.write(file, whole.entry_of(trained), arrays)
    back = read(file)
    assert back.not_recorded == {"nc3", "layers_stream_norm", "layers_movement"}
    assert np.isnan(back.curves["nc3"]).all() and back.curves["nc3"].shape == (back.points, 2)
    assert back.layers.movement.shape == trained.layers.movement.shape
    np.testing.assert_array_equal(back.curves["nc1"], trained.curves["nc1"])
    del arrays["curves/loss"]
    file = io.BytesIO()
    npz.write(file, whole.entry_of(trained), arrays)
    with pytest.raises(npz.Unsound, match="curves/loss: it is not there"):
        read(file)


def test_what_is_not_finished_cannot_be_saved_nor_under_another_ending(trained, tmp_path):
    with pytest.raises(ValueError, match="running; only a finished run"):
        save(replace(trained, status=Status.RUNNING), tmp_path / "run.npz")
    with pytest.raises(ValueError, match=r"must end in \.npz"):
        save(trained, tmp_path / "run.zip")
    with pytest.raises(ValueError, match="on which data"):
        save(replace(trained, data_checksum=""), tmp_path / "run.npz")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("depth, epochs, seeds", [(2, 1, 1), (3, 700, 2), (5, 5000, 3)])
def test_what_is_planned_fits_into_what_is_let_in(depth, epochs, seeds):
    config = SMALL.with_(depth=depth, epochs=epochs, seeds=seeds)
    limits = most(config)
    metrics, geometry = snapshot_passes(config.budget)
    means, features = layer_passes(config)
    planned = {"T": metrics, "G": geometry, "H": geometry, "M": means, "F": features}
    assert all(limits[axis] >= len(passes) + 1 for axis, passes in planned.items())
