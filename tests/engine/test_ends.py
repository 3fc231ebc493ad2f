"""A longer training goes on from the end of a shorter one, and comes to the same."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from ncengine.config import RunConfig
from ncengine.jobs.foreground import run as train
from ncengine.jobs.job import run_job
from ncengine.runs import ends
from ncengine.runs.identity import identify
from ncengine.runs.run import Layers, Run, Status
from ncengine.runs.store import Store
from ncengine.snapshots.names import BLOCKS, GEOMETRY, LAYERS, PER_SEED, SHOWN
from ncengine.training import train as training

from .resting import RESTING

SMALL = {"classes": 3, "samples_per_class": 6, "width": 8, "depth": 3, "warmup": 10}
BASE = RunConfig(**SMALL, epochs=57, seeds=(0, 1, 2))


@pytest.fixture
def passes_computed(monkeypatch):
    """Counts passes, of whichever kind."""
    counted = []
    for name in ("_full_pass", "_mini_batch_pass", "_curvature_pass"):
        done = getattr(training.Training, name)

        def one_more(self, *look, done=done):
            counted.append(self.passes)
            return done(self, *look)

        monkeypatch.setattr(training.Training, name, one_more)
    return counted


def assert_same(a: Run, b: Run) -> None:
    assert a.status is b.status and a.passes == b.passes
    for name in ("epoch", *PER_SEED):
        np.testing.assert_array_equal(a.curves[name], b.curves[name], err_msg=name)
    for name in ("epoch", *GEOMETRY, *SHOWN):
        np.testing.assert_array_equal(
            getattr(a.geometry, name), getattr(b.geometry, name), err_msg=name
        )
    for name in (*LAYERS, *BLOCKS, *(one.name for one in fields(Layers) if one.name != "measured")):
        np.testing.assert_array_equal(getattr(a.layers, name), getattr(b.layers, name), name)
    np.testing.assert_array_equal(a.diverged, b.diverged)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"precision": "float64"},
        {"architecture": "UFM"},
        {"dataset": "gaussian"},
        {"solver": "Adam", "batch_size": 5, "epochs": 7},
        {"solver": "SGD", "learning_rate": 0.05},
        {"solver": "L-BFGS", "warmup": 80},
        {"epochs": 1},
    ],
    ids=str,
)
def test_the_longer_run_is_the_one_from_the_start(changes, tmp_path, passes_computed):
    config = BASE.with_(**changes)
    longer = config.with_(epochs=2 * config.epochs + 3)
    fresh = train(longer, store=Store(tmp_path / "fresh"), workers=1)
    store = Store(tmp_path / "both")
    short = train(config, store=store, workers=1)
    assert store.ends.passes_before(identify(longer)) == config.epochs
    passes_computed.clear()
    continued = train(longer, store=store, workers=1)
    assert passes_computed == list(range(config.epochs, longer.epochs))
    assert_same(continued, fresh)
    assert continued.seconds > short.seconds
    # The shorter one is what it was.
    assert store.open(config).passes == config.epochs


def test_shards_stay_cut_as_they_were(tmp_path, passes_computed):
    longer = BASE.with_(epochs=110)
    fresh = train(longer, store=Store(tmp_path / "fresh"), workers=1)
    store = Store(tmp_path / "both")
    run_job(identify(BASE), store, shards=[(0, 1), (2,)])
    passes_computed.clear()
    run_job(identify(longer), store, shards=[(0,), (1, 2)])
    assert len(passes_computed) == 2 * (110 - 57)
    assert_same(store.open(longer), fresh)


def test_what_came_to_rest_has_nothing_left_to_do(tmp_path, passes_computed):
    store = Store(tmp_path)
    short = train(RESTING, store=store)
    assert short.passes < RESTING.epochs
    passes_computed.clear()
    longer = train(RESTING.with_(epochs=900), store=store)
    assert passes_computed == []
    assert_same(longer, short)


def test_what_came_to_rest_at_its_last_pass_is_not_measured_less(tmp_path, passes_computed):
    rested = train(RESTING, store=Store(tmp_path / "first")).passes
    store = Store(tmp_path / "second")
    train(RESTING.with_(epochs=rested), store=store)
    longer = train(RESTING, store=store)
    assert_same(longer, train(RESTING, store=Store(tmp_path / "third")))


def test_a_falling_rate_begins_anew(tmp_path, passes_computed):
    config = BASE.with_(solver="Adam", rate_schedule="cosine", epochs=12)
    store = Store(tmp_path)
    train(config, store=store)
    passes_computed.clear()
    train(config.with_(epochs=20), store=store)
    assert len(passes_computed) == 20


@pytest.mark.parametrize("changes", [{"epochs": 40}, {"weight_decay": 0.01, "epochs": 90}])
def test_only_a_longer_training_of_the_same_goes_on(changes, tmp_path):
    store = Store(tmp_path)
    train(BASE, store=store)
    assert store.ends.passes_before(identify(BASE.with_(**changes))) == 0


@pytest.mark.parametrize("name", ["checkpoint", "snapshots", "asked.json"])
def test_a_damaged_end_is_passed_over(name, tmp_path):
    store, longer = Store(tmp_path / "both"), BASE.with_(epochs=70)
    train(BASE, store=store)
    path = store.ends.folder / identify(BASE).trajectory / name
    path.write_bytes(path.read_bytes()[:-7])
    assert_same(train(longer, store=store), train(longer, store=Store(tmp_path / "fresh")))


def test_the_longest_end_is_kept(tmp_path):
    store = Store(tmp_path)
    for epochs in (20, 57, 30):
        train(BASE.with_(epochs=epochs), store=store)
    assert store.ends.passes_before(identify(BASE.with_(epochs=58))) == 57
    assert len(list(store.ends.folder.iterdir())) == 1
    assert not list((store.root / "journal").iterdir())


def test_what_is_large_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(ends, "SMALL", 1000)
    store = Store(tmp_path)
    assert train(BASE, store=store).status is Status.DONE
    assert not store.ends.folder.exists()


def test_the_oldest_ends_go(tmp_path):
    store = Store(tmp_path)
    configs = [BASE.with_(epochs=5, weight_decay=decay) for decay in (0.1, 0.2, 0.3)]
    train(configs[0], store=store)
    one = sum(path.stat().st_size for path in store.ends.folder.rglob("*") if path.is_file())
    store.ends.most = int(2.5 * one)
    for config in configs[1:]:
        train(config, store=store)
    kept = [store.ends.passes_before(identify(config.with_(epochs=6))) for config in configs]
    assert kept == [0, 5, 5]
