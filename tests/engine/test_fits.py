"""Power laws against scipy, on laws with known exponents, and how often the interval is right."""

import numpy as np
import pytest
from scipy import optimize, stats

from ncengine.analysis.fits import power_law

DEPTHS = np.array([2, 3, 5, 8, 13, 21, 34])


def law(slope=-0.5, intercept=-0.3, x=DEPTHS):
    return 10 ** (intercept + slope * np.log10(x))


def noisy(rng, seeds, spread, slope=-0.5):
    """Values of a law whose seeds differ by `spread` (points,) of log10, each point by its own."""
    return law(slope)[:, None] * 10 ** (rng.normal(size=(7, seeds)) * np.reshape(spread, (-1, 1)))


@pytest.mark.parametrize("slope", [-1.0, -0.5, 0.0, 0.7])
@pytest.mark.parametrize("seeds", [1, 3])
def test_an_exact_law_is_found(slope, seeds):
    fit = power_law(DEPTHS, np.repeat(law(slope)[:, None], seeds, axis=1))
    assert fit.slope == pytest.approx(slope, abs=1e-12)
    assert fit.intercept == pytest.approx(-0.3)
    assert fit.points == 7
    np.testing.assert_allclose(fit(DEPTHS), law(slope))
    if seeds == 1:
        assert np.isnan(fit.low) and np.isnan(fit.high)
    else:
        assert fit.low == pytest.approx(slope) and fit.high == pytest.approx(slope)


@pytest.mark.parametrize("seeds", [2, 3, 5, 20])
def test_lines_are_those_of_scipy(seeds):
    rng = np.random.default_rng(seeds)
    values = noisy(rng, seeds, np.linspace(0.02, 0.3, 7))
    logs = np.log10(values)
    (slope, intercept), _ = optimize.curve_fit(
        lambda at, a, b: a * at + b,
        np.log10(DEPTHS),
        logs.mean(axis=1),
        sigma=logs.std(axis=1, ddof=1),
    )
    fit = power_law(DEPTHS, values)
    assert fit.slope == pytest.approx(slope, rel=1e-5)
    assert fit.intercept == pytest.approx(intercept, rel=1e-5)
    assert fit.low < fit.slope < fit.high


def test_one_seed_is_an_ordinary_regression():
    values = noisy(np.random.default_rng(0), 1, np.full(7, 0.1))
    line = stats.linregress(np.log10(DEPTHS), np.log10(values[:, 0]))
    fit = power_law(DEPTHS, values)
    assert (fit.slope, fit.intercept) == pytest.approx((line.slope, line.intercept))


def test_only_the_range_asked_for_counts():
    values = noisy(np.random.default_rng(1), 4, np.full(7, 0.1))
    values[:2] *= 100
    fit = power_law(DEPTHS, values, within=(5, 34))
    assert fit == power_law(DEPTHS[2:], values[2:])
    assert fit.points == 5
    assert fit != power_law(DEPTHS, values)


def test_what_is_no_positive_number_is_left_out():
    values = noisy(np.random.default_rng(2), 5, np.full(7, 0.1))
    spoilt = values.copy()
    spoilt[:, 4] = [np.nan, 0, -1, np.inf, np.nan, np.nan, 0]
    assert power_law(DEPTHS, spoilt) == power_law(DEPTHS, values[:, :4])
    spoilt[3] = np.nan
    rest = np.delete(np.arange(7), 3)
    fit = power_law(DEPTHS, spoilt)
    assert fit.slope == pytest.approx(power_law(DEPTHS[rest], spoilt[rest]).slope)
    assert fit.points == 6


@pytest.mark.parametrize("seeds", [3, 5, 10])
@pytest.mark.parametrize("alike", [False, True])
def test_the_interval_covers_the_slope_as_often_as_it_says(seeds, alike):
    """`alike`: what a seed is off by grows with depth, so that its points belong together."""
    hits = 0
    for draw in range(400):
        rng = np.random.default_rng([seeds, alike, draw])
        values = noisy(rng, seeds, np.linspace(0.02, 0.1, 7) * (0.3 if alike else 1))
        if alike:
            values = values * DEPTHS[:, None] ** (0.05 * rng.normal(size=seeds))
        fit = power_law(DEPTHS, values, draws=500, seed=draw)
        hits += fit.low <= -0.5 <= fit.high
    assert 0.90 <= hits / 400 <= 0.98


@pytest.mark.parametrize(
    ("x", "values", "within", "said"),
    [
        ([2, 3], [1.0, 2.0], None, r"x has the shape \(2,\) and values \(2,\)"),
        ([2, 3, 5], [[1.0], [2.0]], None, r"x has the shape \(3,\) and values \(2, 1\)"),
        ([0, 3], [[1.0], [2.0]], None, "x = 0: must be positive"),
        ([2, 3, 5], [[1.0], [2.0], [3.0]], (4, 9), "1 points from 4 to 9: must be at least two"),
        ([2, 3], [[np.nan], [2.0]], None, "1 points from 2 to 3"),
        ([3, 3], [[1.0], [2.0]], None, "2 points from 3 to 3: must be at least two x"),
        ([], np.empty((0, 3)), None, "0 points"),
    ],
)
def test_what_cannot_be_fitted_is_told(x, values, within, said):
    with pytest.raises(ValueError, match=said):
        power_law(x, values, within=within)
