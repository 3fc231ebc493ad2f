"""Every metric in float32 against float64: in any order, far from the origin, large and small.

What is expected is computed from the same float32 numbers, from the definitions, with numpy alone.
"""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import entropy

from ncengine.metrics.collapse import class_means, cosines, neural_collapse
from ncengine.metrics.layers import layer_collapse, movement, stream

WITHIN = 1e-3
LIBRARIES = {"numpy": np.asarray, "torch": torch.from_numpy}


def exact_means(x, labels, classes):
    """Class means in float64, each about its first sample, in two steps."""
    found = []
    for k in range(classes):
        own = x[labels == k].astype(np.float64)
        about = own - own[0]
        rest = about.mean(0)
        found.append(own[0] + rest + (about - rest).mean(0))
    return np.array(found)


def distance(gram, target):
    """Of a Gram matrix from the ray of a target, over its own norm: the sine of their angle."""
    target = target / np.linalg.norm(target)
    along = max(0.0, (gram * target).sum())
    return np.linalg.norm(gram - along * target) / np.linalg.norm(gram)


def expected(x, labels, weight):
    """All that `neural_collapse`, `layer_collapse` and `stream` find, by name."""
    classes, samples = len(weight), len(x)
    means = exact_means(x, labels, classes)
    x, weight = x.astype(np.float64), weight.astype(np.float64)
    apart, centred = x - means[labels], means - means.mean(0)
    within = apart.T @ apart / samples
    between = centred.T @ centred / classes
    units = x / np.linalg.norm(x, axis=1, keepdims=True)
    rows = weight / np.linalg.norm(weight, axis=1, keepdims=True)
    simplex = np.eye(classes) - 1 / classes
    nearest = np.argmin([((x - mean) ** 2).sum(1) for mean in means], axis=0)
    parts = x - x.mean(1, keepdims=True)
    norm = np.linalg.norm(parts, axis=1).mean()
    pinv = np.linalg.pinv(between, rcond=1e-9, hermitian=True)
    return {
        "nc1": np.trace(within) / np.trace(between),
        "nc1_pinv": np.trace(within @ pinv) / classes,
        "nc2": distance(centred @ centred.T, simplex),
        "nc2a": distance(weight @ weight.T, simplex),
        "nc2b": distance(weight @ weight.T, np.eye(classes)),
        # Half the squared chord is 1 - cos, and loses nothing where the angle is small.
        "nc3": ((units - rows[labels]) ** 2).sum(1).mean() / 2,
        "ncc_error": (nearest != labels).mean(),
        "effective_rank": np.exp(entropy(np.linalg.svd(centred, compute_uv=False)[: classes - 1])),
        "effective_rank_features": np.exp(entropy(np.linalg.svd(x, compute_uv=False))),
        "stream_norm": norm,
        "common_share": np.linalg.norm(parts.mean(0)) / norm,
    }


def found(library, x, labels, weight):
    x, labels, weight = map(LIBRARIES[library], (x, labels, weight))
    parts = neural_collapse(x, labels, weight), layer_collapse(x, labels, len(weight)), stream(x)
    return {name: float(v) for p in parts for name, v in vars(p).items() if name != "class_means"}


def agree(library, x, labels, weight, within=WITHIN, wanted=None):
    values, wanted = found(library, x, labels, weight), wanted or expected(x, labels, weight)
    assert values.keys() == wanted.keys()
    for name, value in wanted.items():
        # One sample may be as near to one mean as to another; NC2 of two means is 0.
        least = {"ncc_error": 1.01 / len(x), "nc2": 1e-7}.get(name, 0.0)
        assert values[name] == pytest.approx(value, rel=within, abs=least), (name, library)


def centres(rng, classes, width, offset):
    shift = offset * (rng.normal(size=width) if rng.random() < 0.5 else np.ones(width))
    return rng.normal(size=(classes, width)), shift


def samples(rng, counts, width, spread, offset, scale, shuffled):
    """Features, labels and a classifier, in float32, of a figure of about the size `scale`."""
    figure, shift = centres(rng, len(counts), width, offset)
    labels = np.repeat(np.arange(len(counts)), counts)
    if shuffled:
        labels = rng.permutation(labels)
    x = figure[labels] + shift + spread * rng.normal(size=(len(labels), width))
    rows = figure + 0.1 * rng.normal(size=figure.shape)
    return (scale * x).astype(np.float32), labels, rows.astype(np.float32)


@settings(max_examples=60, deadline=None)
@given(
    classes=st.integers(2, 10),
    width=st.sampled_from([2, 3, 4, 9, 64, 257, 1024]),
    most=st.sampled_from([2, 3, 40, 400]),
    balanced=st.booleans(),
    shuffled=st.booleans(),
    spread=st.floats(-4, 0).map(lambda power: 10**power),
    offset=st.sampled_from([0.0, 1.0, 8.0, 100.0]),
    scale=st.sampled_from([1e-3, 1.0, 1e3]),
    seed=st.integers(0, 2**32 - 1),
)
def test_all_are_those_of_float64(
    classes, width, most, balanced, shuffled, spread, offset, scale, seed
):
    rng = np.random.default_rng(seed)
    most = min(most, max(2, 400_000 // (classes * width)))
    counts = [most] * classes if balanced else rng.integers(2, most + 1, classes)
    x, labels, weight = samples(rng, counts, width, spread, offset, scale, shuffled)
    wanted, exact = expected(x, labels, weight), exact_means(x, labels, classes)
    for library in LIBRARIES:
        agree(library, x, labels, weight, wanted=wanted)
        means = np.asarray(class_means(*map(LIBRARIES[library], (x, labels)), classes))
        assert np.abs(means - exact).max() < 3e-6 * np.abs(x).max()
        centred = exact.astype(np.float32).astype(np.float64)
        centred = centred - centred.mean(0)
        directions = centred / np.linalg.norm(centred, axis=1, keepdims=True)
        shown = np.asarray(cosines(LIBRARIES[library](exact.astype(np.float32))))
        np.testing.assert_allclose(shown, directions @ directions.T, atol=1e-6)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("spread", [1.0, 1e-2, 1e-5])
def test_the_order_of_samples_does_not_matter(library, spread):
    """Thousands a class, at a distance: what is added up one by one loses its digits."""
    rng = np.random.default_rng(2)
    x, labels, weight = samples(rng, [5000] * 4, 16, spread, 8.0, 1.0, shuffled=False)
    in_order = found(library, x, labels, weight)
    wanted = expected(x, labels, weight)["nc1"]
    assert in_order["nc1"] == pytest.approx(wanted, rel=1e-5)
    for _ in range(2):
        order = rng.permutation(len(x))
        mixed = found(library, x[order], labels[order], weight)
        for name, value in in_order.items():
            assert mixed[name] == pytest.approx(value, rel=1e-5, abs=1e-9), name


@pytest.mark.parametrize("library, shuffled", [("numpy", True), ("torch", False)])
def test_the_largest_that_can_be_asked_for(library, shuffled):
    """10 classes of 5,000 samples of 1,024 numbers."""
    rng = np.random.default_rng(3)
    labels = np.repeat(np.arange(10), 5000)
    if shuffled:
        labels = rng.permutation(labels)
    figure, shift = centres(rng, 10, 1024, 100.0)
    x = rng.standard_normal((len(labels), 1024), np.float32)
    x *= np.float32(1e-4)
    x += (figure + shift).astype(np.float32)[labels]
    weight = figure.astype(np.float32)
    result = neural_collapse(*map(LIBRARIES[library], (x, labels, weight)))
    means, within, nc3 = exact_means(x, labels, 10), 0.0, 0.0
    rows = weight.astype(np.float64) / np.linalg.norm(weight.astype(np.float64), axis=1)[:, None]
    for k in range(10):
        own = x[labels == k].astype(np.float64)
        within += ((own - means[k]) ** 2).sum()
        units = own / np.linalg.norm(own, axis=1, keepdims=True)
        nc3 += ((units - rows[k]) ** 2).sum() / 2
    between = ((means - means.mean(0)) ** 2).sum() / 10
    assert float(result.nc1) == pytest.approx(within / len(x) / between, rel=1e-4)
    assert float(result.nc3) == pytest.approx(nc3 / len(x), rel=1e-4)


@pytest.mark.parametrize("library", LIBRARIES)
def test_what_spreads_along_the_classifiers_rows_does_not_hide_what_spreads_across(library):
    """Samples of a class at very different distances on almost one ray: 1 - cos is small."""
    rng = np.random.default_rng(4)
    rows = np.linalg.qr(rng.normal(size=(64, 64)))[0][:5]
    labels = np.repeat(np.arange(5), 40)
    reach = rng.uniform(0.5, 1.5, size=(200, 1))
    x = (reach * rows[labels] + 1e-5 * rng.normal(size=(200, 64))).astype(np.float32)
    result = neural_collapse(*map(LIBRARIES[library], (x, labels, rows.astype(np.float32))))
    wanted = expected(x, labels, rows.astype(np.float32))
    assert wanted["nc3"] < 1e-8
    assert float(result.nc3) == pytest.approx(wanted["nc3"], rel=WITHIN)


@pytest.mark.parametrize("library", LIBRARIES)
def test_what_spreads_little_in_one_direction_is_not_lost_in_another(library):
    """Σ_W from 1 to 1e-8, and the class means in all directions."""
    rng = np.random.default_rng(5)
    turn = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    means, sizes = rng.normal(size=(7, 6)), 10.0 ** np.array([0, 0, -4, -4, -4, -4])
    labels = np.repeat(np.arange(7), 30)
    x = ((means[labels] + sizes * rng.normal(size=(210, 6))) @ turn).astype(np.float32)
    agree(library, x, labels, means.astype(np.float32))
    narrow = means * sizes
    x = ((narrow[labels] + sizes**2 * rng.normal(size=(210, 6))) @ turn).astype(np.float32)
    values = found(library, x, labels, means.astype(np.float32))
    wanted = expected(x, labels, means.astype(np.float32))
    assert values["nc1"] == pytest.approx(wanted["nc1"], rel=WITHIN)
    assert values["nc1_pinv"] >= 0


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("turn", [1e-3, 0.1, 2.0])
def test_movement(library, turn):
    rng = np.random.default_rng(6)
    before = rng.normal(size=(500, 64)) + 100 * rng.normal(size=64)
    after = (
        before / np.linalg.norm(before, axis=1, keepdims=True)
        + turn * rng.normal(size=(500, 64)) / 8
    )
    pair = [
        (8 * one / np.linalg.norm(one, axis=1, keepdims=True)).astype(np.float32)
        for one in (before, after)
    ]
    a, b = (one.astype(np.float64) for one in pair)
    angle = 2 * np.arctan2(np.linalg.norm(a - b, axis=1), np.linalg.norm(a + b, axis=1))
    result = float(movement(*map(LIBRARIES[library], pair)))
    assert result == pytest.approx(angle.mean(), rel=WITHIN)


@settings(max_examples=40, deadline=None)
@given(
    width=st.sampled_from([4, 8, 16, 64, 200]),
    rank=st.integers(1, 9),
    most=st.sampled_from([20, 100, 500]),
    shuffled=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_dimensions_that_no_sample_has_are_not_counted(width, rank, most, shuffled, seed):
    """Rounding a scatter matrix gives each of them a little, which many make much of."""
    rng = np.random.default_rng(seed)
    most = min(most, 80_000 // width)
    rank, labels = min(rank, width - 1), np.repeat(np.arange(4), most)
    labels = rng.permutation(labels) if shuffled else labels
    into = np.linalg.qr(rng.normal(size=(width, width)))[0][:rank]
    x = ((rng.normal(size=(4, rank))[labels] + rng.normal(size=(4 * most, rank))) @ into).astype(
        np.float32
    )
    weight = np.eye(4, width, dtype=np.float32)
    wanted = expected(x, labels, weight)["effective_rank_features"]
    for library in LIBRARIES:
        result = found(library, x, labels, weight)["effective_rank_features"]
        assert result == pytest.approx(wanted, rel=WITHIN)
