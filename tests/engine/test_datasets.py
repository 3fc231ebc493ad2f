"""The data sets against their sources, read by other code."""

import gzip
import hashlib
import struct
import subprocess
import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from ncengine import datasets
from ncengine.config import RunConfig
from ncengine.datasets import sampling
from ncengine.datasets.files import content
from ncengine.datasets.readers.idx import read_idx

from .originals import forget, original

NAMES = ("digits", "gaussian", "mnist")


def mnist_folder():
    return original("mnist", "train-images-idx3-ubyte.gz")


@pytest.fixture
def data_folder(monkeypatch, tmp_path):
    """An empty folder for data sets, and no memory of what was loaded before."""
    monkeypatch.setenv("NCENGINE_DATA", str(tmp_path))
    forget()
    yield tmp_path
    forget()


@pytest.fixture
def config(monkeypatch):
    """Builds a configuration; makes MNIST available, or skips where it is asked for in vain."""

    def build(dataset, **values):
        if dataset == "mnist":
            folder = mnist_folder()
            if folder is None:
                pytest.skip("no original MNIST files here; NC_TEST_DATA names their folder")
            monkeypatch.setenv("NCENGINE_DATA", str(folder.parent))
        return RunConfig(dataset=dataset, **values)

    return build


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("classes, n", [(10, 20), (4, 7), (2, 1)])
def test_balanced_and_sorted_by_class(config, name, classes, n):
    data = datasets.load(config(name, classes=classes, samples_per_class=n))
    np.testing.assert_array_equal(data.train.labels, np.repeat(np.arange(classes), n))
    per_class = np.bincount(data.test.labels, minlength=classes)
    assert set(per_class) == {20}
    assert np.all(np.diff(data.test.labels) >= 0)
    for split in (data.train, data.test):
        assert split.inputs.dtype == np.float32 and split.labels.dtype == np.int64
        assert len(split) == len(split.inputs) == len(split.labels)
        assert not split.inputs.flags.writeable and not split.labels.flags.writeable


@pytest.mark.parametrize("name", NAMES)
def test_a_smaller_n_and_fewer_classes_are_a_subset(config, name):
    large = datasets.load(config(name, classes=6, samples_per_class=30, data_seed=3))
    small = datasets.load(config(name, classes=4, samples_per_class=12, data_seed=3))
    blocks = large.train.inputs.reshape(6, 30, -1)[:4, :12]
    np.testing.assert_array_equal(small.train.inputs.reshape(4, 12, -1), blocks)
    held_out = large.test.inputs.reshape(6, len(large.test) // 6, -1)[:4, :20]
    np.testing.assert_array_equal(small.test.inputs.reshape(4, 20, -1), held_out)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n, tested", [(1, 20), (20, 20), (23, 23), (70, 70), (150, 100)])
def test_as_many_are_tested_as_trained_within_bounds(config, name, n, tested):
    there = 24 if name == "digits" else 100
    few, many = (
        datasets.load(config(name, classes=3, samples_per_class=count)) for count in (n, 150)
    )
    assert list(np.bincount(many.test.labels)) == [there] * 3
    kept = min(tested, there)
    assert sampling.held_out_per_class(config(name, samples_per_class=n)) == kept
    for part in ("inputs", "labels"):
        of_each = getattr(many.test, part).reshape(3, there, -1)[:, :kept]
        whole = getattr(few.test, part)
        np.testing.assert_array_equal(whole, of_each.reshape(whole.shape))
        assert not whole.flags.writeable
    if name != "gaussian":
        pictures = many.test_images.reshape(3, there, *many.test_images.shape[1:])[:, :kept]
        np.testing.assert_array_equal(few.test_images, pictures.reshape(few.test_images.shape))


@pytest.mark.parametrize("name", NAMES)
def test_the_seed_decides(config, name):
    def draw(seed):
        sampling._load.cache_clear()
        return datasets.load(config(name, samples_per_class=50, data_seed=seed))

    first, again, other = draw(0), draw(0), draw(1)
    np.testing.assert_array_equal(first.train.inputs, again.train.inputs)
    np.testing.assert_array_equal(first.test.inputs, again.test.inputs)
    assert np.mean(np.all(first.train.inputs == other.train.inputs, axis=1)) < 0.5
    assert np.array_equal(first.test.inputs, other.test.inputs) == (name != "gaussian")


@pytest.mark.parametrize("name, n", [("digits", 150), ("mnist", 300)])
def test_no_sample_is_drawn_twice_or_tested_on(config, name, n):
    data = datasets.load(config(name, samples_per_class=n))
    rows = [row.tobytes() for row in data.train.inputs]
    assert len(set(rows)) == len(rows)
    assert not set(rows) & {row.tobytes() for row in data.test.inputs}


def test_digits_are_those_of_scikit_learn(config):
    data = datasets.load(config("digits", samples_per_class=150, data_seed=5))
    pixels, labels = load_digits(return_X_y=True)
    known = {row.astype(np.uint8).tobytes(): label for row, label in zip(pixels, labels)}
    assert data.images.shape == (1500, 8, 8) and data.images.dtype == np.uint8
    for image, label in zip(data.images, data.train.labels):
        original = np.rint(image / 255 * 16).astype(np.uint8)
        assert known[original.tobytes()] == label


@pytest.mark.parametrize("name", ["digits", "mnist"])
def test_inputs_are_the_images_with_one_scale_and_offset(config, name):
    data = datasets.load(config(name, samples_per_class=100))
    pixels = data.images.reshape(len(data.images), -1).astype(float)
    if name == "digits":
        pixels = np.rint(pixels / 255 * 16)
    slope, offset = np.polyfit(pixels[:200].ravel(), data.train.inputs[:200].ravel(), 1)
    np.testing.assert_allclose(data.train.inputs, slope * pixels + offset, atol=1e-5)
    assert abs(data.train.inputs.mean()) < 0.03 and abs(data.train.inputs.std() - 1) < 0.03


def test_mnist_is_the_published_one(config):
    """Against a plain reading of the files; mean and deviation are the ones everybody uses."""
    data = datasets.load(config("mnist", samples_per_class=40))

    def read(name, header):
        return np.frombuffer(gzip.decompress((mnist_folder() / name).read_bytes())[header:], "u1")

    images = read("train-images-idx3-ubyte.gz", 16).reshape(60000, 784)
    labels = read("train-labels-idx1-ubyte.gz", 8)
    chosen = {image.tobytes(): k for image, k in zip(data.images, data.train.labels)}
    found = {image.tobytes(): k for image, k in zip(images, labels) if image.tobytes() in chosen}
    assert found == chosen and len(chosen) == 400
    expected = (data.images.reshape(400, 784) / 255 - 0.1307) / 0.3081
    np.testing.assert_allclose(data.train.inputs, expected, atol=1e-3)

    test_images = read("t10k-images-idx3-ubyte.gz", 16).reshape(10000, 784)
    test_labels = read("t10k-labels-idx1-ubyte.gz", 8)
    tested = {
        np.rint(255 * (row.astype(float) * 0.3081 + 0.1307)).astype("u1").tobytes(): k
        for row, k in zip(data.test.inputs, data.test.labels)
    }
    found = {i.tobytes(): k for i, k in zip(test_images, test_labels) if i.tobytes() in tested}
    assert found == tested and len(tested) == 400


def test_mnist_files_may_lie_in_the_named_folder_itself(config, monkeypatch):
    config("mnist")
    monkeypatch.setenv("NCENGINE_DATA", str(mnist_folder()))
    assert datasets.is_available("mnist")
    assert len(datasets.load(RunConfig(dataset="mnist", samples_per_class=2)).train) == 20


@pytest.mark.parametrize("spread", [0.0, 0.5, 2.0])
def test_gaussian_clusters_have_the_spread_asked_for(spread):
    data = datasets.load(
        RunConfig(dataset="gaussian", samples_per_class=2000, input_dim=256, spread=spread)
    )
    blocks = data.train.inputs.reshape(10, 2000, 256).astype(float)
    centres = blocks.mean(axis=1)
    scale = np.sqrt(1 + spread**2)
    within = np.sqrt(np.mean((blocks - centres[:, None]) ** 2))
    assert within * scale == pytest.approx(spread, rel=0.01, abs=1e-6)
    assert centres.std() * scale == pytest.approx(1, rel=0.05)
    tested = data.test.inputs.reshape(10, 100, 256).astype(float).mean(axis=1)
    np.testing.assert_allclose(tested, centres, atol=6 * spread / 10 / scale + 1e-6)
    assert data.images is None
    if spread:
        assert not np.isin(data.test.inputs[:, 0], data.train.inputs[:, 0]).any()


def test_loading_again_returns_the_same_arrays():
    first = datasets.load(RunConfig(depth=3, samples_per_class=10))
    assert datasets.load(RunConfig(depth=8, samples_per_class=10)) is first


def test_absent_data_set_says_what_is_missing_where_and_what_works(data_folder):
    assert not datasets.is_available("mnist") and datasets.is_available("digits")
    assert len(datasets.missing("mnist")) == 4 and datasets.missing("digits") == []
    with pytest.raises(datasets.DatasetMissing) as caught:
        datasets.load(RunConfig(dataset="mnist"))
    text = str(caught.value)
    assert "train-images-idx3-ubyte.gz" in text and str(data_folder / "mnist") in text
    assert "Digits, Gaussian clusters" in text and "MNIST," not in text
    assert caught.value.folder == data_folder / "mnist"


def test_a_file_of_the_wrong_size_is_missing(data_folder):
    (data_folder / "t10k-labels-idx1-ubyte.gz").write_bytes(bytes(4_542))
    (data_folder / "train-labels-idx1-ubyte.gz").write_bytes(bytes(28_880))
    assert "t10k-labels-idx1-ubyte.gz" not in datasets.missing("mnist")
    assert "train-labels-idx1-ubyte.gz" in datasets.missing("mnist")


def test_a_file_of_the_right_size_with_other_content_is_noticed(data_folder):
    for file in datasets.dataset_info("mnist").files:
        with open(data_folder / file.name, "wb") as stream:
            stream.truncate(file.bytes)
    assert datasets.is_available("mnist")
    with pytest.raises(datasets.DatasetDamaged, match="SHA-256 differs") as caught:
        datasets.load(RunConfig(dataset="mnist"))
    assert "renamed to train-images-idx3-ubyte.gz.damaged" in str(caught.value)
    assert "Download MNIST again." in str(caught.value)
    names = {file.name + ".damaged" for file in datasets.dataset_info("mnist").files}
    assert {path.name for path in data_folder.iterdir()} == names
    assert not datasets.is_available("mnist")


def test_a_damaged_file_that_cannot_be_renamed_is_told(data_folder, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    for file in datasets.dataset_info("mnist").files:
        with open(data_folder / file.name, "wb") as stream:
            stream.truncate(file.bytes)
    monkeypatch.setattr(Path, "replace", refuse)
    message = r"SHA-256 differs; it could not be renamed \(permission denied\)"
    with pytest.raises(datasets.DatasetDamaged, match=message):
        datasets.load(RunConfig(dataset="mnist"))


def test_unknown_data_set_is_named():
    with pytest.raises(ValueError, match="dataset = 'mnits': must be one of digits"):
        datasets.is_available("mnits")


def test_without_the_variable_files_belong_in_the_cache_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("NCENGINE_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = datasets.folder("mnist")
    assert folder.name == "mnist" and folder.parent.name == "neural-collapse-explorer"


def test_registry_gives_the_published_hashes_and_sizes(config):
    config("mnist")
    for file in datasets.dataset_info("mnist").files:
        content = (mnist_folder() / file.name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == file.sha256
        assert len(content) == file.bytes


def write_idx(path, header, body):
    path.write_bytes(gzip.compress(header + body))
    return path


def test_read_idx(tmp_path):
    header = bytes((0, 0, 8, 2)) + (2).to_bytes(4, "big") + (3).to_bytes(4, "big")
    path = write_idx(tmp_path / "good.gz", header, bytes(range(6)))
    np.testing.assert_array_equal(read_idx(path, 2), [[0, 1, 2], [3, 4, 5]])
    with pytest.raises(datasets.DatasetDamaged, match="no IDX file of bytes with 3 dimensions"):
        read_idx(path, 3)
    short = write_idx(tmp_path / "short.gz", header, bytes(5))
    with pytest.raises(datasets.DatasetDamaged, match="holds 5 bytes"):
        read_idx(short, 2)
    cut = tmp_path / "cut.gz"
    cut.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(datasets.DatasetDamaged, match="cut.gz is not readable"):
        read_idx(cut, 2)


@pytest.mark.parametrize(
    "lengths", [(), (1,), (2**31, 2**31, 4), (2**24, 2**24, 2**16), (2**32 - 1, 2**32 - 1, 0)]
)
def test_an_idx_header_that_promises_what_cannot_be_is_damage(tmp_path, lengths):
    header = bytes((0, 0, 8, 3)) + b"".join(length.to_bytes(4, "big") for length in lengths)
    for rest in (b"", bytes(1)):
        with pytest.raises(datasets.DatasetDamaged):
            read_idx(write_idx(tmp_path / "odd.gz", header, rest), 3)


def test_a_file_that_may_not_be_read_is_told(data_folder, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    for file in datasets.dataset_info("mnist").files:
        with open(data_folder / file.name, "wb") as stream:
            stream.truncate(file.bytes)
    monkeypatch.setattr(content, "open", refuse, raising=False)
    for call in (datasets.download, lambda name: datasets.load(RunConfig(dataset=name))):
        with pytest.raises(datasets.DatasetError, match=r"cannot be read \(permission denied\)"):
            call("mnist")


def test_import_is_light():
    code = "import sys, ncengine.datasets; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert not {"torch", "sklearn", "pooch", "requests", "scipy"} & set(loaded.stdout.split())
    assert "ncengine.datasets" in loaded.stdout


def test_a_small_file_that_unpacks_to_gigabytes_is_not_unpacked(tmp_path):
    path = tmp_path / "bomb.gz"
    header = bytes((0, 0, 8, 1)) + struct.pack(">I", 1000)
    with gzip.open(path, "wb") as stream:
        stream.write(header)
        for _ in range(64):
            stream.write(bytes(2**24))
    tracemalloc.start()
    try:
        with pytest.raises(datasets.DatasetDamaged, match="holds more bytes after its header"):
            read_idx(path, 1)
        assert tracemalloc.get_traced_memory()[1] < 2**22
    finally:
        tracemalloc.stop()


def test_samples_count_with_inputs_and_pictures():
    data = datasets.load(RunConfig(samples_per_class=3))
    pixels = 64 * (30 + 200)
    assert data.nbytes == pixels * (np.dtype(np.float32).itemsize + 1)


def test_as_many_samples_are_remembered_as_memory_allows_and_the_last_however_large():
    class Drawn:
        def __init__(self, nbytes):
            self.nbytes = nbytes

    remembered, most = sampling._load.cache, sampling.REMEMBERED_BYTES
    forget()
    for key, share in (("a", 0.4), ("b", 0.5), ("c", 0.3)):
        remembered[key] = Drawn(share * most)
    assert "a" not in remembered and {"b", "c"} <= {*remembered}
    remembered["d"] = Drawn(100 * most)
    assert {*remembered} == {"d"}
    forget()


def test_threads_that_ask_at_once_get_the_same_samples():
    forget()
    asked = RunConfig(samples_per_class=4)
    with ThreadPoolExecutor(4) as pool:
        found = [*pool.map(lambda _: datasets.load(asked), range(8))]
    assert all(one is found[0] for one in found)
