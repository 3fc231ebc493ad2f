"""Projections against figures whose picture is known, and against scikit-learn and loops."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist
from sklearn.decomposition import PCA

from ncengine.analysis.projection import project
from ncengine.runs.run import Geometry


def zero_sum(d, rng):
    """(d - 1, d): orthonormal rows of sum zero, turned at random."""
    basis = np.linalg.qr(np.column_stack([np.ones(d), rng.normal(size=(d, d - 1))]))[0]
    return basis[:, 1:].T


def simplex(K):
    """(K, K): unit rows with cosines -1/(K - 1)."""
    return (np.eye(K) - 1 / K) * np.sqrt(K / (K - 1))


def frame_of_features(vectors, rng):
    """Vectors (n, d) moved onto the sphere of radius sqrt(d) in the zero-sum hyperplane."""
    vectors = vectors - vectors.mean(axis=-1, keepdims=True)
    return np.sqrt(vectors.shape[-1]) * vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def no_test_samples(G, R, d):
    return {
        "test_features": np.empty((G, R, 0, d), np.float16),
        "test_labels": np.empty(0, int),
        "test_index": np.empty(0, int),
    }


def collapsed(K, d, G=3, R=2, row_norm=0.7, orthogonal=False, seed=0):
    """Snapshots of a perfect optimum, turned differently at every frame and seed."""
    rng = np.random.default_rng(seed)
    corners = np.eye(K) if orthogonal else simplex(K)
    figure = np.zeros((G, R, K, d))
    for index in np.ndindex(G, R):
        turn = np.linalg.qr(rng.normal(size=(d - 1, d - 1)))[0]
        plane = zero_sum(d, rng)
        size = corners.shape[1]
        if not orthogonal:  # K corners span K - 1 dimensions only
            axes = np.linalg.svd(corners)[2][: K - 1]
            figure[index] = (corners @ axes.T) @ (turn @ plane)[: K - 1]
        else:
            figure[index] = corners @ (turn @ plane)[:size]
    labels = np.repeat(np.arange(K), 2)
    means = np.sqrt(d) * figure
    return Geometry(
        epoch=np.arange(G) * 10.0,
        class_means=means.astype(np.float32),
        classifier=(row_norm * figure).astype(np.float32),
        features=means[:, :, labels].astype(np.float16),
        labels=labels,
        sample_index=np.arange(2 * K),
        **no_test_samples(G, R, d),
    )


def random_geometry(G=4, R=2, K=5, S=15, d=12, seed=0, drift=1.0):
    """Snapshots that drift; features on the sphere, class means wherever they fall."""
    rng = np.random.default_rng(seed)
    labels = np.sort(np.arange(S) % K)
    start = rng.normal(size=(1, R, K, d))
    centres = start + drift * np.cumsum(rng.normal(size=(G, R, K, d)), axis=0)
    features = centres[:, :, labels] + 0.3 * rng.normal(size=(G, R, S, d))
    test_labels = np.sort(np.arange(S // 2) % K)
    test_features = centres[:, :, test_labels] + 0.5 * rng.normal(size=(G, R, S // 2, d))
    return Geometry(
        epoch=np.arange(G),
        class_means=frame_of_features(centres, rng).astype(np.float32),
        classifier=rng.normal(size=(G, R, K, d)).astype(np.float32),
        features=frame_of_features(features, rng).astype(np.float16),
        labels=labels,
        sample_index=np.arange(S),
        test_features=frame_of_features(test_features, rng).astype(np.float16),
        test_labels=test_labels,
        test_index=np.arange(S // 2),
    )


def side(K):
    """Distance between corners of a simplex ETF of radius 1."""
    return np.sqrt(2 * K / (K - 1))


@pytest.mark.parametrize("basis", ["last", "each"])
@pytest.mark.parametrize("focus", [(0, 1, 2), (4, 1, 7), (0, 3, 5, 9)])
def test_focus_on_a_collapsed_network_shows_a_regular_figure(basis, focus):
    result = project(collapsed(10, 64), 1, basis=basis, focus=focus, row_norm=0.7)
    chosen = list(focus)
    flat = slice(0, len(focus) - 1)
    for g in range(3) if basis == "each" else [2]:
        for corners in (result.means[g], result.classifier[g], result.ideal[g]):
            np.testing.assert_allclose(pdist(corners[chosen, flat]), side(10), atol=2e-6)
            np.testing.assert_allclose(corners[chosen].mean(axis=0), 0, atol=1e-6)
            np.testing.assert_allclose(corners[chosen, len(focus) - 1 :], 0, atol=1e-6)
        np.testing.assert_allclose(result.means[g], result.ideal[g], atol=1e-5)
        np.testing.assert_allclose(result.means[g], result.classifier[g], atol=1e-5)
    np.testing.assert_allclose(result.angle_error, 0, atol=1e-4)
    assert len(result.edges) == len(focus) * (len(focus) - 1) / 2
    assert {number for edge in result.edges for number in edge} == set(focus)
    assert result.focus == focus and not result.exact


@pytest.mark.parametrize("K, d", [(3, 8), (4, 8), (4, 4), (3, 3)])
def test_few_classes_need_no_focus(K, d):
    result = project(collapsed(K, d), 0)
    np.testing.assert_allclose(pdist(result.means[-1]), side(K), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(result.means[-1], axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(result.ideal[-1], result.means[-1], atol=1e-5)
    np.testing.assert_allclose(result.classifier[-1], result.means[-1], atol=1e-5)
    assert len(result.edges) == K * (K - 1) / 2
    assert result.exact == (d <= 4)


@pytest.mark.parametrize("K, d", [(10, 64), (3, 4)])
def test_an_orthogonal_frame_is_the_ideal_for_nc2b(K, d):
    """About its centre it is a simplex, smaller; on the sphere of width 4 it is itself."""
    geometry = collapsed(K, d, orthogonal=True)
    result = project(geometry, 0, nc2_name="nc2b", row_norm=0.7)
    np.testing.assert_allclose(result.ideal[-1], result.means[-1], atol=1e-5)
    np.testing.assert_allclose(result.classifier[-1], result.means[-1], atol=1e-5)
    if d == 4:
        np.testing.assert_allclose(result.ideal[-1] @ result.ideal[-1].T, np.eye(3), atol=1e-5)
    else:
        focused = project(geometry, 0, nc2_name="nc2b", focus=(1, 2, 3, 4), row_norm=0.7)
        np.testing.assert_allclose(pdist(focused.ideal[-1, 1:5]), np.sqrt(2), atol=1e-5)


@pytest.mark.parametrize("d", [2, 3, 4])
@pytest.mark.parametrize("focus", [(), (0, 2, 1)])
@pytest.mark.parametrize("basis", ["last", "each"])
def test_small_widths_lose_nothing(d, focus, basis):
    geometry = random_geometry(K=5, d=d)
    result = project(geometry, 1, focus=focus, basis=basis)
    assert result.exact
    for g in range(4):
        full = np.concatenate([geometry.features[g, 1], geometry.class_means[g, 1]]).astype(float)
        shown = np.concatenate([result.points[g], result.means[g]])
        np.testing.assert_allclose(pdist(shown), pdist(full) / np.sqrt(d), atol=2e-3)
        lost = abs(pdist(shown[:, :2]) - pdist(full) / np.sqrt(d)).max()
        assert (lost < 2e-3) == result.exact_2d == (d < 4)
        np.testing.assert_allclose(np.linalg.norm(result.means[g], axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(result.variance_share, 1, atol=1e-9)


def test_width_five_is_not_exact():
    assert not project(random_geometry(d=5), 0).exact


@pytest.mark.parametrize("basis", ["last", "each"])
@pytest.mark.parametrize("K, d", [(10, 64), (6, 8), (3, 16), (2, 8)])
def test_variance_share_is_that_of_scikit_learn(basis, K, d):
    geometry = random_geometry(K=K, d=d)
    result = project(geometry, 1, basis=basis)
    for g in range(4) if basis == "each" else [3]:
        pca = PCA().fit(geometry.class_means[g, 1].astype(float))
        assert result.variance_share[g] == pytest.approx(pca.explained_variance_ratio_[:3].sum())
    last = PCA().fit(geometry.class_means[3, 1].astype(float))
    assert result.variance_share_2d[3] == pytest.approx(last.explained_variance_ratio_[:2].sum())
    expected = last.transform(geometry.class_means[3, 1].astype(float))[:, :3] / np.sqrt(d)
    count = min(3, K - 1)
    np.testing.assert_allclose(
        np.abs(result.means[3][:, :count]), np.abs(expected[:, :count]), atol=1e-5
    )
    np.testing.assert_allclose(result.means[3][:, count:], 0, atol=1e-6)


@pytest.mark.parametrize("basis", ["last", "each"])
@pytest.mark.parametrize("K, focus", [(2, ()), (3, ()), (3, (0, 1, 2))])
def test_axes_beyond_the_means_show_where_samples_spread_most(K, focus, basis):
    """Two classes lie on a line; beside it, PCA of the samples about their means decides."""
    geometry = random_geometry(K=K, d=8, S=40)
    result = project(geometry, 1, focus=focus, basis=basis)
    for g in range(4) if basis == "each" else [3]:
        means = geometry.class_means[g, 1].astype(float)
        about = geometry.features[g, 1].astype(float) - means[geometry.labels]
        line = np.linalg.qr((means - means[0])[1:].T)[0]
        beside = (about - about @ line @ line.T) / np.sqrt(8)
        lengths = np.linalg.svd(beside, compute_uv=False)[: 4 - K]
        shown = np.linalg.norm(result.points[g][:, K - 1 :], axis=0)
        # Aligned with their neighbours, two axes may be turned within their plane.
        assert np.sum(shown**2) == pytest.approx(np.sum(lengths**2), rel=1e-3)


def test_two_classes_of_a_collapsed_network_are_antipodal():
    result = project(collapsed(2, 64), 0, row_norm=0.7)
    assert result.edges == ((0, 1),)
    for figure in (result.means[-1], result.ideal[-1], result.classifier[-1]):
        np.testing.assert_allclose(np.abs(figure), [[1, 0, 0], [1, 0, 0]], atol=1e-5)
        np.testing.assert_allclose(figure[0], -figure[1], atol=1e-6)
    np.testing.assert_allclose(result.angle_error, 0, atol=1e-4)


@pytest.mark.parametrize("basis", ["last", "each"])
@pytest.mark.parametrize("focus, d", [((), 12), ((0, 2, 3), 12), ((4, 1, 0, 2), 12), ((), 4)])
def test_test_samples_go_where_they_would_as_training_samples(basis, focus, d):
    """Put in place of training samples, they land on the same points, and leave the axes alone."""
    geometry = random_geometry(d=d, S=20)
    result = project(geometry, 1, basis=basis, focus=focus)
    swapped = replace(
        geometry,
        features=geometry.test_features,
        labels=geometry.test_labels,
        test_features=geometry.features,
        test_labels=geometry.labels,
    )
    expected = project(swapped, 1, basis=basis, focus=focus)
    assert result.test_points.shape == (4, 10, 3)
    np.testing.assert_array_equal(result.test_points, expected.points)
    np.testing.assert_array_equal(result.means, expected.means)
    np.testing.assert_array_equal(result.test_labels, geometry.test_labels)
    for g in range(4):
        for s, label in enumerate(geometry.test_labels):
            x = geometry.test_features[g, 1, s].astype(float)
            away = np.linalg.norm(x - geometry.class_means[g, 1, label]) / np.sqrt(d)
            assert result.test_distance[g, s] == pytest.approx(away, rel=1e-5)


def test_points_and_means_move_by_one_and_the_same_map():
    """Class means of the projected samples are the projected class means of the samples."""
    geometry = random_geometry(K=4, S=40)
    true = geometry.features.astype(np.float32).reshape(4, 2, 4, 10, 12).mean(axis=3)
    geometry = replace(geometry, class_means=true)
    for focus in ((), (0, 2, 3)):
        result = project(geometry, 0, focus=focus, basis="each")
        shown = result.points.reshape(4, 4, 10, 3).mean(axis=2)
        np.testing.assert_allclose(shown, result.means, atol=1e-5)


def test_distances_against_loops():
    geometry = random_geometry()
    result = project(geometry, 1, focus=(0, 1, 2))
    for g in range(4):
        for s, label in enumerate(geometry.labels):
            x = geometry.features[g, 1, s].astype(float)
            expected = np.linalg.norm(x - geometry.class_means[g, 1, label]) / np.sqrt(12)
            assert result.distance[g, s] == pytest.approx(expected, rel=1e-5)


def test_angle_error_against_loops():
    geometry = random_geometry(K=5)
    for focus in ((), (4, 0, 2), (0, 1, 2, 3)):
        chosen = list(focus or range(5))
        result = project(geometry, 0, focus=focus)
        for g in range(4):
            means = geometry.class_means[g, 0, chosen].astype(float)
            means -= means.mean(axis=0)
            ideal = np.degrees(np.arccos(-1 / (len(chosen) - 1)))
            worst = 0.0
            for i in range(len(chosen)):
                for j in range(i):
                    cosine = means[i] @ means[j]
                    cosine /= np.linalg.norm(means[i]) * np.linalg.norm(means[j])
                    worst = max(worst, abs(np.degrees(np.arccos(cosine)) - ideal))
            assert result.angle_error[g] == pytest.approx(worst, rel=1e-6)


@pytest.mark.parametrize("name, K, d", [("nc2a", 5, 4), ("nc2b", 4, 4), ("nc2a", 6, 5)])
@pytest.mark.parametrize("focus", [(), (0, 1, 2)])
def test_no_angle_is_compared_with_a_figure_that_does_not_fit(name, K, d, focus):
    result = project(random_geometry(K=K, d=d), 0, nc2_name=name, focus=focus)
    assert not result.ideal_fits and np.isnan(result.angle_error).all()
    # One dimension more, and there is.
    fits = project(random_geometry(K=K, d=d + 1), 0, nc2_name=name, focus=focus)
    assert fits.ideal_fits and np.isfinite(fits.angle_error).all()


@pytest.mark.parametrize("focus", [(), (0, 1, 2), (0, 1, 2, 3)])
def test_neighbouring_frames_do_not_jump(focus):
    """Aligned, neighbours lie closer than any of the flips and swaps of their axes would."""
    geometry = random_geometry(G=6, K=8, d=20, drift=0.15)
    result = project(geometry, 0, basis="each", focus=focus)
    steps = np.linalg.norm(np.diff(result.means, axis=0), axis=-1)
    full = geometry.class_means[:, 0] / np.sqrt(20)
    true_steps = np.linalg.norm(np.diff(full, axis=0), axis=-1)
    assert steps.mean() < 1.5 * true_steps.mean()
    for g in range(5):
        here = np.linalg.norm(result.means[g] - result.means[g + 1])
        for axis in range(3):
            flipped = result.means[g] * np.where(np.arange(3) == axis, -1, 1)
            assert here < np.linalg.norm(flipped - result.means[g + 1]) + 1e-6
    last = project(geometry, 0, focus=focus)
    for name in ("points", "means", "classifier", "ideal"):
        np.testing.assert_allclose(
            getattr(result, name)[-1], getattr(last, name)[-1], atol=1e-6, err_msg=name
        )


def test_aligned_frames_lie_closer_than_plain_principal_axes():
    geometry = random_geometry(G=6, K=8, d=20, drift=0.15)
    aligned = project(geometry, 0, basis="each").means.astype(float)
    plain = np.stack(
        [PCA(3).fit_transform(m.astype(float)) / np.sqrt(20) for m in geometry.class_means[:, 0]]
    )
    assert np.abs(np.diff(aligned, axis=0)).sum() < 0.9 * np.abs(np.diff(plain, axis=0)).sum()


def test_the_third_axis_of_a_triangle_shows_the_others_off_its_plane():
    result = project(collapsed(10, 64), 0, focus=(0, 1, 2))
    others = np.abs(result.means[-1, 3:, 2])
    assert others.min() > 0.5
    np.testing.assert_allclose(result.means[-1, 3:, :2], 0, atol=1e-5)
    np.testing.assert_allclose(result.ideal[-1], result.means[-1], atol=1e-5)


def test_ideal_is_the_closest_of_many_rotations():
    geometry = random_geometry(K=4, d=6)
    result = project(geometry, 0)
    means = geometry.class_means[-1, 0].astype(float) / np.sqrt(6)
    means -= means.mean(axis=0)
    axes = PCA().fit(means).components_[:3]
    signs = np.sign(np.sum((means @ axes.T) * result.means[-1], axis=0))
    placed = result.ideal[-1] @ (axes * signs[:, None])
    best = np.linalg.norm(placed - means)
    rng = np.random.default_rng(0)
    for scale in (1e-2, 1e-1, 1):
        for _ in range(50):
            turn = np.linalg.qr(np.eye(6) + scale * rng.normal(size=(6, 6)))[0]
            turn = turn * np.sign(np.diag(turn))
            assert np.linalg.norm(placed @ turn - means) >= best - 1e-6


def test_rows_are_scaled_by_the_norm_at_the_optimum_or_else_at_the_end():
    geometry = random_geometry()
    given_norm = project(geometry, 0, row_norm=2.0).classifier
    mean_norm = np.mean([np.linalg.norm(row) for row in geometry.classifier[-1, 0]])
    np.testing.assert_allclose(
        project(geometry, 0).classifier * mean_norm, given_norm * 2.0, rtol=1e-4, atol=1e-6
    )


@pytest.mark.parametrize("K, d, name", [(10, 4, "nc2a"), (6, 5, "nc2a"), (5, 5, "nc2b")])
def test_no_ideal_where_the_width_has_no_room(K, d, name):
    result = project(random_geometry(K=K, d=d, S=2 * K), 0, nc2_name=name)
    assert not result.ideal_fits and result.edges == ()
    assert not result.ideal.any() and result.ideal.shape == (4, K, 3)
    assert project(random_geometry(K=K, d=K + 1), 0, nc2_name=name).ideal_fits


def test_frames_after_divergence_are_left_out():
    geometry = random_geometry()
    whole = project(replace(geometry, epoch=geometry.epoch), 0)
    broken = replace(geometry, class_means=geometry.class_means.copy())
    broken.class_means[3, 1] = np.nan
    np.testing.assert_array_equal(project(broken, 1).epoch, [0, 1, 2])
    np.testing.assert_array_equal(project(broken, 0).points, whole.points)
    broken.class_means[:, 1] = np.nan
    empty = project(broken, 1, focus=(0, 1, 2), basis="each")
    assert empty.points.shape == (0, 15, 3) and empty.ideal.shape == (0, 5, 3)
    assert empty.angle_error.shape == (0,)


@settings(max_examples=60)
@given(
    G=st.integers(1, 3),
    K=st.integers(2, 7),
    d=st.integers(2, 9),
    S=st.integers(0, 9),
    focus_size=st.sampled_from([0, 3, 4]),
    basis=st.sampled_from(["last", "each"]),
    name=st.sampled_from(["nc2a", "nc2b"]),
    shape=st.sampled_from(["free", "coincide", "line"]),
    seed=st.integers(0, 99),
)
def test_any_shape_gives_finite_figures(G, K, d, S, focus_size, basis, name, shape, seed):
    geometry = random_geometry(G=G, R=1, K=K, S=S, d=d, seed=seed)
    if shape == "coincide":
        geometry.class_means[:] = geometry.class_means[:, :, :1]
        geometry.classifier[:] = 0
    if shape == "line":
        geometry.class_means[:] = geometry.class_means[:, :, :1] * np.arange(K)[:, None]
    focus = tuple(range(min(focus_size, K)))
    if len(focus) < 3:
        focus = ()
    result = project(geometry, 0, nc2_name=name, basis=basis, focus=focus)
    shapes = dict(points=(G, S, 3), means=(G, K, 3), classifier=(G, K, 3), ideal=(G, K, 3))
    shapes |= dict(test_points=(G, S // 2, 3), test_distance=(G, S // 2), distance=(G, S))
    for field, expected in shapes.items():
        value = getattr(result, field)
        assert value.shape == expected and value.dtype == np.float32
        assert np.isfinite(value).all(), field
    for field in ("variance_share", "variance_share_2d", "angle_error"):
        told = np.isfinite(getattr(result, field))
        assert told.shape == (G,) and told.all() == (field != "angle_error" or result.ideal_fits)
    assert np.all(result.variance_share_2d <= result.variance_share + 1e-9)
    assert np.all((result.variance_share >= 0) & (result.variance_share <= 1))


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(r=2), "r = 2: must be a whole number from 0 to 1"),
        (dict(nc2_name="nc1"), "nc2_name = 'nc1': must be one of nc2a, nc2b"),
        (dict(basis="first"), "basis = 'first': must be one of last, each"),
        (dict(focus=(0, 1)), r"focus = \(0, 1\): must be three or four"),
        (dict(focus=(0, 1, 1)), "different classes"),
        (dict(focus=(0, 1, 5)), "from 0 to 4"),
    ],
)
def test_says_what_is_wrong(change, message):
    with pytest.raises(ValueError, match=message):
        project(random_geometry(), **{"r": 0, **change})


@pytest.mark.parametrize("basis", ["last", "each"])
@pytest.mark.parametrize("K, d, focus", [
    (10, 64, ()), (5, 16, ()), (10, 64, (1, 4, 7)), (10, 64, (0, 2, 5, 9)), (3, 8, (0, 1, 2)),
    (4, 8, (0, 1, 2, 3)), (3, 4, ()), (4, 4, ()), (2, 8, ()),
])  # fmt: skip
def test_two_collapsed_networks_show_each_class_at_the_same_place(K, d, focus, basis):
    """Whatever their own axes are, mirrored ones too, and on the first two axes as well."""
    how = {"basis": basis, "focus": focus}
    first = project(collapsed(K, d, seed=1), 0, **how)
    for seed in range(2, 8):
        other = project(collapsed(K, d, seed=seed), 0, **how, onto=first.means[-1])
        np.testing.assert_allclose(other.means[-1], first.means[-1], atol=2e-3)
        np.testing.assert_allclose(other.ideal[-1], first.ideal[-1], atol=2e-3)
        pairwise = pdist(other.points[-1])
        assert pairwise.max() <= pdist(collapsed(K, d).features[-1, 0]).max() / np.sqrt(d) + 1e-2


def test_a_network_that_is_turned_onto_another_is_as_near_as_any_turn_of_its_picture():
    one, two = random_geometry(seed=1), random_geometry(seed=2)
    places = project(one, 0).means[-1].astype(float)
    turned = project(two, 0, onto=places).means[-1].astype(float)
    rng = np.random.default_rng(0)
    agreement = np.sum(turned * places)
    for _ in range(500):
        turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
        assert np.sum(turned @ turn * places) <= agreement + 1e-6
    plain = project(two, 0).means[-1].astype(float)
    assert agreement > np.sum(plain * places)


def test_places_of_another_number_of_classes_are_refused():
    with pytest.raises(ValueError, match=r"onto: shape \(4, 3\), must be \(5, 3\)"):
        project(random_geometry(K=5), 0, onto=np.zeros((4, 3)))
