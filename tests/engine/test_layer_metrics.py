"""The metrics of one layer against loops in float64, numpy's pinv and scipy's entropy."""

from dataclasses import fields

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import entropy

from ncengine.metrics import layers
from ncengine.metrics.collapse import neural_collapse


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def by_definition(features, labels, classes):
    """Every metric, sample by sample, in float64."""
    features = features.astype(np.float64)
    means = np.array(
        [np.mean([x for x, y in zip(features, labels) if y == k], axis=0) for k in range(classes)]
    )
    centre = sum(means) / classes
    within = sum(np.outer(x - means[y], x - means[y]) for x, y in zip(features, labels))
    within = within / len(labels)
    between = sum(np.outer(m - centre, m - centre) for m in means) / classes
    # The pseudo-inverse of the scatter by that of the means, of which nothing is squared.
    inverse = np.linalg.pinv(means - centre, rcond=1e-5)
    gram = (means - centre) @ (means - centre).T
    gram = gram / np.linalg.norm(gram)
    simplex = np.eye(classes) - np.ones((classes, classes)) / classes
    nearest = minimize_scalar(
        lambda c: np.linalg.norm(gram - c * simplex), bounds=(0, 10), options={"xatol": 1e-12}
    )
    errors = 0
    for x, y in zip(features, labels):
        distances = [np.sum((x - mean) ** 2) for mean in means]
        errors += min(distances) < distances[y]
    return {
        "nc1": np.trace(within) / np.trace(between),
        "nc1_pinv": np.trace(within @ inverse @ inverse.T),
        "nc2": nearest.fun,
        "ncc_error": errors / len(labels),
        "effective_rank": np.exp(entropy(np.linalg.svd(means - centre, compute_uv=False))),
        "effective_rank_features": np.exp(entropy(np.linalg.svd(features, compute_uv=False))),
    }


def problem(rng, counts, d, seeds=None, mixed=False, spread=0.5):
    labels = np.repeat(np.arange(len(counts)), counts)
    if mixed:
        labels = rng.permutation(labels)
    leading = () if seeds is None else (seeds,)
    centres = rng.normal(size=(*leading, len(counts), d))
    noise = spread * rng.normal(size=(*leading, len(labels), d))
    return centres[..., labels, :] + noise, labels


@settings(max_examples=40, deadline=None)
@given(
    counts=st.lists(st.integers(2, 9), min_size=2, max_size=6),
    wider=st.integers(0, 8),
    balanced=st.booleans(),
    mixed=st.booleans(),
    spread=st.sampled_from([1e-3, 0.5, 2.0]),
    rng_seed=st.integers(0, 2**32 - 1),
)
def test_equal_loops_from_the_definitions(counts, wider, balanced, mixed, spread, rng_seed):
    counts = [counts[0]] * len(counts) if balanced else counts
    # As few dimensions as a simplex of so many classes fits into, or more.
    d = max(2, len(counts) - 1 + wider)
    rng = np.random.default_rng(rng_seed)
    features, labels = problem(rng, counts, d, mixed=mixed, spread=spread)
    expected = by_definition(features, labels, len(counts))
    for values in (features, torch.from_numpy(features)):
        found = layers.layer_collapse(values, labels, len(counts))
        for name, value in expected.items():
            tolerance = 1e-6 if name in ("nc2", "effective_rank_features") else 1e-9
            assert float(getattr(found, name)) == pytest.approx(value, rel=tolerance, abs=tolerance)


@pytest.mark.parametrize("mixed", [False, True])
def test_networks_side_by_side_are_measured_each_for_itself(rng, mixed):
    features, labels = problem(rng, [6, 6, 6], 5, seeds=4, mixed=mixed)
    together = layers.layer_collapse(torch.from_numpy(features), labels, 3)
    for r in range(4):
        alone = layers.layer_collapse(features[r], labels, 3)
        for name in [field.name for field in fields(alone)]:
            np.testing.assert_allclose(getattr(together, name)[r], getattr(alone, name), rtol=1e-9)


def test_nc1_is_that_of_the_last_layer(rng):
    features, labels = problem(rng, [20] * 5, 16, seeds=3, spread=1e-3)
    features = torch.from_numpy(features.astype(np.float32))
    weight = torch.ones(3, 5, 16)
    found = layers.layer_collapse(features, torch.from_numpy(labels), 5).nc1
    expected = neural_collapse(features, torch.from_numpy(labels), weight).nc1
    torch.testing.assert_close(found, expected, rtol=1e-7, atol=0)


def test_at_collapse(rng):
    rows = np.linalg.qr(rng.normal(size=(8, 8)))[0][:4]
    features = np.repeat(rows - rows.mean(0), 5, axis=0)
    found = layers.layer_collapse(features, np.repeat(np.arange(4), 5), 4)
    assert float(found.nc1) < 1e-30
    assert float(found.nc1_pinv) < 1e-30
    assert float(found.nc2) < 1e-7
    assert float(found.ncc_error) == 0
    assert float(found.effective_rank) == pytest.approx(3)
    assert float(found.effective_rank_features) == pytest.approx(3, rel=1e-5)


def test_where_class_means_coincide_there_is_no_collapse():
    """And no warning, and no error: so a network may begin."""
    features = np.tile(np.array([[1.0, 2.0], [3.0, -1.0]]), (2, 1))
    found = layers.layer_collapse(features, np.array([0, 0, 1, 1]), 2)
    assert np.isinf(found.nc1)
    assert np.isinf(found.nc1_pinv)
    assert float(found.ncc_error) == 0


def figures(kind, rng):
    """Class means (K, d) that span less than K - 1 dimensions, and how many they span."""
    if kind == "more classes than dimensions":
        return rng.normal(size=(10, 4)), 4
    if kind == "more than a sphere holds":
        means = rng.normal(size=(10, 4))
        return means - means.mean(1, keepdims=True), 3
    if kind == "a plane":
        return rng.normal(size=(10, 2)) @ np.linalg.qr(rng.normal(size=(64, 64)))[0][:2], 2
    if kind == "a line":
        return rng.normal(size=(5, 1)) @ rng.normal(size=(1, 30)), 1
    means = rng.normal(size=(6, 20))
    return means[[0, 1, 2, 2, 1, 5]], 3


KINDS = (
    "more classes than dimensions",
    "more than a sphere holds",
    "a plane",
    "a line",
    "some coincide",
)


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    single=st.booleans(),
    mixed=st.booleans(),
    flat=st.booleans(),
    spread=st.sampled_from([1e-3, 0.5, 3.0]),
    offset=st.sampled_from([0.0, 10.0]),
    rng_seed=st.integers(0, 2**32 - 1),
)
def test_directions_in_which_class_means_do_not_differ_are_left_out(
    kind, single, mixed, flat, spread, offset, rng_seed
):
    """As numpy's pseudo-inverse leaves them out, whatever else the samples do there."""
    rng = np.random.default_rng(rng_seed)
    means, rank = figures(kind, rng)
    labels = np.repeat(np.arange(len(means)), 8)
    # Deviations come in pairs of opposite sign, so that class means are those of the figure.
    if flat:
        noise = rng.normal(size=(len(labels) // 2, len(means))) @ means
    else:
        noise = rng.normal(size=(len(labels) // 2, means.shape[1]))
    features = means[labels] + spread * np.stack([noise, -noise], 1).reshape(len(labels), -1)
    features = features + offset * rng.normal(size=means.shape[1])
    features = features.astype(np.float32 if single else np.float64)
    if mixed:
        order = rng.permutation(len(labels))
        features, labels = features[order], labels[order]
    exact = features.astype(np.float64)
    means = np.array([exact[labels == k].mean(0) for k in range(len(means))])
    apart, centred = exact - means[labels], means - means.mean(0)
    between = centred.T @ centred / len(means)
    values = np.linalg.eigvalsh(between)[::-1]
    pinv = np.linalg.pinv(between, rcond=0.5 * values[rank - 1] / values[0], hermitian=True)
    expected = np.trace(apart.T @ apart @ pinv) / len(labels) / len(means)
    for values in (features, torch.from_numpy(features)):
        found = float(layers.layer_collapse(values, labels, len(means)).nc1_pinv)
        assert found == pytest.approx(expected, rel=1e-4 if single else 1e-9, abs=0)
        assert found >= 0


@settings(max_examples=60, deadline=None)
@given(
    classes=st.integers(2, 10),
    wider=st.integers(0, 60),
    single=st.booleans(),
    spread=st.sampled_from([1e-4, 1e-2, 1.0]),
    rng_seed=st.integers(0, 2**32 - 1),
)
def test_nc1_by_pseudo_inverse_is_numpys(classes, wider, single, spread, rng_seed):
    """Where there is room for all K - 1 dimensions: K at most d."""
    rng = np.random.default_rng(rng_seed)
    features, labels = problem(rng, [12] * classes, classes + wider, spread=spread)
    features = features.astype(np.float32 if single else np.float64)
    expected = by_definition(features, labels, classes)["nc1_pinv"]
    for values in (features, torch.from_numpy(features)):
        found = float(layers.layer_collapse(values, labels, classes).nc1_pinv)
        assert found == pytest.approx(expected, rel=1e-6, abs=0)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_rounding_that_sets_coinciding_class_means_apart_is_no_distance(rng, dtype):
    """Each class holds the same samples, in another order, a tenth of them moved by one digit."""
    labels = np.repeat(np.arange(3), 40)
    one = (8 + rng.normal(size=(40, 16))).astype(dtype)
    features = np.concatenate([rng.permutation(one) for _ in range(3)])
    moved = rng.random(features.shape) < 0.1
    features = np.where(moved, np.nextafter(features, dtype(99)), features)
    found = layers.layer_collapse(features, labels, 3)
    assert np.isinf(found.nc1) and np.isinf(found.nc1_pinv)
    assert float(found.ncc_error) == 0
    assert np.isinf(neural_collapse(features, labels, np.eye(3, 16, dtype=np.float32)).nc1)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_network_that_diverged_is_nan_and_its_neighbour_is_not(rng, bad):
    features, labels = problem(rng, [4, 4], 3, seeds=2)
    features[0, 1, 2] = bad
    for values in (features, torch.from_numpy(features)):
        with np.errstate(invalid="ignore"):
            found = layers.layer_collapse(values, labels, 2)
            flow = layers.stream(values)
        for one in [getattr(part, f.name) for part in (found, flow) for f in fields(part)]:
            assert np.isnan(np.asarray(one[0])).all()
            assert np.isfinite(np.asarray(one[1])).all()


def test_stream_equals_a_loop(rng):
    values = rng.normal(size=(2, 7, 5)) + 3
    found = layers.stream(torch.from_numpy(values))
    for r in range(2):
        parts = [x - np.mean(x) for x in values[r]]
        norm = np.mean([np.linalg.norm(part) for part in parts])
        assert float(found.stream_norm[r]) == pytest.approx(norm, rel=1e-12)
        common = np.linalg.norm(np.mean(parts, axis=0)) / norm
        assert float(found.common_share[r]) == pytest.approx(common, rel=1e-12)


def test_common_share_is_one_where_all_samples_are_alike():
    assert float(layers.stream(np.tile([1.0, 2.0, 4.0], (6, 1))).common_share) == pytest.approx(1)


@pytest.mark.parametrize("angle", [1e-6, 0.1, 1.5, 3.1])
def test_movement_is_the_angle_of_a_turn(rng, angle):
    before = rng.normal(size=(9, 2))
    before *= np.sqrt(2) / np.linalg.norm(before, axis=1, keepdims=True)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    after = before @ turn.T
    for pair in ((before, after), (torch.from_numpy(before), torch.from_numpy(after))):
        assert float(layers.movement(*pair)) == pytest.approx(angle, rel=1e-9)


@pytest.mark.parametrize(
    ("labels", "classes", "words"),
    [
        ([0, 0, 1, 1], 1, "classes = 1"),
        ([0, 0, 2, 2], 3, "class 1 has no sample"),
        ([0, 0, 1, 2], 2, "labels"),
        ([0, 1], 2, "labels: shape"),
    ],
)
def test_bad_input_is_named(labels, classes, words):
    with pytest.raises(ValueError, match=words):
        layers.layer_collapse(np.eye(4), np.array(labels), classes)
