"""What the theorems assume, on data whose twins were counted by hand."""

import numpy as np
import pytest

from ncengine.config import RunConfig
from ncengine.datasets import Data, DatasetDamaged, Split, load
from ncengine.theory import assumptions as module
from ncengine.theory.assumptions import assumptions, remark


def lines(**fields):
    return {line.name: line for line in assumptions(RunConfig(**fields))}


@pytest.fixture
def samples(monkeypatch):
    """Puts samples of one's own in the place of a data set."""
    module._census.cache_clear()

    def put(inputs, labels, **facts):
        split = Split(np.array(inputs), np.array(labels))
        monkeypatch.setattr(module, "is_available", lambda name: True)
        monkeypatch.setattr(module, "load", lambda config: Data(split, split, facts=facts))

    yield put
    module._census.cache_clear()


# Rows 0 and 2 are twins of one label, rows 1, 3 and 5 twins of two; -0.0 is 0.0.
TWINS = [[0.0, 1.0], [2.0, 3.0], [-0.0, 1.0], [2.0, 3.0], [4.0, 5.0], [2.0, 3.0]]
LABELS = [0, 0, 0, 1, 1, 1]


def test_twins_are_counted(samples):
    samples(TWINS, LABELS)
    found = lines(dataset="gaussian", classes=2, samples_per_class=3)
    assert (found["distinct"].holds, found["determined"].holds) == (False, False)
    assert found["distinct"].reason.startswith("5 of 6 ")
    assert found["determined"].reason.startswith("3 of 6 ")
    assert found["balanced"].holds


def test_transformers_may_see_a_context_twice(samples):
    samples([[1, 2], [1, 2], [3, 4], [5, 6]], [0, 0, 1, 1], contradictory=7)
    found = lines(dataset="imdb", samples_per_class=2)
    assert (found["distinct"].holds, found["determined"].holds) == (True, True)
    assert "2 of 4" in found["distinct"].reason
    assert "7 were left out" in found["determined"].reason


def test_unequal_classes_are_amber(samples):
    samples([[1.0], [2.0], [3.0]], [0, 0, 1])
    balanced = lines(dataset="gaussian", classes=2)["balanced"]
    assert balanced.holds is False and "from 1 to 2" in balanced.reason


@pytest.mark.parametrize(("spread", "distinct"), [(0.0, False), (0.3, True)])
def test_clusters_without_spread_are_one_point_each(spread, distinct):
    found = lines(dataset="gaussian", classes=3, samples_per_class=4, spread=spread)
    assert found["distinct"].holds is distinct
    assert found["determined"].holds


def test_data_that_are_not_here_leave_it_open(monkeypatch, tmp_path):
    monkeypatch.setenv("NCENGINE_DATA", str(tmp_path))
    found = lines(dataset="mnist")
    assert [found[name].holds for name in ("distinct", "determined")] == [None, None]
    assert "MNIST is not on this machine" in found["distinct"].reason
    assert found["balanced"].holds and found["floor"].holds


def test_damaged_data_leave_it_open(samples, monkeypatch):
    def damaged(config):
        raise DatasetDamaged("torn")

    samples([], [])
    monkeypatch.setattr(module, "load", damaged)
    line = lines(dataset="mnist")["distinct"]
    assert line.holds is None and "torn" in line.reason


def test_a_source_that_cannot_be_understood_is_told(monkeypatch):
    monkeypatch.setenv("NCENGINE_MIRROR_MNIST", "nonsense")
    line = lines(dataset="mnist")["distinct"]
    assert line.holds is None and "nonsense is neither an address nor a folder" in line.reason


def test_other_data_of_the_same_name_are_counted_anew(samples, monkeypatch):
    samples(TWINS, LABELS)
    assert lines(dataset="mnist", classes=2)["distinct"].reason.startswith("5 of 6 ")
    monkeypatch.setenv("NCENGINE_MIRROR_MNIST", "http://a " + " ".join(["sha256:" + "a" * 64] * 4))
    samples(np.arange(6.0)[:, None], LABELS)
    assert lines(dataset="mnist", classes=2)["distinct"].holds


@pytest.mark.parametrize(
    ("loss", "bias", "width", "holds"),
    [
        ("CE", False, 10, True),
        ("CE", False, 9, False),
        ("MSE", True, 10, True),
        ("MSE", False, 10, False),
        ("MSE", False, 11, True),
    ],
)
def test_width_and_floor(loss, bias, width, holds):
    found = lines(loss=loss, last_bias=bias, width=width)
    assert found["width"].holds is holds
    assert found["floor"].holds
    assert ("no closed form" in found["floor"].reason) is not holds


def test_the_floor_has_its_value():
    assert "0.0227594" in lines(width=64, weight_decay=0.005)["floor"].reason


@pytest.mark.parametrize(
    ("fields", "holds"),
    [
        ({"width": 4}, True),
        ({"width": 3}, False),
        ({"architecture": "T11", "width": 4}, True),
        ({"architecture": "T11", "width": 3}, False),
        ({"dataset": "imdb", "vocabulary": 31, "width": 64}, True),
        ({"dataset": "imdb", "vocabulary": 32, "width": 64}, False),
    ],
)
def test_inner_dimension(fields, holds):
    assert lines(**fields)["inner_dimension"].holds is holds


@pytest.mark.parametrize(
    ("names", "green"),
    [(("RN1", "T11", "T21"), {"constant", "1/L"}), (("RN2", "T12", "T22"), {"1/L"})],
)
def test_schedules(names, green):
    for name in names:
        for schedule in ("constant", "1/L", "uniform 1/L"):
            line = lines(architecture=name, decay_schedule=schedule)["schedule"]
            assert line.holds is (schedule in green), (name, schedule)


def test_free_features_have_no_layers_to_speak_of():
    assert list(lines(architecture="UFM")) == [
        *("balanced", "distinct", "determined", "floor", "width")
    ]


@pytest.mark.parametrize(
    ("samples_per_class", "input_dim", "separable"),
    [(4, 12, True), (4, 11, True), (4, 10, False), (4, 40, True), (6, 16, False)],
)
def test_that_a_linear_map_does_it_is_said_where_it_can(samples_per_class, input_dim, separable):
    """By numpy's rank: any labels are affine in samples that span N - 1 dimensions."""
    config = RunConfig(
        dataset="gaussian", classes=3, samples_per_class=samples_per_class, input_dim=input_dim
    )
    x = load(config).train.inputs.astype(float)
    affine = np.column_stack([x, np.ones(len(x))])
    assert (np.linalg.matrix_rank(affine) == len(x)) == separable
    told = remark(config)
    assert bool(told) is separable
    if separable:
        assert f"{len(x)} of d₀ = {input_dim} span N − 1 = {len(x) - 1} dimensions" in told
        assert "pixels" not in told  # points have none
    # What reads no vector is asked for another map.
    assert not remark(config.with_(architecture="UFM"))


def test_of_samples_that_repeat_each_other_no_linear_map_is_promised(samples):
    inputs = np.random.default_rng(0).normal(size=(20, 64)).astype(np.float32)
    inputs[3] = inputs[9]
    samples(inputs, np.repeat([0, 1], 10))
    assert not remark(RunConfig(classes=2, samples_per_class=10))
    module._census.cache_clear()
    inputs[3] += 1.0
    samples(inputs, np.repeat([0, 1], 10))
    assert "fewer pixels" in remark(RunConfig(classes=2, samples_per_class=10))
