"""Files as people have them: unpacked, renamed, as other libraries lay them; and what is told."""

import gzip
import hashlib
import pickle
import re
import shutil
import subprocess
import tarfile

import numpy as np
import pytest

from ncengine import datasets
from ncengine.config import RunConfig
from ncengine.datasets.files import content
from ncengine.datasets.files.sources import checksum

from .originals import forget, hashes_of, original
from .test_cifar10 import small_batches
from .test_cifar10 import write as write_cifar10
from .test_fashion_mnist import FILES, assert_is
from .test_fashion_mnist import write as write_fashion
from .test_imdb import write as write_imdb

REVIEWS = {
    f"{part}/{name}/{i}_5.txt": f"number {i} in {part} {name}"
    for part in ("train", "test")
    for name in ("neg", "pos")
    for i in range(5)
}


@pytest.fixture
def place(monkeypatch, tmp_path):
    """A folder of the user's; nothing is anywhere else, nor remembered."""
    monkeypatch.setenv("NCENGINE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "my files"
    folder.mkdir()
    yield folder
    forget()


def uri(path, *hashed):
    return f"{path.as_uri()} {hashes_of(*hashed)}".strip()


LAYOUTS = {
    "as published": "{stem}.gz",
    "unpacked": "{stem}",
    "torchvision's": "FashionMNIST/raw/{stem}",
    "torchvision's, packed": "FashionMNIST/raw/{stem}.gz",
    "torchvision's folder itself": "raw/{stem}",
    "with a point": "{dotted}",
    "with a point, packed": "{dotted}.gz",
    "each in a folder of its own": "{stem}/{stem}",
    "unpacked, with the name of what is packed": "{stem}.gz",
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_idx_files_wherever_others_lay_them(place, monkeypatch, tmp_path, layout):
    made = tmp_path / "made"
    made.mkdir()
    held = write_fashion(made)
    paths = []
    for name in FILES:
        stem = name.removesuffix(".gz")
        path = place / LAYOUTS[layout].format(stem=stem, dotted=stem.replace("-idx", ".idx"))
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = (made / name).read_bytes()
        keep = LAYOUTS[layout].endswith(".gz") and not layout.startswith("unpacked")
        path.write_bytes(whole if keep else gzip.decompress(whole))
        paths.append(path)
    monkeypatch.setenv("NCENGINE_MIRROR_FASHION_MNIST", uri(place, *paths))
    assert datasets.is_available("fashion-mnist")
    config = RunConfig(dataset="fashion-mnist", samples_per_class=12)
    assert_is(datasets.load(config), held, 12)
    datasets.download("fashion-mnist")
    assert not datasets.folder("fashion-mnist").exists()


def test_of_several_forms_the_one_that_is_meant_is_read(place, monkeypatch, tmp_path):
    held = write_fashion(tmp_path)
    for name in FILES:
        (place / name).write_bytes(b"something else")
        (place / name.removesuffix(".gz")).write_bytes(
            gzip.decompress((tmp_path / name).read_bytes())
        )
    paths = [place / name.removesuffix(".gz") for name in FILES]
    monkeypatch.setenv("NCENGINE_MIRROR_FASHION_MNIST", uri(place, *paths))
    config = RunConfig(dataset="fashion-mnist", samples_per_class=12)
    assert_is(datasets.load(config), held, 12)


@pytest.fixture
def published(place, monkeypatch):
    """The published files of MNIST, unpacked as torchvision unpacks them."""
    folder = original("mnist", "train-images-idx3-ubyte.gz")
    if folder is None:
        pytest.skip("no original MNIST files here; NC_TEST_DATA names their folder")
    raw = place / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for file in datasets.dataset_info("mnist").files:
        with gzip.open(folder / file.name) as packed, open(raw / file.name[:-3], "wb") as plain:
            shutil.copyfileobj(packed, plain)
    return raw


@pytest.mark.parametrize("by", ["NCENGINE_DATA", "NCENGINE_MIRROR_MNIST"])
def test_the_published_files_unpacked_are_the_published_ones(published, place, monkeypatch, by):
    monkeypatch.setenv(by, str(place) if by == "NCENGINE_DATA" else place.as_uri())
    assert datasets.is_available("mnist") and datasets.missing("mnist") == []
    data = datasets.load(RunConfig(dataset="mnist", samples_per_class=20))
    np.testing.assert_allclose(data.images.mean() / 255, 0.1307, atol=0.01)
    plain = [published / file.name[:-3] for file in datasets.dataset_info("mnist").files]
    monkeypatch.setenv("NCENGINE_MIRROR_MNIST", uri(place, *plain))
    assert checksum("mnist") == datasets.dataset_info("mnist").checksum


def test_files_of_another_set_that_look_alike_are_left_as_they_are(place, monkeypatch):
    """Fashion-MNIST's are as large as MNIST's once they are unpacked."""
    monkeypatch.setenv("NCENGINE_DATA", str(place))
    for file in datasets.dataset_info("mnist").files:
        with open(place / file.name[:-3], "wb") as stream:
            stream.truncate(file.unpacked.bytes)
    before = sorted(place.iterdir())
    assert datasets.is_available("mnist")
    with pytest.raises(datasets.DatasetDamaged, match="its SHA-256 differs; it is left as it is"):
        datasets.load(RunConfig(dataset="mnist"))
    assert sorted(place.iterdir()) == before
    assert not datasets.is_available("mnist")
    with pytest.raises(datasets.DatasetMissing, match="are there, but are not the published file"):
        datasets.load(RunConfig(dataset="mnist"))


def cifar10(place):
    path = place / "cifar-10-python.tar.gz"
    contents = {
        name: pickle.dumps({"data": pixels, "labels": labels})
        for name, (pixels, labels) in small_batches(20, 20).items()
    }
    write_cifar10(path, contents)
    return path


def unpacked(path):
    with tarfile.open(path) as archive:
        archive.extractall(path.parent, filter="data")
    path.unlink()
    return next(one for one in path.parent.iterdir() if one.is_dir())


def make(kind, place):
    """Something of the user's own, which is not the published data set."""
    if kind == "fashion-mnist":
        write_fashion(place, train=4, test=2)
        return place
    path = cifar10(place) if kind.startswith("cifar10") else None
    path = path or write_imdb(place / "aclImdb_v1.tar.gz", REVIEWS)
    return unpacked(path) if kind.endswith("unpacked") else path


KINDS = ["fashion-mnist", "cifar10", "cifar10 unpacked", "imdb", "imdb unpacked"]


def config_of(name):
    more = {"vocabulary": 9, "context": 2} if name == "imdb" else {}
    return RunConfig(dataset=name, samples_per_class=3, **more)


@pytest.mark.parametrize("kind", KINDS)
def test_the_message_says_what_to_set_and_that_works(place, monkeypatch, kind):
    """Of files that have the published names; every place that was searched is named too."""
    name = kind.split()[0]
    variable = "NCENGINE_MIRROR_" + name.upper().replace("-", "_")
    made = make(kind, place)
    monkeypatch.setenv(variable, place.as_uri())
    with pytest.raises(datasets.DatasetMissing) as caught:
        datasets.load(config_of(name))
    text = str(caught.value)
    for part in (str(place), str(datasets.folder(name)), "data or", "packed or unpacked"):
        assert part in text
    assert str(made) in text and "is there, but is not" in text or "are there, but" in text
    value = re.search(f'set {variable}="(.*?)"', text)[1]
    assert value.startswith(place.as_uri())
    monkeypatch.setenv(variable, value)
    assert datasets.is_available(name)
    data = datasets.load(config_of(name))
    assert len(data.train) == 3 * data.train.labels.max() + 3 and len(data.test)


def test_what_is_there_and_cannot_be_read_is_told_too(place, monkeypatch):
    made = cifar10(place)
    monkeypatch.setenv("NCENGINE_MIRROR_CIFAR10", place.as_uri())

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(content, "open", refuse, raising=False)
        with pytest.raises(datasets.DatasetMissing, match=r"cannot be read \(permission denied\)"):
            datasets.load(config_of("cifar10"))
    monkeypatch.setenv("NCENGINE_MIRROR_CIFAR10", f"{made.as_uri()} sha256:{'0' * 64}")
    with pytest.raises(datasets.DownloadError, match=f"{made.name}: it is not the one NCENGINE_"):
        datasets.download("cifar10")


@pytest.mark.parametrize("kind", KINDS[1:])
def test_who_names_the_archive_or_the_folder_itself(place, monkeypatch, kind):
    name = kind.split()[0]
    made = make(kind, place)
    renamed = made.rename(made.with_name("mine" + made.suffix))
    file = datasets.dataset_info(name).files[0]
    value = f"{renamed.as_uri()} sha256:{content.digest(renamed, file)}"
    monkeypatch.setenv(f"NCENGINE_MIRROR_{name.upper()}", value)
    assert datasets.is_available(name)
    assert len(datasets.load(config_of(name)).test)
    assert [path.name for path in place.iterdir()] == [renamed.name]


@pytest.mark.parametrize("kind", ["cifar10 unpacked", "imdb unpacked"])
def test_what_lies_deeper_in_an_unpacked_folder_is_not_read_for_it(place, monkeypatch, kind):
    """Of a folder with a name of its own, which holds another one with the published name."""
    name = kind.split()[0]
    folder = make(kind, place)
    mine = folder.rename(folder.with_name("mine"))
    file = datasets.dataset_info(name).files[0]
    meant = content.digest(mine, file)
    other = shutil.copytree(mine, place / "other").rename(mine / folder.name)
    for path in sorted(other.rglob("*")):
        if path.name == "test_batch":
            path.write_bytes((other / "data_batch_1").read_bytes())
        elif path.suffix == ".txt":
            path.write_text("something else altogether")
    assert content.digest(mine, file) == meant
    monkeypatch.setenv(f"NCENGINE_MIRROR_{name.upper()}", f"{mine.as_uri()} sha256:{meant}")
    found = datasets.load(config_of(name))
    shutil.rmtree(other)
    forget()
    monkeypatch.setenv("XDG_CACHE_HOME", str(place.parent / "another cache"))
    alone = datasets.load(config_of(name))
    np.testing.assert_array_equal(found.test.inputs, alone.test.inputs)
    assert found.test_texts == alone.test_texts


@pytest.mark.parametrize("kind", ["cifar10 unpacked", "imdb unpacked"])
def test_an_unpacked_folder_is_told_by_what_is_read_of_it(place, monkeypatch, kind):
    name = kind.split()[0]
    made = make(kind, place)
    file = datasets.dataset_info(name).files[0]
    members = "data_batch_? test_batch" if name == "cifar10" else "test/*/*.txt train/*/*.txt"
    command = f"LC_ALL=C sha256sum $(LC_ALL=C ls {members} | LC_ALL=C sort) | sha256sum"
    done = subprocess.run(command, shell=True, cwd=made, capture_output=True, text=True, check=True)
    before = content.digest(made, file)
    assert before == done.stdout.split()[0]
    (made / "readme.html").write_text("counts for nothing")
    (made / ".DS_Store").write_text("counts for nothing")
    assert content.digest(made, file) == before
    read = next(
        path for path in sorted(made.rglob("*")) if re.search("test_batch|_5.txt", path.name)
    )
    read.write_bytes(read.read_bytes() + b" ")
    assert content.digest(made, file) != before
    monkeypatch.setenv(f"NCENGINE_MIRROR_{name.upper()}", f"{place.as_uri()} sha256:{before}")
    with pytest.raises(datasets.DatasetDamaged, match="left as it is, since NCENGINE_MIRROR_"):
        datasets.load(config_of(name))


def test_what_is_read_once_and_found_wrong_is_looked_at_again_when_it_changes(place, monkeypatch):
    path = write_imdb(place / "aclImdb_v1.tar.gz", REVIEWS)
    whole = path.read_bytes()
    monkeypatch.setenv("NCENGINE_MIRROR_IMDB", uri(place, path))
    path.write_bytes(whole[:-1] + b"!")
    with pytest.raises(datasets.DatasetDamaged):
        datasets.load(config_of("imdb"))
    assert not datasets.is_available("imdb")
    path.write_bytes(whole)
    assert datasets.is_available("imdb") and len(datasets.load(config_of("imdb")).test) == 10


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_the_catalogue_knows_what_is_within_the_published_files(name):
    files = datasets.dataset_info(name).files
    folder = original(name, files[0].name)
    if folder is None:
        pytest.skip("no original files here; NC_TEST_DATA names their folder")
    for file in files:
        plain = gzip.decompress((folder / file.name).read_bytes())
        assert hashlib.sha256(plain).hexdigest() == file.unpacked.sha256
        assert len(plain) == file.unpacked.bytes
