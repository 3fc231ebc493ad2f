"""Power laws against scipy, on laws with known exponents, and how often the interval is right."""

import numpy as np
import pytest
from scipy import optimize, stats

from ncengine.analysis import fits
from ncengine.analysis.fits import power_law

DEPTHS = np.array([2, 3, 5, 8, 13, 21, 34])
DRAWS = 400


def law(slope=-0.5, intercept=-0.3, x=DEPTHS):
    return 10 ** (intercept + slope * np.log10(x))


def noisy(rng, seeds, spread, slope=-0.5, misfit=0.0, points=7):
    """Values of a law whose seeds differ by `spread` of log10, a number or one a point.

    All seeds of a point are off by the same besides, by `misfit` of log10.
    """
    off = rng.normal(size=(points, seeds)) * np.reshape(spread, (-1, 1))
    off += misfit * rng.normal(size=(points, 1))
    return law(slope, x=DEPTHS[:points])[:, None] * 10**off


@pytest.mark.parametrize("slope", [-1.0, -0.5, 0.0, 0.7])
@pytest.mark.parametrize("seeds", [1, 3])
def test_an_exact_law_is_found(slope, seeds):
    fit = power_law(DEPTHS, np.repeat(law(slope)[:, None], seeds, axis=1))
    assert fit.slope == pytest.approx(slope, abs=1e-12)
    assert fit.intercept == pytest.approx(-0.3)
    assert fit.points == 7
    np.testing.assert_allclose(fit(DEPTHS), law(slope))
    assert fit.low == pytest.approx(slope) and fit.high == pytest.approx(slope)
    assert fit.r_squared == pytest.approx(1) if slope else np.isnan(fit.r_squared)
    if slope:
        assert fit.verdict == fits.LAW


def by_scipy(x, values, believed=4):
    """Slope, intercept and half the interval's width, from the definitions, by `minimize_scalar`.

    Without seeds that have slopes of their own.
    """
    at, logs = np.log10(x), np.log10(values)
    mean, (points, seeds) = logs.mean(axis=1), logs.shape
    each = logs.var(axis=1, ddof=1)
    each = (believed * each.mean() + (seeds - 1) * each) / (believed + seeds - 1) / seeds

    def line(variance):
        # Least squares of rows that were divided by their deviations.
        rows = np.stack([at, np.ones(points)], axis=1) / np.sqrt(variance)[:, None]
        found, (rest,), _, _ = np.linalg.lstsq(rows, mean / np.sqrt(variance), rcond=None)
        return found, rest, np.linalg.inv(rows.T @ rows)[0, 0]

    def off(misfit):
        return abs(line(misfit + each)[1] - (points - 2))

    misfit = 0.0
    if line(each)[1] > points - 2:
        misfit = optimize.minimize_scalar(off, bounds=(0, 1), options={"xatol": 1e-12}).x
    (slope, intercept), rest, unscaled = line(misfit + each)
    half = stats.t.ppf(0.975, points - 2) * np.sqrt(rest / (points - 2) * unscaled)
    return slope, intercept, half


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize("misfit", [0.0, 0.03, 0.3])
@pytest.mark.parametrize("points", [3, 5, 7])
def test_lines_are_those_of_the_definition(monkeypatch, seeds, misfit, points):
    monkeypatch.setattr(fits, "OWN_SLOPES", 0.0)
    spread = np.linspace(0.02, 0.3, points)
    for draw in range(8):
        rng = np.random.default_rng([seeds, points, draw])
        values = noisy(rng, seeds, spread, misfit=misfit, points=points)
        fit = power_law(DEPTHS[:points], values)
        slope, intercept, half = by_scipy(DEPTHS[:points], values)
        assert fit.slope == pytest.approx(slope, abs=1e-4)
        assert fit.intercept == pytest.approx(intercept, abs=1e-4)
        ends = slope - half, slope + half
        assert (fit.low, fit.high) == pytest.approx(ends, abs=1e-3 * half + 1e-4)


def test_one_seed_is_an_ordinary_regression():
    values = noisy(np.random.default_rng(0), 1, 0.1)
    line = stats.linregress(np.log10(DEPTHS), np.log10(values[:, 0]))
    half = stats.t.ppf(0.975, 5) * line.stderr
    fit = power_law(DEPTHS, values)
    expected = line.slope, line.intercept, line.slope - half, line.slope + half, line.rvalue**2
    assert (fit.slope, fit.intercept, fit.low, fit.high, fit.r_squared) == pytest.approx(expected)
    assert np.isnan(fit.misfit)


def test_where_the_line_does_not_fit_all_points_weigh_alike():
    """Two points whose seeds agree by chance do not decide where the line goes."""
    off = 0.3 * np.array([1, -1, 1, -1, 1, -1, 1])
    spread = np.array([1e-6, 1e-6, 0.02, 0.02, 0.02, 0.02, 0.02])
    values = law()[:, None] * 10 ** (off[:, None] + spread[:, None] * [-1, 0, 1])
    line = stats.linregress(np.log10(DEPTHS), np.log10(values).mean(axis=1))
    fit = power_law(DEPTHS, values)
    assert fit.slope == pytest.approx(line.slope, abs=1e-3)
    assert fit.verdict == fits.NO_LAW


def test_where_it_fits_points_whose_seeds_agree_weigh_more():
    values = noisy(np.random.default_rng(3), 5, np.r_[np.full(6, 0.01), 0.6])
    all_alike = stats.linregress(np.log10(DEPTHS), np.log10(values).mean(axis=1)).slope
    assert abs(power_law(DEPTHS, values).slope + 0.5) < 0.5 * abs(all_alike + 0.5)


# Post-LN on digits, L = 2, 5, 13: it rises, and falls again.
BENT = np.array([0.049, 0.109, 0.041])[:, None] * [0.97, 1.0, 1.03]


def test_what_rises_and_falls_is_no_power_law():
    fit = power_law([2, 5, 13], BENT)
    assert fit.verdict == fits.NO_LAW and not fit.claimed
    assert fit.r_squared < 0.1 and fit.misfit < 0.01
    # The same from one seed: nothing tells what is chance, and the interval says so.
    alone = power_law([2, 5, 13], BENT[:, :1])
    assert alone.verdict == fits.UNCLEAR and not alone.claimed
    assert alone.low < -1 and alone.high > 1


def test_a_slight_bend_beyond_the_seeds_is_said_and_the_slope_stays():
    bend = 0.02 * (np.log10(DEPTHS) - 0.9) ** 2
    values = law()[:, None] * 10 ** bend[:, None] * [0.999, 1.0, 1.001]
    fit = power_law(DEPTHS, values)
    assert fit.verdict == fits.NOT_EXACT and fit.claimed
    assert fit.r_squared > 0.99 and fit.low < fit.slope < fit.high


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize("points", [3, 5, 7])
def test_the_misfit_is_as_rare_as_it_says(seeds, points):
    """Of true laws about one in twenty seems none, and of others most are found out."""
    found = {}
    for misfit in (0.0, 0.5):
        fitted = []
        for draw in range(DRAWS):
            rng = np.random.default_rng([seeds, points, draw])
            values = noisy(rng, seeds, 0.03, misfit=misfit, points=points)
            fitted.append(power_law(DEPTHS[:points], values).misfit)
        found[misfit] = np.mean(np.array(fitted) < 0.05)
    assert 0.02 <= found[0.0] <= 0.09
    # One degree of freedom against one: an F of 161 is asked of three points and two seeds.
    assert found[0.5] >= (0.6 if points == 3 else 0.95)


def test_the_misfit_is_the_f_test_of_a_one_way_layout():
    """With seeds that are fresh at each point, pure error is what points' own seeds scatter."""
    rng = np.random.default_rng(6)
    values = noisy(rng, 400, 0.1, misfit=0.01, points=5)
    logs, at = np.log10(values), np.log10(DEPTHS[:5])
    line = np.polyfit(at, logs.mean(axis=1), 1)
    lack = 400 * ((logs.mean(axis=1) - np.polyval(line, at)) ** 2).sum() / 3
    pure = logs.var(axis=1, ddof=1).mean()
    expected = stats.f.sf(lack / pure, 3, 5 * 399)
    assert power_law(DEPTHS[:5], values).misfit == pytest.approx(expected, abs=0.03)


def test_only_the_range_asked_for_counts():
    values = noisy(np.random.default_rng(1), 4, 0.1)
    values[:2] *= 100
    fit = power_law(DEPTHS, values, within=(5, 34))
    assert fit == power_law(DEPTHS[2:], values[2:])
    assert fit.points == 5
    assert fit != power_law(DEPTHS, values)


def test_what_is_no_positive_number_is_left_out():
    values = noisy(np.random.default_rng(2), 5, 0.1)
    spoilt = values.copy()
    spoilt[:, 4] = [np.nan, 0, -1, np.inf, np.nan, np.nan, 0]
    assert power_law(DEPTHS, spoilt) == power_law(DEPTHS, values[:, :4])
    spoilt[3] = np.nan
    rest = np.delete(np.arange(7), 3)
    fit = power_law(DEPTHS, spoilt)
    assert fit.slope == pytest.approx(power_law(DEPTHS[rest], spoilt[rest]).slope)
    assert fit.points == 6
    # A seed that is missing at some points is an ordinary one at the others.
    values[5:, 0] = np.nan
    fit = power_law(DEPTHS, values)
    assert fit.low < -0.5 < fit.high and fit.misfit > 0.01


SPREADS = {
    "alike": lambda points: np.full(points, 0.05),
    "growing": lambda points: np.linspace(0.02, 0.1, points),
    "falling": lambda points: np.linspace(0.1, 0.02, points),
    "fifteenfold": lambda points: np.geomspace(0.02, 0.3, points),
}


def hits(seeds, points, spread, misfit, own_slopes=0.0):
    """How often the interval holds the slope, as a share of the draws."""
    found = 0
    for draw in range(DRAWS):
        rng = np.random.default_rng([seeds, points, draw])
        values = noisy(rng, seeds, spread, misfit=misfit, points=points)
        values = values * 10 ** (0.1 * rng.normal(size=seeds))
        values = values * DEPTHS[:points, None] ** (own_slopes * rng.normal(size=seeds))
        fit = power_law(DEPTHS[:points], values)
        found += fit.low <= -0.5 <= fit.high
    return found / DRAWS


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize("points", [3, 4, 5, 7])
@pytest.mark.parametrize("misfit", [0.0, 0.05, 0.2])
def test_the_interval_covers_the_slope_as_often_as_it_says(seeds, points, misfit):
    """With scatter about the line beyond the seeds', and without."""
    kinds = list(SPREADS)
    name = kinds[(seeds + points + round(20 * misfit)) % len(kinds)]
    assert 0.90 <= hits(seeds, points, SPREADS[name](points), misfit) <= 0.98, name


@pytest.mark.parametrize("spread", SPREADS)
@pytest.mark.parametrize("seeds", [1, 3])
def test_it_does_so_however_the_seeds_scatter(spread, seeds):
    for misfit in (0.0, 0.1) if spread != "fifteenfold" or seeds > 1 else (0.3,):
        assert 0.90 <= hits(seeds, 6, SPREADS[spread](6), misfit) <= 0.98


@pytest.mark.parametrize("seeds", [3, 5, 10])
@pytest.mark.parametrize("points", [4, 7])
def test_it_does_so_where_seeds_have_slopes_of_their_own(seeds, points):
    """What a seed is off by grows with depth, so that its points belong together."""
    for misfit in (0.0, 0.05):
        spread = SPREADS["growing"](points) * 0.3
        assert 0.90 <= hits(seeds, points, spread, misfit, own_slopes=0.05) <= 0.98


@pytest.mark.parametrize(
    ("x", "values", "within", "said"),
    [
        ([2, 3], [1.0, 2.0], None, r"x has the shape \(2,\) and values \(2,\)"),
        ([2, 3, 5], [[1.0], [2.0]], None, r"x has the shape \(3,\) and values \(2, 1\)"),
        ([0, 3], [[1.0], [2.0]], None, "x = 0: must be positive"),
        ([2, 3, 5], [[1.0], [2.0], [3.0]], (3, 9), "2 points from 3 to 9: must be at least three"),
        ([2, 3, 5], [[np.nan], [2.0], [1.0]], None, "2 points from 2 to 5"),
        ([3, 3, 2], [[1.0], [2.0], [3.0]], None, "3 points from 2 to 3: must be at least three x"),
        ([], np.empty((0, 3)), None, "0 points"),
    ],
)
def test_what_cannot_be_fitted_is_told(x, values, within, said):
    with pytest.raises(ValueError, match=said):
        power_law(x, values, within=within)
