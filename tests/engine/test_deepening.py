"""Deepening: blocks that are split, ladders that are climbed, and what is kept of a rung."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import ncengine
from ncengine.architectures.build import build, features, initial_parameters
from ncengine.architectures.deepening import deepened, shares
from ncengine.architectures.shapes import parameter_shapes
from ncengine.config import RunConfig, grid
from ncengine.datasets import load
from ncengine.jobs.ladder import missing_rungs
from ncengine.runs.identity import identify
from ncengine.runs.run import Status
from ncengine.runs.store import Store
from ncengine.training.objective import Objective
from ncengine.training.train import Training

# Post-LN and L-BFGS, to which it is offered.
CLIMB = RunConfig(
    classes=3, samples_per_class=8, width=8, norm="post", warmup=10, seeds=2, start="deepening",
    epochs=30,
)  # fmt: skip
SCRATCH = CLIMB.with_(start="random")


# The schema.


def test_the_ladder_is_that_of_the_papers_depths():
    depths = {}
    for depth in (2, 3, 4, 5, 8, 12, 34, 60):
        below = CLIMB.with_(depth=depth).shallower
        depths[depth] = below and below.depth
        assert below is None or below == CLIMB.with_(depth=below.depth)
    assert depths == {2: None, 3: 2, 4: 3, 5: 3, 8: 5, 12: 8, 34: 21, 60: 34}
    assert SCRATCH.with_(depth=34).shallower is None


def test_the_budget_is_passes_a_rung_and_more_at_the_bottom():
    assert RunConfig(norm="post", start="deepening").epochs == 200
    assert RunConfig(norm="post", start="deepening", depth=8).budget == 200
    assert RunConfig(norm="post", start="deepening", depth=2).budget == 600
    assert CLIMB.with_(depth=2).budget == 90
    assert SCRATCH.with_(depth=2).budget == 30
    # Who picks it in a picker gets its budget, and the usual one on going back.
    climb, _ = RunConfig(norm="post").repicked({"start": "deepening"})
    assert climb.epochs == 200
    assert climb.repicked({"start": "random"})[0].epochs == 1000


def test_it_is_offered_where_it_helps_and_named():
    assert "by deepening" in CLIMB.title() and "by deepening" not in SCRATCH.title()
    for other in ({"norm": "pre"}, {"architecture": "RN2"}, {"solver": "Adam"}):
        assert CLIMB.with_(**other).start == "random"
        assert "start" not in CLIMB.with_(**other).params
    assert identify(CLIMB).key != identify(SCRATCH).key


# Splitting.


@pytest.mark.parametrize(("blocks", "deeper"), [(1, 2), (2, 4), (4, 7), (12, 20), (20, 33), (3, 3)])
def test_blocks_are_split_as_evenly_as_can_be(blocks, deeper):
    found = shares(blocks, deeper)
    assert sum(found) == deeper and len(found) == blocks
    assert set(found) <= {deeper // blocks, -(-deeper // blocks)}


@pytest.mark.parametrize("depths", [(2, 3), (3, 5), (5, 8), (5, 13)])
def test_a_split_network_does_what_the_shallow_one_did(depths):
    """Against a loop over blocks; with small weights LayerNorm between children changes little."""
    low, high = (SCRATCH.with_(depth=depth, precision="float64") for depth in depths)
    theta = initial_parameters(low, torch.float64)
    start = 0
    for shape in parameter_shapes(low):
        if shape.name.startswith("block"):
            theta[:, start : start + shape.size] *= 0.02
        start += shape.size
    new = deepened(high, low, theta)
    shapes = {shape.name: shape for shape in parameter_shapes(high)}
    assert new.shape == (2, sum(shape.size for shape in shapes.values()))

    def named(config, flat):
        pieces = flat.split([shape.size for shape in parameter_shapes(config)], dim=1)
        return {
            shape.name: piece.view(len(flat), *shape.shape)
            for shape, piece in zip(parameter_shapes(config), pieces, strict=True)
        }

    old, deep = named(low, theta), named(high, new)
    b = 0
    for i, share in enumerate(shares(depths[0] - 1, depths[1] - 1)):
        for _ in range(share):
            for name in ("block_weight", "block_bias"):
                torch.testing.assert_close(deep[name][:, b], old[name][:, i] / share)
            b += 1
    for name in ("embedding_weight", "embedding_bias", "last_weight"):
        assert torch.equal(deep[name], old[name])
    inputs = torch.tensor(load(low).train.inputs, dtype=torch.float64)[None].expand(2, -1, -1)
    torch.testing.assert_close(
        features(build(high), deep, inputs), features(build(low), old, inputs), rtol=0, atol=2e-3
    )


def test_the_decay_falls_by_the_number_of_children():
    low, high = SCRATCH.with_(depth=3), SCRATCH.with_(depth=5)
    split = load(low).train
    inputs, labels = torch.tensor(split.inputs), torch.tensor(split.labels)
    theta = initial_parameters(low, torch.float32)
    before = Objective(low, inputs, labels).evaluate(theta, gradient=False)
    after = Objective(high, inputs, labels).evaluate(deepened(high, low, theta), gradient=False)
    torch.testing.assert_close(after.decay_hidden, before.decay_hidden / 2)
    torch.testing.assert_close(after.decay_last, before.decay_last)


def test_what_cannot_be_split_is_told():
    two = RunConfig(architecture="RN2", norm="post")
    with pytest.raises(ValueError, match="architecture = 'RN2': must have one linear layer"):
        deepened(two, two.with_(depth=3), torch.zeros(1, 1))
    with pytest.raises(ValueError, match="differ by more than their depth"):
        deepened(SCRATCH, SCRATCH.with_(depth=3, width=4), torch.zeros(1, 1))
    with pytest.raises(ValueError, match="must be the parameters of 2-RN1, post-LN, by deepening"):
        Training(CLIMB.with_(depth=3), load(CLIMB), torch.device("cpu"))


# Runs.


def climbed_by_hand(config):
    """Parameters and loss at the end of each rung, in this process and one after the other."""
    found, parameters = {}, None
    for depth in (2, 3, 5):
        rung = config.with_(depth=depth)
        training = Training(rung, load(rung), torch.device("cpu"), shallower=parameters)
        last = [step.snapshot for step in training.steps()][-1]
        parameters = training.iterates.numpy()
        found[depth] = last["loss"]
    return found


@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_below_is_trained_first_and_kept(tmp_path, workers):
    store = Store(tmp_path)
    run = ncengine.run(CLIMB, store=store, workers=workers)
    expected = climbed_by_hand(CLIMB)
    for depth in (2, 3, 5):
        rung = store.open(CLIMB.with_(depth=depth))
        assert rung.status is Status.DONE
        np.testing.assert_array_equal(rung.curves["loss"][-1], expected[depth])
    assert run.curves["loss"].shape[1] == 2
    kept = store.results.load(identify(CLIMB.with_(depth=3)))["last_parameters"]
    assert kept.shape == (2, sum(s.size for s in parameter_shapes(CLIMB.with_(depth=3))))
    assert not missing_rungs(store, identify(CLIMB.with_(depth=8)))
    # Runs from scratch keep none, and are others.
    alone = ncengine.run(SCRATCH, store=store, workers=1)
    assert "last_parameters" not in store.results.load(identify(SCRATCH))
    assert (alone.curves["loss"][-1] != run.curves["loss"][-1]).any()


@pytest.mark.usefixtures("kept_helpers")
def test_a_sweep_climbs_too(tmp_path):
    store = Store(tmp_path)
    table = ncengine.sweep(grid(CLIMB, depth=[5, 3]), 2, store=store)
    expected = climbed_by_hand(CLIMB)
    for depth in (5, 3):
        np.testing.assert_array_equal(table[table["depth"] == depth]["loss"], expected[depth])
    assert store.open(CLIMB.with_(depth=2)).status is Status.DONE
    assert list(table["depth"]) == [5, 5, 3, 3]


def test_where_a_rung_fails_so_does_the_run(tmp_path, monkeypatch):
    monkeypatch.setenv("NCENGINE_DATA", str(tmp_path / "none"))
    ended = []
    absent = CLIMB.with_(dataset="mnist", depth=5)
    ncengine.sweep([absent], 1, store=Store(tmp_path / "cache"), on_end=ended.append)
    (run,) = ended
    assert run.status is Status.FAILED
    assert run.error.startswith("2-RN1, post-LN, by deepening · d = 8 · MNIST")
    assert "not on this machine" in run.error
