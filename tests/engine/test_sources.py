"""The variable that names a data set's source: addresses and hashes, one pair."""

import hashlib
import re
from pathlib import Path

import pytest

from ncengine import datasets
from ncengine.config import RunConfig
from ncengine.datasets.files.sources import address_of, checksum, source
from ncengine.runs.identity import identify

PUBLISHED = {file.name: file.sha256 for file in datasets.dataset_info("mnist").files}
OTHER = [f"{number:064x}" for number in range(4)]


def hashes(values):
    return " ".join(f"sha256:{value}" for value in values)


@pytest.fixture
def mnist_from(monkeypatch, tmp_path):
    monkeypatch.setenv("NCENGINE_DATA", str(tmp_path))
    return lambda value: monkeypatch.setenv("NCENGINE_MIRROR_MNIST", value)


def test_without_a_variable_all_is_as_published(monkeypatch):
    for name, info in datasets.DATASETS.items():
        monkeypatch.delenv("NCENGINE_MIRROR_" + name.upper().replace("-", "_"), raising=False)
        assert source(name).files == info.files and source(name).places == info.base_urls
        assert checksum(name) == info.checksum


def test_addresses_alone_leave_the_hashes(mnist_from):
    mnist_from("http://a/b  HTTPS://c/ file:///d/e%20f ../g /h")
    origin = source("mnist")
    folders = (Path("/d/e f"), Path("../g"), Path("/h"))
    assert origin.places == ("http://a/b/", "HTTPS://c/", *folders) and origin.folders == folders
    assert origin.published and origin.files == datasets.dataset_info("mnist").files
    assert datasets.mirrors("mnist") == ("http://a/b/", "HTTPS://c/")
    mnist_from("https://name:word@a/b?token=1/2")
    assert datasets.mirrors("mnist") == ("https://name:word@a/b/?token=1/2",)
    assert address_of(source("mnist").places[0], "c") == "https://name:word@a/b/c?token=1/2"
    assert checksum("mnist") == datasets.dataset_info("mnist").checksum


@pytest.mark.parametrize("value", ["", "  "])
def test_empty_means_nowhere(mnist_from, tmp_path, value):
    mnist_from(value)
    assert source("mnist").places == () and datasets.mirrors("mnist") == ()
    assert source("mnist").published
    assert checksum("mnist") == datasets.dataset_info("mnist").checksum
    with pytest.raises(datasets.DownloadError) as caught:
        datasets.download("mnist")
    assert caught.value.reasons == ["NCENGINE_MIRROR_MNIST is empty: nothing is fetched"]
    with pytest.raises(datasets.DatasetMissing) as missing:
        datasets.load(RunConfig(dataset="mnist"))
    text = str(missing.value)
    assert "Put the files there: NCENGINE_MIRROR_MNIST names no address to download" in text
    assert "Download it" not in text and list(tmp_path.iterdir()) == []


def test_the_name_has_underscores(monkeypatch):
    monkeypatch.setenv("NCENGINE_MIRROR_FASHION_MNIST", "http://a")
    assert datasets.mirrors("fashion-mnist") == ("http://a/",)


def test_hashes_make_other_files_of_another_key_in_another_folder(mnist_from, tmp_path):
    published = identify(RunConfig(dataset="mnist")).key
    mnist_from(f"http://a {hashes(OTHER).upper().replace('SHA', 'sha')}")
    other = identify(RunConfig(dataset="mnist")).key
    origin = source("mnist")
    assert [(file.name, file.sha256, file.bytes) for file in origin.files] == [
        (name, sha256, None) for name, sha256 in zip(PUBLISHED, OTHER)
    ]
    assert not origin.published and published != other
    first = datasets.folder("mnist")
    assert first.parent == tmp_path and re.fullmatch("mnist-[0-9a-f]{8}", first.name)
    mnist_from(f"http://a {hashes(reversed(OTHER))}")
    assert datasets.folder("mnist") != first
    assert identify(RunConfig(dataset="mnist")).key not in (published, other)


def test_files_of_any_size_may_have_other_hashes_but_not_lie_where_the_published_ones_do(
    mnist_from, tmp_path
):
    for folder in (tmp_path, tmp_path / "mnist"):
        folder.mkdir(exist_ok=True)
        for name in PUBLISHED:
            (folder / name).write_bytes(b"short")
    mnist_from(f"http://a {hashes(OTHER)}")
    assert not datasets.is_available("mnist")
    datasets.folder("mnist").mkdir()
    for name in PUBLISHED:
        (datasets.folder("mnist") / name).write_bytes(b"short")
    assert datasets.is_available("mnist")
    mnist_from("")
    assert not datasets.is_available("mnist")


def test_the_published_hashes_spelt_out_change_nothing(mnist_from, tmp_path):
    mnist_from(f"http://a {hashes(PUBLISHED.values())}")
    assert checksum("mnist") == datasets.dataset_info("mnist").checksum
    assert datasets.folder("mnist") == tmp_path / "mnist"
    assert all(file.bytes for file in source("mnist").files)


@pytest.mark.parametrize(
    "value, problem",
    [
        ("ftp://a", "ftp://a is neither an address nor a folder"),
        ("mirror.example/data", "mirror.example/data is neither"),
        ("file://elsewhere/data", "file://elsewhere/data is neither"),
        ("~nobody-at-all/x", "~nobody-at-all/x is neither"),
        ("http://a sha256:12", "sha256:12 is not sha256: and 64 hexadecimal digits"),
        (f"http://a {hashes(OTHER[:3])}", "number of hashes 3, but 4 needed: of train-images"),
        (hashes(OTHER), "hashes need an address or a folder beside them"),
    ],
)
def test_a_bad_value_is_told_where_data_are_needed_and_only_there(mnist_from, value, problem):
    mnist_from(value)
    config = RunConfig(dataset="mnist")
    assert identify(config).key == identify(RunConfig(dataset="mnist")).key
    assert not datasets.is_available("mnist") and datasets.is_available("digits")
    for call in (
        lambda: datasets.load(config),
        lambda: datasets.download("mnist"),
        lambda: datasets.folder("mnist"),
    ):
        with pytest.raises(datasets.DatasetError) as caught:
            call()
        text = str(caught.value)
        assert text.startswith(f"NCENGINE_MIRROR_MNIST = {value!r}: ") and problem in text
        assert "Allowed" in text and "sha256:… for each of the 4 files" in text


def test_hashes_that_cannot_be_read_never_stand_for_the_published_ones(mnist_from):
    keys = {identify(RunConfig(dataset="mnist")).key}
    for value in ("http://a sha256:12", "http://a sha256:13", f"http://a {hashes(OTHER)}"):
        mnist_from(value)
        keys.add(identify(RunConfig(dataset="mnist")).key)
    assert len(keys) == 4


def test_what_has_no_files_has_no_source(monkeypatch):
    monkeypatch.setenv("NCENGINE_MIRROR_DIGITS", "sha256:nonsense")
    assert len(datasets.load(RunConfig(samples_per_class=2)).train) == 20
    assert checksum("digits") == datasets.dataset_info("digits").checksum


def test_files_in_a_named_folder_are_used_where_they_are(mnist_from, tmp_path):
    place = tmp_path / "else where"
    place.mkdir()
    for name in PUBLISHED:
        (place / name).write_bytes(name.encode())
    given = hashes(hashlib.sha256(name.encode()).hexdigest() for name in PUBLISHED)
    mnist_from(f"{place.as_uri()} {given}")
    assert datasets.is_available("mnist")
    seen = []
    datasets.download("mnist", lambda done, total: seen.append((done, total)))
    assert not datasets.folder("mnist").exists()
    assert seen[-1] == (sum(map(len, PUBLISHED)),) * 2

    (place / next(iter(PUBLISHED))).write_bytes(b"changed")
    with pytest.raises(datasets.DatasetDamaged) as caught:
        datasets.load(RunConfig(dataset="mnist"))
    assert "it is left as it is, since NCENGINE_MIRROR_MNIST names its folder" in str(caught.value)
    assert str(caught.value).endswith("right files there, or change NCENGINE_MIRROR_MNIST.")
    assert sorted(path.name for path in place.iterdir()) == sorted(PUBLISHED)
    with pytest.raises(datasets.DownloadError, match="its size or its SHA-256 differs"):
        datasets.download("mnist")
    (place / next(iter(PUBLISHED))).unlink()
    with pytest.raises(datasets.DatasetMissing, match=re.escape(str(place))):
        datasets.load(RunConfig(dataset="mnist"))
    with pytest.raises(datasets.DownloadError, match="no such file"):
        datasets.download("mnist")
