"""The metrics against loops in float64, written from Definition 2."""

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ncengine.metrics.collapse import class_means, cosines, neural_collapse

NAMES = ("nc1", "nc2a", "nc2b", "nc3")


def definition(features, labels, weight):
    """Definition 2, sample by sample; NC2 by trying many c around the best of a grid."""
    features, weight = features.astype(np.float64), weight.astype(np.float64)
    K = len(weight)
    mu = [np.mean([x for x, y in zip(features, labels) if y == k], axis=0) for k in range(K)]
    mu_G = sum(mu) / K
    within = sum(np.outer(x - mu[y], x - mu[y]) for x, y in zip(features, labels)) / len(labels)
    between = sum(np.outer(m - mu_G, m - mu_G) for m in mu) / K
    gram = weight @ weight.T

    def distance(target):
        low, high = 0.0, 10 * np.linalg.norm(gram)
        for _ in range(40):
            grid = np.linspace(low, high, 41)
            values = [np.linalg.norm(gram - c * target) for c in grid]
            best = int(np.argmin(values))
            low, high = grid[max(best - 1, 0)], grid[min(best + 1, 40)]
        return min(values) / np.linalg.norm(gram)

    cosine = [
        x @ weight[y] / np.linalg.norm(x) / np.linalg.norm(weight[y])
        for x, y in zip(features, labels)
    ]
    return {
        "nc1": np.trace(within) / np.trace(between),
        "nc2a": distance(np.eye(K) - np.ones((K, K)) / K),
        "nc2b": distance(np.eye(K)),
        "nc3": 1 - np.mean(cosine),
    }


def simplex(K, d, rng):
    """K unit rows in R^d with cosines -1/(K - 1), turned at random."""
    rows = (np.eye(K) - 1 / K) * np.sqrt(K / (K - 1))
    turn = np.linalg.qr(rng.normal(size=(d, d)))[0]
    return np.pad(rows, ((0, 0), (0, d - K))) @ turn


def problem(rng, counts, d, seeds=None, order="random"):
    labels = np.repeat(np.arange(len(counts)), counts)
    if order == "random":
        labels = rng.permutation(labels)
    leading = () if seeds is None else (seeds,)
    centres = rng.normal(size=(*leading, len(counts), d))
    features = centres[..., labels, :] + 0.3 * rng.normal(size=(*leading, len(labels), d))
    return features, labels, centres + 0.5 * rng.normal(size=centres.shape)


@settings(max_examples=40)
@given(
    counts=st.lists(st.integers(1, 5), min_size=2, max_size=6),
    balanced=st.booleans(),
    order=st.sampled_from(["sorted", "random"]),
    d=st.integers(1, 7),
    seeds=st.one_of(st.none(), st.integers(1, 3)),
    seed=st.integers(0, 10**6),
)
def test_agrees_with_the_definition(counts, balanced, order, d, seeds, seed):
    if balanced:
        counts = [counts[0]] * len(counts)
    rng = np.random.default_rng(seed)
    features, labels, weight = problem(rng, counts, d, seeds, order)
    result = neural_collapse(features, labels, weight)
    for name in NAMES:
        value = np.asarray(getattr(result, name))
        assert value.shape == (() if seeds is None else (seeds,))
        for r in range(seeds or 1):
            one = (features, weight) if seeds is None else (features[r], weight[r])
            expected = definition(one[0], labels, one[1])[name]
            np.testing.assert_allclose(value.flat[r], expected, rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("order", ["sorted", "random"])
def test_torch_and_numpy_agree(dtype, order):
    rng = np.random.default_rng(1)
    features, labels, weight = problem(rng, [7, 7, 7], 6, seeds=2, order=order)
    features, weight = features.astype(dtype), weight.astype(dtype)
    by_numpy = neural_collapse(features, labels, weight)
    by_torch = neural_collapse(
        torch.from_numpy(features), torch.from_numpy(labels), torch.from_numpy(weight)
    )
    for name in NAMES:
        value = getattr(by_torch, name)
        assert isinstance(value, torch.Tensor) and value.shape == (2,)
        assert str(value.dtype) == f"torch.{dtype}" and getattr(by_numpy, name).dtype == dtype
        tolerance = 2e-6 if dtype == "float32" else 1e-12
        np.testing.assert_allclose(value.numpy(), getattr(by_numpy, name), rtol=tolerance)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32", "int64"])
@pytest.mark.parametrize("order", ["sorted", "random"])
@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_labels_may_be_of_any_integral_type(dtype, order, library):
    features, labels, weight = problem(np.random.default_rng(10), [4, 4, 4], 5, order=order)
    expected = definition(features, labels, weight)
    given = (features, labels.astype(dtype), weight)
    result = neural_collapse(*(map(torch.from_numpy, given) if library == "torch" else given))
    for name in NAMES:
        np.testing.assert_allclose(getattr(result, name), expected[name], rtol=1e-7, atol=1e-10)


def test_a_seed_does_not_depend_on_the_others():
    rng = np.random.default_rng(2)
    features, labels, weight = problem(rng, [4, 4, 4], 5, seeds=3)
    together = neural_collapse(features, labels, weight)
    alone = neural_collapse(features[1], labels, weight[1])
    features[0] = np.nan
    spoilt = neural_collapse(features, labels, weight)
    for name in NAMES:
        assert getattr(alone, name) == pytest.approx(getattr(together, name)[1], rel=1e-12)
        assert getattr(spoilt, name)[1] == getattr(together, name)[1]
    assert np.isnan(spoilt.nc1[0]) and np.isnan(spoilt.nc3[0])


def test_does_not_change_under_rotation_and_scale():
    rng = np.random.default_rng(3)
    features, labels, weight = problem(rng, [3, 5, 4], 6)
    turn = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    before = neural_collapse(features, labels, weight)
    after = neural_collapse(3.0 * features @ turn, labels, 1e-30 * weight @ turn)
    for name in NAMES:
        assert getattr(after, name) == pytest.approx(getattr(before, name), rel=1e-10)


@pytest.mark.parametrize("K, d", [(2, 2), (4, 4), (10, 64)])
def test_a_perfect_simplex_is_full_collapse(K, d):
    rows = simplex(K, d, np.random.default_rng(4))
    labels = np.repeat(np.arange(K), 3)
    result = neural_collapse(8 * rows[labels], labels, 0.7 * rows)
    assert max(result.nc1, result.nc2a, result.nc3) < 1e-14
    assert result.nc2b == pytest.approx(np.sqrt(1 / K), abs=1e-12)


def test_a_perfect_orthogonal_frame_has_nc2b_zero():
    rows = np.linalg.qr(np.random.default_rng(5).normal(size=(6, 6)))[0][:4]
    labels = np.arange(4)
    result = neural_collapse(rows[labels], labels, 2 * rows)
    assert max(result.nc1, result.nc2b, result.nc3) < 1e-14
    assert result.nc2a > 0.1


def test_a_gram_matrix_with_no_part_of_the_simplex_has_nc2a_one():
    weight = np.array([[1.0, 0.0], [1.0, 0.0]])
    result = neural_collapse(np.array([[1.0, 0], [0, 1.0]]), np.arange(2), weight)
    assert result.nc2a == pytest.approx(1.0)


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_float32_stays_accurate_near_collapse(library):
    """Deviations of 1e-4 of the features' norm: 1 - cos and x^2 - mean^2 would be pure noise."""
    rng = np.random.default_rng(6)
    rows = simplex(10, 64, rng)
    labels = np.repeat(np.arange(10), 30)
    features = (8 * rows[labels] + 1e-4 * rng.normal(size=(300, 64))).astype(np.float32)
    weight = (0.8 * rows + 1e-5 * rng.normal(size=(10, 64))).astype(np.float32)
    expected = definition(features, labels, weight)
    if library == "torch":
        features, labels, weight = map(torch.from_numpy, (features, labels, weight))
    result = neural_collapse(features, labels, weight)
    assert expected["nc3"] < 2e-8
    assert float(result.nc1) == pytest.approx(expected["nc1"], rel=1e-3, abs=0)
    assert float(result.nc3) == pytest.approx(expected["nc3"], rel=1e-2, abs=0)
    assert float(result.nc2a) == pytest.approx(expected["nc2a"], rel=1e-2)


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("order", ["sorted", "random"])
def test_float32_does_not_depend_on_the_order_of_samples(library, order):
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(4), 5000)
    features = rng.normal(size=(4, 16))[labels] + 8 + 1e-5 * rng.normal(size=(20000, 16))
    features, weight = features.astype(np.float32), rng.normal(size=(4, 16)).astype(np.float32)
    # Each class about its first sample, or else float64 itself would have to be trusted.
    about = features.astype(np.float64) - features[::5000].astype(np.float64)[labels]
    rest = np.array([about[labels == k].mean(0) for k in range(4)])
    means = features[::5000].astype(np.float64) + rest
    expected = ((about - rest[labels]) ** 2).sum() / 20000
    expected /= ((means - means.mean(0)) ** 2).sum() / 4
    if order == "random":
        mixed = rng.permutation(20000)
        features, labels = features[mixed], labels[mixed]
    if library == "torch":
        features, labels, weight = map(torch.from_numpy, (features, labels, weight))
    found = float(neural_collapse(features, labels, weight).nc1)
    assert found == pytest.approx(expected, rel=1e-6, abs=0)
    assert 1e-10 < found < 3e-10


def test_opposite_features_have_nc3_two():
    rows = np.eye(3)
    assert neural_collapse(-rows, np.arange(3), rows).nc3 == pytest.approx(2.0)


def test_what_is_undefined_gives_inf_or_nan_without_a_warning():
    labels, rows = np.array([0, 0, 1, 1]), np.eye(2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        same = neural_collapse(np.ones((4, 2)), labels, rows)
        zero_weight = neural_collapse(np.ones((4, 2)), labels, np.zeros((2, 2)))
        zero_feature = neural_collapse(np.zeros((4, 2)), labels, rows)
    assert same.nc1 == np.inf
    assert np.isnan(zero_weight.nc2a) and np.isnan(zero_weight.nc2b) and np.isnan(zero_weight.nc3)
    assert np.isnan(zero_feature.nc3)


def test_half_precision_is_computed_in_single():
    rng = np.random.default_rng(7)
    features, labels, weight = problem(rng, [50, 50], 4)
    half = neural_collapse(features.astype(np.float16), labels, weight.astype(np.float32))
    single = neural_collapse(
        features.astype(np.float16).astype(np.float32), labels, weight.astype(np.float32)
    )
    assert half.nc1.dtype == np.float32 and half.nc1 == single.nc1


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(labels=np.array([0, 1, 2])), r"labels: shape \(3,\), must be \(4,\)"),
        (dict(labels=np.array([0, 1, 2, 1])), "from 0 to 2, must be from 0 to 1"),
        (dict(labels=np.array([0, 1, -1, 1])), "from -1 to 1, must be from 0 to 1"),
        (dict(labels=np.zeros(4, int)), "class 1 has no sample"),
        (dict(labels=np.zeros(4)), "float64, must be whole numbers"),
        (dict(features=np.zeros((2, 2, 4, 3))), "features: shape"),
        (dict(features=np.zeros((4, 3), int)), "must be real floating point"),
        (dict(weight=np.zeros((2, 5))), r"weight: shape \(2, 5\), must be \(K, 3\)"),
        (dict(weight=np.zeros((1, 2, 3))), r"weight: shape"),
        (dict(weight=np.zeros((1, 3))), "at least 2"),
    ],
)
def test_says_what_is_wrong(change, message):
    good = dict(features=np.ones((4, 3)), labels=np.array([0, 1, 0, 1]), weight=np.ones((2, 3)))
    with pytest.raises(ValueError, match=message):
        neural_collapse(**{**good, **change})


@pytest.mark.parametrize("order", ["sorted", "random"])
def test_class_means(order):
    rng = np.random.default_rng(8)
    features, labels, _ = problem(rng, [3, 3, 3, 3], 5, seeds=2, order=order)
    means = class_means(features, labels, 4)
    for r in range(2):
        for k in range(4):
            np.testing.assert_allclose(means[r, k], features[r][labels == k].mean(0), rtol=1e-12)
    with pytest.raises(ValueError, match="class 4 has no sample"):
        class_means(features, labels, 5)


def test_cosines_of_centred_class_means():
    rng = np.random.default_rng(9)
    means = rng.normal(size=(2, 4, 6)) + 5
    result = cosines(means)
    for g in range(2):
        centred = means[g] - means[g].mean(axis=0)
        for i in range(4):
            for j in range(4):
                expected = centred[i] @ centred[j]
                expected /= np.linalg.norm(centred[i]) * np.linalg.norm(centred[j])
                assert result[g, i, j] == pytest.approx(expected, abs=1e-12)
    ideal = cosines(torch.from_numpy(simplex(5, 8, rng) + 3))
    expected = np.full((5, 5), -1 / 4) + np.eye(5) * 5 / 4
    np.testing.assert_allclose(ideal.numpy(), expected, atol=1e-12)


def test_cosines_with_a_mean_at_the_centre_are_zero():
    result = cosines(np.array([[-1.0, 0], [0, 0], [1, 0]]))
    np.testing.assert_array_equal(result, [[1, 0, -1], [0, 0, 0], [-1, 0, 1]])
