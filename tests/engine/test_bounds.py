"""Bounds from neighbours, against networks that are padded with zero blocks and evaluated."""

from itertools import pairwise

import pytest
import torch

from ncengine.analysis.bounds import MARGIN, bound, conviction
from ncengine.analysis.outcome import objective_of
from ncengine.architectures.inputs import network_inputs
from ncengine.architectures.shapes import parameter_shapes
from ncengine.config import RunConfig
from ncengine.datasets import load
from ncengine.datasets.files.sources import checksum
from ncengine.training.objective import Objective
from ncengine.training.train import Training

SMALL = {
    "classes": 4,
    "samples_per_class": 8,
    "width": 8,
    "seeds": 2,
    "epochs": 30,
    "warmup": 0,
    "precision": "float64",
}


def trained(config):
    """Its parameters, and what a summary of it says."""
    training = Training(config, load(config), torch.device("cpu"))
    for step in training.steps():
        if step.snapshot is not None:
            last = step.snapshot
    names = ("loss", "fit", "decay_hidden", "decay_last")
    seeds = [
        {"seed": seed, "diverged": False, **{name: float(last[name][r]) for name in names}}
        for r, seed in enumerate(config.seeds)
    ]
    entry = {"key": "abc", "config": config.model_dump(mode="json"), "seeds": seeds}
    return torch.from_numpy(training.parameters()), entry


def padded(theta, config, deeper):
    """The parameters of a deeper network whose further blocks are all zero."""
    pieces, start = [], 0
    for shape, wanted in zip(parameter_shapes(config), parameter_shapes(deeper), strict=True):
        piece = theta[:, start : start + shape.size].view(len(theta), *shape.shape)
        start += shape.size
        if shape.shape != wanted.shape:
            zeros = torch.zeros(len(theta), *wanted.shape, dtype=theta.dtype)
            zeros[:, : shape.shape[0]] = piece
            piece = zeros
        pieces.append(piece.flatten(1))
    return torch.cat(pieces, 1)


@pytest.mark.parametrize("schedule", ["constant", "1/L", "uniform 1/L"])
@pytest.mark.parametrize("norm", ["post", "pre"])
@pytest.mark.parametrize("architecture", ["RN1", "RN2", "T11", "T22"])
def test_it_is_what_the_padded_network_costs(architecture, norm, schedule):
    config = RunConfig(
        **SMALL,
        architecture=architecture,
        norm=norm,
        depth=3,
        decay_schedule="1/L",
        weight_decay=0.01,
        loss="MSE" if norm == "pre" else "CE",
    )
    theta, entry = trained(config)
    deeper = config.with_(depth=7, weight_decay=0.002, decay_schedule=schedule, seeds=3)
    found = bound(deeper, [entry])
    data = load(config).train
    inputs = torch.tensor(network_inputs(deeper, data.inputs)).double()
    on = Objective(deeper, inputs, torch.tensor(data.labels))
    exact = on.evaluate(padded(theta, config, deeper), gradient=False)
    assert found.objective == pytest.approx(float(exact.loss.mean()), rel=1e-10)
    assert found.config == config and found.key == "abc"


def entry_of(config, fit=0.1, hidden=0.02, last=0.03, key="x"):
    seed = {"seed": 0, "diverged": False, "fit": fit, "decay_hidden": hidden, "decay_last": last}
    seed["loss"] = fit + hidden + last
    return {"key": key, "config": config.model_dump(mode="json"), "seeds": [seed]}


BASE = RunConfig(depth=5, norm="post", seeds=1, weight_decay=0.01)


@pytest.mark.parametrize(
    "changes",
    [
        {"depth": 8},
        {"norm": "pre"},
        {"width": 32},
        {"loss": "MSE"},
        {"last_bias": True},
        {"samples_per_class": 50},
        {"data_seed": 1},
        {"image_side": 4},
        {"architecture": "RN2"},
    ],
)
def test_what_is_deeper_or_another_network_or_other_data_bounds_nothing(changes):
    assert bound(BASE, [entry_of(BASE.with_(**changes))]) is None


@pytest.mark.parametrize(
    "changes", [{"solver": "Adam"}, {"epochs": 50}, {"precision": "float64"}, {"seeds": 3}]
)
def test_how_it_was_trained_does_not_matter(changes):
    assert bound(BASE, [entry_of(BASE.with_(**changes))]).objective == pytest.approx(0.15)


def test_the_best_one_is_taken_and_its_own_is_none():
    own = entry_of(BASE, fit=0.0)
    shallow = entry_of(BASE.with_(depth=2), fit=0.2, key="shallow")
    # λ is half as large here as there: its decay counts half.
    decayed = entry_of(BASE.with_(depth=3, weight_decay=0.02), fit=0.1, key="decayed")
    found = bound(BASE, [own, shallow, decayed])
    assert found.key == "decayed" and found.objective == pytest.approx(0.1 + 0.01 + 0.015)
    assert bound(BASE, [own]) is None
    assert found.convicts(0.13) and not found.convicts(0.125)
    assert not found.convicts(found.objective * (1 + MARGIN / 2)) and not found.convicts(None)
    told = found.sentence(BASE, 0.13)
    assert told == (
        "A network of depth 3, padded with blocks that add nothing, trained with λ = 0.02 reaches "
        "0.125: this one, at 0.13, is not at its optimum."
    )
    alone = bound(BASE, [shallow])
    assert alone.sentence(BASE, 0.3).startswith("A network of depth 2, padded with blocks that add")


def test_seeds_that_diverged_and_entries_of_before_bound_nothing():
    entry = entry_of(BASE.with_(depth=2))
    broken = {**entry["seeds"][0], "diverged": True, "seed": 1, "loss": None}
    mixed = {**entry, "seeds": [*entry["seeds"], broken]}
    assert bound(BASE, [mixed]).objective == pytest.approx(0.15)
    assert objective_of(mixed) == pytest.approx(0.15)
    assert bound(BASE, [{**entry, "seeds": [broken]}]) is None
    assert objective_of({**entry, "seeds": [broken]}) is None
    lacking = {name: v for name, v in entry["seeds"][0].items() if name != "fit"}
    assert bound(BASE, [{**entry, "seeds": [lacking]}]) is None
    assert bound(RunConfig(architecture="UFM"), [entry]) is None


def test_of_runs_in_a_row_only_those_above_a_shallower_one_are_convicted():
    entries = [
        entry_of(BASE.with_(depth=depth), fit=fit, key=str(depth))
        for depth, fit in ((2, 0.5), (3, 0.3), (5, 0.4), (8, 0.2))
    ]
    verdicts = {}
    for entry in entries:
        config = RunConfig(**entry["config"])
        found = bound(config, entries)
        verdicts[config.depth] = found is not None and found.convicts(objective_of(entry))
    assert verdicts == {2: False, 3: False, 5: True, 8: False}
    depths = [bound(BASE.with_(depth=d), entries).objective for d in (3, 5, 8, 13)]
    assert all(later <= earlier for earlier, later in pairwise(depths))


def test_what_was_trained_on_other_files_of_the_same_data_set_bounds_nothing():
    here = checksum(BASE.dataset)
    elsewhere = {**entry_of(BASE.with_(depth=2), fit=0.0), "data_checksum": "other files"}
    assert bound(BASE, [elsewhere]) is None
    assert bound(BASE, [elsewhere], "other files").objective == pytest.approx(0.05)
    alike = {**entry_of(BASE.with_(depth=2)), "data_checksum": here}
    assert bound(BASE, [elsewhere, alike]).objective == pytest.approx(0.15)
    assert bound(BASE, [alike], "other files") is None
    # A run says by its own entry of which data it is.
    run = {**entry_of(BASE, fit=0.5, key="own"), "floor": None, "passes": 30}
    assert "reaches 0.15" in conviction(run, [elsewhere, alike])
    assert "reaches 0.05" in conviction(
        run, [elsewhere, alike, {**run, "data_checksum": "other files"}]
    )
