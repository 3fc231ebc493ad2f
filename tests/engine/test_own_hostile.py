"""Files from anywhere: each is refused in one line or read whole, and nothing in it is run."""

import io
import pickle
import re
import struct
import subprocess
import sys
import tracemalloc
import warnings
import zipfile
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import ncengine
from ncengine import own
from ncengine.own import reading
from ncengine.own.apart import Apart
from tests.engine.brought import (
    CLASSES,
    SAMPLES,
    WIDTH,
    arrays,
    csv,
    files,
    npy,
    npz,
    parquet,
    table,
)

ROOT, LONGEST = Path(__file__).resolve().parents[2], 300


@pytest.fixture(autouse=True, scope="module")
def one_process():
    """One process reads the tables of all tests, as long as none of them ends it."""
    with pytest.MonkeyPatch.context() as patch, Apart() as shared:
        patch.setattr(reading, "Apart", lambda: nullcontext(shared))
        yield shared


@pytest.fixture
def ran(tmp_path):
    """What would be there had anything in a file been run."""
    path = tmp_path / "ran"
    yield path
    assert not path.exists()


@pytest.fixture
def harm(ran):
    class Harm:
        def __reduce__(self):
            return Path.touch, (ran,)

    return Harm()


def came_of(contents, limits=own.UPLOADED):
    """What was read, or why not, in one line."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return own.read(files(contents), limits)
        except ValueError as error:
            said = str(error)
            assert said.isprintable() and len(said) < LONGEST, said
            return said


def peak(contents):
    """The same, and what it took of memory at most, in bytes."""
    tracemalloc.start()
    try:
        came = came_of(contents)
        return came, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def check_whole(brought):
    """What was read fits together, and is finite."""
    assert len(brought.name) < 100 and brought.classes != 1
    assert all("\n" not in note and len(note) < LONGEST for note in brought.notes)
    for one in brought.snapshots:
        if isinstance(one, own.Measured):
            assert np.isfinite([one.step, *one.figures.values()]).all()
            assert all(np.isfinite(values).all() for values in (one.points or {}).values())
            continue
        assert one.features.shape == (len(one.labels), brought.width)
        assert np.isfinite(one.features).all() and np.isfinite(one.step)
        assert set(one.labels) == set(range(brought.classes))
        for values, shape in (
            (one.weight, (brought.classes, brought.width)),
            (one.bias, (brought.classes,)),
        ):
            assert values is None or values.shape == shape and np.isfinite(values).all()
    if brought.class_names:
        assert len(brought.class_names) == brought.classes


def samples():
    made = arrays()
    return made["features"][0], made["labels"]


def saved(folder):
    """What a recorder saves."""
    made, recorder = arrays(), ncengine.Recorder()
    for n, (features, weight) in enumerate(zip(made["features"], made["weight"], strict=True)):
        recorder.observe(features, made["labels"], weight, step=n)
    return recorder.save(folder / "a.npz").read_bytes()


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    """Valid files of each format, by name."""
    made, (features, labels) = arrays(), samples()
    words = np.array(["ant", "bee", "cow"])[labels]
    rows, many = made["features"].reshape(-1, WIDTH), np.tile(labels, 3)
    epochs = np.repeat([0, 1, 2], SAMPLES)
    packed = io.BytesIO()
    np.savez_compressed(packed, **made, class_names=np.array(["a", "b", "c"]))
    beside = {"labels.npy": npy(labels)}
    return [
        {"a.npz": npz(**made)},
        {"a.npz": packed.getvalue()},
        {"a.npz": saved(tmp_path_factory.mktemp("saved"))},
        {"features.npy": npy(features), **beside},
        {"features.npy": npy(np.asfortranarray(made["features"]), version=(2, 0)), **beside},
        {"a.csv": csv(features, labels)},
        {"a.csv": csv(rows, np.tile(words, 3), epoch=epochs)},
        {"a.parquet": parquet(table(features, labels))},
        {"a.parquet": parquet(table(rows, pa.array(words[np.arange(len(many)) % SAMPLES])))},
        {"a.parquet": parquet(table(features, labels), compression="zstd")},
    ]


def flipped(data, rng):
    for _ in range(rng.integers(1, 9)):
        data[rng.integers(len(data))] ^= 1 << rng.integers(8)


def cut(data, rng):
    del data[rng.integers(len(data)) :]


def torn(data, rng):
    start = rng.integers(len(data))
    del data[start : start + rng.integers(1, 200)]


def doubled(data, rng):
    start = rng.integers(len(data))
    data[start:start] = data[start : start + rng.integers(1, 200)]


def lengths(data, rng):
    """Other numbers where a head, a list of members or a foot says how long something is."""
    marks = [b"\x93NUMPY", b"PK\1\2", b"PK\3\4", b"PK\5\6", b"PAR1", b"\n"]
    places = [n for n in range(len(data)) if any(data.startswith(m, n) for m in marks)]
    place = int(rng.choice(places)) + int(rng.integers(-8, 40))
    data[max(0, place) : max(0, place) + 4] = struct.pack("<L", int(rng.integers(2**32)))


def words(data, rng):
    """Another text where the file has one: types, shapes, names, numbers."""
    pairs = [
        (b"'<f4'", b"'|O8'"),
        (b"'<f4'", b"'<c8'"),
        (b"'<i8'", b"'<M8'"),
        (b"(3, 24, 5)", b"(3, 24, 9)"),
        (b"(24,", b"(-2,"),
        (b"False", b"True "),
        (b"features", b"../../xy"),
        (b"labels", b"bias.x"),
        (b"label", b'"abel'),
        (b"f0", b'"0'),
        (b",", b"\xff"),
        (b"-0.", b"nan"),
        (b"0.", b"=1"),
        (b"f1", b"\0\0"),
    ]
    old, new = pairs[rng.integers(len(pairs))]
    data[:] = bytes(data).replace(old, new, int(rng.integers(1, 4)))


MUTATIONS = (flipped, cut, torn, doubled, lengths, words)


def mutated(contents, rng):
    """The files with one of them damaged."""
    name = list(contents)[int(rng.integers(len(contents)))]
    data = bytearray(contents[name])
    MUTATIONS[rng.integers(len(MUTATIONS))](data, rng)
    return {**contents, name: bytes(data)}


def test_of_a_thousand_damaged_files_each_is_refused_in_words_or_read_whole(ran, originals):
    rng, valid, refused = np.random.default_rng(0), originals, 0
    for contents in valid:
        check_whole(came_of(contents))
    for n in range(1000):
        came = came_of(mutated(valid[n % len(valid)], rng))
        if isinstance(came, str):
            refused += 1
        else:
            check_whole(came)
    assert 500 < refused < 1000


def test_damaged_files_take_little_more_memory_than_whole_ones(originals):
    rng, valid = np.random.default_rng(1), originals
    whole = max(peak(contents)[1] for contents in valid)
    for n in range(120):
        assert peak(mutated(valid[n % len(valid)], rng))[1] < 2 * whole + 2**22


def test_what_is_read_whole_of_damaged_files_can_be_measured(tmp_path, originals):
    rng, valid, measured = np.random.default_rng(2), originals, 0
    for n in range(200):
        came = came_of(mutated(valid[n % len(valid)], rng))
        if not isinstance(came, str) and measured < 30:
            own.record(came, tmp_path)
            measured += 1
    assert measured == 30


def member(name, content):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for called, one in {
            **{f"{n}.npy": npy(v) for n, v in arrays().items()},
            name: content,
        }.items():
            archive.writestr(called, one)
    return out.getvalue()


def test_pickles_are_refused_in_words_and_not_run(harm):
    objects = np.array([harm] * SAMPLES, object)
    pickled = npy(objects, allow_pickle=True)
    said = "holds Python objects, which are pickled; nothing is unpickled here"
    assert said in came_of({"a.npz": member("labels.npy", pickled)})
    assert said in came_of({"features.npy": pickled})
    assert "cannot be read" in came_of({"a.npz": member("labels.npy", pickle.dumps(harm))})
    assert "cannot be read" in came_of({"features.npy": pickle.dumps(harm)})
    assert "cannot be read" in came_of({"a.npz": pickle.dumps(harm)})


def test_names_within_an_archive_are_no_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("../x.npy", "/tmp/x.npy", "..\\x.npy", "a/../../x.npy", "x\n\x1b[31m.npy"):
        came = came_of({"a.npz": member(name, npy(np.zeros(3)))})
        check_whole(came)
        assert "is not read" in came.notes[0] and came.notes[0].isprintable()
    assert "../evil.py: is no array" in came_of({"a.npz": member("../evil.py", b"1")})
    assert list(tmp_path.iterdir()) == []


def test_an_entry_that_is_there_twice_is_refused():
    out = io.BytesIO(npz(**arrays()))
    with warnings.catch_warnings(), zipfile.ZipFile(out, "a") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("labels.npy", npy(np.zeros(3)))
    assert "labels.npy: it is there twice" in came_of({"a.npz": out.getvalue()})


def head(kind, shape):
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file, {"descr": kind, "fortran_order": False, "shape": shape}
    )
    return file.getvalue()


class Counted(io.BytesIO):
    """Counts the bytes that are read of it."""

    taken = 0

    def read(self, size=-1):
        content = super().read(size)
        self.taken += len(content)
        return content


def test_what_unpacks_to_too_much_is_refused_before_it_takes_memory():
    size = 300 * 2**20
    bomb = head("<f4", (size // 4 // WIDTH, WIDTH)) + bytes(size // 4 // WIDTH * WIDTH * 4)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("features.npy", bomb)
        archive.writestr("labels.npy", npy(np.zeros(3)))
    content = out.getvalue()
    assert len(content) < 2**20
    said, taken = peak({"a.npz": content})
    assert "all files together may take 268,435,456" in said and taken < 2**22
    # The work is that of the list of members, and not of what they unpack to.
    file = Counted(content)
    with pytest.raises(ValueError):
        own.read([("a.npz", file)])
    assert file.taken < len(content) / 4


def test_heads_that_promise_more_than_there_is_are_refused_before_it_takes_memory():
    for kind, shape in (
        ("<f4", (10**9, 64)),
        ("<f8", (2**62, 2**62)),
        ("<U1000000", (10**6,)),
        ("<U0", (10**15,)),
        ("<f4", (1,) * 40),
        ("<f4", (0, 10**30)),
    ):
        said, taken = peak({"features.npy": head(kind, shape), "labels.npy": npy(np.zeros(3))})
        assert isinstance(said, str) and taken < 2**22
    said, taken = peak({"features.npy": b"\x93NUMPY\2\0" + b"\xff" * 4 + b"(" * 10**6})
    assert "cannot be read" in said and taken < 2**24


@pytest.mark.parametrize(
    "content, said",
    [
        (b",".join(b"f%d" % n for n in range(10**5)) + b",label\n", "100,001 columns; 16,384"),
        (b'f0,label\n"1,0\n2,1\n' + b"3,1\n" * 9, "a.csv: "),
        (b"f0,label\n=cmd|' /C calc'!A0,0\n2,1\n", "no features"),
        (b"f0,label\n1,0\n2\n", "a.csv: cannot be read"),
        (b"f0,label\n1,0\n2,\n", "a.csv: label[1] = nan"),
        (b"f0,label\n1,ant\n2,\n", "a.csv: label[1] is empty"),
        (b"f0,f0,label\n1,2,0\n2,3,1\n", "two columns are called 'f0'"),
        (b"f0,label,class\n1,2,0\n2,3,1\n", None),
        ("f0,label\n1,é\n2,b\n".encode("latin-1"), "a.csv: "),
        ("f0,label\n1,0\n2,1\n".encode("utf-16"), "a.csv: is no text in UTF-8"),
        ("f0,label\n1,日\n2,本\n".encode("utf-8-sig"), None),
        (b"f0,label\n", "a.csv: "),
        (b"\n\n\n", "a.csv: "),
        (b"f0,label\n1e400,0\n2,1\n", "features[0, 0] = inf"),
        (b"f0,label\n1,0\n,1\n", "a.csv: features[1, 0] = nan; must be a finite number"),
    ],
)
def test_tables_that_are_none(content, said):
    came = came_of({"a.csv": content})
    if said is None:
        check_whole(came)
    else:
        assert said in came


def test_a_table_of_more_cells_than_fit_is_refused_before_it_is_read():
    content = b"f0,label\n" + b",\n" * 2**24
    said, taken = peak({"a.csv": content})
    assert "all files together may take" in said and taken < 2**23


def of_column(column):
    return {"a.parquet": parquet(pa.table({"h": column, "label": [0, 1] * (len(column) // 2)}))}


def test_columns_of_other_types_are_refused_or_read():
    decimal = pa.array([1, 2, 3, 4], pa.decimal128(20, 5))
    check_whole(came_of(of_column(decimal)))
    check_whole(came_of(of_column(pa.array([1, 2, 3, 4], pa.float16()))))
    check_whole(came_of(of_column(pa.array([1, 2, 3, 4]).dictionary_encode())))
    check_whole(came_of(of_column(pa.array([[1.0, 2], [3, 4]] * 2, pa.list_(pa.float32(), 2)))))
    uneven = pa.array([[1.0, 2], [3]])
    assert "lists must all be of one length" in came_of(of_column(uneven))
    assert "lists must all be of one length" in came_of(of_column(pa.array([[1.0], None])))
    assert "features[1, 1] = nan" in came_of(of_column(pa.array([[1.0, 2], [3, None]])))
    for odd in (
        pa.array([{"a": 1}, {"a": 2}]),
        pa.array([[[1.0]], [[2.0]]]),
        pa.array([[("a", 1)], []], pa.map_("string", "int64")),
        pa.array([b"a", b"b"]),
        pa.array([0, 1], pa.timestamp("s")),
    ):
        assert came_of(of_column(odd)) == "a.parquet: there are no features"


def test_few_bytes_that_stand_for_many_numbers_are_refused_before_they_are_read():
    rows = 2**23
    same = pa.table({f"f{n}": np.zeros(rows, np.int8) for n in range(6)})
    content = parquet(same.append_column("label", pa.array(np.zeros(rows, np.int8))))
    assert len(content) < 2**20
    said, taken = peak({"a.parquet": content})
    assert "all files together may take" in said and taken < 2**22


def most_taken(process):
    """Bytes that another process has taken at most."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return 1024 * int(re.search(r"VmHWM:\s+(\d+)", status)[1])


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not tell")
def test_a_text_that_comes_often_is_held_once(one_process):
    rows, text = 2**18, "x" * 2**14
    coded = pa.DictionaryArray.from_arrays(np.arange(rows) % 2, [text + "a", text + "b"])
    of = pa.table({"f0": np.arange(float(rows)), "label": coded})
    content = parquet(of, store_schema=False)  # without, it says nothing of a dictionary
    one_process.end()
    check_whole(came_of({"a.parquet": parquet(table(*samples()))}))
    before = most_taken(one_process._process)
    came = came_of({"a.parquet": content})
    assert came == "a.parquet: label[0] has 16,385 characters; a class has 80 at most"
    # Each by itself they would take 4 GB.
    assert most_taken(one_process._process) - before < 2**28


def test_a_process_that_ends_at_a_table_is_told_and_the_next_one_is_read(one_process):
    good = {"a.parquet": parquet(table(*samples()))}
    check_whole(came_of(good))
    one_process._process.kill()
    one_process._process.wait()
    assert came_of(good) == "a.parquet: is damaged, or takes too much to be read"
    check_whole(came_of(good))


@pytest.mark.skipif(sys.platform != "linux", reason="the system does not count so")
def test_the_process_that_reads_tables_is_bounded():
    code = "from ncengine.own.child import _limit; _limit(0); bytes(5 * 2**30)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=ROOT, text=True)
    assert ended.returncode and "MemoryError" in ended.stderr


def test_floods_of_what_is_no_number_are_said_by_the_first():
    made = arrays()
    for value in (np.nan, np.inf, 1e31):
        flood = np.full((3, SAMPLES, WIDTH), value)
        said = came_of({"a.npz": npz(**{**made, "features": flood})})
        assert said == f"a.npz: features[0, 0] = {value}; must be a finite number, of 1e+30 at most"
    large = {**made, "labels": made["labels"].astype(float) + 1e300}
    assert "must be a whole number" in came_of({"a.npz": npz(**large)})


@pytest.mark.parametrize(
    "name", ["../../etc/x.npz", "C:\\x\\a.npz", "a\nb\x1b[0m.npz", "n" * 5000 + ".npz", "日本.npz"]
)
def test_names_of_files_are_shown_and_nothing_more(name):
    came = came_of({name: npz(**{**arrays(), "labels": np.zeros(3)})})
    assert isinstance(came, str) and "/" not in came and "\\" not in came


def test_degenerate_samples_are_measured(tmp_path):
    labels = np.arange(SAMPLES) % CLASSES
    for features in (
        np.zeros((SAMPLES, WIDTH)),
        np.eye(CLASSES, WIDTH)[labels],
        np.ones((SAMPLES, 1)),
    ):
        for weight in (None, np.zeros((CLASSES, features.shape[1]))):
            parts = {} if weight is None else {"weight": weight}
            came = came_of({"a.npz": npz(features=features, labels=labels, **parts)})
            check_whole(came)
            own.record(came, tmp_path)
