"""A recorder's floor and gap: those of the engine where the theorem speaks of a network."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import ncengine
from ncengine.recorder import floor
from ncengine.runs.recorded import recordings

DECAY = 5e-3


def sphere(samples, width):
    """Rows of mean 0 and norm √d, each by plain arithmetic."""
    rows = np.random.default_rng(0).normal(size=(samples, width))
    rows -= rows.mean(1, keepdims=True)
    return rows / np.sqrt((rows**2).mean(1, keepdims=True))


def observed(features, labels, weight, bias=None, **options):
    recorder = ncengine.Recorder(**{"weight_decay": DECAY, **options})
    found = recorder.observe(features, labels, weight, bias)
    return recorder, found


@pytest.mark.parametrize("loss", ["CE", "MSE"])
@pytest.mark.parametrize("last_bias", [False, True])
def test_floor_and_objective_are_those_of_the_engines_own_run(loss, last_bias, tmp_path):
    config = ncengine.RunConfig(
        dataset="digits",
        depth=2,
        width=16,
        samples_per_class=20,
        epochs=40,
        seeds=1,
        precision="float64",
        loss=loss,
        last_bias=last_bias,
    )
    run = ncengine.run(config)
    train = ncengine.datasets.load(config).train
    with ncengine.Recorder(
        run.network(seed=0).double(),
        probe=(train.inputs, train.labels),
        weight_decay=config.decay_last,
        loss=loss,
        name="the same",
        cache=tmp_path,
    ) as recorder:
        found = recorder.snapshot(0)
    assert recorder.floor == pytest.approx(run.floor, rel=1e-12)
    last = {name: float(run.curves[name][-1, 0]) for name in ("fit", "decay_last")}
    for name, value in last.items():
        assert getattr(found, name) == pytest.approx(value, rel=1e-6), name
    assert found.loss_gufm == pytest.approx(sum(last.values()), rel=1e-6)
    assert found.gap == pytest.approx(found.loss_gufm - run.floor, abs=1e-12) and found.gap > 0
    (one,) = recordings(tmp_path)
    assert (one.about.floor, one.about.without_floor) == (recorder.floor, "")
    np.testing.assert_array_equal(one.figures["gap"], [found.gap])


def test_the_objective_is_what_sgd_goes_down_by():
    """lambda as torch's SGD has it: one step of it moves W along the objective's gradient."""
    features = torch.from_numpy(sphere(12, 6))
    labels = torch.arange(12) % 3
    layer = nn.Linear(6, 3, bias=False, dtype=torch.float64)
    before = layer.weight.detach().clone()
    F.cross_entropy(layer(features), labels).backward()
    torch.optim.SGD(layer.parameters(), lr=1.0, weight_decay=DECAY).step()
    step = before - layer.weight.detach()

    def objective(weight):
        return observed(features, labels, weight)[1].loss_gufm

    for k, j in ((0, 0), (1, 4), (2, 2)):
        nudge = torch.zeros_like(before)
        nudge[k, j] = 1e-5
        slope = (objective(before + nudge) - objective(before - nudge)) / 2e-5
        assert slope == pytest.approx(float(step[k, j]), rel=1e-5, abs=1e-9)


def test_torchs_mse_is_the_same_objective_with_lambda_times_half_of_k():
    features, labels = torch.from_numpy(sphere(12, 6)), torch.arange(12) % 3
    weight = torch.randn(3, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    whole = nn.MSELoss()(features @ weight.T, F.one_hot(labels, 3).double())
    whole += DECAY / 2 * (weight**2).sum()
    _, found = observed(features, labels, weight, loss="MSE", weight_decay=3 / 2 * DECAY)
    assert 2 / 3 * found.loss_gufm == pytest.approx(float(whole), rel=1e-12)


def test_at_the_optimum_the_gap_is_nothing_and_nowhere_is_it_less():
    known = ncengine.theory.gufm_optimum(4, 9, DECAY)
    figure = ncengine.theory.simplex_etf(4)  # (4, 3), into the numbers of sum zero
    basis = np.linalg.svd(np.eye(9) - 1 / 9)[0][:, :3]
    rows, labels = figure @ basis.T, np.arange(20) % 4
    recorder, found = observed(3 * rows[labels], labels, known.row_norm * rows)
    assert found.gap == pytest.approx(0, abs=1e-12) and found.gap >= 0
    assert recorder.floor == pytest.approx(found.loss_gufm, rel=1e-12)
    rng = np.random.default_rng(1)
    for _ in range(20):
        nearby = known.row_norm * rows + 0.1 * rng.normal(size=rows.shape)
        assert observed(3 * rows[labels], labels, nearby)[1].gap > 0


LABELS = np.arange(12) % 3
WEIGHT = np.random.default_rng(2).normal(size=(3, 6))
RADIUS = math.sqrt(6)


@pytest.mark.parametrize(
    "given, options, why",
    [
        ({}, {"weight_decay": None}, "No weight decay of the last layer was given"),
        (
            {"features": sphere(12, 6) * np.linspace(1, 3, 12)[:, None]},
            {},
            f"Features are not on LayerNorm's sphere: norms from {RADIUS:.1f} to {3 * RADIUS:.1f}, "
            f"not √6 = {RADIUS:.1f}. Where norms are free and features decay too, it is another "
            "theorem.",
        ),
        (
            {"features": np.tile([RADIUS, 0, 0, 0, 0, 0], (12, 1))},
            {},
            "Features are not on LayerNorm's sphere: the numbers of one have a mean up to 0.408 "
            "from 0.",
        ),
        (
            {"labels": np.array([0] * 6 + [1] * 4 + [2] * 2)},
            {},
            "Classes are not balanced: of those looked at, they have from 2 to 6 samples.",
        ),
        ({}, {"counts": [900, 9, 9]}, "Classes are not balanced in training."),
        (
            {
                "features": sphere(12, 3),
                "labels": np.arange(12) % 4,
                "weight": np.eye(4, 3),
            },
            {},
            "No simplex of K = 4 fits in the d − 1 = 2 dimensions that LayerNorm leaves of width "
            "d = 3.",
        ),
        (
            {"features": sphere(12, 3), "weight": np.eye(3)},
            {"loss": "MSE"},
            "No orthogonal frame of K = 3 fits in the d − 1 = 2 dimensions",
        ),
        ({"weight": None}, {}, "The last layer was not given"),
    ],
)
def test_what_fails_is_named_with_the_number_seen(given, options, why):
    given = {"features": sphere(12, 6), "labels": LABELS, "weight": WEIGHT, **given}
    recorder, found = observed(**given, **options)
    assert recorder.floor is None and recorder.without_floor.startswith(why)
    assert not set(floor.FIGURES) & set(found.figures)


def test_a_bias_is_free_in_the_theorem():
    features, bias = sphere(12, 6), np.array([3.0, 0.0, -1.0])
    recorder, found = observed(features, LABELS, WEIGHT, bias)
    assert recorder.floor == ncengine.theory.gufm_optimum(3, 6, DECAY).loss
    logits = features @ WEIGHT.T + bias
    chances = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert found.fit == pytest.approx(-np.log(chances[np.arange(12), LABELS]).mean(), rel=1e-12)


class Scaled(nn.Module):
    """Whose logits are twice what its last layer gives."""

    def __init__(self):
        super().__init__()
        self.last = nn.Linear(6, 3)

    def forward(self, inputs):
        return 2 * self.last(F.layer_norm(inputs, (6,)))


def test_of_another_matrix_than_the_layers_there_is_no_floor(tmp_path):
    torch.manual_seed(0)
    probe = (torch.randn(12, 6), torch.from_numpy(LABELS))
    recorder = ncengine.Recorder(
        Scaled(), probe=probe, weight_decay=DECAY, name="scaled", cache=tmp_path
    )
    recorder.snapshot(0)
    assert recorder.without_floor.startswith("The logits are 2 times what the last layer gives")
    assert recordings(tmp_path)[0].about.without_floor == recorder.without_floor
    recorder.close()


def test_of_batches_between_which_weights_moved_there_is_none():
    torch.manual_seed(0)
    model = nn.Sequential(nn.LayerNorm(6, elementwise_affine=False), nn.Linear(6, 3))
    probe = (torch.randn(12, 6), torch.from_numpy(LABELS))
    recorder = ncengine.Recorder(model, probe=probe, weight_decay=DECAY)
    assert recorder.snapshot(0).gap > 0 and recorder.without_floor == ""
    with recorder.watch():
        F.cross_entropy(model(probe[0]), probe[1]).backward()
    recorder.snapshot(1)
    assert (
        recorder.floor is None and "between the samples that were watched" in recorder.without_floor
    )
