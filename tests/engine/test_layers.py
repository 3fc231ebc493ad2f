"""What is recorded of every layer: against plain torch.nn, and from training to result and back."""

from dataclasses import fields

import numpy as np
import pytest
import torch

from ncengine.config import RunConfig
from ncengine.datasets import load
from ncengine.jobs.foreground import run as train
from ncengine.jobs.job import run_job
from ncengine.runs import store as stores
from ncengine.runs.identity import identify
from ncengine.runs.run import Layers, Status
from ncengine.runs.store import Store
from ncengine.snapshots.names import BLOCKS, COLLAPSE, LAYERS
from ncengine.snapshots.plan import layer_passes, shown, shown_in_layers, snapshot_passes
from ncengine.training.train import Training

from .plain import plain_network
from .test_layer_metrics import by_definition

SMALL = {"classes": 3, "samples_per_class": 7, "width": 8, "depth": 3, "warmup": 10}
BASE = RunConfig(**SMALL, epochs=40, seeds=(0, 1, 2), precision="float64")

KINDS = [
    {},
    {"norm": "post"},
    {"architecture": "RN2"},
    {"architecture": "T11", "depth": 2},
    {"architecture": "T22", "depth": 2, "norm": "post"},
    {"solver": "Adam", "batch_size": 5},
    {"depth": 2},
]


def last_snapshot(config):
    training = Training(config, load(config), torch.device("cpu"))
    *_, last = (step.snapshot for step in training.steps() if step.snapshot is not None)
    return training, last


@pytest.mark.parametrize("changes", KINDS, ids=str)
def test_every_layer_is_what_the_plain_network_makes_of_it(changes):
    config = BASE.with_(**changes)
    training, last = last_snapshot(config)
    split = load(config).train
    x, labels = training.train.inputs, split.labels
    for r in range(3):
        net = plain_network(config, training.iterates[r])
        streams = [stream.detach() for stream in net.streams(x)]
        reads = [net.norm(stream).numpy() for stream in streams]
        for n, (stream, read) in enumerate(zip(streams, reads, strict=True)):
            expected = by_definition(read, labels, 3)
            for name in COLLAPSE:
                rel = 1e-6 if name in ("nc2", "effective_rank_features") else 1e-7
                found = last[f"layers_{name}"][r, n]
                assert found == pytest.approx(expected[name], rel=rel, abs=1e-7), name
            parts = (stream - stream.mean(1, keepdim=True)).numpy()
            norm = np.linalg.norm(parts, axis=1).mean()
            assert last["layers_stream_norm"][r, n] == pytest.approx(norm, rel=1e-9)
            common = np.linalg.norm(parts.mean(0)) / norm
            assert last["layers_common_share"][r, n] == pytest.approx(common, rel=1e-7)
        for n, (before, after) in enumerate(zip(reads[:-1], reads[1:], strict=True)):
            cosine = (before * after).sum(1) / config.width
            angle = np.arccos(np.clip(cosine, -1, 1)).mean()
            assert last["layers_movement"][r, n] == pytest.approx(angle, rel=1e-6)
        assert len(reads) == last["layers_nc1"].shape[1]


@pytest.mark.parametrize("changes", [*KINDS, {"precision": "float32"}], ids=str)
def test_the_last_layer_and_the_sum_of_blocks_are_the_runs_own(changes):
    _, last = last_snapshot(BASE.with_(**changes))
    np.testing.assert_allclose(last["layers_nc1"][:, -1], last["nc1"], rtol=1e-6)
    np.testing.assert_allclose(last["layers_decay"].sum(1), last["decay_hidden"], rtol=1e-6)


def test_free_features_are_one_layer_without_blocks():
    _, last = last_snapshot(BASE.with_(architecture="UFM"))
    assert last["layers_nc1"].shape == (3, 1)
    assert last["layers_decay"].shape == last["layers_movement"].shape == (3, 0)


def test_what_is_not_at_hand_is_computed_again(monkeypatch):
    """As with many samples, which go through the network in several sweeps."""
    _, expected = last_snapshot(BASE)
    monkeypatch.setattr("ncengine.training.objective.sweep_samples", lambda config: 4)
    _, found = last_snapshot(BASE)
    for name in (*LAYERS, *BLOCKS, "class_means", "features"):
        np.testing.assert_allclose(
            found[f"layers_{name}"], expected[f"layers_{name}"], rtol=1e-6, atol=2e-3
        )


def test_a_run_has_them_live_interrupted_and_finished(tmp_path):
    config, store = BASE.with_(precision="float32"), Store(tmp_path)

    def stop(passes, _):
        if passes >= 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_job(identify(config), store, stop)
    half = store.open(config)
    assert not half.status.busy and half.status is not Status.DONE
    assert half.layers is not None and len(half.layers) == len(half.geometry)
    whole, fresh = train(config, store=store), train(config, store=Store(tmp_path / "fresh"))
    for name in (*LAYERS, *BLOCKS, *(one.name for one in fields(Layers) if one.name != "measured")):
        np.testing.assert_array_equal(getattr(whole.layers, name), getattr(fresh.layers, name))
    found = whole.layers
    _, geometry = snapshot_passes(40)
    means, features = layer_passes(config)
    assert found.epoch.tolist() == sorted(geometry) == found.means_epoch.tolist() == sorted(means)
    assert found.features_epoch.tolist() == sorted(features) == [1, 10, 40]
    assert found.nc1.shape == (len(geometry), 3, 3)
    assert found.decay.shape == found.movement.shape == (len(geometry), 3, 2)
    samples = len(found.index)
    assert found.class_means.shape == (len(geometry), 3, 3, 3, 8)
    assert found.features.shape == (3, 3, 3, samples, 8)
    np.testing.assert_allclose(
        found.class_means[:, :, -1], whole.geometry.class_means, rtol=1e-3, atol=1e-3
    )
    last = whole.geometry.features[-1][:, found.index]
    np.testing.assert_array_equal(found.features[-1][:, -1], last)
    assert [one["seed"] for one in whole.layers_summary()] == [0, 1, 2]
    assert whole.layers_summary()[1]["nc1"][-1] == pytest.approx(whole.last("nc1", 1), rel=1e-6)


@pytest.mark.parametrize("depth, seeds, some", [(5, 3, 10), (34, 5, 3), (144, 8, 0)])
def test_features_of_layers_are_few_and_as_many_of_each_class(depth, seeds, some):
    config = RunConfig(depth=depth, seeds=seeds, epochs=2000)
    index, labels = shown_in_layers(config), shown(config)["labels"]
    assert np.bincount(labels[index], minlength=10).tolist() == [some] * 10
    _, passes = layer_passes(config)
    assert len(passes) * seeds * depth * len(index) * config.width * 2 <= 4e6


def test_a_result_of_an_earlier_engine_is_still_there_to_be_seen(tmp_path, monkeypatch):
    config, store = BASE.with_(precision="float32", epochs=3), Store(tmp_path)
    train(config, store=store)
    assert store.stand_in(config) is None
    now = identify(config).engine_version
    monkeypatch.setattr(stores, "EARLIER_VERSIONS", (now,))
    monkeypatch.setattr("ncengine.runs.identity.ENGINE_VERSION", "another")
    assert store.open(config).status is Status.ABSENT
    earlier = store.stand_in(config)
    assert earlier is not None and earlier.engine_version == now
    assert store.open(earlier).status is Status.DONE


def test_a_result_without_layers_is_a_run_without_layers(tmp_path, monkeypatch):
    monkeypatch.setattr("ncengine.jobs.ending.stack_layers", lambda snapshots, config: None)
    run = train(BASE.with_(epochs=3), store=Store(tmp_path))
    assert run.status is Status.DONE
    assert run.layers is None
    assert run.layers_summary() == []
