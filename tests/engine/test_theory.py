"""The GUFM optimum against numerical minimisation that knows nothing of collapse."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import log_softmax

from ncengine.theory import gufm_optimum, simplex_etf


def objective(W, b, X, weight_decay, loss):
    """L(W X + b) + weight_decay/2 ||W||^2 with one sample a class, X (d, K)."""
    K = len(W)
    logits = W @ X + b[:, None]
    if loss == "ce":
        fit = -np.mean([log_softmax(logits[:, k])[k] for k in range(K)])
    else:
        fit = np.sum((logits - np.eye(K)) ** 2) / (2 * K)
    return fit + weight_decay / 2 * np.sum(W**2)


def on_sphere(V, d):
    """Columns moved into the zero-sum hyperplane and onto the sphere of radius sqrt(d)."""
    V = V - V.mean(axis=0)
    return np.sqrt(d) * V / np.linalg.norm(V, axis=0)


def minimise(K, d, weight_decay, loss, bias, starts=4):
    """Least objective and mean row norm over free W, b and features on the sphere."""
    best = (np.inf, np.nan)
    for start in range(starts):
        rng = np.random.default_rng(start)

        def unpack(theta):
            W, V = theta[: K * d].reshape(K, d), theta[K * d : 2 * K * d].reshape(d, K)
            b = theta[2 * K * d :] if bias else np.zeros(K)
            return W, b, on_sphere(V, d)

        result = minimize(
            lambda theta: objective(*unpack(theta), weight_decay, loss),
            rng.normal(size=2 * K * d + (K if bias else 0)),
            method="BFGS",
            options=dict(gtol=1e-7, maxiter=500),
        )
        W = unpack(result.x)[0]
        best = min(best, (result.fun, np.linalg.norm(W - W.mean(axis=0) * bias, axis=1).mean()))
    return best


@pytest.mark.parametrize(
    "K, d, weight_decay, loss, bias",
    [
        (2, 3, 0.1, "ce", False),
        (3, 3, 0.02, "ce", False),
        (3, 4, 0.3, "ce", True),
        (3, 4, 0.05, "mse", False),
        (2, 4, 0.5, "mse", False),
        (3, 3, 0.05, "mse", True),
        (4, 4, 0.2, "mse", True),
    ],
)
def test_agrees_with_free_minimisation(K, d, weight_decay, loss, bias):
    loss_found, row_norm_found = minimise(K, d, weight_decay, loss, bias)
    optimum = gufm_optimum(K, d, weight_decay, loss, bias)
    assert optimum.loss == pytest.approx(loss_found, rel=1e-8)
    assert optimum.row_norm == pytest.approx(row_norm_found, rel=1e-4)


@pytest.mark.parametrize(
    "K, d, weight_decay, ce, mse, mse_bias",
    [
        (10, 64, 0.005, 0.0227593675, 3.9032e-4, 3.1618e-4),
        (4, 8, 0.05, 0.1658557598, 0.0121951220, 0.0069018405),
    ],
)
def test_agrees_with_the_values_worked_out_before(K, d, weight_decay, ce, mse, mse_bias):
    assert gufm_optimum(K, d, weight_decay).loss == pytest.approx(ce, abs=5e-11)
    assert gufm_optimum(K, d, weight_decay, "MSE").loss == pytest.approx(mse, rel=1e-5)
    with_bias = gufm_optimum(K, d, weight_decay, "MSE", bias=True)
    assert with_bias.loss == pytest.approx(mse_bias, rel=2e-5)


def test_row_norm_worked_out_before():
    assert gufm_optimum(10, 64, 0.005).row_norm == pytest.approx(0.84800738, abs=5e-9)


@pytest.mark.parametrize("loss, bias", [("ce", False), ("mse", False), ("mse", True)])
@pytest.mark.parametrize("K, d, weight_decay", [(2, 3, 0.05), (5, 8, 0.01), (10, 64, 0.5)])
def test_a_network_at_the_optimum_reaches_the_floor(K, d, weight_decay, loss, bias):
    """W and X built from the figure that is claimed to be optimal, and evaluated."""
    optimum = gufm_optimum(K, d, weight_decay, loss, bias)
    corners = np.eye(K) if optimum.figure == "orthogonal" else simplex_etf(K)
    basis = np.linalg.svd(np.ones((1, d)))[2][1:]
    rows = corners @ basis[: corners.shape[1]]
    W = optimum.row_norm * rows
    X = np.sqrt(d) * rows.T
    b = np.full(K, 1 / K if bias else 0.0)
    np.testing.assert_allclose(X.sum(axis=0), 0, atol=1e-12)
    assert objective(W, b, X, weight_decay, loss) == pytest.approx(optimum.loss, rel=1e-12)
    assert objective(W, b, X, 0.0, loss) == pytest.approx(optimum.fit, rel=1e-11)
    logits = (W @ X + b[:, None])[:, 0]
    assert optimum.logit_gap == pytest.approx(logits[0] - logits[1], rel=1e-12)
    if loss == "ce":
        assert np.exp(log_softmax(logits)[0]) == pytest.approx(optimum.probability, rel=1e-12)
    else:
        assert optimum.probability is None


@settings(max_examples=60)
@given(
    K=st.integers(2, 1000),
    extra=st.integers(0, 1000),
    exponent=st.floats(-8, 1),
)
def test_cross_entropy_is_the_least_value_on_a_grid(K, extra, exponent):
    """Dense grid around the row norm: nothing lower, and the row norm itself is stationary."""
    d, weight_decay = K + extra, 10**exponent
    optimum = gufm_optimum(K, d, weight_decay)

    def value(a):
        return (
            np.logaddexp(0, np.log(K - 1) - a * np.sqrt(d) * K / (K - 1))
            + weight_decay * K * a**2 / 2
        )

    assert optimum.loss == pytest.approx(value(optimum.row_norm), rel=1e-13)
    grid = optimum.row_norm * np.concatenate([np.geomspace(1e-3, 1e3, 4001), [1 - 1e-3, 1 + 1e-3]])
    assert value(grid).min() >= optimum.loss * (1 - 1e-13)
    p_others = 1 - 1 / (1 + (K - 1) * np.exp(-optimum.logit_gap))
    slope = np.sqrt(d) * K / (K - 1) * p_others
    assert slope == pytest.approx(weight_decay * K * optimum.row_norm, rel=1e-8)


@pytest.mark.parametrize("weight_decay", [1e-300, 1e-12, 1e4, 1e12])
def test_extreme_decay(weight_decay):
    """Against 50-digit arithmetic, by bisection of the stationarity condition."""
    from decimal import Decimal, getcontext

    getcontext().prec = 50
    K, d = 10, 64
    s, lam = Decimal(d).sqrt() * K / (K - 1), Decimal(repr(weight_decay))
    low, high = Decimal("1e-40"), Decimal("1e4")
    for _ in range(600):
        z = (low * high).sqrt()
        rising = lam * K * z / s**2 > (K - 1) / (K - 1 + z.exp())
        low, high = (low, z) if rising else (z, high)
    exact = (1 + (K - 1) * (-z).exp()).ln() + lam * K * (z / s) ** 2 / 2
    optimum = gufm_optimum(K, d, weight_decay)
    assert optimum.loss == pytest.approx(float(exact), rel=1e-12)
    assert optimum.row_norm == pytest.approx(float(z / s), rel=1e-12)


def test_a_bias_changes_nothing_for_cross_entropy():
    assert gufm_optimum(4, 8, 0.01, "ce", bias=True) == gufm_optimum(4, 8, 0.01, "CE")


@pytest.mark.parametrize(
    "loss, bias, least", [("ce", 0, 5), ("ce", 1, 5), ("mse", 1, 5), ("mse", 0, 6)]
)
def test_width_from_which_the_figure_fits(loss, bias, least):
    assert gufm_optimum(5, least, 0.01, loss, bool(bias)).loss > 0
    with pytest.raises(ValueError, match=f"width = {least - 1}.*at least {least}"):
        gufm_optimum(5, least - 1, 0.01, loss, bool(bias))


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(classes=1), "classes = 1: .*at least 2"),
        (dict(classes=2.5), "classes = 2.5: must be a whole number"),
        (dict(weight_decay=0), "weight_decay = 0: must be a positive number"),
        (dict(weight_decay=-1e-3), "weight_decay = -0.001"),
        (dict(weight_decay=float("nan")), "weight_decay = nan"),
        (dict(loss="hinge"), "loss = 'hinge': must be one of ce, mse"),
        (dict(loss=None), "loss = None: must be one of ce, mse"),
    ],
)
def test_says_what_is_wrong(change, message):
    with pytest.raises(ValueError, match=message):
        gufm_optimum(**{**dict(classes=4, width=8, weight_decay=0.1), **change})


@pytest.mark.parametrize("K", [2, 3, 4, 10, 100])
def test_simplex_etf(K):
    corners = simplex_etf(K)
    assert corners.shape == (K, K - 1)
    expected = np.full((K, K), -1 / (K - 1))
    np.fill_diagonal(expected, 1.0)
    np.testing.assert_allclose(corners @ corners.T, expected, atol=1e-13)
    np.testing.assert_allclose(corners.sum(axis=0), 0, atol=1e-12)


@pytest.mark.parametrize("loss, bias, fit", [("ce", False, np.log(4)), ("mse", True, 3 / 8)])
@pytest.mark.parametrize("weight_decay", [1e300, 1e308, 1.7e308])
def test_of_a_huge_weight_decay_the_rows_are_zero_and_all_is_fit(loss, bias, fit, weight_decay):
    optimum = gufm_optimum(4, 5, weight_decay, loss, bias)
    assert optimum.loss == optimum.fit == pytest.approx(fit)
    assert 0 <= optimum.decay < 1e-300
