"""Pickles of arrays: what every writer makes is read, and nothing else is made or run."""

import pickle
import pickletools
import sys
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ncengine.datasets.readers import pickled
from ncengine.datasets.readers.pickled import Array, Refused, load

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)
WHOLE = st.one_of(
    arrays.integer_dtypes(endianness="?"), arrays.unsigned_integer_dtypes(endianness="?")
)


@given(
    array=arrays.arrays(WHOLE, arrays.array_shapes(min_dims=0, max_dims=4, min_side=0)),
    turned=st.integers(0, 5),
    protocol=st.sampled_from(PROTOCOLS),
)
def test_arrays_of_whole_numbers_come_back_as_they_were(array, turned, protocol):
    array = np.moveaxis(array, 0, turned % array.ndim) if array.ndim else array
    found = load(pickle.dumps({"a": [array, array[..., :1]] if array.ndim else [array]}, protocol))
    for one, original in zip(found["a"], [array, array[..., :1]] if array.ndim else [array]):
        assert isinstance(one, Array)
        np.testing.assert_array_equal(one.whole_numbers(), original)
        assert one.whole_numbers().dtype == original.dtype


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.binary()
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text() | st.binary(), inner) | st.tuples(inner)
    ),
    max_leaves=20,
)


@given(value=PLAIN, protocol=st.sampled_from(PROTOCOLS))
def test_plain_containers_come_back_as_they_were(value, protocol):
    assert load(pickle.dumps(value, protocol)) == value


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_scalars_and_arrays_that_lay_in_a_file(protocol, tmp_path):
    kept = np.memmap(tmp_path / "kept", np.uint8, "w+", shape=(3, 4))
    kept[:] = np.arange(12).reshape(3, 4)
    found = load(pickle.dumps([np.int64(-3), np.uint8(200), kept[1:]], protocol))
    assert [int(one.whole_numbers()) for one in found[:2]] == [-3, 200]
    np.testing.assert_array_equal(found[2].whole_numbers(), kept[1:])


def of_python_2(protocol):
    """{'data': array([[0, 128, 255]], uint8), 'labels': [7]}, as Python 2 writes it."""
    if protocol == 2:
        return (
            b"\x80\x02}q\x00(U\x04dataq\x01cnumpy.core.multiarray\n_reconstruct\nq\x02cnumpy\n"
            b"ndarray\nq\x03K\x00\x85U\x01b\x87Rq\x04(K\x01K\x01K\x03\x86cnumpy\ndtype\nq\x05"
            b"U\x02u1K\x00K\x01\x87Rq\x06(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
            b"\x89U\x03\x00\x80\xfftbU\x06labelsq\x07]q\x08K\x07au."
        )
    return (
        b"(dp0\nS'data'\np1\ncnumpy.core.multiarray\n_reconstruct\np2\n(cnumpy\nndarray\np3\n(I0\n"
        b"tS'b'\ntRp4\n(I1\n(I1\nI3\ntcnumpy\ndtype\np5\n(S'u1'\nI0\nI1\ntRp6\n(I3\nS'|'\nNNNI-1\n"
        b"I-1\nI0\ntbI00\nS'\\x00\\x80\\xff'\ntbsS'labels'\np7\n(lp8\nI7\nas."
    )


@pytest.mark.parametrize("protocol", [0, 2])
def test_what_python_2_wrote(protocol):
    content = of_python_2(protocol)
    plain = pickle.loads(content, encoding="bytes")
    found = load(content)
    assert found[b"labels"] == plain[b"labels"] == [7]
    np.testing.assert_array_equal(found[b"data"].whole_numbers(), plain[b"data"])
    assert plain[b"data"].tolist() == [[0, 128, 255]]


@pytest.mark.parametrize(
    "array",
    [
        np.array([None]),
        np.array([1.0]),
        np.array(["a"]),
        np.array([b"a"]),
        np.array([True]),
        np.array([1j]),
        np.array(["2020"], "M8[s]"),
        np.zeros(2, [("a", "i4"), ("b", "O")]),
    ],
    ids=lambda array: str(array.dtype),
)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_other_arrays_are_passed_over_until_they_are_asked_for(array, protocol):
    found = load(pickle.dumps([array, 1], protocol))
    assert found[1] == 1
    with pytest.raises(ValueError, match="not whole numbers|without bytes"):
        found[0].whole_numbers()


class Calls:
    def __init__(self, *reduced):
        self.reduced = reduced

    def __reduce__(self):
        return self.reduced


class Plain:
    """A class of this module, of which an object would be made."""


HARMFUL = {
    "a function": Calls(exec, ("import sys; sys.harmed = 1",)),
    "a text in another encoding": Calls(__import__("_codecs").encode, ("a", "rot13")),
    "bytes of a number": Calls(bytes, (2**33,)),
    "a class": Plain(),
    "a type of numpy's": Calls(np.dtype, (object,), {"a": 1}),
    "a list that is changed": Calls(list, ()),
    "a set": {1},
    "numpy's own reader": Calls(np.frombuffer, (b"a",)),
    "a function of numpy's that is changed": Calls(
        np.array(0).__reduce__()[0], (np.ndarray, (0,), b"b"), ("a",)
    ),
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", sorted(HARMFUL.keys() - {"a type of numpy's"}))
def test_nothing_that_could_run_or_change_anything_is_admitted(name, protocol):
    with pytest.raises(Refused, match="not admitted|unknown form"):
        load(pickle.dumps([HARMFUL[name]], protocol))
    assert not hasattr(sys, "harmed")


# A tuple of twice the same tuple of twice the same, and so on: short to write, and long to show.
NESTED = b")" + b"2\x86" * 24
BUILT = b"cnumpy.core.multiarray\n_reconstruct\n"


@pytest.mark.parametrize(
    "content, problem",
    [
        (BUILT + b"(NN}X\x0c\x00\x00\x00__defaults__K\x01stb.", "would change a function"),
        (b"cnumpy\nndarray\n}X\x01\x00\x00\x00aK\x01sb.", "would change a function"),
        (b"cnumpy\ndtype\n}b.", "would change a function"),
        (b"cnumpy\nndarray\n)R.", "not a readable pickle"),
        (b"cos\nsystem\n(S'true'\ntR.", "os.system, which is not admitted"),
        (b"(S'true'\nios\nsystem\n.", "the step INST"),
        (b"(cos\nsystem\nS'true'\no.", "the step OBJ"),
        (b"\x80\x02cnumpy\nndarray\n)\x81.", "the step NEWOBJ"),
        (b"\x80\x02\x82\x01.", "the step EXT1"),
        (b"Pname\n.", "the step PERSID"),
        (b"\x80\x05\x97.", "the step NEXT_BUFFER"),
        (b"]}b.", "not a readable pickle"),
        # Memory that nothing needs: numbers of objects, lengths, and one text made many times.
        (b"\x80\x02Nr\xff\xff\xff\xff.", "numbers its objects without need"),
        (b"Np4000000000\n.", "numbers its objects without need"),
        (b"Np-1\n.", "numbers its objects without need"),
        (b"\x80\x04\x8e" + (2**62).to_bytes(8, "little") + b"a.", "ends before it should"),
        (b"\x80\x04\x95" + (2**62).to_bytes(8, "little") + b"N.", "not a readable pickle"),
        (
            b"\x80\x02c_codecs\nencode\nq\x00X\x00\x00\x10\x00" + b"a" * 2**20 + b"q\x01X\x06\x00"
            b"\x00\x00latin1q\x02000" + b"h\x00h\x01h\x02\x86R0" * 10_000 + b"N.",
            "unpacks to more than it holds",
        ),
        (b"\x80\x02(" + b"(l" * 10**5, "ends before it should"),
        (b"\x80\x02c_codecs\nencode\n(X\x01\x00\x00\x00a" + NESTED + b"tR.", "in a tuple"),
    ],
    ids=range(20),
)
def test_hostile_bytes_are_refused_and_take_no_memory(content, problem):
    tracemalloc.start()
    try:
        with pytest.raises(Refused, match=problem):
            load(content)
        assert tracemalloc.get_traced_memory()[1] < 8 * len(content) + 2**21
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "kind, axes, problem",
    [
        (NESTED + b"\x85R", b"N", "elements of the type a tuple"),
        (b"X\x02\x00\x00\x00u1\x85R(N" + NESTED + b"tb", b"N", "the byte order a tuple"),
        (b"X\x02\x00\x00\x00u1\x85R", NESTED, "axes are no numbers"),
    ],
)
def test_what_is_long_to_show_is_not_shown(kind, axes, problem):
    content = b"C\x01aq\x00cnumpy\ndtype\n" + kind + b"K\x01\x85X\x01\x00\x00\x00K" + axes
    found = load(b"\x80\x03cnumpy.core.numeric\n_frombuffer\n(" + content + b"tR.")
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=problem):
            found.whole_numbers()
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_no_more_steps_are_taken_than_any_data_need(monkeypatch):
    monkeypatch.setattr(pickled, "MOST_STEPS", 1000)
    assert load(b"N0" * 499 + b"N.") is None
    with pytest.raises(Refused, match="of more than 1,000 steps"):
        load(b"N0" * 500 + b"N.")


@given(
    st.sampled_from(PROTOCOLS),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=4),
)
def test_whatever_is_damaged_is_read_or_refused_and_raises_nothing_else(protocol, changes):
    value = {"data": np.arange(9, dtype=np.uint8).reshape(3, 3), b"x": [np.int64(3), "é", 2.5]}
    content = bytearray(pickle.dumps(value, protocol))
    for place, byte in changes:
        content[int(place * len(content))] = byte
    try:
        found = load(bytes(content))
        arrays_found = [v for v in found.values() if isinstance(v, Array)]
    except Refused:
        return
    except AttributeError:  # it holds something else than a dictionary now
        return
    for one in arrays_found:
        try:
            assert one.whole_numbers().nbytes <= len(content)
        except ValueError:
            pass


def test_every_step_that_is_admitted_is_one():
    names = {opcode.name for opcode in pickletools.opcodes}
    assert names >= pickled._ADMITTED
    assert names - pickled._ADMITTED == {
        *("INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4", "PERSID", "BINPERSID"),
        *("NEXT_BUFFER", "READONLY_BUFFER", "EMPTY_SET", "ADDITEMS", "FROZENSET"),
    }
