"""Images averaged down, against loops over squares; what follows for patches, titles and keys."""

import numpy as np
import pytest

from ncengine.architectures.inputs import network_inputs
from ncengine.architectures.shapes import context_length, input_dim
from ncengine.catalogue.datasets import DATASETS, dataset_info
from ncengine.config import ConfigError, RunConfig
from ncengine.config.sizes import image_sides
from ncengine.datasets import load
from ncengine.datasets.images import Pool, averaged, draw


def by_a_loop(images, side):
    square = images.shape[1] // side
    out = np.empty((len(images), side, side, *images.shape[3:]))
    for i in range(side):
        for j in range(side):
            cell = images[:, i * square : (i + 1) * square, j * square : (j + 1) * square]
            out[:, i, j] = (
                cell.reshape(len(images), square * square, -1).mean(1).reshape(out[:, i, j].shape)
            )
    return out


@pytest.mark.parametrize("colours", [(), (3,)])
@pytest.mark.parametrize(("whole", "side"), [(32, 8), (28, 7), (28, 4), (8, 4)])
def test_means_are_over_squares(whole, side, colours):
    images = np.random.default_rng(0).integers(0, 256, (5, whole, whole, *colours), np.uint8)
    np.testing.assert_allclose(averaged(images, side), by_a_loop(images, side), rtol=1e-12)


@pytest.mark.parametrize("colours", [(), (3,)])
def test_they_are_standardised_after_that_by_all_that_are_for_training(colours):
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (40, 8, 8, *colours), np.uint8)
    test = rng.integers(0, 256, (6, 8, 8, *colours), np.uint8)
    train = (np.arange(0, 15), np.arange(15, 30))  # of the 40 some are not
    pool = Pool(
        images,
        train,
        test,
        (np.arange(3), np.arange(3, 6)),
        np.zeros(3 if colours else 1),
        np.ones(3 if colours else 1),
    )
    data = draw(pool, 2, 4, seed=0, side=4)
    means = by_a_loop(images[:30], 4).reshape(30, 16, -1)
    mean, std = means.mean((0, 1)), means.std((0, 1))
    expected = (by_a_loop(test, 4).reshape(6, 16, -1) - mean) / std
    np.testing.assert_allclose(data.test.inputs, expected.reshape(6, -1), rtol=1e-5, atol=1e-6)
    assert data.train.inputs.shape == (8, 48 if colours else 16)
    assert data.images.shape == (8, 4, 4, *colours) and data.images.dtype == np.uint8
    shown = np.rint(by_a_loop(test, 4)).astype(np.uint8)
    np.testing.assert_array_equal(data.test_images, shown)
    # Which samples are drawn does not depend on it.
    whole = draw(pool, 2, 4, seed=0)
    np.testing.assert_array_equal(data.images, np.rint(by_a_loop(whole.images, 4)))


def test_sides_are_those_that_squares_of_pixels_leave():
    sides = {name: image_sides(info) for name, info in DATASETS.items() if info.image_shape}
    assert sides["cifar10"] == (32, 16, 8, 4)
    assert sides["mnist"] == sides["fashion-mnist"] == (28, 14, 7, 4)
    assert sides["digits"] == (8, 4)


@pytest.mark.parametrize("side", [8, 4])
def test_the_network_reads_what_is_left(side):
    config = RunConfig(classes=3, samples_per_class=5, image_side=side)
    assert input_dim(config) == side * side == load(config).train.inputs.shape[1]
    tokens = config.with_(architecture="T11")
    assert tokens.patch_size == side // 4
    assert context_length(tokens) == 16
    patches = network_inputs(tokens, load(tokens).train.inputs)
    assert patches.shape == (15, 16, (side // 4) ** 2)


def test_patches_have_to_cut_what_is_left():
    with pytest.raises(ConfigError, match="patch_size = 8: must be one of 1, 2, 4$"):
        RunConfig(architecture="T11", image_side=4, patch_size=8)
    with pytest.raises(ConfigError, match="image_side = 16: must be one of 8, 4$"):
        RunConfig(image_side=16)
    config = RunConfig(dataset="cifar10", architecture="T11", image_side=8)
    assert config.patch_size == 2
    # Who picks another side meant another patch too, unless it was set.
    repicked, problems = config.repicked({"image_side": 32})
    assert (repicked.patch_size, problems) == (8, [])
    assert RunConfig().with_(dataset="mnist").image_side == 28
    # So does what another configuration is made of; what was set has to fit.
    assert config.with_(image_side=4).patch_size == 1
    assert RunConfig(dataset="mnist").with_(image_side=4).image_side == 4
    with pytest.raises(ConfigError, match="patch_size = 8"):
        config.with_(patch_size=8).with_(image_side=4)
    repicked, _ = config.with_(patch_size=4).repicked({"image_side": 16})
    assert repicked.patch_size == 4


def test_images_as_published_have_the_key_that_they_had_before_there_were_others():
    config = RunConfig(dataset="mnist")
    assert "image_side" not in config.canonical_json()
    assert config.image_side == 28 and config.query()["image_side"] == "28"
    small = config.with_(image_side=7)
    assert '"image_side": 7' in small.canonical_json()
    assert "image side 7" in small.full_title() and "image side" not in config.full_title()
    # Of another data set it is that one's own again.
    assert RunConfig(dataset="cifar10").image_side == 32
    assert config.repicked({"dataset": "cifar10"})[0].image_side == 32
    points = RunConfig(dataset="gaussian")
    assert not points.is_averaged and not RunConfig(dataset="imdb").is_averaged
    assert "image_side" not in points.params and "image_side" not in points.canonical_json()
    assert dataset_info("digits").pixels == (8, 8, 1) == RunConfig().pixels
