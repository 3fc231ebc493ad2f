"""A file of a run may come from anywhere: what is none is refused in words, and does no harm."""

import io
import json
import pickle
import struct
import tracemalloc
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest

from ncengine.runs import npz
from ncengine.runs.needed import ALL, most_bytes
from ncengine.runs.seal import sealed
from ncengine.runs.whole import load, read
from ncengine.version import ENGINE_VERSION
from tests.engine.conftest import SMALL
from tests.engine.made_up import assert_same


def rewritten(content, entry=None, drop=(), **members):
    """The file with another entry, sealed anew, without some members, and with others."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(out, "w") as after:
        for name in before.namelist():
            if name == "entry.json" and entry is not None:
                rest = json.loads(before.read(name))
                del rest["sha256"]
                after.writestr(name, json.dumps(sealed(entry(rest))))
            elif name not in drop and name not in members:
                after.writestr(name, before.read(name))
        for name, text in members.items():
            after.writestr(name, text)
    return out.getvalue()


def npy(array, **options):
    file = io.BytesIO()
    np.lib.format.write_array(file, array, **options)
    return file.getvalue()


def refusal(content):
    with pytest.raises(npz.Unsound) as caught:
        read(io.BytesIO(content))
    return str(caught.value)


def test_a_pickle_inside_is_refused_and_not_run(content, tmp_path):
    ran = tmp_path / "ran"

    class Harm:
        def __reduce__(self):
            return Path.touch, (ran,)

    harmful = np.array([Harm()], object)
    for array in (npy(harmful, allow_pickle=True), pickle.dumps(Harm())):
        said = refusal(rewritten(content, **{"curves/nc1.npy": array}))
        assert said.startswith("curves/nc1.npy: ")
        said = refusal(rewritten(content, **{"more.npy": array}))
        assert "more" in said
    assert not ran.exists()


def test_what_a_run_has_not_is_refused_by_name(content):
    assert refusal(rewritten(content, **{"script.py": "1"})) == (
        "script.py: a run has no such member"
    )
    assert refusal(rewritten(content, **{"curves/other.npy": npy(np.zeros(3))})) == (
        "curves/other: a run has no such array"
    )
    assert refusal(rewritten(content, drop=["geometry/labels.npy"])) == (
        "geometry/labels: it is not there"
    )
    assert refusal(rewritten(content, drop=["entry.json"])) == "entry.json: it is not there"


def test_what_is_quoted_of_a_file_moves_no_cursor_and_is_short(content):
    for name in (
        "\x1b[2J\x07.npy",
        "\u202egpj.npy",
        "a\nb.npy",
        "\x1b]0;title\x07",
        "curves/" * 999,
    ):
        said = refusal(rewritten(content, **{name: npy(np.zeros(3))}))
        assert said.isprintable() and len(said) <= 300
    for changed in ({"key": "\x1b[2J"}, {"config": "1" * 9999}, {"passes": "9" * 9999}):
        said = refusal(rewritten(content, lambda entry, new=changed: {**entry, **new}))
        assert said.isprintable() and len(said) <= 300


@pytest.mark.parametrize(
    "array, said",
    [
        (np.zeros((3, 2), np.float32), "curves/nc1: type f4, must be f8"),
        (np.zeros((3, 2), ">f8"), "curves/nc1.npy: its numbers have their first byte last"),
        (np.zeros((2, 3), "f8", order="F"), "curves/nc1.npy: type float64, must be plain numbers"),
        (np.zeros(3), "curves/nc1: shape (3,), must have 2 axes"),
        (np.zeros((3, 5)), "curves/nc1: shape (3, 5), T must be "),
        (np.zeros((9999, 2)), "curves/nc1: shape (9999, 2), T can be "),
        (np.zeros((1, 2)), "T must be "),
        (np.zeros((3, 2), "c16"), "curves/nc1.npy: type complex128"),
        (np.zeros((3, 2), [("a", "f8")]), "curves/nc1.npy: type "),
    ],
)
def test_an_array_of_another_form_is_refused(content, array, said):
    assert said in refusal(rewritten(content, **{"curves/nc1.npy": npy(array)}))


def test_numbers_that_point_nowhere_are_refused(content):
    for name, value, said in (
        ("geometry/labels", 3, "geometry/labels: must be from 0 to 2"),
        ("geometry/sample_index", 10**6, "geometry/sample_index: must be from 0 to 23"),
        ("layers/index", 10**6, "layers/index: must be from 0 to "),
    ):
        with np.load(io.BytesIO(content)) as archive:
            array = archive[name].copy()
        array[-1] = value
        assert said in refusal(with_arrays(content, {name: array}))


def with_arrays(content, changed):
    """The file with other arrays, for which it is sealed anew: by who wants it to be believed."""
    entry, arrays = npz.read(io.BytesIO(content), lambda *_: None)
    file = io.BytesIO()
    npz.write(file, entry, {**arrays, **changed})
    return file.getvalue()


def test_a_later_engine_and_a_later_format_are_told(content):
    later = str(int(ENGINE_VERSION) + 1)
    said = refusal(rewritten(content, lambda entry: {**entry, "engine_version": later}))
    assert said == (
        f"entry.json: written by a later engine, version {later}: this one cannot read it"
    )
    assert "later engine" in refusal(
        rewritten(content, lambda entry: {**entry, "format_version": 2})
    )


@pytest.mark.parametrize(
    "changed, said",
    [
        ({"key": "0" * 20}, "key = "),
        ({"config": []}, "config = []: must be an object"),
        ({"config": {"depth": -1}}, "depth"),
        ({"status": "running"}, "status = 'running'"),
        ({"passes": "many"}, "passes = 'many'"),
        ({"shown_seed": 77}, "shown_seed = 77"),
        ({"not_recorded": ["x"]}, "not_recorded"),
        ({"format": "a cake"}, "it is not that of a run"),
        ({"seeds": []}, "seeds: 0, must be 2"),
        ({"device": {"a": 1}}, "device"),
        ({"version": "1"}, "version: must be that of engine_version"),
        ({"version": None}, "version: must be"),
    ],
)
def test_an_entry_that_cannot_be_is_refused(content, changed, said):
    assert said in refusal(rewritten(content, lambda entry: {**entry, **changed}))


def test_an_entry_that_was_changed_is_refused(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entry = json.loads(archive.read("entry.json"))
    changed = json.dumps({**entry, "seconds": 1.5})
    assert refusal(rewritten(content, **{"entry.json": changed})) == (
        "entry.json: its checksum differs"
    )
    assert refusal(rewritten(content, **{"entry.json": "[" * 100_000})).startswith("entry.json: ")


def peak(content):
    """What reading takes of memory at most, in bytes, and what came of it."""
    tracemalloc.start()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            read(io.BytesIO(content))
        came = ""
    except npz.Unsound as error:
        came = str(error)
    finally:
        _, taken = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return taken, came


def bomb(size):
    """A member that unpacks to so many zeros."""
    file = io.BytesIO()
    head = {"descr": "<f8", "fortran_order": False, "shape": (size // 8,)}
    np.lib.format.write_array_header_1_0(file, head)
    return file.getvalue() + bytes(size)


def test_what_unpacks_to_more_than_a_run_has_is_refused_before_it_takes_memory(content):
    size = 200 * 2**20
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before:
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as after:
            for name in before.namelist():
                if name != "curves/epoch.npy":
                    after.writestr(name, before.read(name))
            after.writestr("curves/epoch.npy", bomb(size))
    assert len(out.getvalue()) < 2**20
    taken, came = peak(out.getvalue())
    assert came.startswith("curves/epoch: shape (26214400,), T can be ")
    assert taken < 16 * 2**20
    entry = rewritten(content, **{"entry.json": b" " * 2**25})
    taken, came = peak(entry)
    assert came == "entry.json: more than 4,194,304 bytes" and taken < 64 * 2**20


def test_a_list_of_members_without_end_is_refused_before_it_is_read(content):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for n in range(1500):
            archive.writestr(f"{n}.npy", b"")
    assert "1,500 members, more than any run has" in refusal(out.getvalue())
    twice = io.BytesIO(content)
    with warnings.catch_warnings(), zipfile.ZipFile(twice, "a") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("parameters.npy", b"")
    assert refusal(twice.getvalue()) == "parameters.npy: it is there twice"


def test_a_list_that_is_longer_than_its_end_tells_is_refused():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for n in range(1500):
            archive.writestr(f"{n}.npy", b"")
    told = bytearray(out.getvalue())
    told[-14:-10] = struct.pack("<2H", 3, 3)
    assert refusal(bytes(told)) == "1,500 members, more than any run has"


def mutated(content, rng):
    """The file with one thing or several in it wrong."""
    data = bytearray(content)
    kind = rng.integers(6)
    if kind == 0:
        for _ in range(rng.integers(1, 9)):
            data[rng.integers(len(data))] ^= 1 << rng.integers(8)
    elif kind == 1:
        del data[rng.integers(len(data)) :]
    elif kind == 2:
        start = rng.integers(len(data))
        del data[start : start + rng.integers(1, 4000)]
    elif kind == 3:  # a member under another name
        names = [name.encode() for name in ALL]
        old, new = rng.choice(names, 2)
        data = bytearray(bytes(data).replace(bytes(old), bytes(new)[: len(old)].ljust(len(old))))
    elif kind == 4:  # sizes that are not so, in the list of members
        places = [n for n in range(len(data) - 46) if data[n : n + 4] == b"PK\1\2"]
        place = int(rng.choice(places))
        sizes = rng.integers(0, 2**32, 2, dtype=np.uint64)
        data[place + 20 : place + 28] = struct.pack("<2L", *map(int, sizes))
    else:  # in the numbers at the end and wherever one follows another archive's
        place = len(data) - int(rng.integers(1, 23))
        data[place] = int(rng.integers(256))
    return bytes(data)


def test_of_a_thousand_damaged_files_each_is_refused_in_words_or_read_whole(trained, content):
    rng, refused = np.random.default_rng(0), 0
    for _ in range(1000):
        damaged = mutated(content, rng)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                back = read(io.BytesIO(damaged))
        except npz.Unsound as error:
            refused += 1
            assert str(error).isprintable() and len(str(error)) < 400
            continue
        assert_same(trained, back)
    assert refused > 700


def test_damaged_files_take_no_more_memory_than_whole_ones(content):
    rng, whole_one = np.random.default_rng(1), peak(content)[0]
    assert whole_one < 4 * most_bytes(SMALL) + 2**22
    for _ in range(60):
        assert peak(mutated(content, rng))[0] < 2 * whole_one + 2**22


def test_a_file_that_is_none_is_refused_by_its_name(tmp_path):
    path = tmp_path / "picture.npz"
    for content in (b"", b"PK", b"GIF89a" + bytes(100), b"PK\5\6" + bytes(18)):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="picture.npz: "):
            load(path)
    with pytest.raises(OSError):
        load(tmp_path / "absent.npz")
