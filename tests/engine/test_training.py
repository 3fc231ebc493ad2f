"""The training generator: resumption, independence of seeds, the floor, divergence."""

import numpy as np
import pytest
import torch

from ncengine.config import RunConfig
from ncengine.config.fields import KFAC
from ncengine.costs import curvature
from ncengine.costs.curvature import passes_for_curvature
from ncengine.datasets import load
from ncengine.metrics.collapse import neural_collapse
from ncengine.runs.assemble import finish_curves, stack_geometry
from ncengine.runs.record import pack, unpack
from ncengine.snapshots.names import PER_SEED
from ncengine.snapshots.plan import (
    GEOMETRY_POINTS,
    METRIC_POINTS,
    log_spaced,
    shown,
    snapshot_passes,
)
from ncengine.theory.optimum import floor_of
from ncengine.training.train import Training

from .resting import RESTING

SMALL = {"dataset": "digits", "classes": 4, "samples_per_class": 12, "width": 8, "seeds": 3}


def training(config):
    return Training(config, load(config), torch.device("cpu"))


def snapshots(config):
    return [step.snapshot for step in training(config).steps() if step.snapshot is not None]


@pytest.mark.parametrize("solver", ["L-BFGS", KFAC, "Adam", "SGD"])
@pytest.mark.parametrize(
    ("architecture", "batch_size"), [("RN1", 0), ("RN1", 16), ("T12", 0), ("T12", 16), ("UFM", 0)]
)
def test_training_goes_on_from_a_saved_state_with_the_same_numbers(
    architecture, solver, batch_size, monkeypatch
):
    if (architecture, solver) == ("UFM", KFAC):
        pytest.skip("there is no curvature to look at")
    # The curvature is looked at after 8 passes, which takes until 11, and after 16.
    monkeypatch.setattr(curvature, "LOOKS", (8, 16))
    monkeypatch.setattr(curvature, "TRAINED_BEFORE", 0)
    config = RunConfig(
        **SMALL,
        architecture=architecture,
        depth=3,
        solver=solver,
        batch_size=batch_size,
        epochs=22,
        warmup=10,
        learning_rate=0.01,
    )
    assert (solver == KFAC) == (8 in passes_for_curvature(config))
    whole = {step.passes: step.snapshot for step in training(config).steps()}
    cut, begun = {}, training(config)
    # Each goes on from the last one's state, so that what one forgets is carried on.
    for stop in (4, 8, 9, 10, 17, config.epochs):
        for step in begun.steps():
            cut[step.passes] = step.snapshot
            if step.passes == stop:
                break
        saved, _ = unpack(pack(begun.state()), 0)
        begun = training(config)
        begun.restore(saved)
    assert sorted(cut) == sorted(whole)
    for passes, snapshot in cut.items():
        for name, values in (snapshot or {}).items():
            np.testing.assert_array_equal(values, whole[passes][name], err_msg=name)


@pytest.mark.parametrize("solver", ["L-BFGS", KFAC, "Adam"])
@pytest.mark.parametrize("architecture", ["RN1", "T11", "T22", "UFM"])
def test_a_seeds_results_do_not_depend_on_the_seeds_beside_it(architecture, solver):
    if (architecture, solver) == ("UFM", KFAC):
        pytest.skip("there is no curvature to look at")
    together = RunConfig(
        **SMALL, architecture=architecture, depth=3, solver=solver, epochs=40, warmup=15
    )
    alone = together.with_(seeds=[2])
    for a, b in zip(snapshots(together), snapshots(alone), strict=True):
        for name in PER_SEED:
            if name in a:
                np.testing.assert_array_equal(a[name][2], b[name][0], err_msg=name)


@pytest.mark.parametrize(
    ("loss", "bias", "schedule"),
    [("CE", False, "constant"), ("MSE", False, "1/L"), ("MSE", True, "uniform 1/L")],
)
@pytest.mark.parametrize("architecture", ["RN1", "RN2", "T11", "T22", "UFM"])
@pytest.mark.parametrize("solver", ["L-BFGS", KFAC])
def test_the_gap_is_never_negative_and_lbfgs_never_goes_up(
    architecture, loss, bias, schedule, solver
):
    if (architecture, solver) == ("UFM", KFAC):
        pytest.skip("there is no curvature to look at")
    config = RunConfig(
        **SMALL,
        architecture=architecture,
        depth=4,
        loss=loss,
        last_bias=bias,
        decay_schedule=schedule,
        weight_decay=0.02,
        epochs=60,
        warmup=25,
        norm="pre",
        solver=solver,
    )
    taken = snapshots(config)
    losses = np.stack([s["loss"] for s in taken])
    epochs = np.array([s["epoch"] for s in taken])
    assert np.isfinite(losses).all()
    assert finish_curves({"loss": losses}, config)["gap"].min() >= 0
    assert (np.diff(losses[epochs > 25], axis=0) <= 0).all()


@pytest.mark.parametrize(("loss", "bias"), [("CE", False), ("MSE", False), ("MSE", True)])
def test_the_gap_is_not_negative_at_full_collapse_either(loss, bias):
    config = RunConfig(
        dataset="gaussian",
        classes=4,
        width=16,
        samples_per_class=5,
        spread=0.0,
        depth=2,
        loss=loss,
        last_bias=bias,
        epochs=600,
    )
    gaps = np.stack([s["loss"] for s in snapshots(config)]) - floor_of(config)
    assert gaps[-1].max() < 1e-6
    assert gaps.min() >= 0


@pytest.mark.parametrize(("loss", "bias"), [("CE", False), ("MSE", False), ("MSE", True)])
@pytest.mark.parametrize(("classes", "width"), [(10, 64), (4, 8), (3, 16)])
def test_free_features_reach_the_floor(classes, width, loss, bias):
    config = RunConfig(
        dataset="gaussian",
        architecture="UFM",
        classes=classes,
        samples_per_class=20,
        width=width,
        loss=loss,
        last_bias=bias,
    )
    *_, last = training(config).steps()
    assert finish_curves(last.snapshot, config)["gap"].min() >= 0
    np.testing.assert_allclose(last.snapshot["loss"], floor_of(config), rtol=1e-6)
    assert last.snapshot["decay_hidden"].max() == 0
    assert np.isnan(last.snapshot["test_nc1"]).all()
    assert last.snapshot["test_features"].shape == (3, 0, width)


def test_a_gap_below_zero_by_more_than_rounding_is_not_hidden():
    config = RunConfig(**SMALL)
    floor = floor_of(config)
    losses = np.array([[floor * (1 - 1e-15), floor, floor * (1 - 1e-9)]])
    gap = finish_curves({"loss": losses}, config)["gap"]
    assert gap[0, :2].tolist() == [0, 0]
    assert gap[0, 2] < 0


def test_a_snapshot_is_what_the_definitions_give_at_its_weights():
    config = RunConfig(**SMALL, depth=3, epochs=40, warmup=10)
    run = training(config)
    *_, last = run.steps()
    snapshot = last.snapshot
    evaluation = run.train.evaluate(run.iterates)
    data = load(config)
    features = evaluation.features.double().numpy()
    for r in range(3):
        means = np.stack([features[r][data.train.labels == k].mean(0) for k in range(4)])
        np.testing.assert_allclose(snapshot["class_means"][r], means, atol=1e-5)
        weight = evaluation.last_weight[r].double().numpy()
        np.testing.assert_allclose(snapshot["classifier"][r], weight, atol=1e-6)
        within = np.mean(((features[r] - means[data.train.labels]) ** 2).sum(1))
        between = np.mean(((means - means.mean(0)) ** 2).sum(1))
        assert snapshot["nc1"][r] == pytest.approx(within / between, rel=1e-4)
    np.testing.assert_allclose(snapshot["loss"], evaluation.loss.numpy(), rtol=1e-6)
    parts = snapshot["fit"] + snapshot["decay_hidden"] + snapshot["decay_last"]
    np.testing.assert_allclose(snapshot["loss"], parts, rtol=1e-12)
    indices = shown(config)
    shown_features = features[:, indices["sample_index"]]
    np.testing.assert_allclose(snapshot["features"], shown_features, atol=2e-3)
    test = run.test.evaluate(run.iterates)
    shown_features = test.features[:, indices["test_index"]].numpy()
    np.testing.assert_allclose(snapshot["test_features"], shown_features, atol=2e-3)
    for split, index, labels in (
        (data.train, "sample_index", "labels"),
        (data.test, "test_index", "test_labels"),
    ):
        np.testing.assert_array_equal(split.labels[indices[index]], indices[labels])
    on_test = neural_collapse(test.features.numpy(), data.test.labels, test.last_weight.numpy())
    np.testing.assert_allclose(snapshot["test_nc1"], on_test.nc1, rtol=1e-4)
    np.testing.assert_allclose(snapshot["test_nc3"], on_test.nc3, rtol=1e-3)
    expected = neural_collapse(features, data.train.labels, evaluation.last_weight.double().numpy())
    np.testing.assert_allclose(snapshot["nc3"], expected.nc3, rtol=1e-3)


@pytest.mark.parametrize("each", [1, 5, 19])
def test_where_few_are_tested_the_samples_shown_are_those_whose_features_are(each):
    config = RunConfig(**SMALL, depth=2, epochs=3, warmup=3)
    run = Training(config, load(config).tested_on(each), torch.device("cpu"))
    found = [step.snapshot for step in run.steps() if step.snapshot is not None]
    geometry = stack_geometry(found, config)
    features = run.test.evaluate(run.iterates).features.double().numpy()
    np.testing.assert_allclose(
        geometry.test_features[-1], features[:, geometry.test_index], atol=2e-3
    )
    labels = np.repeat(np.arange(4), each)
    np.testing.assert_array_equal(labels[geometry.test_index], geometry.test_labels)


def test_a_diverged_seed_is_marked_and_the_others_go_on():
    config = RunConfig(**SMALL, depth=3, solver="SGD", learning_rate=0.05, epochs=30)
    run = training(config)
    run.solver.theta[1] = float("nan")
    *_, last = run.steps()
    assert last.passes == 30
    assert run.diverged.tolist() == [False, True, False]
    for name in ("loss", "nc1", "accuracy", "test_accuracy"):
        assert np.isfinite(last.snapshot[name]).tolist() == [True, False, True], name
    assert np.isnan(last.snapshot["features"][1]).all()
    clean = snapshots(config)[-1]
    np.testing.assert_array_equal(clean["loss"][[0, 2]], last.snapshot["loss"][[0, 2]])


def test_training_ends_early_when_every_seed_rests():
    steps = list(training(RESTING).steps())
    assert steps[-1].passes < RESTING.epochs
    assert "features" in steps[-1].snapshot
    assert not np.isnan(steps[-1].snapshot["loss"]).any()


@pytest.mark.parametrize("epochs", [1, 2, 47, 219, 220, 400, 1000, 5000, 100_000])
def test_snapshots_are_log_spaced_and_include_both_ends(epochs):
    metrics, geometry = snapshot_passes(epochs)
    assert geometry <= metrics
    assert {1, epochs} <= geometry
    decades = np.log10(epochs)
    assert len(geometry) <= GEOMETRY_POINTS * decades + 2
    assert len(metrics) <= (METRIC_POINTS + GEOMETRY_POINTS) * decades + 2
    if epochs >= 1000:
        assert len(geometry) >= 40
        assert len(metrics) >= 90
    if epochs >= 1000:
        late = np.array(sorted(p for p in log_spaced(epochs, METRIC_POINTS) if p > 100))
        ratios = late[1:] / late[:-1]
        assert ratios.max() < 1.5 * np.median(ratios)


@pytest.mark.parametrize("less, more", [(1, 2), (47, 48), (100, 1000), (1000, 2000), (999, 5000)])
def test_a_larger_budget_takes_the_snapshots_of_a_smaller_one(less, more):
    for of_less, of_more in zip(snapshot_passes(less), snapshot_passes(more), strict=True):
        assert of_less - {less} <= of_more
        assert {p for p in of_more if p < less} <= of_less


def test_float64_starts_where_float32_does():
    single = RunConfig(**SMALL, depth=3, epochs=1)
    double = single.with_(precision="float64")
    a, b = snapshots(single)[0], snapshots(double)[0]
    np.testing.assert_allclose(a["loss"], b["loss"], rtol=1e-5)
    assert (a["loss"] != b["loss"]).any()
