"""Archives whose headers promise more than any data set has."""

import gzip
import tarfile
from functools import partial

import pytest

from ncengine.datasets import DatasetDamaged
from ncengine.datasets.readers.cifar10 import TRAIN_BATCHES, read_cifar10
from ncengine.datasets.readers.idx import read_idx
from ncengine.datasets.readers.reviews import read_reviews

READERS = [
    (read_cifar10, f"cifar-10-batches-py/{TRAIN_BATCHES[0]}"),
    (read_reviews, "aclImdb/train/neg/0_1.txt"),
]


@pytest.mark.parametrize(("read", "name"), READERS)
@pytest.mark.parametrize("size", [2**33, 2**62])
@pytest.mark.parametrize("sparse", [False, True])
def test_a_member_of_a_huge_size_is_damage_and_not_read(tmp_path, read, name, size, sparse):
    member = tarfile.TarInfo(name)
    if sparse:
        member.size = 512
        member.pax_headers = {
            "GNU.sparse.map": "0,0",
            "GNU.sparse.size": str(size),
            "GNU.sparse.name": name,
        }
        header = member.tobuf(tarfile.PAX_FORMAT)
    else:
        member.size = size
        header = member.tobuf(tarfile.GNU_FORMAT)
    path = tmp_path / "archive.tar.gz"
    path.write_bytes(gzip.compress(header + bytes(2048)))
    with pytest.raises(DatasetDamaged, match=f"{name} in .* has {size} bytes"):
        read(path)


@pytest.mark.parametrize("read", [read for read, _ in READERS])
def test_an_odd_number_in_a_header_is_damage(tmp_path, read):
    member = tarfile.TarInfo("any")
    member.size = 512
    member.pax_headers = {"GNU.sparse.map": "0,none", "GNU.sparse.size": "1"}
    path = tmp_path / "archive.tar.gz"
    path.write_bytes(gzip.compress(member.tobuf(tarfile.PAX_FORMAT) + bytes(2048)))
    with pytest.raises(DatasetDamaged):
        read(path)


@pytest.mark.parametrize("read", [*(read for read, _ in READERS), partial(read_idx, dimensions=1)])
def test_what_cannot_be_opened_is_told_without_the_systems_number(tmp_path, read):
    with pytest.raises(DatasetDamaged, match="readable.*: no such file") as caught:
        read(tmp_path / "gone")
    assert "Errno" not in str(caught.value)
