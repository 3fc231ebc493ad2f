"""What metrics cannot be taken of is refused in words, whichever is asked."""

import numpy as np
import pytest
import scipy.sparse
import torch

import ncengine
import ncengine.metrics as metrics

rng = np.random.default_rng(0)
X, Y, W = rng.normal(size=(60, 6)), np.arange(60) % 3, rng.normal(size=(3, 6))
T = torch.from_numpy(X)

KINDS = {
    "a scipy matrix": (scipy.sparse.csr_matrix(X), "csr_matrix"),
    "a scipy array": (scipy.sparse.coo_array(X), "coo_array"),
    "torch, by places": (T.to_sparse(), "a tensor of layout sparse_coo"),
    "torch, by rows": (T.to_sparse_csr(), "a tensor of layout sparse_csr"),
    "nested": (torch.nested.nested_tensor([T[:2], T[2:]]), "a nested tensor"),
    "quantised": (torch.quantize_per_tensor(T.float(), 0.1, 0, torch.qint8), "a quantised tensor"),
    "without numbers": (T.to("meta"), "a meta tensor"),
    "masked": (np.ma.masked_array(X, X > 2), "MaskedArray"),
    # Of which scipy would end the process.
    "numpy's matrix": (np.matrix(X), "matrix"),
    "a list": (X.tolist(), "list"),
    "nothing": (None, "NoneType"),
}
OF_FEATURES = {
    "every": lambda x: metrics.every(x, Y, W),
    "neural_collapse": lambda x: metrics.neural_collapse(x, Y, W),
    "moments": lambda x: metrics.moments(x, Y, 3),
    "accumulator": lambda x: metrics.Accumulator(3, 6).update(x, Y),
    "class_means": lambda x: metrics.class_means(x, Y, 3),
    "layer": lambda x: metrics.layers.layer_collapse(x, Y, 3),
    "nc4": lambda x: metrics.nc4(x, W, W),
    "nc5": lambda x: metrics.nc5(W, x),
    "neco": lambda x: metrics.neco(x, X, 2),
    "equinorm": metrics.equinorm,
    "cosines": metrics.cosines,
    "margin": metrics.one_vs_rest_margin,
    "seli": lambda x: metrics.seli_means(x, np.arange(60) + 1),
}


@pytest.mark.parametrize("function", OF_FEATURES)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_dense_array_is_named(kind, function):
    given, named = KINDS[kind]
    with pytest.raises(ValueError, match=f": {named}, must be an array of numpy or torch that is"):
        OF_FEATURES[function](given)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("a list", "nothing")])
def test_so_is_it_where_it_is_observed_or_is_the_last_layer(kind):
    given, _ = KINDS[kind]
    if kind != "numpy's matrix":  # which is read as the array that it is
        with pytest.raises(ValueError, match="^features: .*must be an array"):
            ncengine.Recorder().observe(given, Y, W)
    with pytest.raises(ValueError, match="^weight: "):
        metrics.every(X, Y, given)


@pytest.mark.parametrize(
    "labels", [torch.from_numpy(Y).to_sparse(), np.ma.masked_array(Y, Y > 1), ["a"] * 60, None, 3]
)
def test_so_are_labels(labels):
    refused = pytest.raises(ValueError, match="^labels: ")
    for ask in (
        lambda: metrics.every(X, labels, W),
        lambda: metrics.of_samples(X, labels, W, W),
        lambda: metrics.Accumulator(3, 6).update(X, labels),
    ):
        with refused:
            ask()


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: metrics.every(X[:, :0], Y, W[:, :0]), "must be .*, d at least 1"),
        (lambda: metrics.nc4(X[:, :0], W[:, :0], W[:, :0]), "N and d at least 1"),
        (lambda: metrics.moments(X, Y, "3"), "classes = '3': must be a whole number"),
        (lambda: metrics.class_means(X, Y, None), "classes = None: must be a whole number"),
        (lambda: metrics.every(X, Y, W, [0.0] * 3), "bias: list, must be"),
        (lambda: metrics.every(X, Y, W, torch.zeros(3)), "of torch: must be of one library"),
        (lambda: metrics.of_samples(X, Y + 5, W, W), "labels: from 5 to 7, must be from 0 to 2"),
        (lambda: metrics.of_samples(X, Y + 0.5, W, W), "labels: type float64"),
        (lambda: metrics.every(X, Y, W, counts="abc"), "counts = 'abc': must be K whole"),
        (lambda: metrics.best_margin(2.5, 3), "classes = 2.5"),
        (lambda: metrics.auroc([], [1.0]), r"inside: shape \(0,\)"),
        (lambda: metrics.nc5(W, np.float64(3)), "must be rows of one width"),
        (lambda: ncengine.Recorder().observe(X, Y, 3.0), r"shapes \(60, 6\) and \(\), must be"),
        (lambda: ncengine.Recorder().observe(X[None], Y), r"features: shape \(1, 60, 6\)"),
        (lambda: ncengine.Recorder().observe(X, -Y), "labels: from -2 to 0, must be 0 or more"),
        (lambda: ncengine.Recorder().observe(X.astype(object), Y), "ndarray of type object"),
    ],
)
def test_what_else_cannot_be(ask, message):
    with pytest.raises(ValueError, match=message):
        ask()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"first": np.zeros(3)}, r"first has shape \(3,\), must be \(K, d\)"),
        ({"counts": np.array([1.0, np.nan, 1.0])}, "counts must be finite"),
        ({"counts": np.array([1.0, -1.0, 1.0])}, "counts must be whole numbers, at least 0"),
        ({"scatter": np.zeros((4, 3))}, r"scatter has shape \(4, 3\), must be \(4, 4\)"),
        ({"rounding": np.zeros(2)}, r"rounding has shape \(2,\), must be \(\)"),
        ({"squares": "abc"}, "squares must be an array of numbers"),
    ],
)
def test_a_state_that_came_from_elsewhere_is_not_believed(changed, message):
    state = {**metrics.Accumulator(3, 4).state(), **changed}
    with pytest.raises(ValueError, match=f"state: {message}"):
        metrics.Accumulator.from_state(state)
    with pytest.raises(ValueError, match="state: lacks counts"):
        metrics.Accumulator.from_state(None)


def test_a_last_layer_in_half_precision_goes_with_sums_in_double():
    half = torch.from_numpy(W).bfloat16()
    made = metrics.Accumulator(3, 6)
    made.update(T.bfloat16(), torch.from_numpy(Y))
    assert made.result(half) == made.result(half.double())
