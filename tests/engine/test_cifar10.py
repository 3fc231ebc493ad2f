"""CIFAR10's archive: what is read from it, and what never is."""

import io
import pickle
import tarfile

import numpy as np
import pytest

from ncengine import datasets
from ncengine.config import RunConfig
from ncengine.datasets.readers.cifar10 import TEST_BATCH, TRAIN_BATCHES, read_cifar10

from .originals import forget, hashes_of, original

ARCHIVE = "cifar-10-python.tar.gz"
FOLDER = "cifar-10-batches-py"
EVERY = (*TRAIN_BATCHES, TEST_BATCH)


def add(archive, name, content):
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def batch(pixels, labels, **more):
    return pickle.dumps({b"data": pixels, b"labels": labels, **more}, protocol=4)


def small_batches(train=20, test=200):
    """Six batches of noise: name to (pixels, labels)."""
    rng = np.random.default_rng(0)
    batches = {}
    for name in (*TRAIN_BATCHES, TEST_BATCH):
        count = test if name == TEST_BATCH else train
        pixels = rng.integers(0, 256, (count, 3072), dtype=np.uint8)
        pixels[:, 1024:2048] //= 2
        batches[name] = pixels, [int(k) for k in rng.permutation(np.arange(count) % 10)]
    return batches


def write(path, contents, mode="w:gz", prefix=f"{FOLDER}/"):
    with tarfile.open(path, mode) as archive:
        add(archive, f"{prefix}readme.html", b"words")
        for name, content in contents.items():
            add(archive, name if "/" in name else f"{prefix}{name}", content)


@pytest.fixture
def archive(tmp_path):
    """Writes an archive of six small batches, some replaced by other bytes, or left out."""

    def build(replacements=None, name=ARCHIVE, **how):
        contents = {name: batch(*pair) for name, pair in reversed(small_batches().items())}
        contents.update(replacements or {})
        path = tmp_path / name
        contents = {name: content for name, content in contents.items() if content is not None}
        write(path, contents, **how)
        return path

    return build


@pytest.fixture
def cifar_from(monkeypatch, tmp_path):
    monkeypatch.setenv("NCENGINE_DATA", str(tmp_path / "nothing"))

    def point(path):
        given = f"{path.parent} {hashes_of(path)}"
        monkeypatch.setenv("NCENGINE_MIRROR_CIFAR10", given)

    yield point
    forget()


def as_image(row):
    """(32, 32, 3) of a row of 3072 values: the red plane first, each plane row by row."""
    red, green, blue = row[:1024], row[1024:2048], row[2048:]
    return np.stack([plane.reshape(32, 32) for plane in (red, green, blue)], axis=2)


def test_batches_are_read_in_their_order_whatever_the_archives(archive):
    images, labels, test_images, test_labels = read_cifar10(archive())
    batches = small_batches()
    rows = [row for name in TRAIN_BATCHES for row in batches[name][0]]
    np.testing.assert_array_equal(images, [as_image(row) for row in rows])
    assert list(labels) == [k for name in TRAIN_BATCHES for k in batches[name][1]]
    np.testing.assert_array_equal(test_images[7], as_image(batches[TEST_BATCH][0][7]))
    assert list(test_labels) == batches[TEST_BATCH][1]
    assert images.dtype == np.uint8 and labels.dtype == np.int64


def test_inputs_are_standardised_by_channel_and_flattened_with_channels_last(archive, cifar_from):
    cifar_from(archive())
    data = datasets.load(RunConfig(dataset="cifar10", samples_per_class=10))
    pixels = np.concatenate([small_batches()[name][0] for name in TRAIN_BATCHES])
    planes = pixels.reshape(-1, 3, 1024).astype(float)
    mean, std = planes.mean(axis=(0, 2)), planes.std(axis=(0, 2))
    assert data.images.shape == (100, 32, 32, 3) and data.images.flags.c_contiguous
    assert data.test_images.shape == (200, 32, 32, 3)
    for split, images in ((data.train, data.images), (data.test, data.test_images)):
        expected = ((images - mean) / std).reshape(len(images), 3072)
        np.testing.assert_allclose(split.inputs, expected, rtol=1e-5, atol=1e-6)
    known = {
        as_image(row).tobytes(): k
        for name in TRAIN_BATCHES
        for row, k in zip(*small_batches()[name])
    }
    assert [known[image.tobytes()] for image in data.images] == list(data.train.labels)


class Harmful:
    """Its pickle runs a function of the reader's choice... unless nothing is admitted."""

    def __init__(self, *call):
        self.call = call

    def __reduce__(self):
        return self.call[0], self.call[1:]


@pytest.mark.parametrize("where", ["instead", "within"])
def test_a_harmful_pickle_is_refused_and_nothing_is_run(archive, tmp_path, where):
    harmful = Harmful(open, str(tmp_path / "made"), "w")
    pixels, labels = small_batches()[TEST_BATCH]
    content = {
        "instead": pickle.dumps(harmful),
        "within": batch(pixels, labels, filenames=[harmful]),
    }[where]
    pickle.loads(content)
    assert (tmp_path / "made").exists()
    (tmp_path / "made").unlink()
    with pytest.raises(datasets.DatasetDamaged, match=r"with _?io\.open, which is not admitted"):
        read_cifar10(archive({TEST_BATCH: content}))
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    "call, name",
    [
        ((eval, "1"), "builtins.eval"),
        ((np.load, "x.npy"), "numpy.load"),
        ((pickle.loads, b"N."), "_pickle.loads"),
    ],
    ids=["eval", "np.load", "pickle.loads"],
)
def test_no_other_function_is_admitted(archive, call, name):
    with pytest.raises(datasets.DatasetDamaged, match=f"with {name}, which is not admitted"):
        read_cifar10(archive({TRAIN_BATCHES[2]: pickle.dumps(Harmful(*call))}))


PIXELS = np.zeros((2, 3072), np.uint8)


@pytest.mark.parametrize(
    "content, problem",
    [
        (b"", "not a readable pickle: it ends before it should"),
        (b"not a pickle", "not a readable pickle"),
        (batch(PIXELS, [1, 2])[:-50], "not a readable pickle"),
        (pickle.dumps([1, 2]), "no dictionary with data and labels, but a list"),
        (pickle.dumps({b"data": PIXELS}), "a dictionary without labels; it has 'data'$"),
        (pickle.dumps({np.str_("data"): 1}), "without data and labels; it has an array$"),
        (pickle.dumps({}), "a dictionary without data and labels; it has nothing$"),
        (pickle.dumps({b"data": 1, "data": 2}), "has 'data' twice, as text and as bytes"),
        (batch(PIXELS.tolist()[0], [1, 2]), r"data has a row of the shape \(1,\), not \(3072,\)"),
        (batch("ab", [1, 2]), "data is no array of numbers, but a str"),
        (batch(None, [1, 2]), "data is no array of numbers, but a NoneType"),
        (batch(PIXELS.astype(float), [1, 2]), "data has elements of the type 'f8', not whole"),
        (batch(PIXELS.astype(object), [1, 2]), "data has elements of the type 'O8', not whole"),
        (batch(PIXELS.astype("i2") - 1, [1, 2]), "data holds something else than 0 to 255"),
        (batch(PIXELS[:, :-1], [1, 2]), r"data has the shape \(2, 3071\), not \(N, 3072\)"),
        (batch(PIXELS[0], [1, 2]), r"data has the shape \(3072,\), not"),
        (batch([PIXELS[0], PIXELS[:1]], [1, 2]), "data has rows of several shapes"),
        (batch(PIXELS, [1, 2, 3]), r"labels has the shape \(3,\), not \(2,\)"),
        (batch(PIXELS, "ab"), "labels is no array of numbers, but a str"),
        (batch(PIXELS, [1, 10]), "labels holds something else than 0 to 9"),
        (batch(PIXELS, [1, "2"]), "labels holds '2', which is no whole number"),
        (batch(PIXELS, [1, [[]]]), "labels has a row of something else"),
        (batch(PIXELS, [1, 2**70]), "labels holds a int, which is no whole number"),
        (batch(PIXELS, np.array([1.0, 2.0])), "labels has elements of the type 'f8', not whole"),
        (None, f"lacks {TRAIN_BATCHES[4]}"),
    ],
)
def test_a_batch_that_does_not_fit_is_damaged(archive, content, problem):
    with pytest.raises(datasets.DatasetDamaged, match=problem) as caught:
        read_cifar10(archive({TRAIN_BATCHES[4]: content}))
    said = str(caught.value)
    assert said.count(TRAIN_BATCHES[4]) == 1 and said.count(ARCHIVE) == 1 and len(said) < 400


def test_an_archive_that_is_none_is_damaged(archive, tmp_path):
    path = archive()
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(datasets.DatasetDamaged, match="not a readable tar.gz or tar archive"):
        read_cifar10(path)
    path.write_bytes(b"nothing of the kind, however long it is" * 99)
    with pytest.raises(datasets.DatasetDamaged, match="not a readable tar.gz or tar archive"):
        read_cifar10(path)


def test_only_the_expected_members_are_looked_at_and_nothing_is_written(archive, tmp_path):
    path = archive(
        {
            "../outside": b"evil",
            "/tmp/absolute": b"evil",
            "elsewhere/data_batch_1": b"evil",
            "cifar-10-batches-py/batches.meta": b"evil",
        }
    )
    assert len(read_cifar10(path)[0]) == 100
    assert [found.name for found in tmp_path.iterdir()] == [ARCHIVE]
    assert not (tmp_path.parent / "outside").exists()


WRITERS = {
    "labels as an array": lambda pixels, labels: (pixels, np.array(labels)),
    "labels as bytes": lambda pixels, labels: (pixels, np.array(labels, np.uint8)),
    "labels as numpy's integers": lambda pixels, labels: (pixels, list(np.array(labels))),
    "labels in a tuple": lambda pixels, labels: (pixels, tuple(labels)),
    "labels in a column": lambda pixels, labels: (pixels, np.array(labels, ">i4")[:, None]),
    "data by columns": lambda pixels, labels: (np.asfortranarray(pixels), labels),
    "data as larger numbers": lambda pixels, labels: (pixels.astype(">i2"), labels),
    "data that was cut": lambda pixels, labels: (np.hstack([pixels, pixels])[:, :3072], labels),
    "data as planes": lambda pixels, labels: (pixels.reshape(-1, 3, 32, 32), labels),
    "data as images": lambda pixels, labels: (
        pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1),
        labels,
    ),
    "data in a list of rows": lambda pixels, labels: (list(pixels), labels),
    "data in a list of images": lambda pixels, labels: (
        list(pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)),
        labels,
    ),
}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("kind", [str, bytes])
@pytest.mark.parametrize("writer", WRITERS)
def test_archives_that_people_write_are_read(archive, writer, kind, protocol):
    """Whatever their keys are, in whatever containers, by whatever protocol."""
    key = {str: str, bytes: str.encode}[kind]
    contents = {}
    batches = small_batches(3, 4)
    for name, pair in batches.items():
        data, labels = WRITERS[writer](*pair)
        content = {key("data"): data, key("labels"): labels, key("filenames"): [key("a.png")]}
        contents[name] = pickle.dumps({**content, key("batch_label"): b""}, protocol)
    assert_holds(read_cifar10(archive(contents, mode="w")), batches)


def assert_holds(found, batches):
    images, labels, test_images, test_labels = found
    rows = np.concatenate([batches[name][0] for name in TRAIN_BATCHES])
    np.testing.assert_array_equal(images, rows.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
    assert list(labels) == [k for name in TRAIN_BATCHES for k in batches[name][1]]
    rows = batches[TEST_BATCH][0]
    np.testing.assert_array_equal(test_images, rows.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
    assert list(test_labels) == batches[TEST_BATCH][1]
    assert images.dtype == np.uint8 and labels.dtype == np.int64


@pytest.mark.parametrize("prefix", ["", "./", f"./{FOLDER}/", f"home/me/{FOLDER}/", "mine/"])
@pytest.mark.parametrize("mode, name", [("w:gz", ARCHIVE), ("w", ARCHIVE), ("w", "subset.tar")])
def test_members_may_lie_where_a_writer_of_archives_puts_them(archive, prefix, mode, name):
    assert_holds(read_cifar10(archive(name=name, mode=mode, prefix=prefix)), small_batches())


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_an_archive_of_an_unpacked_folder_and_the_folder_itself(archive, tmp_path, form):
    with tarfile.open(archive()) as opened:
        opened.extractall(tmp_path / "unpacked", filter="data")
    folder = tmp_path / "unpacked" / FOLDER
    (folder / "._data_batch_1").write_bytes(b"what a Mac puts beside it")
    assert_holds(read_cifar10(folder), small_batches())
    with tarfile.open(tmp_path / "again.tar.gz", "w:gz", format=form) as packed:
        packed.add(folder, ".")
    assert_holds(read_cifar10(tmp_path / "again.tar.gz"), small_batches())


@pytest.mark.parametrize("other", ["other", f"a/{FOLDER}", f"z/{FOLDER}"])
@pytest.mark.parametrize("prefix", ["mine/", f"old/{FOLDER}/", f"{FOLDER}/"])
@pytest.mark.parametrize("first", [True, False])
def test_where_two_folders_have_batches_nothing_is_guessed(tmp_path, prefix, other, first):
    evil = {f"{other}/{name}": batch(np.zeros((9, 3072), np.uint8), [0] * 9) for name in EVERY}
    mine = {f"{prefix}{name}": batch(*pair) for name, pair in small_batches().items()}
    path = tmp_path / "two.tar"
    write(path, {**evil, **mine} if first else {**mine, **evil}, mode="w")
    ranks = [
        0 if one == f"{FOLDER}/" else 1 if one.endswith(f"/{FOLDER}/") else 2
        for one in (prefix, f"{other}/")
    ]
    if ranks[0] < ranks[1]:
        assert_holds(read_cifar10(path), small_batches())
    elif ranks[0] > ranks[1]:
        assert len(read_cifar10(path)[0]) == 45
    else:
        with pytest.raises(datasets.DatasetDamaged, match="batches in several folders") as caught:
            read_cifar10(path)
        assert other in str(caught.value) and prefix[:-1] in str(caught.value)


def test_a_batch_that_was_appended_takes_the_place_of_the_first(archive):
    path = archive(name="subset.tar", mode="w")
    pixels, labels = small_batches()[TEST_BATCH]
    with tarfile.open(path, "a") as opened:
        add(opened, f"{FOLDER}/{TEST_BATCH}", batch(255 - pixels, labels))
    test_images = read_cifar10(path)[2]
    np.testing.assert_array_equal(test_images[7], as_image(255 - pixels[7]))


def test_classes_that_are_not_used_may_be_missing_and_as_few_are_tested_as_there_are(
    archive, cifar_from
):
    """Classes 0 to 3 alone; of class 2 three test images, of the others more."""
    rng = np.random.default_rng(1)
    contents = {}
    for name in (*TRAIN_BATCHES, TEST_BATCH):
        labels = [0, 1, 2, 3] * 6 if name != TEST_BATCH else [0, 1, 3] * 7 + [2] * 3 + [1]
        contents[name] = batch(rng.integers(0, 256, (len(labels), 3072), np.uint8), labels)
    cifar_from(archive(contents))
    data = datasets.load(RunConfig(dataset="cifar10", classes=4, samples_per_class=30))
    assert list(np.bincount(data.train.labels)) == [30] * 4
    assert list(np.bincount(data.test.labels)) == [3] * 4
    assert len(data.test_images) == len(data.test) == 12
    fewer = datasets.load(RunConfig(dataset="cifar10", classes=2, samples_per_class=30))
    assert list(np.bincount(fewer.test.labels)) == [7] * 2
    np.testing.assert_array_equal(fewer.test_images[7:10], data.test_images[3:6])
    with pytest.raises(ValueError, match="classes = 5: must be at most 4, for .* no training"):
        datasets.load(RunConfig(dataset="cifar10", classes=5, samples_per_class=3))


def test_the_original_data_as_a_plain_reading_gives_them(cifar_from):
    folder = original("cifar10-subset", ARCHIVE)
    if folder is None:
        pytest.skip("no archive of CIFAR10 here; NC_TEST_DATA names the folder of its folder")
    cifar_from(folder / ARCHIVE)
    data = datasets.load(RunConfig(dataset="cifar10", samples_per_class=100))

    def read(names):
        with tarfile.open(folder / ARCHIVE) as opened:
            batches = [
                pickle.load(opened.extractfile(f"cifar-10-batches-py/{name}"), encoding="bytes")
                for name in names
            ]
        pixels = np.concatenate([found[b"data"] for found in batches])
        return pixels, np.concatenate([found[b"labels"] for found in batches])

    parts = (
        ([f"data_batch_{i}" for i in range(1, 6)], data.train, data.images),
        (["test_batch"], data.test, data.test_images),
    )
    pixels = read(parts[0][0])[0].reshape(-1, 3, 1024)
    mean, std = pixels.mean(axis=(0, 2)), pixels.std(axis=(0, 2))
    for names, split, images in parts:
        known = {as_image(row).tobytes(): k for row, k in zip(*read(names))}
        assert [known[image.tobytes()] for image in images] == list(split.labels)
        expected = ((images - mean) / std).reshape(1000, 3072)
        np.testing.assert_allclose(split.inputs, expected, atol=1e-5)
