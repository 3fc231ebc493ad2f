"""Fashion-MNIST through the loader of MNIST, from files made here and from a distribution's."""

import gzip

import numpy as np
import pytest

from ncengine import datasets
from ncengine.config import RunConfig

from .originals import forget, hashes_of, original

FILES = [file.name for file in datasets.dataset_info("fashion-mnist").files]


@pytest.fixture
def fashion_from(monkeypatch, tmp_path):
    """Points the loader at the four files in a folder."""
    monkeypatch.setenv("NCENGINE_DATA", str(tmp_path / "nothing"))

    def point(folder):
        given = hashes_of(*(folder / name for name in FILES))
        monkeypatch.setenv("NCENGINE_MIRROR_FASHION_MNIST", f"{folder} {given}")

    yield point
    forget()


def idx(array):
    header = bytes((0, 0, 8, array.ndim)) + np.array(array.shape, ">u4").tobytes()
    return gzip.compress(header + array.tobytes(), 1)


def write(folder, train=30, test=110, shape=(28, 28), **changes):
    """Four files of noise, as many images of each class; returns what they hold."""
    rng = np.random.default_rng(0)
    content = {}
    for part, count in (("train", train), ("t10k", test)):
        labels = rng.permutation(np.repeat(np.arange(10, dtype=np.uint8), count))
        content[f"{part}-images-idx3-ubyte.gz"] = rng.integers(
            0, 256, (10 * count, *shape), dtype=np.uint8
        )
        content[f"{part}-labels-idx1-ubyte.gz"] = labels
    content.update(changes)
    for name, array in content.items():
        (folder / name).write_bytes(idx(array))
    return content


def assert_is(data, content, n):
    """The samples are images of the files with their labels, scaled as said."""
    for part, images, split, each in (
        ("train", data.images, data.train, n),
        ("t10k", data.test_images, data.test, 20),
    ):
        labels = content[f"{part}-labels-idx1-ubyte.gz"]
        original_images = content[f"{part}-images-idx3-ubyte.gz"]
        known = {image.tobytes(): k for image, k in zip(original_images, labels)}
        assert [known[image.tobytes()] for image in images] == list(split.labels)
        assert len({image.tobytes() for image in images}) == len(images) == 10 * each
        pixels = content["train-images-idx3-ubyte.gz"].astype(float)
        expected = (images.reshape(len(images), -1) - pixels.mean()) / pixels.std()
        np.testing.assert_allclose(split.inputs, expected, rtol=1e-5, atol=1e-6)


def test_the_loader_reads_what_the_variable_names(fashion_from, tmp_path):
    content = write(tmp_path)
    fashion_from(tmp_path)
    assert_is(datasets.load(RunConfig(dataset="fashion-mnist", samples_per_class=12)), content, 12)
    with pytest.raises(ValueError, match="samples_per_class = 31: must be at most 30"):
        datasets.load(RunConfig(dataset="fashion-mnist", samples_per_class=31))


def test_other_files_under_the_same_name_are_read_anew(fashion_from, tmp_path):
    config = RunConfig(dataset="fashion-mnist", samples_per_class=5)
    write(tmp_path)
    fashion_from(tmp_path)
    first = datasets.load(config)
    other = 255 - np.random.default_rng(5).integers(0, 99, (300, 28, 28), dtype=np.uint8)
    content = write(tmp_path, **{FILES[0]: other})
    fashion_from(tmp_path)
    second = datasets.load(config)
    assert second is not first and second.images.min() > 150
    assert_is(second, content, 5)


@pytest.mark.parametrize(
    "changes, problem",
    [
        ({"shape": (27, 28)}, r"images have the shape \(27, 28\), not \(28, 28\)"),
        ({FILES[1]: np.arange(299, dtype=np.uint8) % 10}, "300 images, but 299 labels"),
        ({FILES[1]: np.arange(300, dtype=np.uint8) % 11}, "there is a label 10, not 0 to 9"),
        ({FILES[1]: np.zeros((300, 2), np.uint8)}, "no IDX file of bytes with 1 dimensions"),
    ],
)
def test_files_that_do_not_fit_are_damaged(fashion_from, tmp_path, changes, problem):
    write(tmp_path, **changes)
    fashion_from(tmp_path)
    with pytest.raises(datasets.DatasetDamaged, match=problem):
        datasets.load(RunConfig(dataset="fashion-mnist", samples_per_class=2))


def test_the_distributions_files_are_the_published_data(fashion_from):
    """Compressed anew they have other hashes. Mean and deviation are the ones everybody uses."""
    folder = original("fashion-mnist", FILES[0])
    if folder is None:
        pytest.skip("no files of Fashion-MNIST here")
    fashion_from(folder)
    content = {
        name: np.frombuffer(gzip.decompress((folder / name).read_bytes())[16:], "u1").reshape(
            -1, 28, 28
        )
        if "images" in name
        else np.frombuffer(gzip.decompress((folder / name).read_bytes())[8:], "u1")
        for name in FILES
    }
    assert [len(content[name]) for name in FILES] == [60_000, 60_000, 10_000, 10_000]
    data = datasets.load(RunConfig(dataset="fashion-mnist", samples_per_class=40))
    # The published set holds some images twice, so labels are compared by a plain look-up.
    for part, images, labels in (
        ("train", data.images, data.train.labels),
        ("t10k", data.test_images, data.test.labels),
    ):
        known = {}
        pairs = zip(
            content[f"{part}-images-idx3-ubyte.gz"], content[f"{part}-labels-idx1-ubyte.gz"]
        )
        for image, k in pairs:
            known.setdefault(image.tobytes(), set()).add(int(k))
        assert all(k in known[image.tobytes()] for image, k in zip(images, labels))
    expected = (data.images.reshape(400, 784) / 255 - 0.2860) / 0.3530
    np.testing.assert_allclose(data.train.inputs, expected, atol=1e-3)
