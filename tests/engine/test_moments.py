"""Moments of samples in memory against fractions, which round nothing, wherever features lie."""

from fractions import Fraction

import numpy as np
import pytest
import torch

import ncengine.metrics as metrics


def exactly(features, labels, classes):
    """NC1 and CDNV of float64 numbers, without rounding until the end."""
    rows = [[Fraction(float(x)) for x in row] for row in features]
    means, variances, within = [], [], Fraction(0)
    for k in range(classes):
        own = [row for row, label in zip(rows, labels, strict=True) if label == k]
        mean = [sum(column) / len(own) for column in zip(*own, strict=True)]
        total = sum((x - m) ** 2 for row in own for x, m in zip(row, mean, strict=True))
        means.append(mean)
        variances.append(total / len(own))
        within += total
    centre = [sum(column) / classes for column in zip(*means, strict=True)]
    between = sum((x - c) ** 2 for mean in means for x, c in zip(mean, centre, strict=True))
    pairs = [
        (variances[a] + variances[b])
        / (2 * sum((x - y) ** 2 for x, y in zip(means[a], means[b], strict=True)))
        for a in range(classes)
        for b in range(classes)
        if a != b
    ]
    nc1 = within / len(rows) / (between / classes)
    return {"nc1": float(nc1), "cdnv": float(sum(pairs) / len(pairs))}


@pytest.mark.parametrize("library", [np.asarray, torch.from_numpy], ids=["numpy", "torch"])
@pytest.mark.parametrize("sorted_", [True, False], ids=["sorted", "mixed"])
@pytest.mark.parametrize("offset", [0.0, 1e3, -1e5])
@pytest.mark.parametrize("spread", [1.0, 1e-5, 1e-10])
def test_they_are_exact_at_any_spread_and_offset(spread, offset, sorted_, library):
    rng = np.random.default_rng(3)
    labels = np.repeat(np.arange(3), 15)
    labels = labels if sorted_ else rng.permutation(np.append(labels, [0, 2, 2]))
    means = offset + rng.normal(size=(2, 3, 4))
    features = means[:, labels] + spread * rng.normal(size=(2, len(labels), 4))
    of_seeds = metrics.moments(library(features), library(labels), 3)
    weight = library(rng.normal(size=(2, 3, 4)))
    of_paper = metrics.neural_collapse(library(features), library(labels), weight).nc1
    for seed in range(2):
        expected = exactly(features[seed], labels, 3)
        alone = metrics.moments(library(features[seed]), library(labels), 3)
        for name, value in expected.items():
            measure = getattr(metrics, name)
            for found in (measure(of_seeds)[seed], measure(alone)):
                assert float(found) == pytest.approx(value, rel=1e-9, abs=0.0), name
        assert float(of_paper[seed]) == pytest.approx(expected["nc1"], rel=1e-9, abs=0.0)
