"""The metrics of the literature against loops in float64, written from each paper's definition."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

import ncengine.metrics as metrics
from tests.engine.test_metrics import problem, simplex


def by_class(features, labels, classes):
    return [np.array([x for x, y in zip(features, labels) if y == k]) for k in range(classes)]


def definitions(features, labels, weight, bias):
    """Each by a loop over samples, classes or pairs, with explicit matrices."""
    K = len(weight)
    groups = by_class(features, labels, K)
    mu = [group.mean(0) for group in groups]
    centred = np.array([m - sum(mu) / K for m in mu])
    within = sum(np.outer(x - mu[y], x - mu[y]) for x, y in zip(features, labels)) / len(labels)
    between = sum(np.outer(m, m) for m in centred) / K
    variance = [np.mean([np.sum((x - m) ** 2) for x in group]) for group, m in zip(groups, mu)]
    pairs = list(itertools.permutations(range(K), 2))
    ideal = (np.eye(K) - np.ones((K, K)) / K) / math.sqrt(K - 1)
    disagree = 0
    for x in features:
        logits = [w @ x + b for w, b in zip(weight, bias)]
        centre = min(range(K), key=lambda k: np.linalg.norm(x - mu[k]))
        disagree += int(np.argmax(logits)) != centre
    found = {
        "nc1": np.trace(within) / np.trace(between),
        "nc1_pinv": np.trace(within @ np.linalg.pinv(between, rcond=1e-10, hermitian=True)) / K,
        "cdnv": np.mean(
            [(variance[a] + variance[b]) / 2 / np.sum((mu[a] - mu[b]) ** 2) for a, b in pairs]
        ),
        "nc3_papyan": np.sum(
            (weight / np.linalg.norm(weight) - centred / np.linalg.norm(centred)) ** 2
        ),
        "nc3_frobenius": np.linalg.norm(
            weight @ centred.T / np.linalg.norm(weight @ centred.T) - ideal
        ),
        "nc3": np.mean(
            [
                1 - x @ weight[y] / np.linalg.norm(x) / np.linalg.norm(weight[y])
                for x, y in zip(features, labels)
            ]
        ),
        "nc4": disagree / len(features),
        "accuracy": np.mean([np.argmax(weight @ x + bias) == y for x, y in zip(features, labels)]),
    }
    for name, rows in (("means", centred), ("rows", weight)):
        norms = [np.linalg.norm(row) for row in rows]
        cosines = [rows[a] @ rows[b] / norms[a] / norms[b] for a, b in pairs]
        gram = rows @ rows.T
        found[f"equinorm_{name}"] = np.std(norms) / np.mean(norms)
        found[f"equiangularity_{name}"] = np.std(cosines)
        found[f"maximal_angle_{name}"] = np.mean([abs(c + 1 / (K - 1)) for c in cosines])
        found[f"nc2_frobenius_{name}"] = np.linalg.norm(gram / np.linalg.norm(gram) - ideal)
    return found


@settings(max_examples=30)
@given(
    classes=st.integers(2, 5),
    each=st.integers(1, 4),
    order=st.sampled_from(["sorted", "random"]),
    extra=st.integers(-1, 3),
    seeds=st.one_of(st.none(), st.integers(1, 3)),
    library=st.sampled_from([np.asarray, torch.from_numpy]),
    seed=st.integers(0, 10**6),
)
def test_agree_with_the_definitions(classes, each, order, extra, seeds, library, seed):
    rng = np.random.default_rng(seed)
    arrays = problem(rng, [each] * classes, max(classes + extra, 2), seeds, order)
    features, labels, weight = arrays
    bias = rng.normal(size=weight.shape[:-1])
    result = metrics.every(*map(library, (features, labels, weight, bias)))
    for r in range(seeds or 1):
        own = (a if seeds is None else a[r] for a in (features, weight, bias))
        x, w, b = own
        for name, expected in definitions(x, labels, w, b).items():
            value = np.asarray(result[name])
            assert value.shape == (() if seeds is None else (seeds,)) and value.dtype == np.float64
            np.testing.assert_allclose(
                value.reshape(-1)[r], expected, rtol=1e-7, atol=1e-10, err_msg=name
            )


def test_it_says_what_definition_2_says():
    features, labels, weight = problem(np.random.default_rng(0), [6, 6, 6], 5)
    result = metrics.every(features, labels, weight)
    for name, value in vars(metrics.neural_collapse(features, labels, weight)).items():
        assert result[name] == pytest.approx(value, rel=1e-10, abs=0.0)
    of_layer = metrics.layers.layer_collapse(features, labels, 3)
    assert result["nc1_pinv"] == pytest.approx(of_layer.nc1_pinv, rel=1e-10, abs=0.0)


@pytest.mark.parametrize("spread", [1e-4, 1e-8])
def test_near_collapse_nothing_is_lost_in_rounding(spread):
    """Features are made exactly: what they deviate by is a power of two times small integers."""
    rng = np.random.default_rng(1)
    rows = np.round(simplex(4, 6, rng) * 2**10) / 2**10
    unit = 2.0 ** math.floor(math.log2(spread))
    apart = rng.integers(-8, 9, size=(4, 10, 6)).astype(float)
    apart[:, 5:] = -apart[:, :5]
    features = (rows[:, None] + unit * apart).reshape(40, 6)
    result = metrics.every(features, np.repeat(np.arange(4), 10), rows)
    scatter = sum(np.outer(e, e) for e in apart.reshape(40, 6)) / 40
    centred = rows - rows.mean(0)
    pinv = np.linalg.pinv(centred.T @ centred / 4, rcond=1e-10, hermitian=True)
    assert result["nc1_pinv"] == pytest.approx(
        unit**2 * np.trace(scatter @ pinv) / 4, rel=1e-9, abs=0.0
    )
    variance = (apart**2).sum(-1).mean(-1)
    pairs = [
        (variance[a] + variance[b]) / 2 / np.sum((rows[a] - rows[b]) ** 2)
        for a, b in itertools.permutations(range(4), 2)
    ]
    assert result["cdnv"] == pytest.approx(unit**2 * np.mean(pairs), rel=1e-9, abs=0.0)
    assert result["nc4"] == 0.0


def test_two_classes_that_nearly_coincide_beside_far_ones_keep_their_distance():
    means = np.array([[1e3, 0, 0], [1e3, 2.0**-20, 0], [-1e3, 0, 5.0]])
    features = np.concatenate([means + np.array([0, 0, e]) for e in (2.0**-25, -(2.0**-25))])
    found = metrics.cdnv(metrics.moments(features, np.array([0, 1, 2, 0, 1, 2]), 3))
    variance = 2.0**-50
    near = variance / 2.0**-40
    assert found == pytest.approx(near / 3, rel=1e-6, abs=0.0)


@pytest.mark.parametrize("K, d", [(2, 2), (4, 4), (10, 64)])
def test_a_perfect_simplex_is_full_collapse(K, d):
    rows = simplex(K, d, np.random.default_rng(4))
    result = metrics.every(8 * np.repeat(rows, 3, 0), np.repeat(np.arange(K), 3), 0.7 * rows)
    full = {"accuracy": 1.0, "nc2b": pytest.approx(math.sqrt(1 / K))}
    for name, value in result.items():
        assert value == full.get(name, pytest.approx(0.0, abs=1e-13)), name


def test_what_is_undefined_gives_inf_or_nan_without_a_warning(recwarn):
    labels = np.array([0, 0, 1, 1])
    result = metrics.every(np.ones((4, 2)), labels, np.zeros((2, 2)))
    assert not recwarn.list
    for name in ("nc1", "nc1_pinv", "cdnv"):
        assert result[name] == np.inf
    for name in ("equinorm_rows", "nc2_frobenius_rows", "nc3_papyan", "nc3_frobenius", "nc3"):
        assert np.isnan(result[name])
    assert result["nc4"] == 0.0


@pytest.mark.parametrize("library", [np.asarray, torch.asarray])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_of_what_is_not_finite_it_is_nan_and_nothing_fails(library, bad):
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 4
    features, weight, foreign = (rng.normal(size=(n, 6)) for n in (40, 4, 8))
    sound = metrics.every(library(features), library(labels), library(weight))
    features[3, 2] = bad
    with np.errstate(all="ignore"):
        result = metrics.every(library(features), library(labels), library(weight))
        shares = metrics.neco(library(foreign), library(features), 3)
    assert np.isnan(np.asarray(shares)).all()
    for name in ("nc1", "nc1_pinv", "cdnv", "nc2_frobenius_means", "nc3_frobenius", "nc4"):
        assert np.isnan(float(result[name])) and np.isfinite(float(sound[name])), name
    assert float(result["nc2a"]) == float(sound["nc2a"])


def test_nc4_takes_the_bias_into_account_and_any_samples():
    means, weight = np.array([[1.0, 0], [-1.0, 0]]), np.array([[1.0, 0], [-1.0, 0]])
    features = np.array([[0.5, 0], [0.1, 0], [-0.5, 1], [-2.0, 0]])
    assert metrics.nc4(features, means, weight) == 0.0
    assert metrics.nc4(features, means, weight, np.array([0.0, 0.5])) == 0.25
    with pytest.raises(ValueError, match=r"bias: shape \(3,\), must be \(2,\)"):
        metrics.nc4(features, means, weight, np.zeros(3))
    with pytest.raises(ValueError, match=r"means: shape \(3, 2\), must be \(K, 2\)"):
        metrics.nc4(features, np.zeros((3, 2)), weight)


@pytest.mark.parametrize("library", [np.asarray, torch.from_numpy])
def test_data_of_no_class(library):
    rng = np.random.default_rng(5)
    features, labels, _ = problem(rng, [20, 20, 20], 8, seeds=2)
    outside = rng.normal(size=(2, 15, 8)) + 1
    means = np.stack([[g.mean(0) for g in by_class(one, labels, 3)] for one in features])
    nc5 = np.asarray(metrics.nc5(library(means), library(outside)))
    scores = np.asarray(metrics.neco(library(outside), library(features), 2))
    for r in range(2):
        foreign = outside[r].mean(0)
        cosines = [m @ foreign / np.linalg.norm(m) / np.linalg.norm(foreign) for m in means[r]]
        assert nc5[r] == pytest.approx(np.mean(np.abs(cosines)), rel=1e-12, abs=0.0)
        _, _, axes = np.linalg.svd(features[r] - features[r].mean(0))
        for score, x in zip(scores[r], outside[r]):
            assert score == pytest.approx(np.linalg.norm(axes[:2] @ x) / np.linalg.norm(x))
    with pytest.raises(ValueError, match="dimensions = 9: must be a whole number from 1 to 8"):
        metrics.neco(library(outside), library(features), 9)


def test_auroc_counts_pairs():
    inside, outside = [0.9, 0.5, 0.5], [0.5, 0.1]
    pairs = [(a > b) + (a == b) / 2 for a in inside for b in outside]
    assert metrics.auroc(inside, outside) == pytest.approx(np.mean(pairs))
    assert np.isnan(metrics.auroc([np.nan], outside))


def from_hull(rows, k):
    """Distance of a row from the hull of the others, by a general optimiser over their weights."""
    others = np.delete(rows, k, 0)
    start = np.full(len(others), 1 / len(others))
    found = minimize(
        lambda a: np.sum((a @ others - rows[k]) ** 2),
        start,
        bounds=[(0, 1)] * len(others),
        constraints={"type": "eq", "fun": lambda a: a.sum() - 1},
        options={"ftol": 1e-14, "maxiter": 500},
    )
    return math.sqrt(found.fun)


@pytest.mark.parametrize("K, d, seed", [(5, 3, 0), (8, 3, 1), (6, 8, 2)])
def test_one_vs_rest_margin_and_coherence(K, d, seed):
    rows = np.random.default_rng(seed).normal(size=(2, K, d))
    units = rows / np.linalg.norm(rows, axis=-1, keepdims=True)
    margins = metrics.one_vs_rest_margin(torch.from_numpy(rows))
    for r in range(2):
        least = min(from_hull(units[r], k) for k in range(K))
        assert margins[r] == pytest.approx(least, abs=2e-5)
        largest = max(units[r, a] @ units[r, b] for a, b in itertools.combinations(range(K), 2))
        assert metrics.coherence(rows)[r] == pytest.approx(largest)


def regular_polygon(K):
    angles = 2 * np.pi * np.arange(K) / K
    return np.stack([np.cos(angles), np.sin(angles)], -1)


@pytest.mark.parametrize(
    "rows",
    [
        simplex(5, 6, np.random.default_rng(0)),
        np.concatenate([np.eye(3), -np.eye(3)]),
        regular_polygon(7),
    ],
    ids=["simplex", "cross-polytope", "polygon"],
)
def test_known_codes_have_the_best_margin_and_no_other_a_larger_one(rows):
    best = metrics.best_margin(*rows.shape)
    assert metrics.one_vs_rest_margin(3 * rows) == pytest.approx(best, abs=1e-12)
    near = rows + 0.05 * np.random.default_rng(1).normal(size=(40, *rows.shape))
    assert metrics.one_vs_rest_margin(near).max() < best


def test_best_margin_is_nan_where_nobody_knows_it():
    assert math.isnan(metrics.best_margin(9, 4))
    with pytest.raises(ValueError, match="classes = 1"):
        metrics.best_margin(1, 4)


@pytest.mark.parametrize("counts", [[5, 5, 5], [20, 5, 1], [7, 1]])
def test_seli_is_the_svd_of_the_simplex_encoded_labels(counts):
    """Against the decomposition of the whole K × N matrix."""
    K, labels = len(counts), np.repeat(np.arange(len(counts)), counts)
    Z = (np.eye(K) - 1 / K)[:, labels]
    V, s, U = np.linalg.svd(Z, full_matrices=False)
    V, s, U = V[:, : K - 1], s[: K - 1], U[: K - 1]
    first = [list(labels).index(k) for k in range(K)]
    rows, means = V @ np.diag(s) @ V.T, (U.T @ np.diag(s) @ U)[np.ix_(first, first)]
    found_rows, found_means = metrics.seli_grams(counts)
    np.testing.assert_allclose(found_rows, rows / np.linalg.norm(rows), atol=1e-12)
    np.testing.assert_allclose(found_means, means / np.linalg.norm(means), atol=1e-12)
    # What has that geometry is told to have it, in any position.
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(K + 2, K + 2)))[0]
    W = 3 * np.pad(V * np.sqrt(s), ((0, 0), (0, 3))) @ turn
    H = np.pad(U.T[first] * np.sqrt(s), ((0, 0), (0, 3))) @ turn
    result = metrics.every(H[labels], labels, W)
    if len(set(counts)) > 1:
        assert result["seli_rows"] < 1e-12 and result["seli_means"] < 1e-12
        assert result["nc3_frobenius"] < 1e-12
        assert np.isnan(result["nc2_frobenius_rows"]) and np.isnan(result["nc2a"])
    else:
        assert "seli_rows" not in result and result["nc2_frobenius_rows"] < 1e-12


def test_the_ideal_is_recognised():
    assert metrics.ideal(4, 3) == metrics.ideal(4, 3, [5, 5, 5, 5]) == "simplex"
    assert metrics.ideal(4, 3, [5, 5, 5, 4]) == "simplex"
    assert metrics.ideal(4, 3, [5, 5, 5, 4], factor=1.1) == "seli"
    assert metrics.ideal(4, 3, [9, 9, 9, 5]) == "seli"
    assert metrics.ideal(5, 3, [9, 1, 1, 1, 1]) == "code"
    rows = np.concatenate([np.eye(3), -np.eye(3)])
    result = metrics.every(np.repeat(rows, 2, 0), np.repeat(np.arange(6), 2), rows)
    assert result["one_vs_rest_margin_rows"] == pytest.approx(1.0)
    assert result["coherence_means"] == pytest.approx(0.0, abs=1e-12)
    assert np.isnan(result["nc2_frobenius_means"]) and np.isnan(result["nc3_frobenius"])
    with pytest.raises(ValueError, match="counts"):
        metrics.ideal(3, 3, [5, 0, 5])
