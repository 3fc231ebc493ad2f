"""Snapshots of any network in the player: shapes stay, place and size do not matter."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from scipy.stats import ortho_group

from ncengine.analysis.alike import MOST_FRAMES, alike, project_alike, through_alike
from ncengine.runs.run import Geometry, Layers


def geometry_of(features, labels, rows=None):
    """Of features (G, S, d), with class means that are theirs."""
    classes = int(labels.max()) + 1
    means = np.stack([features[:, labels == k].mean(1) for k in range(classes)], axis=1)
    nothing = np.zeros((len(features), 1, 0, features.shape[2]))
    return Geometry(
        epoch=np.arange(len(features)),
        class_means=means[:, None],
        classifier=(means if rows is None else rows)[:, None],
        features=features[:, None],
        labels=labels,
        sample_index=np.arange(len(labels)),
        test_features=nothing,
        test_labels=labels[:0],
        test_index=labels[:0],
    )


def simplex(classes, width, rng):
    """(K, d) vertices of norm 1 about the origin, turned at random."""
    centred = np.eye(classes) - 1 / classes
    spanned = np.linalg.svd(centred)[0][:, : classes - 1] * np.sqrt(classes / (classes - 1))
    wide = np.pad(spanned, [(0, 0), (0, width - classes + 1)])
    return wide @ ortho_group.rvs(width, random_state=rng) if width > 1 else wide


def moved(rng, frames=4, classes=5, each=7, width=9):
    labels = np.repeat(np.arange(classes), each)
    features = rng.normal(size=(frames, len(labels), width)) + 3 * rng.normal(size=width)
    features += 2 * rng.normal(size=(frames, classes, width))[:, labels]
    return features * np.geomspace(1e-3, 1e3, frames)[:, None, None], labels


def assert_alike(before, after):
    """All distances are the same but for one factor."""
    before, after = pdist(before), pdist(after)
    factor = (before @ after) / (before @ before)
    assert np.abs(after - factor * before).max() < 1e-4 * after.max()


@pytest.mark.parametrize("width", [1, 2, 3, 9, 40])
def test_distances_keep_their_ratios_and_nothing_else_of_place_and_size(width):
    rng = np.random.default_rng(width)
    features, labels = moved(rng, width=width)
    shown = alike(geometry_of(features, labels))
    assert shown.features.shape == (4, 1, len(labels), width + 1)
    for before, after in zip(features, shown.features[:, 0].astype(float), strict=True):
        assert_alike(before, after)
        assert np.abs(after.sum(1)).max() < 1e-4
        centre = np.mean([after[labels == k].mean(0) for k in range(5)], axis=0)
        assert np.abs(centre).max() < 1e-4
        assert np.isclose(np.mean(np.sum(after**2, axis=1)), width + 1, rtol=1e-5)


@pytest.mark.parametrize("classes, width", [(2, 1), (3, 2), (4, 3), (5, 4), (4, 9), (10, 9)])
def test_what_has_collapsed_to_a_simplex_lies_on_its_ideal(classes, width):
    """A simplex fits wherever K - 1 is at most d, as any features go, and not only ours."""
    rng = np.random.default_rng(classes)
    labels = np.repeat(np.arange(classes), 3)
    corners = simplex(classes, width, rng)
    features = np.stack([50 + 7 * corners[labels], 0.02 * corners[labels] - 3])
    film = project_alike(geometry_of(features, labels))
    assert film.ideal_fits and not film.exact and film.has_rows
    assert np.abs(film.angle_error).max() < 0.1
    assert np.abs(film.means - film.ideal).max() < 1e-3
    assert np.abs(film.classifier - film.ideal).max() < 1e-3
    assert np.abs(film.points - film.means[:, labels]).max() < 1e-3


def test_where_no_simplex_fits_none_is_drawn():
    rng = np.random.default_rng(0)
    film = project_alike(geometry_of(*moved(rng, classes=5, width=3)))
    assert not film.ideal_fits and np.isnan(film.angle_error).all()
    assert project_alike(geometry_of(*moved(rng, classes=4, width=3))).ideal_fits


def test_what_is_seen_of_few_dimensions_is_all_there_is():
    features, labels = moved(np.random.default_rng(1), classes=4, width=3)
    film = project_alike(geometry_of(features, labels))
    for before, after in zip(features, film.points.astype(float), strict=True):
        assert_alike(before, after)


def test_without_a_classifier_there_are_no_rows():
    features, labels = moved(np.random.default_rng(2))
    film = project_alike(geometry_of(features, labels, np.full((4, 5, 9), np.nan)))
    assert len(film.epoch) == 4 and not film.has_rows


def test_features_at_one_place_are_no_frame():
    features, labels = moved(np.random.default_rng(3))
    features[1] = 4.0
    assert project_alike(geometry_of(features, labels)).epoch.tolist() == [0, 2, 3]


def test_many_snapshots_are_thinned_out_and_the_last_is_kept():
    rng = np.random.default_rng(4)
    features, labels = moved(rng, frames=400, classes=2, each=2, width=2)
    shown = alike(geometry_of(features, labels))
    assert 1 < len(shown.epoch) <= MOST_FRAMES
    assert shown.epoch[[0, -1]].tolist() == [0, 399]
    assert np.ptp(np.diff(shown.epoch)) <= 1


def test_layers_that_differ_by_rotation_place_and_size_are_the_same_picture():
    """Their axes have nothing in common: it is by their classes that each finds its side."""
    rng = np.random.default_rng(5)
    features, labels = moved(rng, frames=1, classes=4, each=6, width=8)
    geometry = geometry_of(features, labels)
    film = project_alike(geometry)
    turned = np.stack(
        [
            size * features[0] @ ortho_group.rvs(8, random_state=rng) + rng.normal(size=8)
            for size in (1e-2, 1, 30)
        ]
    )
    means = np.stack([[one[labels == k].mean(0) for k in range(4)] for one in turned])
    layers = Layers(
        measured={},
        epoch=np.arange(1),
        means_epoch=np.arange(1),
        class_means=means[None, None],
        features_epoch=np.arange(1),
        features=turned[None, None],
        index=np.arange(len(labels)),
    )
    through = through_alike(layers, 0, geometry, film)
    assert through is not None and through.epoch.tolist() == [1, 2, 3]
    for frame in range(3):
        assert np.abs(through.means[frame] - film.means[0]).max() < 1e-3
        assert np.abs(through.points[frame] - film.points[0]).max() < 1e-3
        assert np.array_equal(through.classifier[frame], film.classifier[0])
