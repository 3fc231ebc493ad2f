"""Starts from trained networks: exact or split, ladders that are climbed, consistent sweeps."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest
import torch

import ncengine
from ncengine.analysis.bounds import MARGIN, Bound, bound
from ncengine.analysis.outcome import objective_of
from ncengine.architectures.build import build, features, initial_parameters
from ncengine.architectures.inputs import network_inputs
from ncengine.architectures.shapes import parameter_shapes
from ncengine.architectures.starting import padded, shares, split, starts
from ncengine.config import ConfigError, RunConfig, grid
from ncengine.datasets import load
from ncengine.jobs.consistent import consistent_sweep
from ncengine.jobs.ladder import climb, missing_rungs
from ncengine.runs.identity import identify
from ncengine.runs.run import Status
from ncengine.runs.store import Store
from ncengine.training.objective import Objective
from ncengine.training.train import Training

CLIMB = RunConfig(
    classes=3, samples_per_class=8, width=8, norm="post", seeds=2, start="deepening", epochs=30
)
SCRATCH = CLIMB.with_(start="random")


# The schema.


def test_the_ladder_is_that_of_the_papers_depths():
    depths = {}
    for depth in (2, 3, 4, 5, 8, 12, 34, 60):
        below = CLIMB.with_(depth=depth).origin
        depths[depth] = below and below.depth
        assert below is None or below == CLIMB.with_(depth=below.depth)
    assert depths == {2: None, 3: 2, 4: 3, 5: 3, 8: 5, 12: 8, 34: 21, 60: 34}
    assert SCRATCH.with_(depth=34).origin is None


def test_the_budget_is_passes_a_rung_and_more_at_the_bottom():
    assert RunConfig(norm="post", start="deepening").epochs == 200
    assert RunConfig(norm="post", start="deepening", depth=8).budget == 200
    assert RunConfig(norm="post", start="deepening", depth=2).budget == 600
    assert CLIMB.with_(depth=2).budget == 90
    assert SCRATCH.with_(depth=2).budget == 30
    # Who picks it in a picker gets its budget, and the usual one on going back.
    climb, _ = RunConfig(norm="post").repicked({"start": "deepening"})
    assert climb.epochs == 200
    assert climb.repicked({"start": "random"})[0].epochs == 500


def test_it_is_offered_where_the_objective_never_rises_and_named():
    assert "by deepening" in CLIMB.title() and "by deepening" not in SCRATCH.title()
    for other in ({"architecture": "UFM"}, {"solver": "Adam"}):
        assert CLIMB.with_(**other).start == "random"
        assert "start" not in CLIMB.with_(**other).params
    for other in ({"norm": "pre"}, {"architecture": "RN2"}, {"solver": "L-BFGS"}):
        assert CLIMB.with_(**other).start == "deepening"
    assert identify(CLIMB).key != identify(SCRATCH).key


def test_the_way_from_a_neighbour_is_said_by_depth_and_decay():
    config = SCRATCH.with_(depth=8, start="neighbour", via=" 2, 3@0.02 ,5")
    assert config.via == "2@0.02,3@0.02,5@0.005"
    assert config.origin == SCRATCH.with_(depth=5, start="neighbour", via="2@0.02,3@0.02")
    below = SCRATCH.with_(depth=3, weight_decay=0.02, start="neighbour", via="2@0.02")
    assert config.origin.origin == below
    assert below.origin == SCRATCH.with_(depth=2, weight_decay=0.02)
    assert below.origin.origin is None
    assert "by way of L = 2 at λ = 0.02, L = 3 at λ = 0.02, L = 5" in config.title()
    assert RunConfig(**json.loads(config.canonical_json())) == config
    assert RunConfig.nearest(config.query()) == (config, [])
    # What a picker shows first is the next shallower depth, or the same at twice the decay.
    assert SCRATCH.with_(start="neighbour").via == "3@0.005"
    assert SCRATCH.with_(start="neighbour", depth=2).via == "2@0.01"


@pytest.mark.parametrize(
    "via",
    [
        "9",
        "8",
        "3,2",
        "3,3",
        "3@0.001",
        "2@0.01,3@0.02",
        "1",
        "two",
        "2@",
        "2,",
        ",".join("2" * 17),
    ],
)
def test_a_way_that_gives_no_bound_is_refused(via):
    with pytest.raises(ConfigError, match="via = .*: must be depths up to this one's"):
        SCRATCH.with_(depth=8, start="neighbour", via=via)
    config, (problem,) = RunConfig.nearest({"start": "neighbour", "via": via})
    assert problem.field == "via" and config == RunConfig(start="neighbour")


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
    new = split(high, low, theta)
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
    train = load(low).train
    inputs, labels = torch.tensor(train.inputs), torch.tensor(train.labels)
    theta = initial_parameters(low, torch.float32)
    before = Objective(low, inputs, labels).evaluate(theta, gradient=False)
    after = Objective(high, inputs, labels).evaluate(split(high, low, theta), gradient=False)
    torch.testing.assert_close(after.decay_hidden, before.decay_hidden / 2)
    torch.testing.assert_close(after.decay_last, before.decay_last)


@pytest.mark.parametrize("schedule", ["constant", "1/L", "uniform 1/L"])
@pytest.mark.parametrize("norm", ["post", "pre"])
@pytest.mark.parametrize("architecture", ["RN1", "RN2", "T11", "T12", "T21", "T22"])
def test_a_padded_network_does_what_the_shallow_one_did_and_can_learn(architecture, norm, schedule):
    config = SCRATCH.with_(
        depth=3, architecture=architecture, norm=norm, precision="float64", weight_decay=0.01,
        decay_schedule=schedule, initial_scale=1.0,
    )  # fmt: skip
    deeper = config.with_(depth=6, weight_decay=0.004, start="neighbour", via="3@0.01")
    assert deeper.origin == config
    theta = initial_parameters(config, torch.float64)
    found = starts(deeper, config, theta)
    assert len(found) == 1 + (architecture == "RN1")
    assert torch.equal(found[0], padded(deeper, config, theta))
    train = load(config).train
    inputs = torch.tensor(network_inputs(config, train.inputs), dtype=torch.float64)
    before, after = (
        Objective(one, inputs, torch.tensor(train.labels)).evaluate(at, gradient=True)
        for one, at in ((config, theta), (deeper, found[0]))
    )
    torch.testing.assert_close(after.fit, before.fit, rtol=1e-9, atol=0)
    share = deeper.decay_hidden / config.decay_hidden
    torch.testing.assert_close(
        after.decay_hidden, share * before.decay_hidden, rtol=1e-5, atol=1e-12
    )
    # None of the further blocks' parts is stuck where it begins.
    start = 0
    for shape in parameter_shapes(deeper):
        grad = after.grad[:, start : start + shape.size].view(2, *shape.shape)
        start += shape.size
        if shape.name.removeprefix("attention_").removeprefix("block_") in ("vo", "weight", "v"):
            assert (grad[:, 3:].flatten(1).abs().amax(1) > 0).all(), shape.name


def test_what_a_network_cannot_start_from_is_told():
    with pytest.raises(ValueError, match="differ by more than their depth and decay"):
        starts(SCRATCH, SCRATCH.with_(depth=3, width=4), torch.zeros(1, 1))
    with pytest.raises(ValueError, match="depth = 8: must be at most 5"):
        starts(SCRATCH, SCRATCH.with_(depth=8), torch.zeros(1, 1))
    with pytest.raises(ValueError, match="must be the parameters of 2-RN1, post-LN, by deepening"):
        Training(CLIMB.with_(depth=3), load(CLIMB), torch.device("cpu"))


# Runs.


def climbed_by_hand(config):
    """Parameters and loss at the end of each rung, in this process and one after the other."""
    found, parameters = {}, None
    for depth in (2, 3, 5):
        rung = config.with_(depth=depth)
        training = Training(rung, load(rung), torch.device("cpu"), origin=parameters)
        last = [step.snapshot for step in training.steps()][-1]
        parameters = training.parameters()
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
    alone = ncengine.run(SCRATCH, store=store, workers=1)
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


# Consistent sweeps.


@pytest.mark.parametrize("changes", [{"norm": "post"}, {"architecture": "RN2", "norm": "pre"}])
def test_a_run_from_its_neighbour_ends_no_higher_than_that_ones_bound(tmp_path, changes):
    """The way leads over a depth and a decay; what Adam left undone is the bound."""
    store = Store(tmp_path)
    config = SCRATCH.with_(**changes, depth=5, start="neighbour", via="2@0.01,3@0.01", epochs=12)
    run = ncengine.run(config, store=store, workers=1)
    entries = [store.open(c).summary() for c in (config.origin.origin, config.origin)]
    assert all(e["passes"] == 12 for e in entries)
    (least,) = [bound(config, [entries[1]], None)]
    assert least.config == config.origin
    assert objective_of(run.summary()) <= least.objective * (1 + 1e-6)
    # And it is what training by hand from those parameters gives.
    parameters = None
    for rung in (config.origin.origin, config.origin, config):
        training = Training(rung, load(rung), torch.device("cpu"), origin=parameters)
        last = [step.snapshot for step in training.steps()][-1]
        parameters = training.parameters()
    np.testing.assert_array_equal(run.curves["loss"][-1], last["loss"])


def test_where_parameters_are_too_many_it_is_said_before_anything_is_trained(tmp_path, monkeypatch):
    for module in ("ncengine.costs.memory", "ncengine.jobs.ladder"):
        monkeypatch.setattr(f"{module}.MOST_KEPT", 100)
    store, config = Store(tmp_path), SCRATCH.with_(start="neighbour")
    store.journal(config).create(identify(config).as_dict())
    assert not climb(store, identify(config), lambda rung: pytest.fail(rung.config.title()))
    run = store.open(config)
    assert run.status is Status.FAILED
    assert "it cannot start from 3-RN1" in run.error and "at most 100 parameters" in run.error


def test_what_is_deepened_already_starts_from_its_own_rung():
    """Convicted by that, it has nowhere else to start."""
    below, above = CLIMB.with_(depth=3), CLIMB.with_(depth=8)
    least = Bound(0.1, below, "x")
    assert least.start(above) is None
    assert least.start(SCRATCH.with_(depth=8)) == above


@pytest.mark.usefixtures("kept_helpers")
def test_a_consistent_sweep_has_no_run_above_its_neighbour(tmp_path):
    """Shallow ones trained long, deep ones hardly: the latter start from the former."""
    store = Store(tmp_path)
    short = SCRATCH.with_(epochs=3, architecture="RN2", norm="pre", depth=2)
    configs = [
        short.with_(depth=depth, weight_decay=d) for depth in (2, 3, 5) for d in (0.01, 0.02)
    ]
    plain = ncengine.sweep(configs, 1, store=store)
    table = consistent_sweep(configs, 1, store=store)
    assert list(table["depth"]) == list(plain["depth"])
    assert (table["loss"] <= plain["loss"] * (1 + 1e-9)).all()

    def objective(depth, decay):
        at = table[(table["depth"] == depth) & (table["weight_decay"] == decay)]
        return at["loss"].mean()

    assert plain[plain["depth"] == 5]["loss"].mean() > plain[plain["depth"] == 2]["loss"].mean()
    for decay in (0.01, 0.02):
        for shallow, deep in pairwise((2, 3, 5)):
            assert objective(deep, decay) <= objective(shallow, decay) * (1 + MARGIN)
    for depth in (2, 3, 5):
        assert objective(depth, 0.01) <= objective(depth, 0.02)
