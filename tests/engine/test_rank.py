"""The rank of class means against numpy's, on figures of known rank, as they are stored."""

import numpy as np
import pytest
import torch
from array_api_compat import array_namespace
from hypothesis import given, settings
from hypothesis import strategies as st

from ncengine.metrics.arrays import AT_ONCE
from ncengine.metrics.rank import class_rank, directions


@settings(max_examples=80, deadline=None)
@given(
    classes=st.integers(2, 10),
    width=st.integers(2, 80),
    wanted=st.integers(0, 9),
    dtype=st.sampled_from(["float16", "float32", "float64"]),
    offset=st.sampled_from([0.0, 1.0]),
    seed=st.integers(0, 2**32 - 1),
)
def test_is_that_of_the_figure(classes, width, wanted, dtype, offset, seed):
    rng = np.random.default_rng(seed)
    wanted = min(wanted, classes - 1, width)
    # Orthonormal on both sides: all singular values are alike.
    left = np.linalg.qr(np.c_[np.ones(classes), rng.normal(size=(classes, classes - 1))])[0]
    right = np.linalg.qr(rng.normal(size=(width, width)))[0]
    means = left[:, 1 : wanted + 1] @ right[:wanted] * 5 + offset * rng.normal(size=width)
    assert np.linalg.matrix_rank(means - means.mean(0), tol=1e-8) == wanted
    assert class_rank(means.astype(dtype)) == wanted


def test_of_many_at_once_and_not_of_those_that_have_no_numbers():
    rng = np.random.default_rng(0)
    means = rng.normal(size=(2, 3, 5, 8)).astype(np.float16)
    means[0, 1] = 1.5
    means[1, 2, 0, 0] = np.nan
    np.testing.assert_array_equal(class_rank(means), [[4, 0, 4], [4, 4, -1]])


@pytest.mark.parametrize("classes, width", [(10, 4), (5, 4), (3, 2)])
def test_zero_sum_means_lack_a_dimension(classes, width):
    """As those of LayerNorm: they lie in a hyperplane, but for their rounding."""
    means = np.random.default_rng(1).normal(size=(classes, width))
    means -= means.mean(1, keepdims=True)
    for dtype in ("float16", "float32", "float64"):
        assert class_rank(means.astype(dtype)) == min(classes - 1, width - 1)


@pytest.mark.parametrize("shape", [(900, 1300), (1300, 900), (1100, 1099)])
@pytest.mark.parametrize("library", [np.asarray, torch.from_numpy])
def test_of_many_means_directions_are_those_of_a_decomposition_at_once(shape, library):
    rng = np.random.default_rng(1)
    sizes = 10.0 ** rng.uniform(-7, 0, size=(min(shape), 1))
    means = rng.normal(size=(shape[0], min(shape))) @ (
        sizes * rng.normal(size=(min(shape), shape[1]))
    )
    assert means.size > AT_ONCE // 2
    given = library(means.copy())
    singular, axes = directions(array_namespace(given), given)
    assert type(singular) is type(axes) is type(given)
    singular, axes = np.asarray(singular), np.asarray(axes)
    centred = means - means.mean(0)
    count = min(shape[0] - 1, shape[1])
    expected = np.linalg.svd(centred, compute_uv=False)[:count]
    np.testing.assert_allclose(singular, expected, rtol=1e-9, atol=1e-12 * expected[0])
    np.testing.assert_allclose(axes @ axes.T, np.eye(count), atol=1e-10)
    lengths = np.linalg.norm(centred @ axes.T, axis=0)
    np.testing.assert_allclose(lengths, expected, rtol=1e-9, atol=1e-12 * expected[0])
    np.testing.assert_array_equal(np.asarray(given), means)
